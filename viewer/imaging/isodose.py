"""Dose on the grid of the images that it was planned on, as bands between isodose levels."""

from collections.abc import Callable, Sequence

import numpy as np

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import Labels
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.resample import resampled

_SLAB = 16  # slices that are resampled together: the whole grid in float would be large


def highest(dose: Picture) -> float:
    """Return the highest dose, in the dose's own unit."""
    return float(dose.quantity.block(dose.stored).max())


def isodose_bands(
    dose: Picture,
    target: Grid,
    levels: Sequence[float],
    check: Callable[[float], None] = lambda _done: None,
) -> Labels:
    """Return labels (k, j, i) on ``target``: n where the dose lies from level n to level n + 1.

    Levels are ascending, in the dose's unit; label 1 begins at ``levels[0]``, the last label has
    no upper end, 0 is what lies below all of them or outside the dose grid. Doses are interpolated
    trilinearly. ``check`` is told the share that is done, and may raise to stop.

    Raises
    ------
    InputRefused
        Levels that do not ascend, more than 255 of them, or a dose that is no volume.
    """
    if not dose.is_volume:
        raise InputRefused("The dose forms no volume.", remedy="Show it by itself.")
    edges = np.asarray(levels, dtype=np.float64)
    if not 1 <= len(edges) <= 255 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise InputRefused("Isodose levels must ascend, and there may be 255 of them.")
    values = dose.quantity.block(dose.stored)
    n_k, n_j, n_i = target.shape_kji
    labels = np.zeros(target.shape_kji, dtype=np.uint8)
    for first in range(0, n_k, _SLAB):
        check(first / n_k)
        last = min(first + _SLAB, n_k)
        slab = target.crop((first, 0, 0), (last, n_j, n_i))
        # What lies outside the dose grid was not computed: it belongs to no band.
        here = resampled(values, dose.grid, slab, fill=-np.inf)
        labels[first:last] = np.searchsorted(edges, here, side="right")
    return labels
