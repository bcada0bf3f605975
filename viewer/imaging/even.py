"""Evenly spaced slices out of uneven ones, interpolated by their true positions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Grid
from viewer.domain.uneven import SlicePlaces
from viewer.domain.volume import Picture, ValueMap, Volume
from viewer.errors import InputRefused

SUFFIX = "~even"
_MOST_TIMES = 4  # as many slices as there were
_GAP = 1.5  # of the usual distance: more than that between two slices, and something is missing
_SAME = 1e-3  # of the step: an acquired slice, taken as it is
_INT16 = np.iinfo(np.int16)


def even_grid(places: SlicePlaces, shape_kji: tuple[int, int, int]) -> Grid:
    """Return the grid from the first to the last slice at their usual distance (the median).

    Raises
    ------
    InputRefused
        The distances differ so much that most slices would be made up.
    """
    depths = np.array(places.depths_mm)
    step = float(np.median(np.diff(depths)))
    n_k = int(np.floor((depths[-1] - depths[0]) / max(step, 1e-9) + 0.5)) + 1
    if n_k > _MOST_TIMES * len(depths) or n_k < 2:
        raise InputRefused("The slices are too uneven: most of a volume would be made up.")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = places.column_mm, places.row_mm
    affine[:3, 2] = np.array(places.normal) * step
    affine[:3, 3] = places.origin_lps_mm
    return Grid((n_k, shape_kji[1], shape_kji[2]), affine)


def evenly_spaced(
    picture: Picture, places: SlicePlaces, check: Callable[[], None] = lambda: None
) -> Volume:
    """Return the volume of ``picture``'s slices at even distances, in the quantity's own unit.

    Linear between the two nearest acquired slices; where a slice was acquired, it is that slice.
    Every such volume says that it is resampled; across gaps its geometry is called unsafe.

    Raises
    ------
    InputRefused
        Not all slices were read, they hold colour, or they are too uneven.
    """
    if picture.is_colour or not picture.is_loaded:
        raise InputRefused("Only grey images that were read in full can be resampled.")
    grid = even_grid(places, picture.grid.shape_kji)
    depths = np.array(places.depths_mm)
    step = grid.spacing_ijk_mm[2]
    stored = np.empty(grid.shape_kji, dtype=_type_of(picture))
    for k in range(grid.shape_kji[0]):
        check()
        values = _slice_at(picture, depths, k * step, step)
        stored[k] = np.rint(values) if stored.dtype.kind == "i" else values
    return Volume(
        picture.key + SUFFIX,
        stored,
        grid,
        ValueMap.identity(grid.shape_kji[0], picture.quantity.unit, picture.quantity.name),
        replace(picture.display, windows_k=(), overlays_k=(), shutters_k=()),
        replace(
            picture.identity,
            instances=(),
            acquired=(*picture.identity.acquired, ("resampled", "yes")),
        ),
        (_finding(picture, depths, step),),
    )


def _type_of(picture: Picture) -> np.dtype[np.generic]:
    """Return int16 where whole numbers come out of the slope, else float32."""
    scale = picture.quantity
    whole = bool((scale.slope_k == 1).all() and (scale.intercept_k % 1 == 0).all())
    if not whole or picture.stored.dtype.kind not in "iu":
        return np.dtype(np.float32)
    low = float(picture.stored.min()) + float(scale.intercept_k.min())
    high = float(picture.stored.max()) + float(scale.intercept_k.max())
    fits = low >= _INT16.min and high <= _INT16.max
    return np.dtype(np.int16) if fits else np.dtype(np.float32)


def _slice_at(
    picture: Picture,
    depths: np.ndarray[tuple[int], np.dtype[np.float64]],
    depth: float,
    step: float,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    after = int(np.clip(np.searchsorted(depths, depth), 1, len(depths) - 1))
    before = after - 1
    share = float((depth - depths[before]) / (depths[after] - depths[before]))
    share = min(max(share, 0.0), 1.0)
    for k in (before, after):
        if abs(depth - float(depths[k])) < _SAME * step:
            return picture.quantity.slice_values(picture.stored[k], k)
    first = picture.quantity.slice_values(picture.stored[before], before)
    second = picture.quantity.slice_values(picture.stored[after], after)
    return np.asarray(first + (second - first) * np.float32(share))


def _finding(
    picture: Picture, depths: np.ndarray[tuple[int], np.dtype[np.float64]], step: float
) -> Finding:
    widest = float(np.diff(depths).max())
    title = picture.identity.series.description or picture.key
    if widest > _GAP * step:
        text = f"Resampled by position across gaps of up to {widest:.2f} mm: parts are made up."
        remedy = "Look at the acquired images before you believe it."
        return Finding(Severity.UNSAFE, title, text, remedy)
    text = "Resampled to even slices by position; no slice but the acquired ones was measured."
    return Finding(Severity.WARNING, title, text)
