"""Intensity, artifacts and frequency, held to other implementations and known truth."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins.reference import FILTERS, noise, rms, run, tissue, worst
from viewer.domain.methods import PlaneContext, VolumeContext
from viewer.jobs.job import Ticket


def test_normalised_values_have_the_moments_or_the_range_they_promise() -> None:
    values = noise((80, 80))
    z = run("z_score", values)
    assert z.mean() == pytest.approx(0, abs=1e-5)
    assert z.std() == pytest.approx(1, abs=1e-5)
    assert run("min_max", values) == pytest.approx(
        (values - values.min()) / np.ptp(values), abs=1e-6
    )
    low, high = np.percentile(values, (2, 98))
    found = run("percentile_range", values, low=2.0, high=98.0)
    assert found == pytest.approx(np.clip((values - low) / (high - low), 0, 1), abs=1e-5)


def _head() -> NDArray[Any]:
    """Return a head on T1: air, cerebrospinal fluid, grey and white matter."""
    y, x = np.mgrid[:128, :128]
    radius = np.hypot(y - 64, x - 64)
    values = np.select([radius < 30, radius < 45, radius < 52], [900.0, 650.0, 250.0], 10.0)
    return np.abs(values + np.random.default_rng(1).normal(0, 20, values.shape))


@pytest.mark.parametrize("scale", [1.0, 7.5, 0.01])
def test_white_stripe_puts_white_matter_at_0_whatever_the_scanner_says(scale: float) -> None:
    found = run("white_stripe", _head() * scale)
    white = found[50:78, 50:78]
    assert abs(float(white.mean())) < 1
    assert run("white_stripe", _head()) == pytest.approx(found, rel=0.02, abs=0.1)


def test_nyul_brings_landmarks_to_the_standard_scale_whatever_the_curve() -> None:
    head = _head()
    for given in (head, 3 * head + 100, head**1.3):
        found = run("nyul", given)
        inside = found[given > given.mean()]
        marks = np.percentile(inside, (10, 50, 90))
        assert marks == pytest.approx([10, 50, 90], abs=1.0)
    order = np.argsort(head, axis=None)
    assert (np.diff(run("nyul", head).ravel()[order]) >= -1e-3).all()


def test_stretching_is_scikit_images() -> None:
    from skimage.exposure import rescale_intensity

    values = noise()
    low, high = np.percentile(values, (2, 98))
    expected = rescale_intensity(
        values.astype(np.float64), (low, high), (float(values.min()), float(values.max()))
    )
    assert worst(run("stretch", values, low=2.0, high=98.0), expected) < 0.01


def test_gamma_is_scikit_images_within_the_range_and_1_changes_nothing() -> None:
    from skimage.exposure import adjust_gamma

    values = noise()
    assert run("gamma", values, gamma=1.0) == pytest.approx(values, abs=1e-3)
    low, high = np.percentile(values, (0.2, 99.8))
    inside = (values > low) & (values < high)
    share = np.clip((values - low) / (high - low), 0, 1)
    expected = adjust_gamma(share, 0.5) * (high - low) + low
    assert run("gamma", values, gamma=0.5)[inside] == pytest.approx(expected[inside], abs=0.01)


def test_the_sigmoid_is_a_logistic_curve() -> None:
    values = np.linspace(0, 1000, 2001, dtype=np.float32).reshape(3, 667)
    found = run("sigmoid", values, centre=50.0, width=20.0)
    low, high = np.percentile(values, (0.2, 99.8))
    width = 0.2 * (high - low)
    expected = low + (high - low) / (1 + np.exp(-4 * (values - (low + high) / 2) / width))
    assert worst(found, expected) < 0.5


def test_equalisation_is_scikit_images_within_the_range() -> None:
    from skimage.exposure import equalize_hist

    values = noise((200, 200))
    low, high = np.percentile(values, (0.2, 99.8))
    inside = (values > low) & (values < high)
    expected = equalize_hist(values, nbins=4096) * (high - low) + low
    found = run("equalise", values, strength=1.0)
    assert found[inside] == pytest.approx(expected[inside], abs=0.01 * float(high - low))


def test_matching_gives_the_reference_its_quantiles_and_keeps_mean_and_spread() -> None:
    from scipy import special

    values = np.random.default_rng(3).exponential(100, (100, 100))
    found = run("match", values, shape="normal")
    assert found.mean() == pytest.approx(values.mean(), rel=0.02)
    assert found.std() == pytest.approx(values.std(), rel=0.03)
    marks = np.percentile(found, (5, 25, 75, 95))
    expected = values.mean() + values.std() * special.ndtri([0.05, 0.25, 0.75, 0.95])
    assert marks == pytest.approx(expected, abs=0.05 * values.std())


def test_matching_one_picture_to_itself_is_scikit_images() -> None:
    from skimage.exposure import match_histograms

    values = noise((100, 100))
    reference = np.random.default_rng(5).normal(values.mean(), values.std(), (400, 400))
    found = run("match", np.exp(values / 50), shape="normal")
    spread = np.exp(values / 50)
    wanted = (reference - values.mean()) / values.std() * spread.std() + spread.mean()
    expected = match_histograms(spread, wanted)
    inner = (spread > np.percentile(spread, 2)) & (spread < np.percentile(spread, 98))
    assert np.abs(found - expected)[inner].max() < 0.06 * spread.std()


def test_local_contrast_is_raised_where_it_is_weak() -> None:
    draw = np.random.default_rng(0)
    wave = np.sin(np.arange(120) / 2)[None, :] * np.ones((120, 1))
    values = wave * np.where(np.arange(120) < 60, 100, 10)[None, :] + draw.normal(
        0, 0.5, (120, 120)
    )
    found = run("local_contrast", values, size_mm=21.0, amount=1.0)
    assert found[:, 75:110].std() > 3 * values[:, 75:110].std()
    assert found[:, 10:45].std() == pytest.approx(values[:, 10:45].std(), rel=0.05)


def test_an_even_background_is_what_a_wide_gaussian_takes_away() -> None:
    from scipy.ndimage import gaussian_filter

    y, _ = np.mgrid[:128, :128]
    values = noise((128, 128)).astype(np.float64) + 3 * y
    light = gaussian_filter(values, 20.0)
    found = run("flatten", values, sigma_mm=20.0, amount=1.0)
    assert worst(found, values - light + light.mean()) < 0.02 * float(np.ptp(light))


def test_homomorphic_filtering_takes_light_that_multiplies() -> None:
    y, x = np.mgrid[:128, :128]
    structure = 1 + 0.2 * np.sin(x / 2.0)
    light = np.exp(-(y / 128.0) * 1.5)
    found = run("homomorphic", 1000 * structure * light, sigma_mm=15.0, light=0.0, detail=1.0)
    rows = found[:, 20:108].mean(axis=1)[20:108]
    before = (1000 * structure * light)[:, 20:108].mean(axis=1)[20:108]
    assert np.ptp(rows) < 0.3 * np.ptp(before)


def test_detail_of_gain_1_changes_nothing_and_more_raises_what_is_weak() -> None:
    values = noise()
    assert run("detail_boost", values, fine=1.0, coarse=1.0) == pytest.approx(values, abs=1e-3)
    clean, _ = tissue(0)
    weak = clean + 2 * np.sin(np.arange(96) * 1.5)[None, :]
    found = run("detail_boost", weak, fine=3.0, coarse=1.0, border_mm=1.0)
    inside = np.s_[32:48, 42:58]
    assert found[inside].std() > 2 * weak[inside].std()


def test_retinal_vessels_get_darker_and_their_surroundings_do_not() -> None:
    _, x = np.mgrid[:80, :80]
    values = 120.0 - 20 * np.exp(-((x - 40) ** 2) / 8)
    found = run("retina_vessels", values, PlaneContext((0.05, 0.05), "1"), width_mm=0.2)
    assert found[40, 40] < values[40, 40] - 8
    assert found[40, 10] == pytest.approx(values[40, 10], abs=0.5)


def _shaded(shape: tuple[int, int] = (96, 96)) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    body = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < 0.42 * shape[0]
    field = np.exp(0.5 * (x / shape[1] - 0.5) + 0.3 * (y / shape[0] - 0.5))
    tissue_ = np.where(body, 800.0, 5.0) + np.random.default_rng(0).normal(0, 10, shape) * body
    return body, np.maximum(tissue_, 0), field


def test_n4_takes_the_shading_of_one_tissue_away() -> None:
    body, truth, field = _shaded()
    before = truth * field
    found = run("n4", before)
    assert found[body].std() / found[body].mean() < 0.4 * before[body].std() / before[body].mean()
    clean = run("n4", truth)
    assert rms((clean - truth)[body]) < 0.01 * 800


def test_n4_in_space_takes_the_shading_away() -> None:
    body, truth, field = _shaded((48, 48))
    volume = np.stack([truth * field * (1 + 0.02 * k) for k in range(10)]).astype(np.float32)
    n4 = FILTERS["n4"].volume_function
    assert n4 is not None
    context = VolumeContext((3.0, 1.0, 1.0), "1")
    found = n4(volume, FILTERS["n4"].defaults(), context, Ticket())
    inside = np.stack([body] * 10)
    assert found[inside].std() / found[inside].mean() < 0.5 * (
        volume[inside].std() / volume[inside].mean()
    )


@pytest.mark.parametrize("direction", ["columns", "rows"])
def test_stripes_go_and_what_lies_beneath_stays(direction: str) -> None:
    clean, noisy = tissue(8)
    offsets = np.random.default_rng(3).normal(0, 12, 96)
    stripes = np.broadcast_to(
        offsets[None, :] if direction == "columns" else offsets[:, None], (96, 96)
    )
    found = run("stripes", noisy + stripes, direction=direction, limit=5.0)
    assert rms(found - clean) < 0.7 * rms(noisy + stripes - clean)
    assert rms(run("stripes", noisy, direction=direction) - noisy) < 8 / 2.5


def test_rings_go_and_a_picture_without_them_is_left() -> None:
    y, x = np.mgrid[:128, :128]
    radius = np.hypot(y - 63.5, x - 63.5)
    clean = 40 + 100.0 * (np.hypot(y - 50, x - 80) < 20)
    noisy = clean + np.random.default_rng(0).normal(0, 8, clean.shape)
    offsets = np.random.default_rng(3).normal(0, 15, 64)
    rings = np.interp(radius, np.arange(64), offsets, right=0.0) * (radius > 4)
    found = run("rings", noisy + rings, limit=5.0)
    assert rms(found - clean) < 0.75 * rms(noisy + rings - clean)
    assert rms(run("rings", noisy, limit=5.0) - noisy) < 8 / 3


def test_wiener_deconvolution_is_scikit_images() -> None:
    from scipy.ndimage import gaussian_filter
    from skimage.restoration import wiener

    clean, _ = tissue(0)
    blurred = gaussian_filter(clean.astype(np.float64), 1.5) + noise((96, 96), 0, 0.5)
    found = run("deblur_wiener", blurred, sigma_mm=1.5, signal_db=25.0)
    y, x = np.mgrid[-7:8, -7:8]
    spread = np.exp(-(x**2 + y**2) / 4.5)
    level = blurred.mean()
    other = wiener(
        blurred - level, spread / spread.sum(), 10**-2.5, reg=np.ones((1, 1)), clip=False
    ) * (1 + 10**-2.5)
    assert worst(found, other + level, margin=24) < 0.03 * float(np.ptp(clean))
    assert rms(found - clean) < 0.8 * rms(blurred - clean)


@pytest.mark.parametrize("angle", [0.0, 90.0, 30.0])
def test_a_smear_along_its_own_direction_is_taken_back(angle: float) -> None:
    from scipy.ndimage import map_coordinates

    clean, _ = tissue(0)
    clean = run("gaussian", clean, sigma_mm=1.0)
    y, x = np.mgrid[:96, :96]
    turn = np.deg2rad(angle)
    steps = np.linspace(-3, 3, 61)
    smeared = np.mean(
        [
            map_coordinates(
                clean, (y - s * np.sin(turn), x + s * np.cos(turn)), order=1, mode="reflect"
            )
            for s in steps
        ],
        axis=0,
    )
    right = run("deblur_motion", smeared, length_mm=6.0, angle_deg=angle, signal_db=30.0)
    wrong = run(
        "deblur_motion",
        smeared,
        length_mm=6.0,
        angle_deg=angle - 90 * np.sign(angle - 1),
        signal_db=30.0,
    )
    assert rms((right - clean)[16:80, 16:80]) < 0.5 * rms((smeared - clean)[16:80, 16:80])
    assert rms((wrong - clean)[16:80, 16:80]) > rms((right - clean)[16:80, 16:80])


def test_richardson_lucy_is_that_of_its_formula() -> None:
    from scipy.ndimage import gaussian_filter
    from scipy.signal import fftconvolve

    clean, _ = tissue(0)
    blurred = gaussian_filter(clean.astype(np.float64), 1.5)
    found = run("richardson_lucy", blurred, sigma_mm=1.5, iterations=8)
    half = np.ptp(blurred) / 2
    middle = (blurred.max() + blurred.min()) / 2
    lifted = (blurred - middle) / half + 1.001
    y, x = np.mgrid[-6:7, -6:7]
    spread = np.exp(-(x**2 + y**2) / 4.5)
    other = lifted.copy()
    spread /= spread.sum()
    for _ in range(8):
        other *= fftconvolve(lifted / fftconvolve(other, spread, "same"), spread, "same")
    assert worst(found, (other - 1.001) * half + middle, margin=20) < 0.5


def test_a_dead_pixel_is_replaced_and_noise_is_not() -> None:
    values = noise()
    spoilt = values.copy()
    spoilt[10, 12], spoilt[20, 30] = 5000, -5000
    found = run("dead_pixels", spoilt)
    window = np.median(spoilt[8:13, 10:15])
    assert found[10, 12] == pytest.approx(window, abs=1e-2)
    assert abs(found[20, 30] - 40) < 60
    same = np.ones(values.shape, dtype=bool)
    same[10, 12] = same[20, 30] = False
    assert np.abs(found - spoilt)[same].max() < 0.01


def test_metal_limits_values_around_it_and_nowhere_else() -> None:
    values = noise((100, 100))
    values[50, 50], values[50, 60], values[5, 5] = 9000, -900, -900
    found = run("metal_clip", values, radius_mm=20.0)
    assert found[50, 50] == 1500
    assert found[50, 60] == -200
    assert found[5, 5] == -900
    assert np.array_equal(run("metal_clip", noise()), noise())


def _wave(cycles_per_mm: float, n: int = 128, mm: float = 0.5) -> NDArray[Any]:
    """Return a cosine that the cosine transform holds in one coefficient."""
    k = round(cycles_per_mm * 2 * n * mm)
    return np.cos(np.pi * k * (np.arange(n) + 0.5) / n)[None, :].repeat(n, axis=0)


FINE = PlaneContext((0.5, 0.5), "1")


@pytest.mark.parametrize("frequency", [0.0625, 0.125, 0.25, 0.5])
def test_pass_filters_weigh_each_frequency_as_butterworth_has_it(frequency: float) -> None:
    wave = _wave(frequency) * 100
    for order in (1, 2, 4):
        low = run("low_pass", wave, FINE, cut=0.25, order=order)
        high = run("high_pass", wave, FINE, cut=0.25, order=order)
        gain = 1 / np.sqrt(1 + (frequency / 0.25) ** (2 * order))
        assert worst(low, wave * gain) < 0.05
        assert worst(high, wave * np.sqrt(1 - gain**2)) < 0.05
    band = run("band_pass", wave, FINE, **{"from": 0.1, "to": 0.3, "order": 2})
    gain = 1 / np.sqrt(1 + (frequency / 0.3) ** 4) / np.sqrt(1 + (0.1 / frequency) ** 4)
    assert worst(band, wave * gain) < 0.05


def test_a_notch_takes_one_wave_and_leaves_another() -> None:
    y, x = np.mgrid[:128, :128] * 0.5
    turn = np.deg2rad(30.0)
    bad = 50 * np.cos(2 * np.pi * 0.4 * (x * np.cos(turn) - y * np.sin(turn)))
    good = 50 * np.cos(2 * np.pi * 0.4 * (x * np.cos(turn) + y * np.sin(turn)))
    found = run("notch", bad + good, FINE, frequency=0.4, angle_deg=30.0, width=0.05)
    inner = np.s_[32:96, 32:96]
    assert rms((found - good)[inner]) < 0.1 * rms(bad[inner])


def test_the_spectrum_is_numpys_in_db() -> None:
    values = noise((32, 40)).astype(np.float64)
    power = np.abs(np.fft.fftshift(np.fft.fft2(values - values.mean())))
    power[16, 20] = 0
    expected = 20 * np.log10(np.maximum(power / power.max(), 1e-6))
    found = run("spectrum", values)
    assert worst(found[:, :20], expected[:, :20]) < 0.05
    assert found.max() == pytest.approx(0, abs=1e-4)
    assert FILTERS["spectrum"].result_unit("1") == "dB"
