"""A series that memory cannot hold: both sizes are named, and every n-th slice can be opened."""

from pathlib import Path

import pytest

from viewer.actions.registry import actions, perform
from viewer.intake import decode
from viewer.intake.limits import KEPT_FREE_BYTES
from viewer.window.driving import wait_for_jobs
from viewer.window.start import Program


def test_a_series_too_large_is_opened_with_every_second_slice(
    program: Program, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = 40 * 72 * 72 * 2
    monkeypatch.setattr(decode, "available_bytes", lambda: KEPT_FREE_BYTES + n_bytes // 2)
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 20, "Reading the study")
    assert program.context.picture is None
    choices = actions()["file.show"].choices
    assert choices is not None
    (choice,) = choices(program.context)
    assert choice.title.endswith("(every second slice)")
    perform(program.context, "file.show", **choice.parameters)
    wait_for_jobs(program, 20, "Reading every second slice")
    picture = program.context.need_picture()
    assert picture.is_loaded
    assert picture.grid.shape_kji == (20, 72, 72)
    assert "20 of 40" in picture.findings[0].text
    assert len(program.context.pictures.entries()) == 2
