"""An explanation in the window: over the picture, marked as none of segmentation, taken away."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from tests.journeys.test_image_networks import opened
from viewer.actions.registry import actions, perform
from viewer.errors import InputRefused, ViewerError
from viewer.rendering.primitives import Text
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

_LONG_S = 90.0
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


def painted(program: Program) -> tuple[str, np.ndarray]:
    picture = program.context.need_picture()
    shown = program.window.presenter.present(picture, "acquired")
    texts = [part.text for part in shown.primitives if isinstance(part, Text)]
    return "\n".join(texts), shown.raster.rgb32.copy()


@needs_torch
def test_a_score_is_explained_over_the_picture(reading: Program, tmp_path: Path) -> None:
    import cv2

    film = np.random.default_rng(5).integers(0, 255, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "film.png"), film)
    opened(reading, tmp_path / "film.png")
    context = reading.context
    with pytest.raises(ViewerError, match="No score"):
        perform(context, "ai.explain_newest")
    _, before = painted(reading)
    perform(context, "ai.classify_image", network="chest_pneumonia")
    wait_for_jobs(reading, _LONG_S, "classifying")
    perform(context, "ai.explain_newest")
    wait_for_jobs(reading, _LONG_S, "explaining")
    settle()
    text, coloured = painted(reading)
    assert "EXPLANATION, NOT SEGMENTATION" in text
    assert (coloured != before).any()
    assert not context.session.state.segmentations
    panel = "\n".join(one.text() for one in reading.window.finding.findChildren(QLabel))
    assert "Explanation, not segmentation" in panel
    assert "sensitivity 0.97" in panel
    perform(context, "ai.over_opacity", kind="explanation", opacity=0.2)
    _, fainter = painted(reading)
    assert (fainter != coloured).any()
    perform(context, "ai.over_shown")
    text, hidden = painted(reading)
    assert "EXPLANATION" not in text
    np.testing.assert_array_equal(hidden, before)
    perform(context, "ai.over_clear")
    with pytest.raises(ViewerError, match="Neither"):
        perform(context, "ai.over_shown")


def test_every_class_can_be_explained_in_every_way(reading: Program) -> None:
    choices = actions()["ai.explain"].choices
    assert choices is not None
    found = choices(reading.context)
    assert len(found) == 3 * (2 + 3)
    with pytest.raises(InputRefused, match="lesions"):
        perform(
            reading.context,
            "ai.explain",
            network="lesions",
            method="grad_cam",
            class_name="pneumonia",
        )
