import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.session.scribble import Scribbler, a_measurement, fingerprint
from tests.session.test_journal import a_session
from viewer.errors import InputRefused, Unsupported
from viewer.session.edits import AddMeasurement
from viewer.session.process import is_living, own_start
from viewer.session.recovery import discard, recover, summary, unfinished
from viewer.session.session import Session

ROOT = Path(__file__).parents[2]
_N_HANDS = 4


def expected_after(seed: int, n_steps: int) -> Session:
    session = Session()
    hand = Scribbler(session, seed)
    for _ in range(n_steps):
        hand.step()
    return session


def undo_all(session: Session) -> list[tuple[object, ...]]:
    seen = [fingerprint(session.state)]
    while session.undo():
        seen.append(fingerprint(session.state))
    return seen


def test_200_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    random = Random(int.from_bytes(os.urandom(4), "big"))  # noqa: S311
    seeds = [random.getrandbits(32) for _ in range(_N_HANDS)]
    with ThreadPoolExecutor(_N_HANDS) as pool:
        held = list(pool.map(killed_again_and_again, [tmp_path] * _N_HANDS, seeds))
    assert sum(len(one) for one in held) == 200
    # Most were killed with work that had to be there: else nothing would be proven.
    assert sum(n > 0 for one in held for n in one) > 100


def killed_again_and_again(place: Path, seed: int) -> list[int]:
    """Kill one scribbler after another; return how many steps each was sure of."""
    random = Random(seed)  # noqa: S311
    command = [sys.executable, "-m", "tests.session.scribble"]
    pause = threading.Event()
    held = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for round_number in range(200 // _N_HANDS):
            folder = place / f"{seed}-{round_number}"
            folder.mkdir()
            own = random.getrandbits(32)
            print(own, folder, file=server.stdin, flush=True)
            child = int(server.stdout.readline())
            may_begin = round_number % 5 > 0  # the others may die while their file is being made
            if may_begin:
                assert server.stdout.readline() == "begun\n"
            # The first lives for longer than a second: what is older than that has to be there.
            pause.wait(1.6 if round_number == 0 else random.uniform(0.0, 0.15))
            killed_s = time.monotonic()
            os.kill(child, signal.SIGKILL)
            said = [server.stdout.readline()]
            if said == ["begun\n"]:
                said = [server.stdout.readline()]
            assert said == ["ended\n"]
            held.append(check_after_kill(folder, own, killed_s))
        server.stdin.close()
    return held


def check_after_kill(folder: Path, seed: int, killed_s: float) -> int:
    told = folder / "acknowledged"
    text = told.read_text() if told.exists() else ""  # killed before it could say anything
    lines = [line.split() for line in text.splitlines()]
    safe = [
        int(number)
        for word, number, at_s in (line for line in lines if len(line) == 3)
        if word == "flushed" or float(at_s) < killed_s - 1.0
    ]
    offered = unfinished(folder)
    if not offered:  # killed before the first row was due
        assert not safe
        return 0
    session = recover(offered[0])
    assert session.findings == ()
    assert session.journal is not None
    n_steps = session.journal.next_seq - 1
    assert n_steps >= max(safe, default=0), f"seed {seed}"
    memory = expected_after(seed, n_steps)
    assert session.state == memory.state, f"seed {seed}"
    assert session.history == memory.history, f"seed {seed}"
    assert undo_all(session) == undo_all(memory), f"seed {seed}"
    session.close()
    return max(safe, default=0)


# --- broken files -------------------------------------------------------------------------------


def a_closed_file(folder: Path, n_steps: int = 60, *, snapshot_every: int = 1000) -> Path:
    session = a_session(folder, n_steps, snapshot_every=snapshot_every, seed=5)
    assert session.journal is not None
    session.close(clean=False)
    return session.journal.path


def check_set_aside(folder: Path, session: Session) -> None:
    (finding,) = session.findings
    assert finding.text
    assert (folder / finding.subject).exists()
    assert finding.subject.endswith(".broken")
    n_before = len(session.state.measurements)
    session.apply(AddMeasurement(a_measurement("2.25.4711")))
    session.close(clean=False)
    assert session.journal is not None
    again = recover(session.journal.path)
    assert again.findings == ()
    assert len(again.state.measurements) == n_before + 1
    again.close()


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
def test_a_torn_file_is_set_aside_and_read_as_far_as_it_goes(tmp_path: Path, keep: float) -> None:
    path = a_closed_file(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    session = recover(path)
    assert session.journal is not None
    n_steps = session.journal.next_seq - 1
    assert session.state == expected_after(5, n_steps).state
    check_set_aside(tmp_path, session)


def test_a_file_of_nonsense_is_set_aside_with_a_finding(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path)
    path.write_bytes(os.urandom(5000))
    assert unfinished(tmp_path) == (path,)
    session = recover(path)
    assert session.state.measurements == ()
    check_set_aside(tmp_path, session)


@pytest.mark.parametrize("seed", range(6))
def test_bytes_changed_anywhere_never_come_out_as_anything_but_a_true_earlier_state(
    tmp_path: Path, seed: int
) -> None:
    path = a_closed_file(tmp_path)
    random = Random(seed)  # noqa: S311
    data = bytearray(path.read_bytes())
    for _ in range(30):
        data[random.randrange(4096, len(data))] ^= random.randrange(1, 256)
    path.write_bytes(data)
    session = recover(path)
    assert session.journal is not None
    n_steps = session.journal.next_seq - 1
    assert fingerprint(session.state) == fingerprint(expected_after(5, n_steps).state)
    session.close()


def change(path: Path, *commands: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for command in commands:
        connection.execute(command)
    connection.close()


def test_a_broken_row_ends_the_replay_before_it(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path)
    change(path, "UPDATE edits SET edit = x'00112233' WHERE seq = 31")
    session = recover(path)
    expected = expected_after(5, 30)
    assert session.state == expected.state
    assert session.history == expected.history
    assert "30 of 60" in session.findings[0].text
    check_set_aside(tmp_path, session)


def test_a_row_with_a_sum_that_fits_but_an_edit_that_does_not_ends_the_replay(
    tmp_path: Path,
) -> None:
    path = a_closed_file(tmp_path)
    change(path, "DELETE FROM edits WHERE seq = 12")
    session = recover(path)
    assert session.state == expected_after(5, 11).state
    check_set_aside(tmp_path, session)


def test_a_row_broken_before_the_last_snapshot_costs_undo_steps_but_no_state(
    tmp_path: Path,
) -> None:
    recorded = a_session(tmp_path, 60, snapshot_every=25, seed=5)
    row = recorded._document.history.done[3].rows[0]
    recorded.close(clean=False)
    assert recorded.journal is not None
    path = recorded.journal.path
    expected = expected_after(5, 60)
    change(path, f"UPDATE edits SET edit = x'00' WHERE seq = {row:d}")  # noqa: S608 - a number
    session = recover(path)
    assert session.state == expected.state
    assert 0 < len(session.history) < len(expected.history)
    assert session.history == expected.history[-len(session.history) :]
    check_set_aside(tmp_path, session)


def test_a_broken_snapshot_is_passed_over(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path, snapshot_every=25)
    change(path, "UPDATE snapshots SET head = x'00'")
    session = recover(path)
    assert session.state == expected_after(5, 60).state
    assert session.history == expected_after(5, 60).history
    session.close()


def test_lost_labels_of_a_snapshot_are_replayed_from_the_beginning(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path, snapshot_every=25)
    change(path, "DELETE FROM labels")
    session = recover(path)
    assert fingerprint(session.state) == fingerprint(expected_after(5, 60).state)
    session.close()


def test_a_newer_programs_session_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path)
    change(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(Unsupported):
        recover(path)
    assert path.read_bytes() == before
    assert unfinished(tmp_path) == ()


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.negatoscope"
    change(path, "CREATE TABLE x(y)")
    before = path.read_bytes()
    with pytest.raises(InputRefused):
        recover(path)
    assert path.read_bytes() == before
    assert unfinished(tmp_path) == ()


def test_a_session_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        recover(tmp_path / "none.negatoscope")


# --- choosing -----------------------------------------------------------------------------------


def test_unfinished_sessions_come_newest_first_and_say_what_they_hold(tmp_path: Path) -> None:
    paths = []
    for n in range(3):
        session = a_session(tmp_path)
        session.open_paths((f"/studies/{n}", "/studies/both"))
        session.apply(AddMeasurement(a_measurement()))
        session.close(clean=False)
        assert session.journal is not None
        paths.append(session.journal.path)
        os.utime(paths[-1], (1000 + n, 1000 + n))
    assert unfinished(tmp_path) == tuple(reversed(paths))
    found = summary(paths[1])
    assert found.paths == ("/studies/1", "/studies/both")
    assert found.n_edits == 1


def test_a_discarded_session_leaves_nothing_behind(tmp_path: Path) -> None:
    path = a_closed_file(tmp_path)
    discard(path)
    assert list(tmp_path.iterdir()) == []


def test_a_process_lives_by_its_number_and_its_start() -> None:
    assert is_living(os.getpid(), own_start())
    assert not is_living(os.getpid(), "1")
    assert not is_living(0, "")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        start = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        assert is_living(child.pid, start)
        child.kill()
        child.wait()
        assert not is_living(child.pid, start)
