"""Grids of every kind that files hold, and planes through them, for hypothesis."""

import itertools
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, Plane
from viewer.testing.builders import rotation

# All 48 ways to permute and flip three axes.
SIGNED_AXES = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def signed_permutation(order: tuple[int, ...], signs: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the matrix (3, 3) whose column n is ``signs[n]`` times axis ``order[n]``."""
    matrix = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        matrix[axis, column] = sign
    return matrix


def a_rotation(draw: st.DrawFn, most_degrees: float = 180.0) -> Floats:
    axis = [draw(st.floats(-1, 1)) for _ in range(3)]
    if np.linalg.norm(axis) < 0.1:
        axis = [0.0, 0.0, 1.0]
    return rotation(axis, draw(st.floats(-most_degrees, most_degrees)))


@st.composite
def rotations(draw: st.DrawFn) -> Floats:
    """Draw any rotation matrix (3, 3)."""
    return a_rotation(draw)


@st.composite
def grids(
    draw: st.DrawFn,
    shape_kji: tuple[int, int, int] = (7, 9, 11),
    *,
    most_shear: float = 0.4,
    most_degrees: float = 180.0,
) -> Grid:
    """Draw an anisotropic, rotated, perhaps sheared and perhaps left-handed grid."""
    order, signs = draw(st.sampled_from(SIGNED_AXES))
    columns = a_rotation(draw, most_degrees) @ signed_permutation(order, signs)
    shear = np.eye(3)
    shear[0, 2], shear[1, 2] = (draw(st.floats(-most_shear, most_shear)) for _ in range(2))
    spacing = np.array([draw(st.floats(0.4, 3.0)) for _ in range(3)])
    affine = np.eye(4)
    affine[:3, :3] = columns @ shear * spacing
    affine[:3, 3] = [draw(st.floats(-200, 200)) for _ in range(3)]
    return Grid(shape_kji, affine)


@st.composite
def planes(draw: st.DrawFn, grid: Grid, size_px: tuple[int, int] = (23, 17)) -> Plane:
    """Draw a plane of any direction that passes near the middle of ``grid``."""
    right, down, _ = a_rotation(draw).T
    extent = float(np.ptp(grid.corners_lps_mm @ right))
    centre = grid.centre_lps_mm + [draw(st.floats(-0.2, 0.2)) * extent for _ in range(3)]
    return Plane.centred(centre, right, down, extent / draw(st.floats(8, 40)), size_px)


def for_each_voxel(grid: Grid, value: Callable[[Floats], Floats]) -> Floats:
    """Return ``value`` of the voxel centres (k, j, i, 3), LPS mm."""
    k, j, i = np.indices(grid.shape_kji)
    return value(grid.world(np.stack((i, j, k), axis=-1)))
