"""How planes step through a picture: along its layers where they lie in the plane."""

from dataclasses import dataclass
from functools import lru_cache
from math import floor

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.geometry import Floats, Grid, Plane

# Sine of the angle by which a layer may leave a plane: to be shown as it is, and to be stepped by.
_IN_PLANE, _NEARLY_IN_PLANE = 1e-3, 0.045


@dataclass(frozen=True, slots=True)
class Layers:
    """How a family of parallel planes meets a grid; one value for all of them.

    Attributes
    ----------
    axis, step_mm
        The index axis that leads most through the planes; from layer to layer along the normal.
    leaning
        Sine of the angle by which a layer leaves the planes.
    first_mm, low_mm, high_mm
        Depths along the normal, from the patient's origin: of voxel (0, 0, 0), and of the nearest
        and farthest corner of the grid.
    finest_mm
        The smallest voxel spacing.
    """

    axis: int
    step_mm: float
    leaning: float
    first_mm: float
    low_mm: float
    high_mm: float
    finest_mm: float


@lru_cache(maxsize=64)
def _layers(grid: Grid, normal: tuple[float, float, float]) -> Layers:
    columns, along = grid.ijk_to_lps[:3, :3], np.array(normal)
    axis = int(np.argmax(np.abs(grid.lps_to_ijk[:3, :3] @ along) * grid.spacing_ijk_mm))
    within = np.delete(columns, axis, axis=1)
    depths = grid.corners_lps_mm @ along
    return Layers(
        axis,
        float(columns[:, axis] @ along),
        float(np.abs(along @ (within / np.linalg.norm(within, axis=0))).max()),
        float(grid.world((0, 0, 0)) @ along),
        float(depths.min()),
        float(depths.max()),
        min(grid.spacing_ijk_mm),
    )


def layers_of(grid: Grid, plane: Plane) -> Layers:
    """Return how planes parallel to ``plane`` meet ``grid``; remembered, every frame asks."""
    x, y, z = plane.normal.tolist()
    return _layers(grid, (x, y, z))


def layer_axis(grid: Grid, plane: Plane, tolerance: float = _IN_PLANE) -> tuple[int, float] | None:
    """Return the index axis whose layers lie in ``plane``, and the step along its normal (mm).

    None if the plane cuts through layers. The layers of a sheared grid (gantry tilt) are not at
    right angles to the step between them: what counts is that a layer lies in the plane, not that
    the step runs along its normal.
    """
    layers = layers_of(grid, plane)
    return None if layers.leaning > tolerance else (layers.axis, layers.step_mm)


def slice_step_mm(grid: Grid, plane: Plane) -> float:
    """Return how far the next image is: from layer to layer, else the smallest voxel spacing."""
    layers = layers_of(grid, plane)
    return abs(layers.step_mm) if layers.leaning <= _NEARLY_IN_PLANE else layers.finest_mm


def depth_range_mm(grid: Grid, plane: Plane) -> tuple[float, float]:
    """Return how far ``plane`` may move along its normal before it leaves the voxel centres."""
    layers = layers_of(grid, plane)
    here = float(plane.origin_lps_mm @ plane.normal)
    half = slice_step_mm(grid, plane) / 2
    low, high = layers.low_mm - here + half, layers.high_mm - here - half
    return (low, high) if low <= high else ((low + high) / 2, (low + high) / 2)


def snapped(grid: Grid, plane: Plane) -> Plane:
    """Return ``plane`` on the nearest row of voxel centres when it runs along the grid's axes."""
    layers = layers_of(grid, plane)
    if layers.leaning > _IN_PLANE:
        return plane
    first = layers.first_mm - float(plane.origin_lps_mm @ plane.normal)
    last = grid.shape_kji[2 - layers.axis] - 1
    number = min(max(floor(-first / layers.step_mm + 0.5), 0), last)
    return plane.moved(first + number * layers.step_mm)


def clamped_into(grid: Grid, point_lps_mm: ArrayLike) -> Floats:
    """Return the nearest point (in index space) that lies inside the grid."""
    index = np.clip(grid.index(point_lps_mm), 0, np.array(grid.shape_kji[::-1]) - 1)
    return grid.world(index)


def clamped_to(grid: Grid, point_lps_mm: ArrayLike, plane: Plane) -> Floats:
    """Return ``point_lps_mm`` moved along the plane's normal until its depth meets the grid."""
    low, high = depth_range_mm(grid, plane)
    shift = min(max(0.0, low), high)
    return np.asarray(point_lps_mm, dtype=np.float64) + plane.normal * shift
