"""How planes step through a picture: along its layers where they lie in the plane."""

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.geometry import Floats, Grid, Plane

# Sine of the angle by which a layer may leave a plane: to be shown as it is, and to be stepped by.
_IN_PLANE, _NEARLY_IN_PLANE = 1e-3, 0.045


def layer_axis(grid: Grid, plane: Plane, tolerance: float = _IN_PLANE) -> tuple[int, float] | None:
    """Return the index axis whose layers lie in ``plane``, and the step along its normal (mm).

    None if the plane cuts through layers. The layers of a sheared grid (gantry tilt) are not at
    right angles to the step between them: what counts is that a layer lies in the plane, not that
    the step runs along its normal.
    """
    columns = grid.ijk_to_lps[:3, :3]
    axis = int(np.argmax(np.abs(grid.lps_to_ijk[:3, :3] @ plane.normal) * grid.spacing_ijk_mm))
    within = np.delete(columns, axis, axis=1)
    if np.abs(plane.normal @ (within / np.linalg.norm(within, axis=0))).max() > tolerance:
        return None
    return axis, float(columns[:, axis] @ plane.normal)


def slice_step_mm(grid: Grid, plane: Plane) -> float:
    """Return how far the next image is: from layer to layer, else the smallest voxel spacing."""
    layers = layer_axis(grid, plane, _NEARLY_IN_PLANE)
    return abs(layers[1]) if layers else float(min(grid.spacing_ijk_mm))


def depth_range_mm(grid: Grid, plane: Plane) -> tuple[float, float]:
    """Return how far ``plane`` may move along its normal before it leaves the voxel centres."""
    depths = plane.pixel(grid.corners_lps_mm)[:, 2]
    half = slice_step_mm(grid, plane) / 2
    low, high = float(depths.min()) + half, float(depths.max()) - half
    return (low, high) if low <= high else ((low + high) / 2, (low + high) / 2)


def snapped(grid: Grid, plane: Plane) -> Plane:
    """Return ``plane`` on the nearest row of voxel centres when it runs along the grid's axes."""
    layers = layer_axis(grid, plane)
    if layers is None:
        return plane
    axis, step = layers
    first = float(plane.pixel(grid.world((0, 0, 0)))[2])
    number = np.clip(np.floor(-first / step + 0.5), 0, grid.shape_kji[2 - axis] - 1)
    return plane.moved(first + float(number) * step)


def clamped_into(grid: Grid, point_lps_mm: ArrayLike) -> Floats:
    """Return the nearest point (in index space) that lies inside the grid."""
    index = np.clip(grid.index(point_lps_mm), 0, np.array(grid.shape_kji[::-1]) - 1)
    return grid.world(index)


def clamped_to(grid: Grid, point_lps_mm: ArrayLike, plane: Plane) -> Floats:
    """Return ``point_lps_mm`` moved along the plane's normal until its depth meets the grid."""
    low, high = depth_range_mm(grid, plane)
    shift = float(np.clip(0.0, low, high))
    return np.asarray(point_lps_mm, dtype=np.float64) + plane.normal * shift
