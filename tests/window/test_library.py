"""The list of known studies in the real window: found, opened, forgotten, and never in the way."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from viewer.actions.library import library_of
from viewer.actions.registry import perform
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.library import LibraryDialog
from viewer.window.start import Program


@pytest.fixture
def known(program: Program, study: Path, tmp_path: Path) -> tuple[Program, Path]:
    """A window that has opened one study and closed it again."""
    folder = tmp_path / "patients" / "one"
    shutil.copytree(study, folder)
    perform(program.context, "file.open_paths", paths=(folder,))
    wait_for_jobs(program, 120, "opening")
    perform(program.context, "file.close")
    settle()
    return program, folder


def _dialog(program: Program) -> LibraryDialog:
    perform(program.context, "library.open")
    wait_for_jobs(program, 60, "looking")
    (found,) = program.window.findChildren(LibraryDialog)
    return found


def test_a_study_that_was_opened_is_found_and_opened_again_by_keys(
    known: tuple[Program, Path],
) -> None:
    program, folder = known
    dialog = _dialog(program)
    library = library_of(program.context)
    assert library is not None
    (study,) = library.search()
    assert study.places == (str(folder),)
    assert study.n_images == 40
    assert study.thumbnail is not None
    QTest.keyClicks(dialog.line, "ct zzz")
    assert dialog.list.topLevelItemCount() == 0
    dialog.line.setText("")
    QTest.keyClicks(dialog.line, study.study.date)
    assert dialog.list.topLevelItemCount() == 1
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    wait_for_jobs(program, 120, "opening")
    assert program.context.need_picture().identity.study.uid == study.study.uid


def test_a_study_that_was_moved_is_marked_and_found_again(known: tuple[Program, Path]) -> None:
    program, folder = known
    moved = folder.parent / "two"
    folder.rename(moved)
    dialog = _dialog(program)
    item = dialog.list.topLevelItem(0)
    assert item is not None
    assert item.text(6).startswith("missing: ")
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert dialog.isVisible()
    dialog.reject()
    perform(program.context, "file.open_paths", paths=(moved,))
    wait_for_jobs(program, 120, "opening")
    library = library_of(program.context)
    assert library is not None
    assert library.search()[0].places == (str(moved),)


def test_forgetting_asks_twice_and_leaves_the_files(known: tuple[Program, Path]) -> None:
    program, folder = known
    dialog = _dialog(program)
    QTest.keyClick(dialog.line, Qt.Key.Key_Delete)
    assert dialog.list.topLevelItemCount() == 1
    QTest.keyClick(dialog.line, Qt.Key.Key_Delete)
    assert dialog.list.topLevelItemCount() == 0
    assert len(list(folder.iterdir())) >= 40


def test_a_library_that_cannot_be_used_stops_nobody_from_reading(
    program: Program, study: Path
) -> None:
    path = program.context.library_path
    assert path is not None
    path.unlink(missing_ok=True)
    path.mkdir()
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    assert program.context.need_picture().is_loaded
    assert any("library" in notice.text for notice in program.door.notices)
