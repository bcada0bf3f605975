"""Filters against noise, held to other implementations, brute force and known truth."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins.reference import FILTERS, OBLONG, noise, rms, run, tissue, worst
from viewer.domain.methods import VolumeContext
from viewer.imaging.neighbourhood import box_moments, noise_sd
from viewer.imaging.similar import nonlocal_means, nonlocal_means_volume
from viewer.imaging.variation import least_variation
from viewer.jobs.job import Ticket

SPACE = VolumeContext((2.5, 1.0, 1.0), "[hnsf'U]")


@pytest.mark.parametrize("sd", [1.0, 25.0, 300.0])
def test_the_noise_of_a_picture_is_found(sd: float) -> None:
    _, noisy = tissue(sd)
    if sd > 1:  # where borders are few against noise
        assert noise_sd(noisy) == pytest.approx(sd, rel=0.08)
    flat = np.random.default_rng(1).normal(5e4, sd, (200, 200)).astype(np.float32)
    assert noise_sd(flat) == pytest.approx(sd, rel=0.03)
    assert noise_sd(np.zeros((5, 5), dtype=np.float32)) == 0


def test_local_variance_survives_a_large_level() -> None:
    values = noise(level=6e4, sd=10)
    mean, variance = box_moments(values, (5, 5))
    patch = values[10:15, 20:25].astype(np.float64)
    assert mean[12, 22] == pytest.approx(patch.mean(), abs=0.01)
    assert variance[12, 22] == pytest.approx(patch.var(), rel=1e-4)


def test_the_mean_is_scipys() -> None:
    from scipy.ndimage import uniform_filter

    values = noise()
    found = run("mean", values, OBLONG, size_mm=6.0)
    assert worst(found, uniform_filter(values, (3, 13), mode="reflect")) < 1e-3


def test_the_adaptive_median_takes_impulses_and_leaves_the_rest() -> None:
    y, x = np.mgrid[:40, :50]
    clean = (3 * y + 2 * x).astype(np.float32)
    spoilt = clean.copy()
    spoilt[5, 7], spoilt[20, 20], spoilt[30, 41] = 4000, -4000, 3000
    spoilt[12, 30:32] = 5000
    found = run("adaptive_median", spoilt)
    assert np.abs(found - clean).max() < 8
    untouched = spoilt == clean
    assert np.mean(found[untouched] == clean[untouched]) > 0.99


def _slow_adaptive(values: NDArray[np.float32], y: int, x: int) -> float:
    padded = np.pad(values, 2, mode="symmetric")
    middle = np.float32(0)
    for half in (1, 2):
        window = padded[y + 2 - half : y + 3 + half, x + 2 - half : x + 3 + half]
        low, middle, high = window.min(), np.median(window), window.max()
        if low < middle < high:
            return float(values[y, x] if low < values[y, x] < high else middle)
    return float(middle)


def test_the_adaptive_median_is_that_of_its_definition() -> None:
    values = noise((14, 16)).round()
    found = run("adaptive_median", values)
    for y, x in np.ndindex(10, 12):
        assert found[y + 2, x + 2] == _slow_adaptive(values, y + 2, x + 2)


def test_the_local_wiener_filter_is_scipys() -> None:
    from scipy.signal import wiener

    _, noisy = tissue()
    found = run("wiener", noisy, size_mm=5.0)
    expected = wiener(noisy.astype(np.float64), (5, 5), noise=noise_sd(noisy) ** 2)
    assert worst(found, expected, margin=3) < 0.02


def test_the_spectral_wiener_filter_follows_its_formula() -> None:
    from scipy.fft import dctn, idctn
    from scipy.ndimage import uniform_filter

    _, noisy = tissue()
    spectrum = dctn(noisy.astype(np.float64), norm="ortho")
    spectrum[0, 0] -= (noisy.max() + noisy.min()) / 2 * 96  # it works about the middle of the range
    power = uniform_filter(spectrum**2, 5, mode="reflect")
    weight = np.maximum(power - noise_sd(noisy) ** 2, 0) / power
    weight[0, 0] = 1
    expected = idctn(spectrum * weight, norm="ortho") + (noisy.max() + noisy.min()) / 2
    assert worst(run("wiener_spectrum", noisy), expected) < 0.05


def test_the_bilateral_filter_is_that_of_its_definition() -> None:
    values = noise((24, 26))
    found = run("bilateral", values, sigma_mm=1.0, strength=2.0)
    reach, similar = 2, 2.0 * noise_sd(values)
    padded = np.pad(values.astype(np.float64), reach, mode="symmetric")
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    near = np.where(np.hypot(y, x) <= reach, np.exp(-(y**2 + x**2) / 2), 0)
    expected = np.empty(values.shape)
    for j, i in np.ndindex(*values.shape):
        window = padded[j : j + 5, i : i + 5]
        weight = near * np.exp(-((window - values[j, i]) ** 2) / (2 * similar**2))
        expected[j, i] = (weight * window).sum() / weight.sum()
    assert worst(found, expected) < 0.1


def test_the_guided_filter_is_that_of_its_definition() -> None:
    from scipy.ndimage import uniform_filter

    _, noisy = tissue()
    values = noisy.astype(np.float64)
    found = run("guided", noisy, size_mm=5.0, strength=2.0)
    mean = uniform_filter(values, 5, mode="reflect")
    variance = uniform_filter(values**2, 5, mode="reflect") - mean**2
    slope = variance / (variance + (2 * noise_sd(noisy)) ** 2)
    level = uniform_filter((1 - slope) * mean, 5, mode="reflect")
    assert worst(found, uniform_filter(slope, 5, mode="reflect") * values + level) < 0.02


def _slow_means(values: NDArray[Any], sd: float, h: float, patch: int, reach: int) -> NDArray[Any]:
    """Return the non-local mean of an array of any number of axes, pixel by pixel."""
    half, n_axes = patch // 2, values.ndim
    pad = half + reach
    padded = np.pad(values.astype(np.float64), pad, mode="symmetric")
    found = np.empty(values.shape)
    for at in np.ndindex(*values.shape):
        middle = [n + pad for n in at]
        here = padded[tuple(slice(n - half, n + half + 1) for n in middle)]
        total = weights = 0.0
        for shift in np.ndindex(*(2 * reach + 1,) * n_axes):
            there = [n + s - reach for n, s in zip(middle, shift, strict=True)]
            other = padded[tuple(slice(n - half, n + half + 1) for n in there)]
            apart = max(((here - other) ** 2).mean() - 2 * sd**2, 0) / h**2
            weight = 1.0 if there == middle else np.exp(-apart)
            total += weight * padded[tuple(there)]
            weights += weight
        found[at] = total / weights
    return found


def test_non_local_means_are_those_of_their_definition() -> None:
    values = noise((15, 13))
    found = nonlocal_means(values, 20.0, h=15.0, patch_px=3, search_px=2)
    assert worst(found, _slow_means(values, 20.0, 15.0, 3, 2)) < 1e-3


def test_non_local_means_in_space_are_those_of_their_definition() -> None:
    values = np.random.default_rng(1).normal(40, 30, (4, 6, 5)).astype(np.float32)
    found = nonlocal_means_volume(values, 20.0, h=15.0, asked=Ticket(), search_px=1)
    assert worst(found, _slow_means(values, 20.0, 15.0, 3, 1)) < 1e-3


def test_non_local_means_do_not_depend_on_their_strips() -> None:
    values = noise((150, 20))
    whole = nonlocal_means(values, 20.0, h=15.0)
    part = nonlocal_means(np.ascontiguousarray(values[40:140]), 20.0, h=15.0)
    assert worst(whole[50:130], part[10:90]) < 1e-3


def test_total_variation_is_scikit_images() -> None:
    from skimage.restoration import denoise_tv_chambolle

    _, noisy = tissue()
    space = np.stack([noisy[:20, :24], noisy[20:40, :24], noisy[40:60, :24]])
    for values in (noisy[:40, :40], space):
        expected = denoise_tv_chambolle(
            values.astype(np.float64), weight=30.0, eps=0, max_num_iter=40
        )
        found = least_variation(np.ascontiguousarray(values), 30.0, n_iterations=40)
        assert worst(found, expected) < 0.3


def test_total_variation_falls_and_the_mean_stays() -> None:
    _, noisy = tissue()
    found = run("tv", noisy)

    def variation(values: NDArray[Any]) -> float:
        return float(sum(np.abs(np.diff(values, axis=axis)).sum() for axis in (0, 1)))

    assert variation(found) < 0.2 * variation(noisy)
    assert float(found.mean()) == pytest.approx(float(noisy.mean()), abs=0.05)


def test_diffusion_without_edges_is_a_gaussian_and_keeps_the_sum() -> None:
    spot = np.zeros((61, 61), dtype=np.float32)
    spot[30, 30] = 1.0
    spot += np.random.default_rng(0).normal(0, 1e-3, spot.shape).astype(np.float32)
    found = run("perona_malik", spot * 1000, edge=12.0, iterations=20)
    # Below the edge's height, 20 steps of 0.2 spread by a variance of 2 * 4.
    assert found.sum() == pytest.approx(1000 * float(spot.sum()), abs=1)
    wave = np.cos(np.arange(64) * np.pi / 16)[None, :].repeat(64, axis=0)
    wave = wave + np.random.default_rng(0).normal(0, 5, wave.shape)  # makes edges of 5 sigma
    small = run("perona_malik", wave * 1e-3, edge=12.0, iterations=10)
    decay = (1 - 2 * 0.2 * (1 - np.cos(np.pi / 16))) ** 10
    kept = np.cos(np.arange(64) * np.pi / 16)
    assert (small.mean(axis=0) @ kept) / (wave.mean(axis=0) @ kept * 1e-3) == pytest.approx(
        decay, rel=0.05
    )


def test_diffusion_keeps_a_strong_edge() -> None:
    clean, noisy = tissue()
    found = run("perona_malik", noisy)
    assert found[40, 50] - found[40, 90] > 0.9 * (clean[40, 50] - clean[40, 90])


def test_curvature_flow_shrinks_a_disk_as_theory_says() -> None:
    y, x = np.mgrid[:81, :81]
    disk = (1 / (1 + np.exp((np.hypot(y - 40, x - 40) - 20) / 1.5))).astype(np.float32)
    found = run("curvature_flow", disk * 100, iterations=30)
    # A circle under mean curvature: r² falls by twice the time (30 steps of 0.1).
    area = float((found > 50).sum()) / np.pi
    assert area == pytest.approx(20.0**2 - 2 * 3.0, rel=0.02)


def test_wavelet_shrinkage_is_scikit_images() -> None:
    from skimage.restoration import denoise_wavelet

    _, noisy = tissue()
    expected = denoise_wavelet(
        noisy.astype(np.float64),
        sigma=noise_sd(noisy),
        wavelet="db2",
        mode="soft",
        method="BayesShrink",
        wavelet_levels=4,
    )
    assert worst(run("wavelet", noisy, shifts=False), expected, margin=8) < 1.0


@pytest.mark.parametrize(
    ("key", "most"),
    [
        ("gaussian", 0.75),
        ("mean", 0.8),
        ("median", 0.6),
        ("wiener", 0.6),
        ("wiener_spectrum", 0.75),
        ("bilateral", 0.6),
        ("guided", 0.65),
        ("nlm", 0.45),
        ("tv", 0.45),
        ("perona_malik", 0.45),
        ("curvature_flow", 0.8),
        ("wavelet", 0.5),
    ],
)
def test_the_error_to_the_truth_falls(key: str, most: float) -> None:
    clean, noisy = tissue()
    assert rms(run(key, noisy) - clean) < most * rms(noisy - clean)


def test_rician_noise_goes_and_its_bias_too() -> None:
    draw = np.random.default_rng(4)
    clean = np.full((96, 96), 30.0)
    clean[:, 48:] = 200.0
    real, imaginary = draw.normal(0, 20, (2, 96, 96))
    noisy = np.hypot(clean + real, imaginary).astype(np.float32)
    dark = np.s_[10:86, 10:38]
    assert noisy[dark].mean() > 36  # the veil
    found = run("rician", noisy, strength=1.5)
    assert abs(float(found[dark].mean()) - 30) < 3.5
    assert rms(found - clean) < 0.4 * rms(noisy - clean)
    assert abs(float(run("nlm", noisy, strength=1.5)[dark].mean()) - 30) > 5


def _speckled() -> tuple[NDArray[Any], NDArray[Any]]:
    y, x = np.mgrid[:80, :80]
    clean = 60.0 + 120.0 * (np.hypot(y - 40, x - 40) < 22)
    gamma = np.random.default_rng(6).gamma(16, 1 / 16, clean.shape)  # contrast 0.25
    return clean, (clean * gamma).astype(np.float32)


@pytest.mark.parametrize(("key", "most"), [("lee", 0.55), ("frost", 0.55), ("srad", 0.5)])
def test_speckle_falls_and_the_level_stays(key: str, most: float) -> None:
    clean, noisy = _speckled()
    found = run(key, noisy)
    assert rms(found - clean) < most * rms(noisy - clean)
    assert found[32:48, 32:48].mean() == pytest.approx(noisy[32:48, 32:48].mean(), rel=0.05)


def test_lees_filter_is_that_of_its_formula() -> None:
    _, noisy = _speckled()
    found = run("lee", noisy, size_px="5", speckle=0.25)
    window = noisy[28:33, 50:55].astype(np.float64)
    variation = window.var() / window.mean() ** 2
    gain = max(1 - 0.0625 / variation, 0) / 1.0625
    assert found[30, 52] == pytest.approx(
        window.mean() + gain * (noisy[30, 52] - window.mean()), 1e-4
    )


def test_frosts_filter_is_that_of_its_formula() -> None:
    _, noisy = _speckled()
    found = run("frost", noisy, size_px="5", damping=3.0)
    window = noisy[28:33, 50:55].astype(np.float64)
    y, x = np.mgrid[-2:3, -2:3]
    weight = np.exp(-3.0 * window.var() / window.mean() ** 2 * np.hypot(y, x))
    assert found[30, 52] == pytest.approx((weight * window).sum() / weight.sum(), rel=1e-4)


def test_the_mean_over_time_is_that_of_the_frames_there_are() -> None:
    frames = np.random.default_rng(0).normal(0, 1, (6, 5, 4)).astype(np.float32)
    over_time = FILTERS["temporal_mean"].volume_function
    assert over_time is not None
    found = over_time(frames, {"frames": 5}, SPACE, Ticket())
    assert found[3] == pytest.approx(frames[1:6].mean(axis=0), abs=1e-6)
    assert found[0] == pytest.approx(frames[:3].mean(axis=0), abs=1e-6)


def test_the_gaussian_in_space_is_scipys() -> None:
    from scipy.ndimage import gaussian_filter

    values = np.random.default_rng(5).normal(40, 30, (12, 33, 20)).astype(np.float32)
    smooth = FILTERS["gaussian"].volume_function
    assert smooth is not None
    found = smooth(values, {"sigma_mm": 2.0}, SPACE, Ticket())
    expected = gaussian_filter(values.astype(np.float64), (0.8, 2, 2), mode="reflect", truncate=4)
    assert worst(found, expected) < 0.02


def test_the_median_in_space_is_scipys() -> None:
    from scipy.ndimage import median_filter

    values = np.random.default_rng(5).normal(40, 30, (19, 9, 10)).astype(np.float32)
    middle = FILTERS["median"].volume_function
    assert middle is not None
    for size in ("3", "5"):
        found = middle(values, {"size_px": size}, SPACE, Ticket())
        assert np.array_equal(found, median_filter(values, int(size), mode="nearest"))
