"""Overlays and the shutter of a file, in the real window."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from tests.intake.test_superposed import with_overlay
from tests.intake.writing import a_slice, saved
from viewer.actions.registry import actions, perform
from viewer.errors import ViewerError
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program


def _shown(program: Program) -> NDArray[np.uint8]:
    """Return the acquired pane's pixels (h, w, 3): red, green, blue."""
    settle()
    pane = program.window.grid.slices["acquired"]
    image = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    # A copy: the image and its memory end here.
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _yellow(pixels: NDArray[np.uint8]) -> int:
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    return int(((red > 200) & (red - blue > 60)).sum())


def test_overlay_and_shutter_are_shown_named_and_can_be_taken_away(
    program: Program, tmp_path: Path
) -> None:
    context = program.context
    bits = np.zeros((60, 80), bool)
    bits[20:30, 20:30] = True
    dataset = a_slice(0, np.full((60, 80), 1064, np.int16), modality="DX")
    with_overlay(dataset, bits)
    dataset.ShutterShape = "CIRCULAR"
    dataset.CenterOfCircularShutter, dataset.RadiusOfCircularShutter = [31, 41], 25
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    perform(context, "file.open_paths", paths=(saved(dataset, tmp_path / "a"),))
    wait_for_jobs(program, 60, "opening")
    plane = context.viewing.look.planes["acquired"]
    row, column = (int(v) for v in plane.pixel(context.need_picture().grid.world((2, 2, 0)))[1::-1])
    first = _shown(program)
    column_mm, row_mm, _ = context.need_picture().grid.spacing_ijk_mm
    assert _yellow(first) == pytest.approx(100 * column_mm * row_mm / plane.pixel_mm**2, rel=0.1)
    assert first[row, column].max() == 0
    perform(context, "view.overlays")
    perform(context, "view.shutter")
    second = _shown(program)
    assert _yellow(second) < 0.05 * _yellow(first)  # letters are yellowish too
    assert second[row, column].min() > 100


def test_pictures_without_either_say_so(program: Program, study: Path) -> None:
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    for verb in ("view.overlays", "view.shutter"):
        assert actions()[verb].enabled(program.context)
        with pytest.raises(ViewerError, match="carry no"):
            perform(program.context, verb)
