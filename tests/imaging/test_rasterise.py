"""Shapes to voxels against their definitions, voxel by voxel."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.imaging.grids import grids, rotations
from viewer.domain.geometry import Floats, Grid, Plane
from viewer.errors import InputRefused
from viewer.imaging.rasterise import Block, ball_stroke, disc_stroke, polygon_block

Mask = NDArray[np.bool_]
SHAPE = (8, 10, 12)


def _full(block: Block | None, grid: Grid) -> Mask:
    mask = np.zeros(grid.shape_kji, dtype=bool)
    if block is not None:
        ends = zip(block.start_kji, block.mask.shape, strict=True)
        mask[tuple(slice(start, start + n) for start, n in ends)] = block.mask
    return mask


def _centres(grid: Grid) -> Floats:
    k, j, i = np.indices(grid.shape_kji)
    return grid.world(np.stack((i, j, k), axis=-1))


def _distance(centres: Floats, points: Floats) -> Floats:
    best = np.linalg.norm(centres - points[0], axis=-1)
    for start, end in pairwise(points):
        edge = end - start
        length = float(edge @ edge)
        share = np.clip((centres - start) @ edge / length, 0, 1) if length else np.zeros(())
        foot = start + share[..., None] * edge
        best = np.minimum(best, np.linalg.norm(centres - foot, axis=-1))
    return np.asarray(best)


def _a_path(data: st.DataObject, grid: Grid, most: int = 4) -> Floats:
    n = data.draw(st.integers(1, most))
    places = [[data.draw(st.floats(-3, 14)) for _ in range(3)] for _ in range(n)]
    return grid.world(places)


@given(st.data())
def test_a_ball_holds_the_centres_within_its_radius_of_the_stroke(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    path = _a_path(data, grid)
    radius = data.draw(st.floats(0.2, 6))
    distance = _distance(_centres(grid), path)
    assume(np.abs(distance - radius).min() > 1e-6)
    block = ball_stroke(grid, path, radius)
    assert np.array_equal(_full(block, grid), distance < radius)
    if block is not None:  # no empty rims: painting touches what changes
        for axis in range(3):
            assert block.mask.take(0, axis=axis).any()
            assert block.mask.take(-1, axis=axis).any()


def test_a_voxel_exactly_on_the_rim_belongs_to_the_ball() -> None:
    grid = Grid.from_axes((9, 9, 9), spacing_ijk_mm=(0.1, 0.1, 0.1), origin_lps_mm=(100, -7, 3))
    block = ball_stroke(grid, grid.world((4, 4, 4)), 0.3)
    assert block is not None
    assert block.mask.shape == (7, 7, 7)


@given(st.data())
def test_a_disc_holds_the_nearest_layer_within_its_radius(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    turn = data.draw(rotations())
    plane = Plane.centred(grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.5, (20, 20))
    plane = plane.moved(data.draw(st.floats(-2, 2)))
    path = _a_path(data, grid)
    radius = data.draw(st.floats(0.3, 6))
    off, in_plane = _in_layer(grid, plane)
    flat = plane.pixel(path)
    flat_path = plane.world(flat[:, :2])
    distance = _distance(plane.world(in_plane), flat_path)
    assume(np.abs(distance - radius).min() > 1e-6)
    assume(np.abs(np.abs(off) - 0.5).min() > 1e-4)
    expected = (np.abs(off) < 0.5) & (distance < radius)
    assert np.array_equal(_full(disc_stroke(grid, path, radius, plane), grid), expected)


def _in_layer(grid: Grid, plane: Plane) -> tuple[Floats, Floats]:
    """Return how far each voxel is off the plane in steps of its layer, and where on the plane."""
    columns = grid.ijk_to_lps[:3, :3]
    step = float(np.abs(columns.T @ plane.normal).max())
    pixel = plane.pixel(_centres(grid))
    return pixel[..., 2] / step, pixel[..., :2]


def test_a_disc_on_an_acquired_slice_paints_that_slice_alone() -> None:
    grid = Grid.from_axes((5, 30, 30), spacing_ijk_mm=(0.5, 0.7, 4.0))
    plane = Plane.centred(grid.world((15, 15, 2)), (1, 0, 0), (0, 1, 0), 0.3, (40, 40))
    block = disc_stroke(grid, grid.world((15, 15, 2)), 4.0, plane)
    assert block is not None
    assert block.start_kji[0] == 2
    assert block.mask.shape[0] == 1
    j, i = np.indices((30, 30))
    disc = ((i - 15) * 0.5) ** 2 + ((j - 15) * 0.7) ** 2 <= 16
    assert np.array_equal(_full(block, grid)[2], disc)


def test_a_disc_in_an_oblique_plane_of_thick_slices_has_no_gaps() -> None:
    from scipy.ndimage import label

    grid = Grid.from_axes((21, 60, 60), spacing_ijk_mm=(0.5, 0.5, 5.0))
    plane = Plane.centred(grid.centre_lps_mm, (0.5, 0, np.sqrt(0.75)), (0, 1, 0), 0.5, (40, 40))
    block = disc_stroke(grid, grid.centre_lps_mm, 12.0, plane)
    assert block is not None
    assert label(block.mask, np.ones((3, 3, 3)))[1] == 1
    columns = block.mask.any(axis=0)
    assert (block.mask.sum(axis=0)[columns] == 1).all()


@given(st.data(), st.integers(2, 40))
def test_a_stroke_paints_the_same_however_often_it_was_sampled(
    data: st.DataObject, n_samples: int
) -> None:
    grid = data.draw(grids(SHAPE))
    corners = _a_path(data, grid)
    radius = data.draw(st.floats(0.5, 4))
    centres = _centres(grid)
    assume(np.abs(_distance(centres, corners) - radius).min() > 1e-6)
    dense = [corners[:1]]
    for start, end in pairwise(corners):
        share = np.linspace(0, 1, n_samples)[1:, None]
        dense.append(start + share * (end - start))
    fine = np.concatenate(dense)
    once, often = ball_stroke(grid, corners, radius), ball_stroke(grid, fine, radius)
    assert np.array_equal(_full(once, grid), _full(often, grid))


@given(st.data(), st.integers(2, 40))
def test_a_disc_stroke_paints_the_same_however_often_it_was_sampled(
    data: st.DataObject, n_samples: int
) -> None:
    grid = data.draw(grids(SHAPE))
    turn = data.draw(rotations())
    plane = Plane.centred(grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.5, (20, 20))
    ends = plane.world([[data.draw(st.floats(0, 19)) for _ in range(2)] for _ in range(2)])
    radius = data.draw(st.floats(0.5, 4))
    _, flat = _in_layer(grid, plane)
    assume(np.abs(_distance(plane.world(flat), ends) - radius).min() > 1e-6)
    fine = ends[0] + np.linspace(0, 1, n_samples)[:, None] * (ends[1] - ends[0])
    once, often = disc_stroke(grid, ends, radius, plane), disc_stroke(grid, fine, radius, plane)
    assert np.array_equal(_full(once, grid), _full(often, grid))


def _is_odd(point: Floats, polygon: Floats) -> bool:
    """Return whether a ray to the right crosses an odd number of sides; not for points on one."""
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 > point[1]) != (y1 > point[1]) and point[0] < (x1 - x0) * (point[1] - y0) / (
            y1 - y0
        ) + x0:
            inside = not inside
    return inside


@given(st.data())
def test_a_polygon_holds_the_nearest_layer_by_the_even_odd_rule(data: st.DataObject) -> None:
    grid = data.draw(grids((5, 6, 7)))
    turn = data.draw(rotations())
    plane = Plane.centred(grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.5, (20, 20))
    n = data.draw(st.integers(3, 7))
    flat = np.array([[data.draw(st.floats(-5, 25)) for _ in range(2)] for _ in range(n)])
    off, at = _in_layer(grid, plane)
    assume(np.abs(np.abs(off) - 0.5).min() > 1e-4)
    sides = _distance(plane.world(at), plane.world(np.concatenate((flat, flat[:1]))))
    assume(sides.min() > 1e-6)
    inside = np.array([_is_odd(p, flat) for p in at.reshape(-1, 2)]).reshape(off.shape)
    expected = (np.abs(off) < 0.5) & inside
    assert np.array_equal(_full(polygon_block(grid, plane.world(flat), plane), grid), expected)


def test_a_pentagram_has_an_empty_middle() -> None:
    grid = Grid.from_axes((1, 41, 41))
    plane = Plane.centred(grid.centre_lps_mm, (1, 0, 0), (0, 1, 0), 1.0, (41, 41))
    angles = np.arange(5) * 4 * np.pi / 5
    star = plane.world(20 + 18.3 * np.column_stack((np.sin(angles), -np.cos(angles))))
    mask = _full(polygon_block(grid, star, plane), grid)[0]
    assert not mask[20, 20]
    assert mask[6, 20]


def test_a_square_between_centres_holds_exactly_its_pixels() -> None:
    grid = Grid.from_axes((3, 10, 10))
    plane = Plane.centred(grid.world((4.5, 4.5, 1)), (1, 0, 0), (0, 1, 0), 1.0, (10, 10))
    square = [(1.5, 2.5, 1), (5.5, 2.5, 1), (5.5, 4.5, 1), (1.5, 4.5, 1)]
    block = polygon_block(grid, square, plane)
    assert block is not None
    assert (block.start_kji, block.mask.shape) == ((1, 3, 2), (1, 2, 4))
    assert block.mask.all()


@pytest.mark.parametrize("place", [(500.0, 0.0, 0.0), (0.0, -500.0, 0.0), (3.0, 3.0, 90.0)])
def test_what_lies_outside_the_grid_paints_nothing(place: tuple[float, float, float]) -> None:
    grid = Grid.from_axes((5, 6, 7))
    plane = Plane.centred(place, (1, 0, 0), (0, 1, 0), 1.0, (9, 9))
    assert ball_stroke(grid, place, 2.0) is None
    assert disc_stroke(grid, place, 2.0, plane) is None
    assert polygon_block(grid, plane.world([(0, 0), (3, 0), (3, 3)]), plane) is None


def test_a_brush_thinner_than_a_voxel_may_paint_nothing() -> None:
    grid = Grid.from_axes((5, 6, 7))
    assert ball_stroke(grid, (2.5, 2.5, 2.5), 0.3) is None


@pytest.mark.parametrize("points", [[], [[np.nan, 0, 0]], [[0, 0, np.inf]]])
def test_a_stroke_without_finite_points_is_refused(points: list[list[float]]) -> None:
    grid = Grid.from_axes((5, 6, 7))
    plane = Plane.centred((2, 2, 2), (1, 0, 0), (0, 1, 0), 1.0, (9, 9))
    with pytest.raises(InputRefused):
        ball_stroke(grid, np.array(points, dtype=np.float64).reshape(-1, 3), 2.0)
    with pytest.raises(InputRefused):
        disc_stroke(grid, np.array(points, dtype=np.float64).reshape(-1, 3), 2.0, plane)


def test_a_polygon_of_two_points_is_refused() -> None:
    grid = Grid.from_axes((5, 6, 7))
    plane = Plane.centred((2, 2, 2), (1, 0, 0), (0, 1, 0), 1.0, (9, 9))
    with pytest.raises(InputRefused, match="three points"):
        polygon_block(grid, [(1, 1, 2), (3, 1, 2)], plane)
