"""Calcium scores of the coronary arteries.

Agatston et al., J Am Coll Cardiol 15 (1990), 827-832: in each slice, every connected island of at
least 1 mm2 above 130 HU counts its area times a weight by its highest value (130-199: 1, 200-299: 2,
300-399: 3, from 400: 4). The score was made for slices of 3 mm that touch; for others it is scaled by
the distance of slices / 3 mm (Ohnesorge et al., Eur Radiol 12 (2002), 1532-1540; McCollough et al.,
Radiology 243 (2007), 527-538), which is said beside the number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused

THRESHOLD_HU = 130.0
_SMALLEST_MM2 = 1.0
_WEIGHTS_HU = (200.0, 300.0, 400.0)
_NOMINAL_MM = 3.0


@dataclass(frozen=True, slots=True)
class Calcium:
    """What was counted: score, volume (voxels that count x voxel size), islands and voxels."""

    score: float
    volume_mm3: float
    area_mm2: float
    n_islands: int
    n_voxels: int


def calcium(
    values_hu: NDArray[np.float32],
    region: NDArray[np.bool_],
    *,
    pixel_mm2: float,
    slice_mm: float,
) -> Calcium:
    """Return the score of the voxels (k, j, i) in ``region``, slice by slice.

    Pixels of an island touch by a side or a corner. ``slice_mm`` is the distance of slices.

    Raises
    ------
    InputRefused
        Shapes differ, or a size is not positive.
    """
    from scipy import ndimage

    if values_hu.shape != region.shape or values_hu.ndim != 3:
        raise InputRefused("Values and region must have one shape, (k, j, i).")
    if not (pixel_mm2 > 0 and slice_mm > 0):
        raise InputRefused("A calcium score needs a known size of voxels.")
    found = region & (values_hu >= THRESHOLD_HU)
    weighted = area = 0.0
    n_islands = n_voxels = 0
    for plane, mask in zip(values_hu, found, strict=True):
        labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
        if not n:
            continue
        numbers = np.arange(1, n + 1)
        sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
        peaks = np.asarray(ndimage.maximum(plane, labels, numbers))
        counts = sizes * pixel_mm2 >= _SMALLEST_MM2 - 1e-9
        weights = 1 + np.searchsorted(_WEIGHTS_HU, peaks, side="right")
        weighted += float((sizes * weights)[counts].sum()) * pixel_mm2
        area += float(sizes[counts].sum()) * pixel_mm2
        n_islands += int(counts.sum())
        n_voxels += int(sizes[counts].sum())
    score = weighted * slice_mm / _NOMINAL_MM
    return Calcium(score, area * slice_mm, area, n_islands, n_voxels)
