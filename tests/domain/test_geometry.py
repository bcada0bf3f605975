"""Where voxels and pixels are in the patient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imaging.grids import SIGNED_AXES, grids, planes, signed_permutation
from viewer.domain.geometry import (
    Floats,
    Grid,
    Plane,
    PlaneName,
    acquired_plane,
    fitted_plane,
    nearest,
    orientation_letters,
    unit,
)
from viewer.errors import InputRefused
from viewer.testing.builders import rotation

INDEX = st.tuples(*[st.floats(-20, 40)] * 3)
NAMES: tuple[PlaneName, ...] = ("axial", "coronal", "sagittal")


# --- grids ---


@given(grids(), INDEX)
def test_index_and_world_are_each_others_inverse(
    grid: Grid, index: tuple[float, float, float]
) -> None:
    assert grid.index(grid.world(index)) == pytest.approx(index, abs=1e-6)


@given(grids())
def test_a_step_along_an_index_axis_is_its_spacing_along_its_direction(grid: Grid) -> None:
    origin = grid.world((0, 0, 0))
    assert origin == pytest.approx(grid.ijk_to_lps[:3, 3])
    for axis in range(3):
        step = grid.world(np.eye(3)[axis]) - origin
        assert np.linalg.norm(step) == pytest.approx(grid.spacing_ijk_mm[axis])
        assert step == pytest.approx(grid.directions[:, axis] * grid.spacing_ijk_mm[axis])


@given(grids())
def test_the_volume_of_a_voxel_is_that_of_its_parallelepiped(grid: Grid) -> None:
    a, b, c = grid.ijk_to_lps[:3, :3].T
    assert grid.voxel_volume_mm3 == pytest.approx(abs(float(np.cross(a, b) @ c)))
    assert grid.is_right_handed == (float(np.cross(a, b) @ c) > 0)


@given(grids())
def test_a_point_is_inside_within_half_a_voxel_of_the_outermost_centres(grid: Grid) -> None:
    n = np.array(grid.shape_kji[::-1])
    inside = grid.world(np.stack((np.full(3, -0.49), n - 0.51, (n - 1) / 2)))
    outside = grid.world([(-0.51, 1, 1), (1, n[1] - 0.49, 1), (1, 1, 99)])
    assert grid.contains(inside).all()
    assert not grid.contains(outside).any()


@given(grids())
def test_the_corners_are_those_of_the_outermost_voxels(grid: Grid) -> None:
    index = grid.index(grid.corners_lps_mm)
    n = np.array(grid.shape_kji[::-1])
    assert index.min(axis=0) == pytest.approx([-0.5] * 3, abs=1e-6)
    assert index.max(axis=0) == pytest.approx(n - 0.5, abs=1e-6)
    assert len({tuple(row) for row in np.round(index, 3)}) == 8
    assert grid.corners_lps_mm.mean(axis=0) == pytest.approx(grid.centre_lps_mm, abs=1e-6)


@given(grids())
def test_a_cropped_grid_leaves_voxels_in_their_places(grid: Grid) -> None:
    part = grid.crop((1, 2, 3), (5, 6, 8))
    assert part.shape_kji == (4, 4, 5)
    assert part.world((0, 0, 0)) == pytest.approx(grid.world((3, 2, 1)))
    assert part.world((4, 3, 3)) == pytest.approx(grid.world((7, 5, 4)))


def test_grids_are_equal_by_value_and_frozen() -> None:
    one = Grid.from_axes((2, 3, 4), spacing_ijk_mm=(1, 2, 3))
    other = Grid.from_axes((2, 3, 4), spacing_ijk_mm=(1, 2, 3))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Grid.from_axes((2, 3, 4), spacing_ijk_mm=(1, 2, 3.001))
    assert one != Grid.from_axes((2, 3, 5), spacing_ijk_mm=(1, 2, 3))
    assert one != "a grid"
    with pytest.raises(ValueError, match="read-only"):
        one.ijk_to_lps[0, 0] = 9


def test_a_grid_does_not_follow_the_array_it_was_made_of() -> None:
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 3] = 99
    assert grid.world((0, 0, 0)).tolist() == [0, 0, 0]


def _affine(**changes: float) -> Floats:
    affine = np.eye(4)
    for place, value in changes.items():
        affine[int(place[1]), int(place[2])] = value
    return affine


@pytest.mark.parametrize(
    ("shape", "affine", "reason"),
    [
        ((0, 2, 2), np.eye(4), "no voxels"),
        ((2, -1, 2), np.eye(4), "no voxels"),
        ((2, 2, 2), _affine(a00=0.0), "without extent"),
        ((2, 2, 2), _affine(a11=0.0, a01=1.0), "lie in one plane"),
        ((2, 2, 2), _affine(a22=float("nan")), "not finite"),
        ((2, 2, 2), _affine(a03=float("inf")), "not finite"),
        ((2, 2, 2), _affine(a30=1.0), "last row"),
        ((2, 2, 2), np.eye(3), "shape"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(
    shape: tuple[int, int, int], affine: Floats, reason: str
) -> None:
    with pytest.raises(InputRefused, match=reason):
        Grid(shape, affine)


@pytest.mark.parametrize(("order", "signs"), SIGNED_AXES)
def test_the_axis_towards_a_direction_is_found_in_all_48_orientations(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    grid = Grid.from_axes((3, 3, 3), directions=signed_permutation(order, signs))
    assert grid.is_axis_aligned
    assert grid.is_orthogonal
    for axis in range(3):
        patient = np.eye(3)[order[axis]]
        assert grid.axis_towards(patient) == axis
        assert grid.axis_towards(-patient) == axis


def test_tilted_grids_are_told_from_straight_ones() -> None:
    tilted = np.eye(4)
    tilted[1, 2] = 0.3
    assert not Grid((2, 2, 2), tilted).is_orthogonal
    turned = Grid.from_axes((2, 2, 2), directions=rotation((0, 0, 1), 3))
    assert turned.is_orthogonal
    assert not turned.is_axis_aligned


# --- directions ---


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 2, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "H"),
        ((0, 0, -3), "F"),
        ((1, 0.017, 0), "L"),
        ((1, 0.018, 0), "LP"),
        ((-0.5, -0.8, 0.1), "ARH"),
        ((0.1, 0.2, -0.9), "FPL"),
    ],
)
def test_letters_name_where_a_direction_points_largest_part_first(
    direction: tuple[float, float, float], letters: str
) -> None:
    assert orientation_letters(direction) == letters


@pytest.mark.parametrize("vector", [(0, 0, 0), (np.nan, 0, 1), (np.inf, 0, 0)])
def test_a_direction_without_length_is_refused(vector: tuple[float, float, float]) -> None:
    with pytest.raises(InputRefused, match="direction"):
        unit(vector)


def test_half_way_the_higher_voxel_is_nearest_whatever_the_rounding() -> None:
    assert nearest([2.5, 2.5 - 1e-9, 2.5 + 1e-9, 2.4999, -0.5, -0.51]).tolist() == [
        3,
        3,
        3,
        2,
        0,
        -1,
    ]


# --- planes ---


@given(planes(Grid.from_axes((9, 9, 9))), st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
def test_pixel_and_world_are_each_others_inverse(plane: Plane, xy: tuple[float, float]) -> None:
    assert plane.pixel(plane.world(xy)) == pytest.approx((*xy, 0.0), abs=1e-6)


@given(planes(Grid.from_axes((9, 9, 9))), st.floats(-30, 30))
def test_a_moved_plane_lies_that_far_along_its_normal(plane: Plane, distance: float) -> None:
    moved = plane.moved(distance)
    assert plane.pixel(moved.world((3, 4))) == pytest.approx((3, 4, distance), abs=1e-6)
    assert moved.through(plane.world((1, 1))).pixel(plane.world((5, 5)))[2] == pytest.approx(
        0, abs=1e-6
    )


@given(planes(Grid.from_axes((9, 9, 9))), st.floats(-9, 9), st.floats(-9, 9))
def test_panning_takes_what_is_seen_along_with_the_hand(plane: Plane, dx: float, dy: float) -> None:
    point = plane.world((4.0, 7.0))
    assert plane.panned(dx, dy).pixel(point) == pytest.approx((4 + dx, 7 + dy, 0), abs=1e-6)


@given(planes(Grid.from_axes((9, 9, 9))), st.floats(0.1, 10))
def test_zooming_keeps_the_point_under_the_hand(plane: Plane, factor: float) -> None:
    zoomed = plane.zoomed(factor, (6.0, 2.0))
    assert zoomed.pixel_mm == pytest.approx(plane.pixel_mm / factor)
    assert zoomed.world((6, 2)) == pytest.approx(plane.world((6, 2)), abs=1e-6)


@given(planes(Grid.from_axes((9, 9, 9))))
def test_the_middle_of_a_plane_is_between_its_corners(plane: Plane) -> None:
    width, height = plane.size_px
    corners = plane.world([(0, 0), (width - 1, height - 1)])
    assert plane.centre_lps_mm == pytest.approx(corners.mean(axis=0), abs=1e-6)
    again = Plane.centred(
        plane.centre_lps_mm, plane.right, plane.down, plane.pixel_mm, plane.size_px
    )
    assert again.origin_lps_mm == pytest.approx(plane.origin_lps_mm, abs=1e-6)


@pytest.mark.parametrize(
    ("right", "down", "pixel_mm", "size_px"),
    [
        ((1, 0, 0), (1, 1, 0), 1.0, (4, 4)),
        ((1, 0, 0), (1, 0, 0), 1.0, (4, 4)),
        ((0, 0, 0), (0, 1, 0), 1.0, (4, 4)),
        ((1, 0, 0), (0, 1, 0), 0.0, (4, 4)),
        ((1, 0, 0), (0, 1, 0), -1.0, (4, 4)),
        ((1, 0, 0), (0, 1, 0), float("nan"), (4, 4)),
        ((1, 0, 0), (0, 1, 0), 1.0, (0, 4)),
    ],
)
def test_a_plane_that_cannot_be_is_refused(
    right: tuple[int, int, int],
    down: tuple[int, int, int],
    pixel_mm: float,
    size_px: tuple[int, int],
) -> None:
    with pytest.raises(InputRefused):
        Plane(np.zeros(3), np.array(right), np.array(down), pixel_mm, size_px)


def test_planes_are_equal_by_value() -> None:
    one = Plane.centred((0, 0, 0), (1, 0, 0), (0, 1, 0), 0.5, (10, 10))
    assert one == Plane.centred((0, 0, 0), (2, 0, 0), (0, 3, 0), 0.5, (10, 10))
    assert hash(one) == hash(one.moved(0.0))
    assert one != one.moved(0.1)
    assert one != 3


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("axial", {"left": "R", "right": "L", "top": "A", "bottom": "P"}),
        ("coronal", {"left": "R", "right": "L", "top": "H", "bottom": "F"}),
        ("sagittal", {"left": "A", "right": "P", "top": "H", "bottom": "F"}),
    ],
)
def test_the_standard_planes_are_seen_the_radiologists_way(
    name: PlaneName, letters: dict[str, str]
) -> None:
    assert fitted_plane(Grid.from_axes((3, 3, 3)), name, (10, 10)).letters() == letters


@given(grids(), st.sampled_from(NAMES), st.tuples(st.integers(5, 300), st.integers(5, 300)))
def test_a_fitted_plane_shows_the_whole_grid_and_no_more(
    grid: Grid, name: PlaneName, size_px: tuple[int, int]
) -> None:
    plane = fitted_plane(grid, name, size_px)
    corners = plane.pixel(grid.corners_lps_mm)[:, :2]
    width, height = size_px
    assert corners.min() >= -0.5 - 1e-6
    assert (corners.max(axis=0) <= np.array(size_px) - 0.5 + 1e-6).all()
    used = np.ptp(corners, axis=0) / np.array([width, height])
    assert used.max() == pytest.approx(1.0)
    assert plane.pixel(grid.centre_lps_mm)[2] == pytest.approx(0, abs=1e-6)


def test_a_fitted_plane_passes_through_the_point_that_is_asked_for() -> None:
    grid = Grid.from_axes((9, 9, 9))
    plane = fitted_plane(grid, "axial", (20, 20), through_lps_mm=(1, 2, 7), margin=2.0)
    assert plane.origin_lps_mm[2] == pytest.approx(7)
    assert plane.pixel_mm == pytest.approx(0.9)


@given(grids(), st.integers(0, 6))
def test_an_acquired_plane_shows_its_slice_as_stored(grid: Grid, k: int) -> None:
    plane = acquired_plane(grid, (60, 60), k)
    assert plane.right == pytest.approx(grid.directions[:, 0], abs=1e-6)
    index = grid.index(plane.world([(0, 0), (40, 0), (0, 40), (59, 59)]))
    assert index[:, 2] == pytest.approx(k, abs=1e-6)
    assert index[1, 0] > index[0, 0]
    assert index[2, 1] > index[0, 1]
