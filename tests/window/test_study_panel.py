"""The study panel shows whole sentences, or an ellipsis with the whole sentence on hover."""

from pathlib import Path
from shutil import copytree

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLabel

from viewer.actions.registry import perform
from viewer.window.controls import ElidedLabel
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

LONG = "CT of chest, abdomen and pelvis with contrast, portal venous"
NAME = "an_export_whose_name_has_no_place_to_break_and_goes_on_and_on_and_on.bin"


@pytest.fixture
def wordy(program: Program, study: Path, tmp_path: Path) -> Program:
    """A study with a long name, a slice missing, and a refused file with a long name."""
    from pydicom import dcmread

    folder = tmp_path / "wordy"
    copytree(study, folder)
    images = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in images:
        dataset = dcmread(path)
        dataset.StudyDescription = dataset.SeriesDescription = LONG
        dataset.save_as(path)
    images[len(images) // 2].unlink()
    (folder / NAME).write_bytes(b"xx")
    perform(program.context, "file.open_paths", paths=(folder,))
    wait_for_jobs(program, 120, "opening")
    return program


@pytest.mark.parametrize("size_px", [(1600, 1000), (1280, 800)])
def test_no_text_of_the_study_panel_is_cut_at_its_edge(
    wordy: Program, size_px: tuple[int, int]
) -> None:
    wordy.window.resize(*size_px)
    settle()
    wordy.window.refresh_now()
    settle()
    panel = wordy.window.study
    shown = [found for found in panel.findChildren(QLabel) if found.isVisible()]
    assert len(shown) > 6
    for found in shown:
        assert found.mapTo(panel, QPoint(found.width(), 0)).x() <= panel.width(), found.toolTip()
        if found.wordWrap():
            assert found.height() >= found.heightForWidth(found.width())
        elif not isinstance(found, ElidedLabel):
            assert found.width() >= found.fontMetrics().horizontalAdvance(found.text())
    tips = " ".join(found.toolTip() for found in shown)
    assert LONG in tips
    assert NAME in tips
    assert "missing, the first after slice" in tips
