"""Figures of merit against closed forms and against scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import InputRefused
from viewer.imaging.merit import (
    contrast_to_noise,
    edge_width,
    noise_power,
    peak_signal_to_noise,
    signal_to_noise,
    structural_similarity,
)

RNG = np.random.default_rng(4)
NOISE = RNG.normal(0, 5, (64, 64)).astype(np.float32)
ALL = np.ones((64, 64), dtype=bool)


def _halves() -> tuple[np.ndarray, np.ndarray]:
    left = np.zeros((64, 64), dtype=bool)
    left[:, :32] = True
    return left, ~left


def test_signal_and_contrast_to_noise_are_what_their_names_say() -> None:
    left, right = _halves()
    values = NOISE + np.where(left, np.float32(50), np.float32(20))
    one, two = values[left], values[right]
    noise = np.sqrt((one.var() + two.var()) / 2)
    assert contrast_to_noise(values, left, right) == pytest.approx(
        abs(one.mean() - two.mean()) / noise, rel=1e-5
    )
    assert signal_to_noise(values, left) == pytest.approx(one.mean() / one.std(), rel=1e-5)


def test_without_noise_or_pixels_there_is_no_ratio() -> None:
    left, right = _halves()
    flat = np.full((64, 64), 7, dtype=np.float32)
    assert contrast_to_noise(flat, left, right) is None
    assert signal_to_noise(flat, left) is None
    assert signal_to_noise(NOISE, ~ALL) is None
    assert peak_signal_to_noise(flat, flat, 100) is None


@given(st.floats(0.1, 10), st.floats(-1000, 1000))
def test_contrast_to_noise_does_not_depend_on_the_unit(scale: float, shift: float) -> None:
    left, right = _halves()
    values = (NOISE + np.where(left, 50, 20)).astype(np.float32)
    changed = (values * scale + shift).astype(np.float32)
    assert contrast_to_noise(changed, left, right) == pytest.approx(
        contrast_to_noise(values, left, right), rel=1e-3
    )


def test_similarity_and_peak_ratio_agree_with_scikit_image() -> None:
    from skimage.metrics import peak_signal_noise_ratio

    reference = np.cumsum(NOISE, axis=0)
    values = reference + NOISE
    assert peak_signal_to_noise(values, reference, 200.0) == pytest.approx(
        peak_signal_noise_ratio(
            reference.astype(np.float64), values.astype(np.float64), data_range=200.0
        )
    )
    same = structural_similarity(reference, reference, 200.0)
    assert same == pytest.approx(1)
    worse = structural_similarity(values, reference, 200.0)
    assert worse is not None
    assert 0 < worse < 0.99
    assert structural_similarity(values[:5], reference[:5], 200.0) is None


def test_what_is_not_a_number_has_no_part() -> None:
    values = NOISE.copy()
    values[3, 4] = np.nan
    assert signal_to_noise(values, ALL) is not None
    assert structural_similarity(values, NOISE, 50.0) == pytest.approx(1)


@pytest.mark.parametrize("angle_deg", [0, 12, 45, 90, 200])
@pytest.mark.parametrize("sigma_px", [1.0, 2.5])
def test_the_width_of_a_blurred_edge_is_that_of_its_gaussian(
    angle_deg: float, sigma_px: float
) -> None:
    from scipy.special import erf

    y, x = np.mgrid[-32:32, -32:32] + 0.5
    angle = np.radians(angle_deg)
    depth = y * np.sin(angle) + x * np.cos(angle)
    values = (100 * (1 + erf(depth / (sigma_px * np.sqrt(2)))) / 2).astype(np.float32)
    mask = np.hypot(x, y) < 28
    found = edge_width(values, mask, (0.5, 0.5))
    assert found is not None
    # 10 to 90 % of a Gaussian's integral: 2 x 1.2816 sigma.
    assert found == pytest.approx(2.5631 * sigma_px * 0.5, rel=0.12)


def test_noise_alone_has_no_edge() -> None:
    assert edge_width(NOISE, ALL, (1.0, 1.0)) is None
    assert edge_width(np.zeros((64, 64), np.float32), ALL, (1.0, 1.0)) is None


def test_the_spectrum_of_white_noise_is_flat_and_holds_its_variance() -> None:
    found = noise_power(NOISE, (0.5, 0.5))
    # White noise: power = variance x pixel area at every frequency.
    assert np.mean(found.power) == pytest.approx(25 * 0.25, rel=0.1)
    assert np.ptp(found.power[2:]) < 0.6 * np.mean(found.power)
    assert found.variance == pytest.approx(25, rel=0.1)
    assert found.frequency_per_mm[-1] < 1.0


def test_smoothing_takes_the_high_frequencies_of_noise_away() -> None:
    import cv2

    smooth = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 1.5), dtype=np.float32)
    before, after = noise_power(NOISE, (1, 1)), noise_power(smooth, (1, 1))
    assert after.power[-1] < 0.02 * before.power[-1]
    assert after.power[0] > 0.3 * before.power[0]


def test_a_ramp_is_no_noise() -> None:
    y, x = np.mgrid[:32, :32]
    ramp = np.asarray(3 * y - 2 * x, dtype=np.float32)
    assert max(noise_power(ramp, (1, 1)).power) < 1e-6


def test_a_patch_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputRefused):
        noise_power(NOISE[:4], (1, 1))
