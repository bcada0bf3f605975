"""Slices between drawn ones, by shape-based interpolation (Raya & Udupa, IEEE TMI 9, 1990).

Each drawn slice becomes a map of signed distances to its outline, in mm, positive inside. Between
two drawn slices the maps are blended linearly; what is positive belongs to the segment.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid

Mask = NDArray[np.bool_]


def filled_between(mask: Mask, grid: Grid, axis: int) -> Mask:
    """Return ``mask`` (k, j, i) with the empty slices between drawn ones filled.

    ``axis`` is the array axis that the slices are stacked along (0 = k). Drawn slices stay as they
    are; nothing is added beyond the first and the last of them.
    """
    i_mm, j_mm, k_mm = grid.spacing_ijk_mm
    return between_slices(mask, (k_mm, j_mm, i_mm), axis)


def between_slices(mask: Mask, spacing_kji_mm: tuple[float, float, float], axis: int) -> Mask:
    """Return the same for distances of voxels (k, j, i) in mm."""
    whole = np.moveaxis(mask, axis, 0)
    result = whole.copy()
    drawn = np.flatnonzero(whole.any(axis=(1, 2)))
    steps = [step for n, step in enumerate(spacing_kji_mm) if n != axis]
    for low, high in pairwise(drawn.tolist()):
        if high - low < 2:
            continue
        box = _box(whole[low] | whole[high])
        first, last = (signed_distance_mm(whole[n][box], steps) for n in (low, high))
        for n in range(low + 1, high):
            share = (n - low) / (high - low)
            result[n][box] = first * (1 - share) + last * share > 0
    return np.moveaxis(result, 0, axis)


def signed_distance_mm(mask: Mask, steps_mm: list[float]) -> Floats:
    """Return the distance (rows, columns) to the outline in mm, positive inside.

    The outline lies half way between a voxel inside and its neighbour outside, so distances to the
    nearest centre on the other side are shortened by half of the smaller step.
    """
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(mask, 1)
    inside = distance_transform_edt(padded, sampling=steps_mm)
    outside = distance_transform_edt(~padded, sampling=steps_mm)
    half = min(steps_mm) / 2
    signed = np.where(padded, inside - half, half - outside)
    return np.asarray(signed[1:-1, 1:-1])


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
