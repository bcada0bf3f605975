"""Shapes to voxels: balls, discs, polygons. A voxel belongs to a shape if its centre lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Floats, Grid, Plane
from viewer.errors import InputRefused
from viewer.imaging.statistics import layer_voxels

Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Block:
    """A mask (k, j, i) and the voxel of the grid where it begins."""

    start_kji: Shape
    mask: Mask


def _points(points_lps_mm: ArrayLike) -> Floats:
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    if not len(points) or not np.isfinite(points).all():
        raise InputRefused("A stroke needs at least one finite point.")
    return points


def ball_stroke(grid: Grid, points_lps_mm: ArrayLike, radius_mm: float) -> Block | None:
    """Return the voxels within ``radius_mm`` of the line through points (n, 3); None outside.

    Distances are those in the patient, so a ball stays a ball on anisotropic and sheared grids.
    """
    points = _points(points_lps_mm)
    bounds = _bounds(grid, points, radius_mm)
    if bounds is None:
        return None
    start, stop = bounds
    mask = np.zeros([b - a for a, b in zip(start, stop, strict=True)], dtype=bool)
    # Each piece looks at its own box: the whole box of a long stroke is mostly empty.
    for n in range(max(1, len(points) - 1)):
        piece = points[n : n + 2]
        own = _bounds(grid, piece, radius_mm)
        if own is None:
            continue
        inside = _box_distance_squared(grid, own, piece) <= _limit(radius_mm)
        at = tuple(slice(a - s, b - s) for a, b, s in zip(*own, start, strict=True))
        mask[at] |= inside
    return _trimmed(start, mask)


def disc_stroke(
    grid: Grid, points_lps_mm: ArrayLike, radius_mm: float, plane: Plane
) -> Block | None:
    """Return the voxels of the layer nearest to ``plane`` within ``radius_mm`` of the stroke.

    Distances are measured within the plane. On an acquired plane this is a disc on one slice; on
    an oblique one the staircase of voxels that the plane runs through.
    """
    points = _points(points_lps_mm)
    points = points - np.outer(plane.pixel(points)[:, 2], plane.normal)
    rim = radius_mm * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)], dtype=np.float64)
    offsets = rim @ np.stack((plane.right, plane.down))
    corners = (points[:, None, :] + offsets[None, :, :]).reshape(-1, 3)
    voxels, _ = layer_voxels(grid, corners, plane.normal)
    centres = grid.world(voxels)
    centres = centres - np.outer(plane.pixel(centres)[:, 2], plane.normal)
    inside = _distance_squared(centres, points) <= _limit(radius_mm)
    return _block(voxels[inside])


def polygon_block(grid: Grid, points_lps_mm: ArrayLike, plane: Plane) -> Block | None:
    """Return the voxels of the layer nearest to ``plane`` inside a polygon (n, 3); even-odd rule.

    Raises
    ------
    InputRefused
        Fewer than three points.
    """
    points = _points(points_lps_mm)
    if len(points) < 3:
        raise InputRefused("A polygon needs three points.")
    flat = plane.pixel(points)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    box = np.array([(low[0], low[1]), (low[0], high[1]), (high[0], low[1]), (high[0], high[1])])
    voxels, _ = layer_voxels(grid, plane.world(box), plane.normal)
    inside = _in_polygon(plane.pixel(grid.world(voxels))[:, :2], flat)
    return _block(voxels[inside])


def polygons_block(grid: Grid, outlines: Sequence[Floats], plane: Plane) -> Block | None:
    """Return what several outlines (each n, 3) on one plane enclose together; even-odd rule.

    So an outline within another one is a hole. Raises as ``polygon_block``.
    """
    voxels = []
    for outline in outlines:
        block = polygon_block(grid, outline, plane)
        if block is not None:
            voxels.append(np.argwhere(block.mask) + np.array(block.start_kji))
    if not voxels:
        return None
    places, n_times = np.unique(np.concatenate(voxels), axis=0, return_counts=True)
    return _block(places[n_times % 2 == 1][:, ::-1])


def prism_block(
    grid: Grid, mask: Mask, points_lps_mm: ArrayLike, plane: Plane, *, outside: bool = False
) -> Block | None:
    """Return the voxels of ``mask`` (k, j, i) that lie in a polygon (n, 3) along the line of sight.

    A voxel's centre is projected onto ``plane``; even-odd rule. ``outside``: those that do not.
    None when there are none.

    Raises
    ------
    InputRefused
        Fewer than three points.
    """
    points = _points(points_lps_mm)
    if len(points) < 3:
        raise InputRefused("A polygon needs three points.")
    flat = plane.pixel(points)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    voxels = np.argwhere(mask)[:, ::-1]
    seen = plane.pixel(grid.world(voxels))[:, :2]
    inside = ((seen >= low) & (seen <= high)).all(axis=1)
    inside[inside] = _in_polygon(seen[inside], flat)
    return _block(voxels[~inside if outside else inside])


def _in_polygon(points: Floats, polygon: Floats) -> Mask:
    inside = np.zeros(len(points), dtype=bool)
    x, y = points.T
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        rows = np.flatnonzero((y0 <= y) != (y1 <= y))
        inside[rows] ^= x[rows] < x0 + (y[rows] - y0) / (y1 - y0) * (x1 - x0)
    return inside


def _bounds(grid: Grid, points: Floats, radius_mm: float) -> tuple[Shape, Shape] | None:
    # How far an index can move within the radius, along each axis: rows of the inverse affine.
    reach = np.linalg.norm(grid.lps_to_ijk[:3, :3], axis=1) * radius_mm
    index = grid.index(points)
    low = np.ceil(index.min(axis=0) - reach - 1e-6).astype(int)
    high = np.floor(index.max(axis=0) + reach + 1e-6).astype(int) + 1
    low = np.maximum(low, 0)
    high = np.minimum(high, grid.shape_kji[::-1])
    if (low >= high).any():
        return None
    i, j, k = (int(n) for n in low)
    ii, jj, kk = (int(n) for n in high)
    return (k, j, i), (kk, jj, ii)


def _distance_squared(centres: Floats, points: Floats) -> Floats:
    """Return the squared distance of ``centres`` (..., 3) to the line through ``points``."""
    best = ((centres - points[0]) ** 2).sum(axis=-1)
    for start, end in pairwise(points):
        edge = end - start
        squared = float(edge @ edge)
        if squared == 0:
            continue
        share = np.clip((centres - start) @ edge / squared, 0, 1)
        nearest = start + share[..., None] * edge
        best = np.minimum(best, ((centres - nearest) ** 2).sum(axis=-1))
    return np.asarray(best)


def _box_distance_squared(grid: Grid, box: tuple[Shape, Shape], piece: Floats) -> Floats:
    """Return the squared distances (k, j, i) of a box's voxel centres to one piece of a line.

    The vector from the piece's start to a centre is a sum of one vector an axis, so its square and
    its share along the piece are sums of small tables: a twentieth of the work of all centres.
    """
    start, edge = piece[0], piece[-1] - piece[0]
    affine = grid.ijk_to_lps
    (k0, j0, i0), (k1, j1, i1) = box
    across = np.arange(i0, i1)[:, None] * affine[:3, 0] + (affine[:3, 3] - start)
    down = np.arange(j0, j1)[:, None] * affine[:3, 1]
    through = np.arange(k0, k1)[:, None] * affine[:3, 2]
    squares = [(vectors**2).sum(axis=1) for vectors in (across, down, through)]
    plane = squares[0] + squares[1][:, None] + 2 * (down @ across.T)
    rest_j = squares[2][:, None] + 2 * (through @ down.T)
    squared = plane + rest_j[:, :, None] + 2 * (through @ across.T)[:, None, :]
    length_squared = float(edge @ edge)
    if length_squared == 0:
        return np.asarray(squared)
    along = (through @ edge)[:, None, None] + ((down @ edge)[:, None] + across @ edge)
    share = np.clip(along / length_squared, 0, 1)
    return np.asarray(squared + share * (share * length_squared - 2 * along))


def _limit(radius_mm: float) -> float:
    """Return the squared radius; a centre exactly on the rim is inside, come what rounding may."""
    return (radius_mm * (1 + 1e-9)) ** 2


def _trimmed(start: Shape, mask: Mask) -> Block | None:
    """Return the block without empty rims, None when nothing is in it."""
    if not mask.any():
        return None
    box = []
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        there = np.flatnonzero(mask.any(axis=others))
        box.append((int(there[0]), int(there[-1]) + 1))
    k, j, i = (a + low for a, (low, _) in zip(start, box, strict=True))
    return Block((k, j, i), mask[tuple(slice(low, high) for low, high in box)])


def _block(voxels_ijk: NDArray[np.int64]) -> Block | None:
    if not len(voxels_ijk):
        return None
    kji = voxels_ijk[:, ::-1]
    low, high = kji.min(axis=0), kji.max(axis=0)
    mask = np.zeros(high - low + 1, dtype=bool)
    mask[tuple((kji - low).T)] = True
    k, j, i = (int(n) for n in low)
    return Block((k, j, i), mask)
