"""Diameters of masks against brute force and against the shapes that were drawn."""

from math import cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.imaging.grids import grids
from viewer.domain.geometry import Floats, Grid
from viewer.errors import InputRefused
from viewer.imaging.diameters import longest_diameter, slice_diameters

Mask = NDArray[np.bool_]
PIXELS = Grid.from_axes((1, 60, 60))
SMALL = (3, 4, 5)


def _lengths(points: Floats) -> tuple[float, float]:
    return (
        float(np.linalg.norm(points[1] - points[0])),
        float(np.linalg.norm(points[3] - points[2])),
    )


def _ellipse(a: float, b: float, centre: tuple[float, float], angle: float) -> Mask:
    y, x = np.indices((60, 60), dtype=np.float64)
    x, y = x - centre[0], y - centre[1]
    u, v = x * cos(angle) + y * sin(angle), y * cos(angle) - x * sin(angle)
    return np.asarray((u / a) ** 2 + (v / b) ** 2 <= 1)


def _feelers(mask: Mask) -> Floats:
    """Return all points a quarter beyond a voxel's centre in the six directions: brute force."""
    centres = np.argwhere(mask)[:, ::-1].astype(np.float64)
    steps = 0.25 * np.concatenate((np.eye(3), -np.eye(3)))
    return np.asarray((centres[:, None, :] + steps).reshape(-1, 3))


@given(st.data())
def test_the_longest_diameter_is_that_of_all_pairs(data: st.DataObject) -> None:
    mask = data.draw(arrays(np.bool_, SMALL).filter(lambda drawn: bool(drawn.any())))
    grid = data.draw(grids(SMALL))
    points = grid.world(_feelers(mask))
    expected = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1).max())
    ends, length = longest_diameter(mask, grid)
    assert length == pytest.approx(expected)
    assert float(np.linalg.norm(ends[1] - ends[0])) == pytest.approx(length)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5)])
def test_a_ball_of_20_mm_measures_40_mm_within_half_a_voxel(
    spacing: tuple[float, float, float],
) -> None:
    shape = tuple(int(2 * 22 / s) + 1 for s in reversed(spacing))
    grid = Grid.from_axes((shape[0], shape[1], shape[2]), spacing_ijk_mm=spacing)
    k, j, i = np.indices(grid.shape_kji)
    away = grid.world(np.stack((i, j, k), axis=-1)) - grid.centre_lps_mm
    mask = (away**2).sum(axis=-1) <= 20**2
    _, length = longest_diameter(mask, grid)
    assert length == pytest.approx(40, abs=max(spacing) / 2 + 1e-9)


def test_a_disc_of_20_mm_measures_40_mm_both_ways() -> None:
    long, short = _lengths(slice_diameters(_ellipse(20, 20, (30, 30), 0), PIXELS, 0))
    assert long == pytest.approx(40, abs=0.5 + 1e-9)
    assert short == pytest.approx(40, abs=0.75)


@given(
    st.floats(4, 20),
    st.floats(0.5, 1),
    st.tuples(st.floats(29.5, 30.5), st.floats(29.5, 30.5)),
    st.floats(0, pi),
)
def test_an_ellipse_anywhere_measures_its_axes_within_two_voxels(
    a: float, share: float, centre: tuple[float, float], angle: float
) -> None:
    mask = _ellipse(a, a * share, centre, angle)
    long, short = _lengths(slice_diameters(mask, PIXELS, 0))
    assert long == pytest.approx(2 * a, abs=2)
    assert short == pytest.approx(2 * a * share, abs=2)


def test_on_average_axes_are_right_to_half_a_voxel() -> None:
    draw = np.random.default_rng(5)
    errors = []
    for _ in range(60):
        a = draw.uniform(3, 20)
        b = a * draw.uniform(0.5, 1)
        centre = (30 + draw.uniform(-0.5, 0.5), 30 + draw.uniform(-0.5, 0.5))
        found = _lengths(slice_diameters(_ellipse(a, b, centre, draw.uniform(0, pi)), PIXELS, 0))
        errors.append((found[0] - 2 * a, found[1] - 2 * b))
    assert np.abs(np.mean(errors, axis=0)).max() < 0.4
    assert np.sqrt(np.mean(np.square(errors), axis=0)).max() < 0.55


@given(st.data())
def test_the_two_diameters_of_any_slice_stand_at_a_right_angle_in_its_plane(
    data: st.DataObject,
) -> None:
    mask = data.draw(arrays(np.bool_, (4, 5)).filter(lambda drawn: bool(drawn.any())))
    grid = data.draw(grids(SMALL, most_shear=0.0))
    points = slice_diameters(mask, grid, 2)
    long, short = points[1] - points[0], points[3] - points[2]
    assert abs(long @ short) < 1e-6 * np.linalg.norm(long) * np.linalg.norm(short)
    assert grid.index(points)[:, 2] == pytest.approx(2.0, abs=1e-9)
    assert 0 < np.linalg.norm(short) <= np.linalg.norm(long) * (1 + 1e-9)


@given(st.data())
def test_no_diameter_in_a_slice_is_longer_than_the_longest_in_space(data: st.DataObject) -> None:
    mask = data.draw(arrays(np.bool_, (1, 5, 6)).filter(lambda drawn: bool(drawn.any())))
    grid = data.draw(grids((1, 5, 6)))
    _, longest = longest_diameter(mask, grid)
    assert _lengths(slice_diameters(mask[0], grid, 0))[0] <= longest + 1e-9


def test_the_short_axis_stays_inside_a_ring() -> None:
    ring = _ellipse(20, 20, (30, 30), 0) & ~_ellipse(12, 12, (30, 30), 0)
    points = slice_diameters(ring, PIXELS, 0)
    assert _lengths(points)[1] < 35  # the widest run of the ring, not across its hole
    middle = PIXELS.index((points[2] + points[3]) / 2)
    i, j, _ = np.rint(middle).astype(int)
    assert ring[j, i]


def test_a_single_voxel_measures_half_a_voxel() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[4, 5] = True
    long, short = _lengths(slice_diameters(mask, PIXELS, 0))
    assert long == pytest.approx(0.5)
    assert 0 < short <= 0.5


def test_a_line_of_voxels_has_its_length_and_a_width() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[4, 5:15] = True
    long, short = _lengths(slice_diameters(mask, PIXELS, 0))
    assert long == pytest.approx(hypot(9.5, 0), abs=0.01)
    assert short == pytest.approx(0.5, abs=0.01)


def test_an_empty_mask_has_no_diameter() -> None:
    empty = np.zeros((1, 60, 60), dtype=bool)
    with pytest.raises(InputRefused):
        longest_diameter(empty, PIXELS)
    with pytest.raises(InputRefused):
        slice_diameters(empty[0], PIXELS, 0)
