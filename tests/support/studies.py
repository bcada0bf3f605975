"""A small oblique study as DICOM files, and the real main window drawn off-screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from viewer.actions.registry import perform
from viewer.phantom.chest import PhantomStudy, make_sample
from viewer.phantom.dicom import write_series
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program, make_app

SEED = 59  # three smooth lesions, an oblique acquisition
SHAPE = (40, 72, 72)


@pytest.fixture(scope="session")
def sample() -> PhantomStudy:
    return make_sample(SEED, shape_kji=SHAPE)


@pytest.fixture(scope="session")
def study(sample: PhantomStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_series(sample.values_hu, sample.grid, folder, seed=SEED)
    return folder


@pytest.fixture
def program(qapp: QApplication) -> Iterator[Program]:
    del qapp
    make_app()
    running = Program()
    running.window.show()
    settle()
    yield running
    running.close()


@pytest.fixture
def reading(program: Program, study: Path) -> Program:
    """Return the program with the study open and read."""
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    return program
