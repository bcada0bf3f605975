"""Edges, ridges and hats, held to other implementations, closed forms and known shapes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins.reference import FILTERS, OBLONG, UNIT, noise, run, tissue, worst
from viewer.domain.methods import PlaneContext, VolumeContext
from viewer.imaging.neighbourhood import gaussian_derivative, hessian
from viewer.imaging.neighbourhood_volume import sorted_by_size, volume_hessian
from viewer.jobs.job import Ticket


@pytest.mark.parametrize("key", ["sobel", "prewitt", "scharr"])
def test_gradients_are_scikit_images(key: str) -> None:
    from skimage import filters

    values = noise()
    # It takes the difference over two pixels as it is, and the root of the mean of both squares.
    expected = getattr(filters, key)(values.astype(np.float64)) / np.sqrt(2)
    assert worst(run(key, values), expected, margin=1) < 1e-3


def test_roberts_gradient_is_scikit_images() -> None:
    from skimage.filters import roberts

    values = noise()
    # Its differences are not divided by the distance of diagonal neighbours, but by sqrt 2 in all.
    assert worst(run("roberts", values), roberts(values.astype(np.float64)), margin=1) < 1e-3


@pytest.mark.parametrize("key", ["sobel", "prewitt", "scharr", "roberts", "gradient"])
@pytest.mark.parametrize("context", [UNIT, PlaneContext((0.4, 0.4), "[hnsf'U]")])
def test_the_gradient_of_a_ramp_is_its_slope_per_mm(key: str, context: PlaneContext) -> None:
    y, x = np.mgrid[:40, :40].astype(np.float32)
    ramp = 3 * y * context.pixel_mm[0] + 4 * x * context.pixel_mm[1]
    found = run(key, ramp, context)
    assert found[12:28, 12:28] == pytest.approx(np.full((16, 16), 5.0), rel=1e-4)


@pytest.mark.parametrize("key", ["sobel", "gradient"])
def test_the_slope_is_per_mm_in_oblong_pixels(key: str) -> None:
    y, x = np.mgrid[:40, :80].astype(np.float32)
    found = run(key, 3 * y * 2.0 + 4 * x * 0.5, OBLONG)
    assert found[15:25, 20:60] == pytest.approx(np.full((10, 40), 5.0), rel=1e-4)


def test_gaussian_derivatives_are_scipys() -> None:
    from scipy.ndimage import gaussian_filter

    values = noise((60, 60))
    for order in ((0, 1), (1, 0), (1, 1), (2, 0)):
        expected = gaussian_filter(values.astype(np.float64), 2.0, order=order, truncate=5)
        # Where both cut differs by 0.01 % of the weight.
        assert worst(gaussian_derivative(values, (2.0, 2.0), order), expected) < 0.02


def test_canny_finds_the_border_of_a_disk_and_is_scikit_images_in_it() -> None:
    from skimage.feature import canny

    y, x = np.mgrid[:80, :80]
    disk = 100.0 / (1 + np.exp(np.hypot(y - 40, x - 40) - 20))
    found = run("canny", disk, sigma_mm=1.5)
    ys, xs = np.nonzero(found)
    assert np.abs(np.hypot(ys - 40, xs - 40) - 20).max() < 1.5
    assert len(ys) > 100
    other = canny(disk, 1.5, low_threshold=0.8, high_threshold=0.92, use_quantiles=True)
    oy, ox = np.nonzero(other)
    apart = np.hypot(ys[:, None] - oy, xs[:, None] - ox).min(axis=1)
    assert apart.max() < 1.5


def test_the_laplacian_of_a_bowl_is_its_bend() -> None:
    y, x = np.mgrid[:30, :60].astype(np.float32)
    bowl = (y * 2.0) ** 2 + 1.5 * (x * 0.5) ** 2
    for key, settings in (("laplacian", {}), ("log", {"sigma_mm": 1.0})):
        found = run(key, bowl, OBLONG, **settings)
        assert found[12:18, 20:40] == pytest.approx(np.full((6, 20), 5.0), rel=2e-3)


def test_log_is_scipys() -> None:
    from scipy.ndimage import gaussian_laplace

    values = noise((60, 60))
    expected = gaussian_laplace(values.astype(np.float64), 2.0, truncate=6)
    assert worst(run("log", values, sigma_mm=2.0), expected) < 0.02


def test_dog_is_the_difference_of_scipys_gaussians() -> None:
    from scipy.ndimage import gaussian_filter

    values = noise((60, 60)).astype(np.float64)
    expected = gaussian_filter(values, 1.5) - gaussian_filter(values, 3.0)
    assert worst(run("dog", values, sigma_mm=1.5, ratio=2.0), expected) < 0.02


def test_high_boost_adds_what_a_mean_takes() -> None:
    values = noise()
    mean = run("mean", values, size_mm=3.0)
    found = run("high_boost", values, size_mm=3.0, amount=2.0)
    assert found == pytest.approx(values + 2 * (values - mean), abs=1e-2)


def _tube(radius: float, angle: float = 0.5) -> NDArray[Any]:
    y, x = np.mgrid[:90, :90] - 45.0
    apart = x * np.sin(angle) - y * np.cos(angle)
    return np.asarray(100 * np.exp(-(apart**2) / (2 * radius**2)))


def test_the_hessian_of_a_line_is_that_of_a_gaussian() -> None:
    # A Gaussian profile of s smoothed by t has variance s² + t², and bends by its height over that.
    parts = hessian(_tube(2.0, 0.0).astype(np.float32), 3.0, (1.0, 1.0))
    height = 100 * 2 / np.sqrt(13)
    assert parts[0][45, 45] == pytest.approx(-9 * height / 13, rel=6e-3)
    assert abs(parts[2][45, 45]) < 0.05
    both = run("sato", _tube(2.0, 0.0), thin_mm=6.0, thick_mm=6.0, scales=1)
    assert both[45, 45] == pytest.approx(9 * height / 13, rel=6e-3)


@pytest.mark.parametrize("key", ["frangi", "sato", "meijering"])
def test_a_line_is_found_at_any_angle_and_an_edge_is_not(key: str) -> None:
    answers = []
    for angle in (0.0, 0.4, 0.8, np.pi / 2):
        found = run(key, _tube(1.8, angle), thin_mm=3.0, thick_mm=5.0)
        answers.append(found[45, 45])
        assert found[45, 45] == pytest.approx(found.max(), rel=0.05)
    assert np.ptp(answers) < 0.03 * max(answers)
    dark = run(key, -_tube(1.8), thin_mm=3.0, thick_mm=5.0, lines="dark")
    assert dark == pytest.approx(run(key, _tube(1.8), thin_mm=3.0, thick_mm=5.0), abs=1e-3)
    wrong = run(key, -_tube(1.8), thin_mm=3.0, thick_mm=5.0)
    assert abs(wrong[45, 45]) < 0.1 * max(answers)


def test_frangi_is_that_of_its_formula() -> None:
    values = noise()
    found = run("frangi", values, thin_mm=4.0, thick_mm=4.0, scales=1)
    middle, half = (values.max() + values.min()) / 2, np.ptp(values) / 2
    rr, rc, cc = hessian((values - middle) / half, 2.0, (1.0, 1.0))
    strength = rr**2 + 2 * rc**2 + cc**2
    scale = np.sqrt(strength.max()) / 2
    for y, x in ((10, 10), (20, 31), (33, 7), (5, 40)):
        small, large = sorted(
            np.linalg.eigvalsh([[rr[y, x], rc[y, x]], [rc[y, x], cc[y, x]]]), key=abs
        )
        expected = 0.0
        if large < 0:
            expected = np.exp(-((small / large) ** 2) / 0.5)
            expected *= 1 - np.exp(-strength[y, x] / (2 * scale**2))
        assert found[y, x] == pytest.approx(expected, abs=1e-4)


def test_ridges_at_wide_scales_are_those_without_the_coarse_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from plugins.enhance import ridges

    values = tissue(10)[1]
    settings: dict[str, Any] = {"thin_mm": 20.0, "thick_mm": 20.0, "scales": 1}
    found = run("sato", values, **settings)
    monkeypatch.setattr(ridges, "_FINEST_PX", 1e9)
    fine = run("sato", values, **settings)
    assert worst(found, fine) < 0.02 * float(np.ptp(fine))


def test_blobness_tells_blobs_from_lines() -> None:
    y, x = np.mgrid[:90, :90] - 45.0
    blob = 100 * np.exp(-(x**2 + y**2) / (2 * 3.0**2))
    found = run("blobness", blob, thin_mm=6.0, thick_mm=6.0, scales=1)
    # Both curvatures are height over the summed variance, the height falling by their ratio.
    assert found[45, 45] == pytest.approx(9 * (100 * 9 / 18) / 18, rel=6e-3)
    line = run("blobness", _tube(3.0), thin_mm=6.0, thick_mm=6.0, scales=1)
    assert line[20:70, 20:70].max() < 0.1 * found.max()  # at the border it is broken by the mirror


def test_gabor_answers_most_to_its_own_wavelength_at_any_angle() -> None:
    y, x = np.mgrid[:90, :90].astype(np.float64)
    for angle in (0.0, np.pi / 4):
        phase = x * np.cos(angle) + y * np.sin(angle)
        right, wrong = (
            run("gabor", np.cos(2 * np.pi * phase / length), wavelength_mm=6.0, width=0.7)
            for length in (6.0, 13.0)
        )
        # The filter is of unit gain, and a cosine has half its height at each frequency.
        assert right[45, 45] == pytest.approx(0.5, rel=0.03)
        assert wrong[30:60, 30:60].max() < 0.1


@pytest.mark.parametrize(
    ("key", "name"), [("top_hat", "white_tophat"), ("bottom_hat", "black_tophat")]
)
def test_hats_are_scipys(key: str, name: str) -> None:
    import cv2
    from scipy import ndimage

    values = noise()
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)).astype(bool)
    expected = getattr(ndimage, name)(values.astype(np.float64), footprint=disk)
    assert worst(run(key, values, radius_mm=3.0), expected, margin=7) < 1e-3


def test_a_large_hat_made_of_steps_holds_what_is_small_and_drops_what_is_large() -> None:
    y, x = np.mgrid[:160, :160]
    small = 50.0 * (np.hypot(y - 40, x - 40) < 8)
    large = 80.0 * (np.hypot(y - 90, x - 100) < 45)
    found = run("top_hat", small + large, PlaneContext((0.5, 0.5), "1"), radius_mm=15.0)
    assert found[40, 40] == pytest.approx(50)
    assert found[90, 100] == pytest.approx(0)


SPACE = VolumeContext((2.0, 1.0, 1.0), "[hnsf'U]")


def test_the_hessian_in_space_is_scipys() -> None:
    from scipy.ndimage import gaussian_filter

    values = np.random.default_rng(5).normal(40, 30, (16, 30, 30)).astype(np.float32)
    found = volume_hessian(values, 2.0, SPACE.spacing_kji_mm)
    for n, (order, factor) in enumerate(
        (((2, 0, 0), 1.0), ((1, 1, 0), 2.0), ((1, 0, 1), 2.0), ((0, 2, 0), 4.0), ((0, 1, 1), 4.0))
    ):
        expected = gaussian_filter(
            values.astype(np.float64), (1, 2, 2), order=order, mode="reflect", truncate=5
        )
        assert worst(found[n], expected * factor, margin=3) < 0.4
    assert sorted_by_size(np.array([[2.0], [0], [0], [-1.0], [0], [5.0]], dtype=np.float32))[
        :, 0
    ] == pytest.approx([-1, 2, 5])


@pytest.mark.parametrize("key", ["frangi", "sato"])
def test_a_tube_in_space_is_told_from_a_plate_and_a_ball(key: str) -> None:
    k, j, i = (a.astype(np.float32) for a in np.mgrid[:15, :31, :31])
    k, j, i = 2 * (k - 7), j - 15, i - 15
    across = {"tube": j**2 + i**2, "plate": i**2, "ball": k**2 + j**2 + i**2}
    function = FILTERS[key].volume_function
    assert function is not None
    settings = FILTERS[key].checked({"thin_mm": 4.0, "thick_mm": 4.0, "scales": 1})
    found = {
        name: function((100 * np.exp(-r2 / 8)).astype(np.float32), settings, SPACE, Ticket())
        for name, r2 in across.items()
    }
    assert found["tube"][7, 15, 15] == pytest.approx(float(found["tube"].max()), rel=0.02)
    assert found["plate"][7, 15, 15] < 0.1 * found["tube"][7, 15, 15]
    if key == "frangi":
        assert found["ball"][7, 15, 15] < 0.4 * found["tube"][7, 15, 15]
