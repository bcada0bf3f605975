"""Brightness of colours: taken out by the standard's weights, put back without touching the hue."""

import numpy as np
import pytest

from viewer.domain.chain import Chain, Step
from viewer.extensions.discover import load_extensions
from viewer.imaging.luminance import brightness, channel_for, with_brightness

RGB = np.random.default_rng(2).integers(60, 190, (8, 9, 3)).astype(np.uint8)


def test_luminance_is_that_of_opencv() -> None:
    import cv2

    expected = cv2.cvtColor(RGB.astype(np.float32), cv2.COLOR_RGB2YCrCb)[..., 0]
    assert brightness(RGB, "luminance") == pytest.approx(np.asarray(expected), abs=1e-3)
    assert np.array_equal(brightness(RGB, "green"), RGB[..., 1])


def test_brighter_keeps_both_colour_differences() -> None:
    import cv2

    lighter = with_brightness(RGB, brightness(RGB, "luminance") + 40, "luminance")
    before, after = (
        np.asarray(cv2.cvtColor(c.astype(np.float32), cv2.COLOR_RGB2YCrCb)) for c in (RGB, lighter)
    )
    assert after[..., 0] - before[..., 0] == pytest.approx(40, abs=0.6)
    assert after[..., 1:] == pytest.approx(before[..., 1:], abs=0.6)


def test_the_same_brightness_gives_the_same_picture_and_nan_changes_nothing() -> None:
    same = brightness(RGB, "luminance")
    assert np.array_equal(with_brightness(RGB, same, "luminance"), RGB)
    same[2, 3] = np.nan
    assert np.array_equal(with_brightness(RGB, same, "luminance"), RGB)
    green = with_brightness(RGB, np.full(RGB.shape[:2], np.nan, np.float32), "green")
    assert np.array_equal(green[..., 0], RGB[..., 1])


def test_levels_out_of_range_are_cut_off() -> None:
    assert (with_brightness(RGB, np.full((8, 9), 900, np.float32), "luminance") == 255).all()


def test_filters_of_the_eye_work_on_green_and_all_others_on_luminance() -> None:
    filters = load_extensions().filters
    eye = Chain((Step("gaussian"), Step("retina_vessels")))
    assert channel_for(eye, filters) == "green"
    assert channel_for(Chain((Step("gaussian"), Step("retina_vessels", on=False))), filters) == (
        "luminance"
    )
    assert channel_for(Chain((Step("gone"),)), filters) == "luminance"
