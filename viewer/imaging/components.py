"""Separate lesions: connected components of a mask."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid

_MOST = 255


def components(
    mask: NDArray[np.bool_], grid: Grid, *, min_volume_mm3: float = 0.0
) -> tuple[NDArray[np.uint8], Floats]:
    """Return labels (k, j, i; 1 = the largest) and the volumes (n,) in mm³, largest first.

    Voxels hang together by faces, edges and corners (26 neighbours). Components smaller than
    ``min_volume_mm3`` are left out, and all beyond the 255 largest.
    """
    from scipy import ndimage

    found, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    volumes = sizes * grid.voxel_volume_mm3
    order = np.argsort(-sizes, kind="stable")
    kept = [n for n in order if volumes[n] >= min_volume_mm3][:_MOST]
    table = np.zeros(count + 1, dtype=np.uint8)
    for number, old in enumerate(kept, start=1):
        table[old + 1] = number
    return table[found], np.array([volumes[n] for n in kept], dtype=np.float64)


def largest_first(
    labels: NDArray[np.uint8], grid: Grid, min_volume_mm3: float = 0.0
) -> tuple[NDArray[np.uint8], Floats]:
    """Return ``labels`` (k, j, i) renumbered by size, and the volumes (n,) in mm³, largest first.

    What is smaller than ``min_volume_mm3`` becomes 0. Unlike ``components``, what touches stays apart.
    """
    volumes = np.bincount(labels.ravel(), minlength=_MOST + 1)[1:] * grid.voxel_volume_mm3
    order = np.argsort(-volumes, kind="stable")
    kept = [n for n in order if volumes[n] > 0 and volumes[n] >= min_volume_mm3]
    table = np.zeros(_MOST + 1, dtype=np.uint8)
    for number, old in enumerate(kept, start=1):
        table[old + 1] = number
    return table[labels], np.array([volumes[n] for n in kept], dtype=np.float64)
