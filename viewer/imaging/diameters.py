"""Longest and widest: diameters of masks."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, unit
from viewer.imaging.contour import contours

Mask = NDArray[np.bool_]


def longest_diameter(mask: Mask, grid: Grid) -> tuple[Floats, float]:
    """Return the two voxel centres (2, 3; LPS mm) of ``mask`` (k, j, i) furthest apart, and how far.

    Only extreme voxels of each row can be an end; a convex hull thins them further.
    """
    points = grid.world(_row_ends(mask)[:, ::-1])
    points = _hull(points)
    best, ends = -1.0, points[[0, 0]]
    for start in range(0, len(points), 512):
        part = points[start : start + 512]
        squared = ((part[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
        at = int(np.argmax(squared))
        if squared.flat[at] > best:
            best = float(squared.flat[at])
            a, b = divmod(at, len(points))
            ends = np.stack((part[a], points[b]))
    return ends, float(np.sqrt(best))


def _row_ends(mask: Mask) -> NDArray[np.int64]:
    rows = np.argwhere(mask.any(axis=2))
    lines = mask[rows[:, 0], rows[:, 1]]
    first = lines.argmax(axis=1)
    last = lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    both = np.concatenate((first, last))
    return np.column_stack((np.concatenate((rows, rows)), both))


def _hull(points: Floats) -> Floats:
    from scipy.spatial import ConvexHull, QhullError

    if len(points) < 5:
        return points
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except QhullError:  # all in one plane or line: too few to need thinning
        return points


def slice_diameters(mask: Mask, grid: Grid, k: int) -> Floats:
    """Return (4, 3; LPS mm): the longest chord of a slice's outline, and the widest one across it.

    The outline runs along pixel edges, so that a disc of n pixels measures n pixel sizes; the widest
    perpendicular is sought along the long axis in steps of a tenth of a pixel.
    """
    polygons = contours(mask)
    outline = np.concatenate(polygons)
    lps = grid.world(np.column_stack((outline, np.full(len(outline), float(k)))))
    hull = _hull_2d(lps, grid)
    squared = ((hull[:, None, :] - hull[None, :, :]) ** 2).sum(axis=-1)
    a, b = np.unravel_index(int(np.argmax(squared)), squared.shape)
    start, end = hull[a], hull[b]
    edges = [_closed(grid, polygon, k) for polygon in polygons]
    across = _widest_across(start, end, edges)
    return np.stack((start, end, *across))


def _closed(grid: Grid, polygon: Floats, k: int) -> Floats:
    points = grid.world(np.column_stack((polygon, np.full(len(polygon), float(k)))))
    return np.concatenate((points, points[:1]))


def _hull_2d(points: Floats, grid: Grid) -> Floats:
    from scipy.spatial import ConvexHull, QhullError

    flat = (points - points[0]) @ np.stack(
        (
            grid.directions[:, 0],
            np.cross(grid.directions[:, 0], np.cross(*grid.directions[:, :2].T)),
        )
    ).T
    try:
        return np.asarray(points[ConvexHull(flat).vertices])
    except QhullError:
        return points


def _widest_across(start: Floats, end: Floats, edges: list[Floats]) -> tuple[Floats, Floats]:
    along = unit(end - start)
    length = float(np.linalg.norm(end - start))
    plane_normal = _normal_of(edges, along)
    across = unit(np.cross(plane_normal, along))
    best = (0.0, start, start)
    for at in np.linspace(0.0, length, 241)[1:-1]:
        foot = start + along * at
        crossings = np.sort(_crossings(foot, along, across, edges))
        for low, high in zip(crossings[::2], crossings[1::2], strict=False):
            if high - low > best[0]:
                best = (float(high - low), foot + across * low, foot + across * high)
    return best[1], best[2]


def _normal_of(edges: list[Floats], along: Floats) -> Floats:
    points = np.concatenate(edges)
    delta = points - points[0]
    off = delta - np.outer(delta @ along, along)
    widest = off[int(np.argmax((off**2).sum(axis=1)))]
    return unit(np.cross(along, widest))


def _crossings(foot: Floats, along: Floats, across: Floats, edges: list[Floats]) -> Floats:
    """Return where the line through ``foot`` along ``across`` meets the outlines (even-odd)."""
    found = []
    for polygon in edges:
        s = (polygon - foot) @ along
        t = (polygon - foot) @ across
        before, after = s[:-1], s[1:]
        crossing = (before < 0) != (after < 0)
        share = before[crossing] / (before[crossing] - after[crossing])
        found.append(t[:-1][crossing] + share * (t[1:][crossing] - t[:-1][crossing]))
    return np.concatenate(found)
