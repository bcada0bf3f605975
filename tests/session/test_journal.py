import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.session.scribble import GRID, Scribbler, a_layer, a_measurement, fingerprint
from viewer.domain.segmentation import OriginKind
from viewer.errors import Conflict, InputRefused, OutOfResources, ViewerError
from viewer.imaging.rasterise import Block
from viewer.session.edits import AddMeasurement, AddSegmentation, paint
from viewer.session.journal import Journal
from viewer.session.recovery import open_workspace, recover, tidy, unfinished
from viewer.session.session import Session
from viewer.session.store import Row, Store


def a_session(
    folder: Path, n_steps: int = 0, *, snapshot_every: int = 256, seed: int = 1
) -> Session:
    journal = Journal.create(folder)
    journal.snapshot_every = snapshot_every
    session = Session(journal)
    hand = Scribbler(session, seed)
    for _ in range(n_steps):
        hand.step()
    return session


def walk(session: Session) -> list[tuple[object, ...]]:
    """Return the fingerprints of all states back to the first and forth to the last."""
    seen = [fingerprint(session.state)]
    while session.undo():
        seen.append(fingerprint(session.state))
    while session.redo():
        seen.append(fingerprint(session.state))
    return seen


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), n_steps=st.integers(0, 60), every=st.sampled_from([7, 20, 999]))
def test_a_replay_equals_memory_with_labels_and_both_stacks(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n_steps: int, every: int
) -> None:
    folder = tmp_path_factory.mktemp("sessions")
    session = a_session(folder, n_steps, snapshot_every=every, seed=seed)
    assert session.journal is not None
    path = session.journal.path
    session.close(clean=False)
    again = recover(path)
    assert again.findings == ()
    assert again.state == session.state
    assert again.history == session.history
    assert again.revision == session.revision
    document = session._document
    assert (
        again._document.label_revisions.items()
        >= {s.uid: document.label_revisions[s.uid] for s in session.state.segmentations}.items()
    )
    assert walk(again) == walk(Session(document=document))
    again.close()


def test_a_session_taken_up_twice_goes_on_where_it_was(tmp_path: Path) -> None:
    session = a_session(tmp_path, 30, snapshot_every=8)
    for n in range(3):
        assert session.journal is not None
        session.close(clean=False)
        session = recover(session.journal.path)
        assert session.findings == ()
        session.apply(AddMeasurement(a_measurement(f"2.25.99{n}")))
        block = Block((n, 0, 0), np.ones((2, 8, 10), dtype=bool))
        session.apply(AddSegmentation.of(a_layer(f"2.25.98{n}", seed=n)))
        edit = paint(session.state.segmentations[-1], block, 1, name="paint")
        assert edit is not None
        session.apply(edit)
    before = fingerprint(session.state), session.history
    session.close(clean=False)
    assert session.journal is not None
    again = recover(session.journal.path)
    assert (fingerprint(again.state), again.history) == before
    again.close()


def test_a_flush_waits_until_everything_is_on_the_disk(tmp_path: Path) -> None:
    session = a_session(tmp_path, 5)
    assert session.flush()
    assert session.journal is not None
    assert session.journal.saved_age_s == 0.0
    other = sqlite3.connect(session.journal.path)
    assert other.execute("SELECT COUNT(*) FROM edits").fetchone() == (5,)
    other.close()
    session.close()


def test_an_edit_reaches_the_disk_by_itself_within_a_second(tmp_path: Path) -> None:
    session = a_session(tmp_path, 1)
    session.flush()
    for _ in range(3):
        session.apply(AddMeasurement(a_measurement(f"2.25.{session.revision + 50}")))
    journal = session.journal
    assert journal is not None
    with journal._changed:
        assert journal._changed.wait_for(lambda: journal._n_saved == journal._n_put, 1.0)
    session.close()


class Refusing(Store):
    """A file on a disk that is full until ``room`` is set."""

    room = threading.Event()

    def add_row(self, row: Row) -> None:
        if not self.room.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        super().add_row(row)


def test_a_full_disk_is_told_once_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.session.journal._RETRY_S", 0.02)
    session = a_session(tmp_path)
    journal = session.journal
    assert journal is not None
    session.flush()
    journal._store = Refusing(journal._store.connection, journal.path)
    told: list[Exception] = []
    session.on_fault = told.append
    for n in range(5):
        session.apply(AddMeasurement(a_measurement(f"2.25.{n}")))
        assert not session.flush(timeout_s=0.05)
    assert journal.saved_age_s > 0.2
    Refusing.room.set()
    assert session.flush()
    assert [type(error) for error in told] == [OutOfResources]
    assert "full" in str(told[0])
    session.close(clean=False)
    again = recover(journal.path)
    assert len(again.state.measurements) == 5
    again.close()


def test_a_listener_to_faults_that_fails_does_not_stop_the_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.session.journal._RETRY_S", 0.02)
    session = a_session(tmp_path)
    journal = session.journal
    assert journal is not None
    failures = iter([True])

    def fails_once(store: Store) -> None:
        if next(failures, False):
            raise sqlite3.OperationalError("disk I/O error")

    def broken(_error: Exception) -> None:
        raise RuntimeError

    session.on_fault = broken
    journal._put(fails_once)
    session.apply(AddMeasurement(a_measurement()))
    assert session.flush()
    session.close()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutOfResources):
        Journal.create(tmp_path / "file" / "sessions")


def test_a_session_that_cannot_be_recorded_is_not_half_applied(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    bad = AddMeasurement(a_measurement(label=object()))  # type: ignore[arg-type]
    with pytest.raises(ViewerError):
        session.apply(bad)
    assert session.state.measurements == ()
    session.close()


# --- workspaces ---------------------------------------------------------------------------------


def test_a_saved_workspace_opens_with_its_history_and_stays_untouched(tmp_path: Path) -> None:
    session = a_session(tmp_path / "a", 40, snapshot_every=9)
    file = tmp_path / "work.negatoscope"
    session.save_copy(file)
    bytes_before = file.read_bytes()
    expected = walk(session)
    session.close()
    again = open_workspace(file, tmp_path / "b")
    assert walk(again) == expected
    again.apply(AddMeasurement(a_measurement("2.25.77")))
    again.close()
    assert file.read_bytes() == bytes_before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [file.name]


def test_a_workspace_is_not_overwritten_without_being_asked(tmp_path: Path) -> None:
    session = a_session(tmp_path / "a", 3)
    file = tmp_path / "work.negatoscope"
    file.write_text("mine")
    with pytest.raises(Conflict):
        session.save_copy(file)
    assert file.read_text() == "mine"
    session.save_copy(file, force=True)
    open_workspace(file, tmp_path / "b").close()
    session.close()


def test_a_session_without_a_journal_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        Session().save_copy(tmp_path / "x")


def test_where_one_looked_is_kept_beside_the_history(tmp_path: Path) -> None:
    session = a_session(tmp_path, 2)
    session.keep("look", {"pane": "axial", "point": (1.0, 2.0, 3.0)})
    session.keep("look", {"pane": "coronal"})
    history = session.history
    session.close(clean=False)
    assert session.journal is not None
    again = recover(session.journal.path)
    assert again.kept("look") == {"pane": "coronal"}
    assert again.kept("nothing") is None
    assert again.history == history
    again.close()


# --- who owns what ------------------------------------------------------------------------------


def test_a_session_in_use_is_neither_offered_nor_taken(tmp_path: Path) -> None:
    session = a_session(tmp_path, 3)
    session.flush()
    assert session.journal is not None
    assert unfinished(tmp_path) == ()
    with pytest.raises(Conflict):
        recover(session.journal.path)
    session.close()


def test_a_session_closed_cleanly_or_empty_is_not_offered(tmp_path: Path) -> None:
    a_session(tmp_path, 3).close()
    a_session(tmp_path).close(clean=False)
    assert unfinished(tmp_path) == ()
    assert unfinished(tmp_path / "nowhere") == ()


def test_old_clean_sessions_are_tidied_away_and_unfinished_ones_kept(tmp_path: Path) -> None:
    for _ in range(4):
        a_session(tmp_path, 2).close()
    a_session(tmp_path, 2).close(clean=False)
    tidy(tmp_path, keep=1)
    assert len(list(tmp_path.glob("*.negatoscope"))) == 2
    assert len(unfinished(tmp_path)) == 1


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    session = a_session(tmp_path, 1)
    session.close(clean=False)
    session.close()
    assert len(unfinished(tmp_path)) == 1


def test_a_session_file_is_private(tmp_path: Path) -> None:
    session = a_session(tmp_path, 1)
    assert session.journal is not None
    assert session.journal.path.stat().st_mode & 0o077 == 0
    session.close()


def test_labels_of_a_network_are_written_into_snapshots_once(tmp_path: Path) -> None:
    session = a_session(tmp_path, snapshot_every=2)
    layer = a_layer(kind=OriginKind.NETWORK)
    session.apply(AddSegmentation.of(layer))
    for n in range(20):
        session.apply(AddMeasurement(a_measurement(f"2.25.{n + 500}")))
    session.flush()
    assert session.journal is not None
    other = sqlite3.connect(session.journal.path)
    assert other.execute("SELECT COUNT(*) FROM labels").fetchone() == (1,)
    assert other.execute("SELECT COUNT(*) FROM snapshots").fetchone()[0] > 5
    other.close()
    session.close()
    assert layer.labels.shape == GRID.shape_kji
