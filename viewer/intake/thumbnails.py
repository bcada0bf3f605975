"""Small grey pictures for the study panel."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.volume import Voxels
from viewer.imaging.value_chain import inverted_by_default, usual_window, windowed
from viewer.intake.source import PictureSource


def small_picture(stored: Voxels, source: PictureSource, k: int, size: int) -> NDArray[np.uint8]:
    """Return slice ``k`` as grey uint8 (h, w) in true proportions, the longer side ``size``."""
    with np.errstate(all="ignore"):  # floats of damaged files: what is no number becomes 0
        return _small_picture(stored, source, k, size)


def _small_picture(stored: Voxels, source: PictureSource, k: int, size: int) -> NDArray[np.uint8]:
    if source.is_colour:
        grey = stored.astype(np.float32).mean(axis=-1)
    else:
        grey = source.quantity.slice_values(stored, k)
    if source.grid is not None:
        column_mm, row_mm, _ = source.grid.spacing_ijk_mm
    else:
        column_mm, row_mm = source.spacing.column_mm, source.spacing.row_mm
    small = _sampled(grey, row_mm, column_mm, size)
    levels = np.clip(np.nan_to_num(_greys(small, source)), 0, 1)
    if inverted_by_default(source.display, source.quantity):
        levels = 1 - levels
    return np.asarray(np.rint(levels * 255), dtype=np.uint8)


def _sampled(
    grey: NDArray[np.float32], row_mm: float, column_mm: float, size: int
) -> NDArray[np.float32]:
    height_mm, width_mm = grey.shape[0] * row_mm, grey.shape[1] * column_mm
    scale = size / max(height_mm, width_mm)
    height, width = (max(1, round(length * scale)) for length in (height_mm, width_mm))
    rows = ((np.arange(height) + 0.5) * grey.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * grey.shape[1] / width).astype(np.int64)
    return np.nan_to_num(grey[np.ix_(rows, columns)], copy=False, posinf=0.0, neginf=0.0)


def _greys(values: NDArray[np.float32], source: PictureSource) -> NDArray[np.float64]:
    """Return 0..1 by the window that the pane begins with, else by the 1 and 99 % points."""
    window = usual_window(source.display, source.quantity)
    if window is not None and not source.is_colour:
        return windowed(values, window)
    low, high = (0.0, 255.0) if source.is_colour else np.percentile(values, (1, 99))
    return np.asarray((values - low) / max(high - low, 1e-6), dtype=np.float64)
