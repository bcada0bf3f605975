"""Polygons filled row by row, against the slow way, other libraries and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.geometry import Grid, acquired_plane
from viewer.errors import InputRefused
from viewer.imaging import scanline
from viewer.imaging.rasterise import polygon_block
from viewer.imaging.scanline import polygon_mask

SHAPE = (13, 17)
vertices = st.lists(
    st.tuples(st.floats(-6, 22, width=32), st.floats(-6, 18, width=32)), min_size=3, max_size=12
)


@given(vertices)
def test_it_equals_the_rasteriser_of_drawn_polygons(points: list[tuple[float, float]]) -> None:
    # Away from centres of voxels: on them, rounding in the plane decides for the other one.
    moved = np.round(np.array(points), 2) + np.array([0.00137, 0.00291])
    grid = Grid.from_axes((1, *SHAPE))
    world = np.column_stack((moved, np.zeros(len(moved))))
    block = polygon_block(grid, world, acquired_plane(grid, (64, 64), 0))
    expected = np.zeros(SHAPE, dtype=bool)
    if block is not None:
        _, j, i = block.start_kji
        _, n_j, n_i = block.mask.shape
        expected[j : j + n_j, i : i + n_i] = block.mask[0]
    np.testing.assert_array_equal(polygon_mask(moved, SHAPE), expected)


def test_it_equals_scikit_image_on_simple_polygons() -> None:
    from skimage.measure import grid_points_in_poly

    rng = np.random.default_rng(5)
    for _ in range(30):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radius = rng.uniform(2, 9, 9)
        points = np.column_stack((8 + radius * np.cos(angles), 6 + radius * np.sin(angles)))
        expected = grid_points_in_poly(SHAPE, points[:, ::-1])
        np.testing.assert_array_equal(polygon_mask(points, SHAPE), expected)


def test_a_disc_has_its_area() -> None:
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    points = 150.3 + 100 * np.column_stack((np.cos(angles), np.sin(angles)))
    assert np.count_nonzero(polygon_mask(points, (300, 300))) == pytest.approx(
        np.pi * 100**2, rel=2e-3
    )


def test_neighbours_through_centres_share_no_voxel_and_leave_none_out() -> None:
    left = polygon_mask([(0, 0), (5, 0), (5, 9), (0, 9)], SHAPE)
    right = polygon_mask([(5, 0), (12, 0), (12, 9), (5, 9)], SHAPE)
    assert not (left & right).any()
    assert np.count_nonzero(left | right) == 12 * 9


def test_a_keyhole_leaves_its_hole_empty() -> None:
    outer = [(1, 1), (11, 1), (11, 11), (1, 11)]
    hole = [(4, 4), (4, 8), (8, 8), (8, 4)]
    keyhole = [*outer, outer[0], hole[0], *hole[1:], hole[0]]
    expected = polygon_mask(outer, SHAPE) ^ polygon_mask(hole, SHAPE)
    np.testing.assert_array_equal(polygon_mask(keyhole, SHAPE), expected)


def test_edges_in_portions_make_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    angles = np.linspace(0, 6 * np.pi, 50)
    points = np.column_stack((8 + angles / 3 * np.cos(angles), 6 + angles / 3 * np.sin(angles)))
    whole = polygon_mask(points, SHAPE)
    monkeypatch.setattr(scanline, "_MOST_CROSSINGS", 5)
    np.testing.assert_array_equal(polygon_mask(points, SHAPE), whole)
    assert whole.any()


def test_coordinates_far_away_cost_nothing_and_cover_what_they_surround() -> None:
    far = 1e12
    assert polygon_mask([(-far, -far), (far, -far), (far, far), (-far, far)], SHAPE).all()


@pytest.mark.parametrize("points", [[(0, 0), (1, 1)], [(0, 0), (1, 1), (np.nan, 2)]])
def test_what_is_no_polygon_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(InputRefused, match="polygon"):
        polygon_mask(points, SHAPE)
