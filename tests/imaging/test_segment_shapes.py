"""Segment operations against definitions, closed forms and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.errors import InputRefused
from viewer.imaging import segment_shapes as shapes
from viewer.testing.builders import rotation

SHAPE = (9, 14, 16)
STRAIGHT = Grid.from_axes(SHAPE, spacing_ijk_mm=(0.8, 1.1, 2.5))
TURNED = Grid.from_axes(SHAPE, spacing_ijk_mm=(0.8, 1.1, 2.5), directions=rotation((1, 2, 3), 25.0))


def a_sheared() -> Grid:
    affine = STRAIGHT.ijk_to_lps.copy()
    affine[1, 2] = 0.9  # gantry tilt
    return Grid(SHAPE, affine)


GRIDS = {"straight": STRAIGHT, "turned": TURNED, "sheared": a_sheared()}


def points(grid: Grid) -> NDArray[np.float64]:
    k, j, i = np.indices(grid.shape_kji)
    return grid.world(np.stack((i, j, k), axis=-1))


def a_blob(seed: int, share: float = 0.02) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(SHAPE) < share


@pytest.mark.parametrize("name", GRIDS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 99), reach=st.floats(0.1, 6.0))
def test_growing_and_shrinking_are_what_their_definitions_say(
    name: str, seed: int, reach: float
) -> None:
    from scipy.spatial.distance import cdist

    grid, mask = GRIDS[name], a_blob(seed)
    mask[4, 7, 8] = True
    places = points(grid).reshape(-1, 3)
    apart = cdist(places, places[mask.ravel()]).min(axis=1).reshape(SHAPE)
    clear = np.abs(apart - reach) > 1e-4
    assert np.array_equal(shapes.grown(mask, grid, reach)[clear], (apart <= reach)[clear])
    shrunk = shapes.shrunk(~mask, grid, reach)
    assert np.array_equal(shrunk[clear], (apart > reach)[clear])


def test_distances_are_those_of_scipy() -> None:
    from scipy import ndimage

    mask = a_blob(3)
    sampling = STRAIGHT.spacing_ijk_mm[::-1]
    oracle = ndimage.distance_transform_edt(~mask, sampling=sampling)
    assert np.allclose(shapes.distance_mm(mask, STRAIGHT), oracle, atol=1e-4)


def test_a_shell_and_what_it_encloses_make_the_whole() -> None:
    mask = np.linalg.norm(points(STRAIGHT) - STRAIGHT.centre_lps_mm, axis=-1) < 6
    inner = shapes.shrunk(mask, STRAIGHT, 2.0)
    shell = shapes.hollowed(mask, STRAIGHT, 2.0)
    assert shell.any()
    assert inner.any()
    assert not (shell & inner).any()
    assert np.array_equal(shell | inner, mask)
    outer = shapes.hollowed(mask, STRAIGHT, 2.0, "outside")
    assert np.array_equal(outer | mask, shapes.grown(mask, STRAIGHT, 2.0))


@pytest.mark.parametrize("distance", [-1.0, float("nan"), float("inf"), 1e6])
def test_a_margin_that_is_none_is_refused(distance: float) -> None:
    with pytest.raises(InputRefused, match="margin"):
        shapes.grown(a_blob(1), STRAIGHT, distance)


def test_nothing_stays_nothing() -> None:
    nothing = np.zeros(SHAPE, dtype=bool)
    for found in (
        shapes.grown(nothing, STRAIGHT, 3),
        shapes.shrunk(nothing, STRAIGHT, 3),
        shapes.smoothed(nothing, STRAIGHT, 3),
        shapes.filled_3d(nothing),
        shapes.filled_2d(nothing, 0),
        shapes.mirrored(nothing, STRAIGHT, np.zeros(3), 0),
    ):
        assert not found.any()


def test_all_stays_all_when_shrunk() -> None:
    assert shapes.shrunk(np.ones(SHAPE, dtype=bool), STRAIGHT, 5.0).all()


def test_cavities_are_filled_in_space_and_bores_only_in_slices() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:7, 3:11, 3:11] = True
    mask[4, 6, 6] = False  # a cavity
    mask[:, 8, 8] = False  # a bore through all slices
    solid = shapes.filled_3d(mask)
    assert solid[4, 6, 6]
    assert not solid[4, 8, 8]
    flat = shapes.filled_2d(mask, 0)
    assert flat[4, 6, 6]
    assert flat[4, 8, 8]
    along = shapes.filled_2d(mask, 1)
    assert not along[3, 8, 8]


def test_a_half_space_stays_where_it_is_when_smoothed() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :, :8] = True
    assert np.array_equal(shapes.smoothed(mask, STRAIGHT, 2.0), mask)


def test_smoothing_takes_a_speck_and_fills_a_pore() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:7, 3:11, 3:12] = True
    mask[4, 6, 6] = False
    mask[4, 12, 14] = True
    found = shapes.smoothed(mask, STRAIGHT, 1.0)
    assert found[4, 6, 6]
    assert not found[4, 12, 14]


def test_joint_smoothing_leaves_no_gap_between_neighbours_and_others_alone() -> None:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    rng = np.random.default_rng(0)
    ragged = 8 + rng.integers(-1, 2, (SHAPE[0], SHAPE[1]))
    at = np.arange(SHAPE[2])
    labels[:] = np.where(at < ragged[..., None], 1, 2)
    labels[0] = 7
    found = shapes.smoothed_jointly(labels, STRAIGHT, 2.0, [1, 2])
    assert (found[1:] > 0).all()
    assert np.array_equal(found == 7, labels == 7)
    rough = np.abs(np.diff((labels[1:] == 1).sum(axis=2), axis=1)).sum()
    assert np.abs(np.diff((found[1:] == 1).sum(axis=2), axis=1)).sum() < rough / 3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirroring_at_the_middle_is_a_flip_and_twice_is_nothing(axis: int) -> None:
    mask = a_blob(5, 0.2)
    middle = STRAIGHT.centre_lps_mm
    found = shapes.mirrored(mask, STRAIGHT, middle, axis)
    assert np.array_equal(found, np.flip(mask, 2 - axis))
    assert np.array_equal(shapes.mirrored(found, STRAIGHT, middle, axis), mask)


def test_a_mirror_on_a_turned_grid_lies_where_geometry_says() -> None:
    centre = TURNED.centre_lps_mm
    mask = np.linalg.norm(points(TURNED) - (centre + np.array([2.5, 0, 0])), axis=-1) < 2.5
    found = shapes.mirrored(mask, TURNED, centre, 0)
    middle = points(TURNED)[found].mean(axis=0)
    expected = 2 * centre[0] - points(TURNED)[mask].mean(axis=0)[0]
    assert abs(middle[0] - expected) < 0.3


def test_a_barrier_is_neither_entered_nor_jumped() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4, 7, 2] = True
    allowed = np.ones(SHAPE, dtype=bool)
    allowed[:, :, 5] = False
    found = shapes.grown_within(mask, STRAIGHT, 6.0, allowed)
    assert found[4, 7, 4]
    assert not found[:, :, 5:].any()
    allowed[4, 7, 5] = True  # a door in the wall
    assert shapes.grown_within(mask, STRAIGHT, 6.0, allowed)[4, 7, 6]
