"""Doubt in the window: a map over the picture, intervals, and the way to the next doubtful place."""

import importlib.util

import numpy as np
import pytest

from viewer.actions.doubt import doubtful_places
from viewer.actions.registry import perform
from viewer.errors import InputRefused, ViewerError
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_a_network_shows_its_doubt(reading: Program) -> None:
    context = reading.context
    with pytest.raises(ViewerError, match="doubt map"):
        perform(context, "ai.next_doubt")
    with pytest.raises(InputRefused, match="retina_vessels"):
        perform(context, "ai.run_with_doubt", network="retina_vessels")
    perform(context, "ai.run_with_doubt", network="lesions")
    wait_for_jobs(reading, 90.0, "segmenting")
    settle()
    (layer,) = context.session.state.segmentations
    overlay = context.viewing.over["doubt"]
    levels = overlay.layer.labels
    assert levels.max() > 128
    # Doubt lies at the rims of what was found, not in the air around the patient.
    assert levels[layer.labels > 0].mean() > 20 * levels[layer.labels == 0].mean()
    told = [notice.text for notice in context.door.notices]  # type: ignore[attr-defined]
    assert any("no confidence interval" in text for text in told)
    picture = context.need_picture()
    places = doubtful_places(levels, picture)
    for place in (*places, places[0]):
        perform(context, "ai.next_doubt")
        np.testing.assert_allclose(context.viewing.look.crosshair_lps_mm, place, atol=1e-6)
    assert doubtful_places(np.zeros_like(levels), picture) == []
