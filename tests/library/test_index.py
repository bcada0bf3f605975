"""The library: round trips, searches, two at once, moved folders, broken files, kills."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viewer.domain.study import Patient, Series, Study
from viewer.errors import Conflict, Unsupported
from viewer.library import index
from viewer.library.index import Library, SeenSeries
from viewer.library.schema import APPLICATION_ID, MIGRATIONS, VERSION, migrate
from viewer.library.words import folded


def seen(
    study_uid: str = "1.2", series_uid: str = "1.2.1", *, name: str = "Müller^Änne", n: int = 40
) -> SeenSeries:
    return SeenSeries(
        Patient(name, "P-4711", "clinic", "19500203", "F"),
        Study(study_uid, "20261120", "0914", "Thorax low dose", "A100%_x", "Hospital"),
        Series(series_uid, 3, "CT", "Lung 1.0", "CHEST"),
        n,
    )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library.sqlite")


def test_what_was_added_comes_back_as_it_was(library: Library, tmp_path: Path) -> None:
    other = SeenSeries(seen().patient, seen().study, Series("1.2.2", 4, "PT", "AC", ""), 50, b"png")
    library.add([seen(), other], [str(tmp_path)])
    (found,) = library.search()
    assert found.patient == seen().patient
    assert found.study == Study("1.2", "20261120", "0914", "Thorax low dose", "A100%_x", "Hospital")
    assert (found.modalities, found.n_series, found.n_images) == (("CT", "PT"), 2, 90)
    assert (found.places, found.missing, found.is_missing) == ((str(tmp_path),), (), False)


def test_seeing_it_again_renews_and_doubles_nothing(library: Library) -> None:
    library.add([seen(n=40)], ["/a"])
    library.add([seen(n=41)], ["/a", "/b"])
    (found,) = library.search()
    assert found.n_images == 41
    library.add([seen(n=1)], ["/a"])  # one file of it was opened
    assert library.search()[0].n_images == 41
    assert found.places == ("/a", "/b")


@pytest.mark.parametrize(
    "words",
    [
        "müller",
        "MÜLLER änne",
        "änne müll",
        "4711",
        "20261120",
        "2026-11-20",
        "20.11.2026",
        "ct",
        "low thorax",
        "100%_x",
        "chest",
        "lung 1.0",
        "19500203",
        "hospital",
        "",
    ],
)
def test_a_study_is_found_by_any_of_its_words(library: Library, words: str) -> None:
    library.add([seen()], ["/a"])
    assert len(library.search(words)) == 1


@pytest.mark.parametrize("words", ["meier", "müller meier", "100__x", "p%4711", "mr", "'; --", "!"])
def test_words_that_are_not_there_find_nothing(library: Library, words: str) -> None:
    library.add([seen()], ["/a"])
    assert library.search(words) == ()


@given(name=st.text(max_size=40), word=st.text(min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_searching_is_what_a_plain_look_at_the_words_gives(
    tmp_path: Path, name: str, word: str
) -> None:
    library = Library(tmp_path / "hypothesis.sqlite")
    library.rebuild([])
    library.add([seen(name=name)], ["/a"])
    (row,) = _rows(tmp_path / "hypothesis.sqlite", "SELECT words FROM studies")
    expected = all(part in row[0] for part in folded(word).split()[:16])
    assert bool(library.search(word)) is expected


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_last_opened_comes_first_and_a_rebuild_opens_nothing(library: Library) -> None:
    library.add([seen("1.1", "1.1.1")], ["/a"])
    library.add([seen("1.2", "1.2.1")], ["/b"])
    assert [found.study.uid for found in library.search()] == ["1.2", "1.1"]
    library.rebuild([("/c", [seen("1.3", "1.3.1")])])
    (found,) = library.search()
    assert (found.study.uid, found.opened_s) == ("1.3", 0.0)


def test_folders_that_moved_are_marked_and_found_again(library: Library, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    library.add([seen()], [str(first)])
    assert library.look() == 0
    first.rename(second)
    assert library.look() == 1
    assert library.search()[0].is_missing
    library.add([seen()], [str(second)])
    (found,) = library.search()
    assert (found.places, found.missing) == ((str(second),), (str(first),))
    assert library.look() == 0


def test_forgetting_leaves_the_files_alone(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "image").write_bytes(b"pixels")
    library.add([seen()], [str(folder)])
    library.forget(library.search()[0].key)
    assert library.n_studies() == 0
    assert (folder / "image").read_bytes() == b"pixels"
    library.add([seen(), seen("1.3", "1.3.1")], [str(folder)])
    library.rebuild([])
    assert library.search() == ()


def test_an_older_file_is_brought_to_todays_version(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, 1)
    connection.execute(
        "INSERT INTO studies VALUES ('1','1.2','A^B','7','','','','','','','','','a b 7', 5.0)"
    )
    connection.close()
    library = Library(path)
    (found,) = library.search("b")
    assert (found.study.uid, found.places) == ("1.2", ())
    assert _rows(path, "PRAGMA user_version") == [(VERSION,)]
    assert len(MIGRATIONS) == VERSION


def test_a_broken_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"rubbish" * 500)
    library = Library(path)
    assert library.set_aside is not None
    assert library.set_aside.read_bytes().endswith(b"rubbish")
    library.add([seen()], ["/a"])
    assert len(library.search()) == 1
    assert Library(path).set_aside is None


def test_somebody_elses_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (value)")
    connection.commit()
    connection.close()
    library = Library(path)
    assert library.set_aside is not None
    assert _rows(library.set_aside, "SELECT name FROM sqlite_master") == [("mine",)]


def test_a_newer_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    Library(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Unsupported, match="newer version"):
        Library(path)
    assert path.read_bytes() == before
    assert _rows(path, "PRAGMA application_id") == [(APPLICATION_ID,)]


def test_two_programs_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    libraries = [Library(path), Library(path)]

    def write(number: int) -> None:
        for n in range(25):
            libraries[number].add([seen(f"1.{number}.{n}", f"2.{number}.{n}")], ["/a"])

    threads = [threading.Thread(target=write, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert libraries[0].n_studies() == 50


_WRITER = """
import sys
from pathlib import Path
from tests.library.test_index import seen
from viewer.library.index import Library
library = Library(Path(sys.argv[1]))
n = 0
while True:
    library.add([seen(f"1.{n}", f"2.{n}")], ["/a"])
    n += 1
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite"
    for round_ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = 0
        for _ in range(4 + 3 * round_):
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert Library(path).n_studies() >= acknowledged
    assert _rows(path, "PRAGMA quick_check") == [("ok",)]


def test_one_uid_for_two_patients_is_two_studies(library: Library) -> None:
    other = replace(seen(), patient=Patient("Other^Person", "P-1"))
    library.add([seen(), other], ["/a"])
    found = {study.patient.name: study.n_images for study in library.search()}
    assert found == {"Müller^Änne": 40, "Other^Person": 40}


def test_hostile_texts_paths_and_numbers_are_kept_as_far_as_they_can_be(library: Library) -> None:
    broken = "\udcff\ud800\0 <b>'; DROP TABLE studies; --"
    place = os.fsdecode(b"/data/\xff\xfe")
    one = SeenSeries(
        Patient(broken, broken),
        Study("1.9", "20261120", description=broken),
        Series("1.9.1", 10**30, "CT", broken),
        3,
    )
    library.add([one], [place])
    (found,) = library.search("drop table")
    assert found.places == (place,)
    assert "DROP TABLE" in found.study.description
    assert library.look() == 1


def test_two_programs_begin_at_once(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from viewer.library.index import Library;"
    script += " print(Library(Path(sys.argv[1])).set_aside)"
    for round_ in range(4):
        path = tmp_path / f"{round_}.sqlite"
        programs = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        assert {program.communicate()[0].strip() for program in programs} == {"None"}


def test_a_file_of_another_program_is_judged_at_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_WAIT_S", 0.01)
    path = tmp_path / "library.sqlite"
    mine = sqlite3.connect(path, isolation_level=None)
    told: list[str] = []

    def begins_meanwhile(statement: str) -> None:
        told.append(statement)
        if "application_id" in statement and not path.stat().st_size:
            Library(path)

    # The other program begins between the questions: before or after it, never half of each.
    mine.set_trace_callback(begins_meanwhile)
    owner, n_tables, _ = index._identity(mine)
    assert (owner == 0) == (n_tables == 0)
    assert told[0] == "BEGIN"
    mine.close()


def test_a_library_that_another_program_keeps_is_not_taken_for_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library.sqlite"
    library = Library(path)
    library.add([seen("1", "2")], ["/a"])
    library._close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("DELETE FROM places")
    monkeypatch.setattr(index, "_WAIT_S", 0.01)
    with pytest.raises(Conflict, match="Another program keeps the library"):
        Library(path)
    other.execute("ROLLBACK")
    other.close()
    library = Library(path)
    assert library.set_aside is None
    assert library.n_studies() == 1


def test_damage_inside_the_file_is_a_sentence_and_set_aside_at_the_next_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "library.sqlite"
    library = Library(path)
    library.add([seen(f"1.{n}", f"2.{n}") for n in range(400)], ["/a"])
    del library
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\x5a" * (len(raw) - 4096)
    path.write_bytes(raw)
    again = Library(path)
    assert again.set_aside is not None
    assert again.search() == ()
