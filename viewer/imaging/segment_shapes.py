"""Masks grown, shrunk, hollowed, smoothed, filled and mirrored: in millimetres of the patient.

A distance is one between voxel centres, in the patient, so results are right on anisotropic and on
sheared grids. What lies beyond the image is not known: a mask is neither worn away from there nor
filled from there.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, nearest
from viewer.errors import InputRefused

Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]
Shape = tuple[int, int, int]
Box = tuple[slice, slice, slice]
_MOST_MM = 200.0
_FACES_OFF = 1e-9  # a centre exactly at the distance belongs to it, whatever rounding says


def box_of(mask: Mask) -> Box | None:
    """Return the smallest block that holds all of ``mask`` (k, j, i); None when it is empty."""
    parts = []
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        there = np.flatnonzero(mask.any(axis=others))
        if not there.size:
            return None
        parts.append(slice(int(there[0]), int(there[-1]) + 1))
    return parts[0], parts[1], parts[2]


def wider(box: Box, grid: Grid, reach_mm: float) -> Box:
    """Return the block with room of ``reach_mm`` on every side, cut to the grid."""
    reach = np.linalg.norm(grid.lps_to_ijk[:3, :3], axis=1)[::-1] * reach_mm
    k, j, i = (
        slice(max(0, part.start - steps), min(n, part.stop + steps))
        for part, steps, n in zip(
            box, (int(np.floor(r + 1e-6)) + 1 for r in reach), grid.shape_kji, strict=True
        )
    )
    return k, j, i


def distance_mm(mask: Mask, grid: Grid) -> NDArray[np.float32]:
    """Return the distance (k, j, i) of every voxel to the nearest voxel of ``mask``, 0 in it.

    Infinite where the mask is empty. Orthogonal grids: Maurer's exact transform (IEEE TPAMI 25,
    2003) by SimpleITK; sheared ones: the nearest voxel of the mask's rim by a k-d tree.
    """
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    if not grid.is_orthogonal:
        return _sheared_distance(mask, grid)
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(grid.spacing_ijk_mm)
    found = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    distance = sitk.GetArrayFromImage(found)
    return np.asarray(np.where(mask, np.float32(0), np.maximum(distance, 0)), dtype=np.float32)


def _sheared_distance(mask: Mask, grid: Grid) -> NDArray[np.float32]:
    from scipy.ndimage import binary_erosion
    from scipy.spatial import cKDTree

    rim = mask & ~binary_erosion(mask, np.ones((3, 3, 3), dtype=bool), border_value=0)
    tree = cKDTree(grid.world(np.argwhere(rim)[:, ::-1]))
    outside = np.argwhere(~mask)
    result = np.zeros(mask.shape, dtype=np.float32)
    if len(outside):
        distances, _ = tree.query(grid.world(outside[:, ::-1]))
        result[tuple(outside.T)] = distances
    return result


def grown(mask: Mask, grid: Grid, distance: float) -> Mask:
    """Return all voxels within ``distance`` mm of ``mask`` (k, j, i).

    Raises
    ------
    InputRefused
        The distance is negative, not finite, or above 200 mm.
    """
    _checked(distance)
    box = box_of(mask)
    if box is None:
        return mask.copy()
    box = wider(box, grid, distance)
    result = mask.copy()
    result[box] = distance_mm(mask[box], _part(grid, box)) <= _reach(distance)
    return result


def shrunk(mask: Mask, grid: Grid, distance: float) -> Mask:
    """Return the voxels of ``mask`` further than ``distance`` mm from all that is not in it.

    The edge of the image wears nothing away. Raises as ``grown``.
    """
    _checked(distance)
    box = box_of(mask)
    if box is None:
        return mask.copy()
    box = wider(box, grid, 0.0)
    result = mask.copy()
    result[box] = distance_mm(~mask[box], _part(grid, box)) > _reach(distance)
    return result


def hollowed(
    mask: Mask, grid: Grid, thickness_mm: float, side: Literal["inside", "outside"] = "inside"
) -> Mask:
    """Return a shell of ``mask``: its outer ``thickness_mm``, or as much around it.

    Raises as ``grown``.
    """
    if side == "inside":
        return mask & ~shrunk(mask, grid, thickness_mm)
    return grown(mask, grid, thickness_mm) & ~mask


def grown_within(mask: Mask, grid: Grid, distance: float, allowed: Mask) -> Mask:
    """Return ``mask`` with all allowed voxels within ``distance`` mm that hang together with it.

    A barrier (what is not allowed) is neither entered nor jumped: what lies behind it stays out
    unless a way of allowed voxels (faces, edges, corners) within the distance leads around it.
    """
    from scipy.ndimage import label

    near = (grown(mask, grid, distance) & allowed) | mask
    pieces, count = label(near, structure=np.ones((3, 3, 3), dtype=bool))
    keep = np.zeros(count + 1, dtype=bool)
    keep[np.unique(pieces[mask])] = True
    keep[0] = False
    return np.asarray(keep[pieces])


def filled_2d(mask: Mask, axis: int) -> Mask:
    """Return ``mask`` with the holes of each slice across array ``axis`` (0 = k) filled.

    A hole is background that does not reach the slice's edge over faces (4 neighbours).
    """
    from scipy.ndimage import binary_fill_holes

    result = mask.copy()
    for n in np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))):
        at: list[slice | int] = [slice(None)] * 3
        at[axis] = int(n)
        result[tuple(at)] = binary_fill_holes(mask[tuple(at)])
    return result


def filled_3d(mask: Mask) -> Mask:
    """Return ``mask`` (k, j, i) with its cavities filled.

    A cavity is background that does not reach the edge of the image over faces (6 neighbours).
    """
    from scipy.ndimage import binary_fill_holes

    box = box_of(mask)
    result = mask.copy()
    if box is not None:
        result[box] = binary_fill_holes(mask[box])
    return result


def smoothed(mask: Mask, grid: Grid, sigma_mm: float) -> Mask:
    """Return ``mask`` after a Gaussian of ``sigma_mm`` and a cut at one half.

    Bumps and dents smaller than about 2 sigma go; a plane stays where it is, a ball of radius r
    shrinks by about sigma²/r. Along axes of a sheared grid sigma is measured along the axis.
    """
    _checked(sigma_mm)
    box = box_of(mask)
    if box is None or sigma_mm == 0:
        return mask.copy()
    box = wider(box, grid, 4 * sigma_mm)
    result = mask.copy()
    result[box] = _share(mask[box], grid, sigma_mm) > np.float32(0.5)
    return result


def smoothed_jointly(labels: Labels, grid: Grid, sigma_mm: float, numbers: list[int]) -> Labels:
    """Return ``labels`` (k, j, i) after the segments ``numbers`` were smoothed at once.

    Each voxel goes to whoever has the largest share around it (background included), so where two
    segments touched there is neither a gap nor an overlap. Other segments stay as they are.
    """
    _checked(sigma_mm)
    taking_part = np.isin(labels, np.array(numbers, dtype=np.uint8))
    box = box_of(taking_part)
    if box is None or sigma_mm == 0:
        return labels.copy()
    box = wider(box, grid, 4 * sigma_mm)
    part = labels[box]
    fixed = (part != 0) & ~taking_part[box]
    best = _share(part == 0, grid, sigma_mm)
    winner = np.zeros_like(part)
    for number in numbers:
        share = _share(part == number, grid, sigma_mm)
        ahead = share > best
        winner[ahead] = number
        best[ahead] = share[ahead]
    result = labels.copy()
    result[box] = np.where(fixed, part, winner)
    return result


def mirrored(mask: Mask, grid: Grid, point_lps_mm: Floats, axis_lps: int) -> Mask:
    """Return ``mask`` mirrored at the plane through ``point_lps_mm`` across a patient axis.

    ``axis_lps``: 0 left/right, 1 anterior/posterior, 2 head/feet. Each voxel takes the value of
    the voxel nearest to its mirror image; what falls outside the image is lost.
    """
    box = box_of(mask)
    if box is None:
        return mask.copy()
    corners = np.array(
        [(a, b, c) for c in _ends(box[0]) for b in _ends(box[1]) for a in _ends(box[2])]
    )
    index = grid.index(_reflected(grid.world(corners), point_lps_mm, axis_lps))
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 2, grid.shape_kji[::-1])
    result = np.zeros_like(mask)
    if (low >= high).any():
        return result
    j, i = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[0], high[0]), indexing="ij")
    for k in range(low[2], high[2]):
        points = grid.world(np.stack((i, j, np.full_like(i, k)), axis=-1))
        source = nearest(grid.index(_reflected(points, point_lps_mm, axis_lps)))
        inside = np.asarray(((source >= 0) & (source < grid.shape_kji[::-1])).all(axis=-1))
        a, b, c = np.where(inside[..., None], source, 0).transpose(2, 0, 1)
        result[k, low[1] : high[1], low[0] : high[0]] = mask[c, b, a] & inside
    return result


def _reflected(points: Floats, about: Floats, axis: int) -> Floats:
    result = points.copy()
    result[..., axis] = 2 * about[axis] - points[..., axis]
    return result


def _ends(part: slice) -> tuple[float, float]:
    return part.start - 0.5, part.stop - 0.5


def _share(mask: Mask, grid: Grid, sigma_mm: float) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    sigma = [sigma_mm / step for step in grid.spacing_ijk_mm[::-1]]
    return np.asarray(gaussian_filter(mask.astype(np.float32), sigma, mode="nearest", truncate=4.0))


def _part(grid: Grid, box: Box) -> Grid:
    start = (box[0].start, box[1].start, box[2].start)
    return grid.crop(start, (box[0].stop, box[1].stop, box[2].stop))


def _reach(distance: float) -> np.float32:
    # Distances come in 32 bits: a margin of some ulp, far below any voxel.
    return np.float32(distance * (1 + 1e-6) + _FACES_OFF)


def _checked(distance: float) -> None:
    if not (np.isfinite(distance) and 0 <= distance <= _MOST_MM):
        raise InputRefused(f"A margin lies between 0 and {_MOST_MM:g} mm.")
