"""A series with missing slices in the real window: as acquired, and resampled on request."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.intake.writing import a_series, moved_to
from viewer.actions.registry import actions, perform
from viewer.errors import ViewerError
from viewer.rendering.primitives import Text
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

if TYPE_CHECKING:
    from viewer.window.pane import SlicePane


def _texts(pane: "SlicePane") -> set[str]:
    pane.repaint()
    settle()
    assert pane.presented is not None
    return {p.text for p in pane.presented.primitives if isinstance(p, Text)}


def test_uneven_slices_are_shown_as_acquired_and_resampled_only_when_asked(
    program: Program, tmp_path: Path
) -> None:
    places = [(0.0, 0.0, z) for z in (0.0, 2.5, 5.0, 10.0, 12.5)]
    a_series(tmp_path, 5, change=moved_to(places))
    context = program.context
    perform(context, "file.open_paths", paths=(tmp_path,))
    wait_for_jobs(program, 60, "opening")
    acquired = context.need_picture()
    assert not acquired.is_volume
    assert "GEOMETRY NOT SAFE" in _texts(program.window.grid.slices["acquired"])
    perform(context, "view.resample")
    wait_for_jobs(program, 60, "resampling")
    volume = context.need_picture()
    assert volume.is_volume
    assert volume.grid.shape_kji[0] == 6
    for name in ("axial", "coronal", "sagittal"):
        assert {"RESAMPLED", "GEOMETRY NOT SAFE"} <= _texts(program.window.grid.slices[name])
    assert len(context.pictures.sources) == 2
    perform(context, "file.show", key=acquired.key)
    settle()
    assert context.need_picture() is acquired


def test_a_sound_volume_is_not_resampled(program: Program, study: Path) -> None:
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    assert actions()["view.resample"].enabled(program.context)
    with pytest.raises(ViewerError, match="uneven"):
        perform(program.context, "view.resample")
