"""Oracles of smoothing, sharpening and CLAHE."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.methods import Filter, PlaneContext
from viewer.extensions.discover import load_extensions

Values = NDArray[np.float32]
FILTERS = load_extensions().filters
CONTEXTS = (
    PlaneContext((0.7, 0.7), "[hnsf'U]"),
    PlaneContext((5.0, 0.4), "[hnsf'U]"),
    PlaneContext((0.1, 0.1), "1"),
)
CT = CONTEXTS[0]
NOISE = np.random.default_rng(8).normal(40, 30, (33, 41)).astype(np.float32)


def _run(filter_: Filter, values: Values, context: PlaneContext = CT, **settings: Any) -> Values:
    return filter_.function(values, filter_.checked(settings), context)


def _of(key: str) -> Filter:
    return FILTERS[key]


@given(st.floats(0.1, 5), st.sampled_from(CONTEXTS))
def test_the_gaussian_is_scipys(sigma_mm: float, context: PlaneContext) -> None:
    from scipy.ndimage import gaussian_filter

    sigmas = [sigma_mm / mm for mm in context.pixel_mm]
    expected = gaussian_filter(NOISE.astype(np.float64), sigmas, mode="reflect", truncate=4.0)
    found = _run(_of("gaussian"), NOISE, context, sigma_mm=sigma_mm)
    # Both cut at four sigma, rounded differently: 0.01 % of the range of the values.
    assert np.abs(found - expected).max() < 1e-4 * float(np.ptp(NOISE)) + 1e-3


@pytest.mark.parametrize("size", ["3", "5"])
def test_the_median_is_scipys(size: str) -> None:
    from scipy.ndimage import median_filter

    expected = median_filter(NOISE, size=int(size), mode="nearest")
    assert np.array_equal(_run(_of("median"), NOISE, size_px=size), expected)


def test_the_median_takes_a_single_bright_pixel_away_and_keeps_an_edge() -> None:
    step = np.repeat(np.array([0, 100], dtype=np.float32), 10)[None, :].repeat(9, axis=0)
    speck = step.copy()
    speck[4, 3] = 1000
    assert np.array_equal(_run(_of("median"), speck), step)


def test_unsharp_masking_adds_what_the_gaussian_takes_away() -> None:
    smooth = _run(_of("gaussian"), NOISE, sigma_mm=1.2)
    found = _run(_of("unsharp"), NOISE, sigma_mm=1.2, amount=0.8)
    assert found == pytest.approx(NOISE + 0.8 * (NOISE - smooth), abs=1e-3)
    assert np.array_equal(_run(_of("unsharp"), NOISE, amount=0.0), NOISE)


def test_smoothing_in_millimetres_is_the_same_in_coarse_and_fine_pixels() -> None:
    y, x = np.mgrid[-20:20.01:0.25, -20:20.01:0.25].astype(np.float32)
    blob = np.exp(-(x**2 + y**2) / (2 * 3.0**2)).astype(np.float32)
    fine = _run(_of("gaussian"), blob, PlaneContext((0.25, 0.25), "1"), sigma_mm=2.0)
    coarse = _run(
        _of("gaussian"),
        np.ascontiguousarray(blob[::4, ::4]),
        PlaneContext((1.0, 1.0), "1"),
        sigma_mm=2.0,
    )
    assert np.abs(fine[::4, ::4] - coarse).max() < 0.01
    # A Gaussian smoothed by a Gaussian is one of the summed variances.
    assert fine[80, 80] == pytest.approx(9 / 13, abs=1e-3)


def _soft_tissue() -> Values:
    """Return a noisy body in air, with bone: most of the range is used by little of the picture."""
    draw = np.random.default_rng(8)
    values = np.full((256, 256), -1000, dtype=np.float32)
    values[40:220, 40:220] = draw.normal(40, 15, (180, 180))
    values[20:30, 40:220] = 1000
    return values


@pytest.mark.parametrize("clip", [1.0, 2.0, 4.0, 8.0])
def test_clahe_raises_the_contrast_of_soft_tissue_as_far_as_the_clip_allows(clip: float) -> None:
    values = _soft_tissue()
    found = _run(_of("clahe"), values, strength=1.0, clip=clip)
    inside = (slice(110, 140), slice(110, 140))
    gain = float(found[inside].std() / values[inside].std())
    assert 0.9 * clip < gain <= clip + 1.0
    half = _run(_of("clahe"), values, strength=0.5, clip=clip)
    assert half == pytest.approx((values + found) / 2, abs=0.01)


def test_clahe_keeps_the_range_and_the_order_of_values() -> None:
    values = _soft_tissue()
    values[0, 0], values[-1, -1] = -3000, 30000  # padding and metal
    found = _run(_of("clahe"), values, strength=1.0)
    assert found.min() >= -3000.1
    assert found.max() <= 30000.1
    one_tile = PlaneContext((0.01, 0.01), "[hnsf'U]")
    alone = _run(_of("clahe"), values, one_tile, strength=1.0)
    order = np.argsort(values, axis=None)
    assert (np.diff(alone.ravel()[order]) >= -1e-2).all()


def test_clahe_with_one_tile_and_no_limit_is_histogram_equalisation() -> None:
    values = np.random.default_rng(1).permutation(np.arange(64 * 64)).reshape(64, 64) ** 2.0
    context = PlaneContext((0.01, 0.01), "1")
    found = _run(_of("clahe"), values.astype(np.float32), context, strength=1.0, clip=8.0)
    share = (np.sqrt(values) / (64 * 64 - 1)).ravel()
    found = ((found - values.min()) / np.ptp(values)).ravel()
    # Squares are crowded near 0, 32 times more than on average: there the limit of 8 holds.
    inner = share > 0.3
    assert np.abs(found - share)[inner].max() < 0.05


def test_clahe_of_no_strength_changes_nothing() -> None:
    assert np.array_equal(_run(_of("clahe"), NOISE, strength=0.0), NOISE)
