"""The separate pieces of a mask: the largest, those above a volume, each on its own.

Pieces hang together by faces, edges and corners (26 neighbours), as in ``components``.
"""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]


def islands(mask: Mask) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the numbers (k, j, i; 1 = the largest, 0 = none) and the voxel counts, largest first.

    Among pieces of one size the one that comes first in memory order comes first.
    """
    from scipy import ndimage

    found, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    table = np.zeros(count + 1, dtype=np.int32)
    table[order + 1] = np.arange(1, count + 1)
    return table[found], np.asarray(sizes[order], dtype=np.int64)


def largest_island(mask: Mask) -> Mask:
    """Return the largest piece of ``mask`` (k, j, i)."""
    return np.asarray(islands(mask)[0] == 1)


def without_small(mask: Mask, grid: Grid, smallest_mm3: float) -> Mask:
    """Return ``mask`` without the pieces smaller than ``smallest_mm3``."""
    numbers, sizes = islands(mask)
    # Rounding must not take a piece that has exactly the volume.
    kept = int((sizes * grid.voxel_volume_mm3 >= smallest_mm3 * (1 - 1e-9)).sum())
    return np.asarray((numbers > 0) & (numbers <= kept))
