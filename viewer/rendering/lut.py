"""Tables from stored values to screen colours: window, inversion and palette in one step.

A stored value of 8 or 16 bits becomes a pixel by one look-up (performance.md, section 4); the table
holds the exact PS3.3 C.11.2.1 functions, so the look-up is exact too. Inversion comes last in the
grey chain, the palette after it.
"""

from functools import lru_cache
from math import floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from viewer.domain.volume import ValueMap, Window, WindowFunction
from viewer.errors import InputRefused
from viewer.imaging.value_chain import windowed
from viewer.rendering.palettes import DIFFERENCE, PALETTES, packed

Bytes = NDArray[np.uint8]
Pixels = NDArray[np.uint32]

_NARROWEST = 8.0
_FARTHEST_LEVELS = 1e5
# OpenCV 5 looks up 16-bit indices itself, three times faster than NumPy; OpenCV 4 takes 8 bits only.
_WIDE_LOOKUP = int(cv2.__version__.split(".", maxsplit=1)[0]) >= 5


def fits_table(dtype: DTypeLike) -> bool:
    """Whether stored values of ``dtype`` are looked up (integers of 8 or 16 bits)."""
    kind = np.dtype(dtype)
    return kind.kind in "iu" and kind.itemsize <= 2


def grey_levels(values: NDArray[Any], window: Window, *, inverted: bool = False) -> Bytes:
    """Return the grey levels (uint8) of values in the quantity's unit; NaN becomes black."""
    ramp = _ramp(window) if values.dtype == np.float32 and values.ndim == 2 else None
    if ramp is None:
        share = np.nan_to_num(np.asarray(windowed(values, window)))
        levels = np.asarray(share * 255.0 + 0.5).astype(np.uint8)
    else:
        levels = _ramp_levels(values, *ramp)
    if inverted:
        levels = np.uint8(255) - levels
    np.copyto(levels, np.uint8(0), where=np.isnan(values))
    return levels


def _ramp(window: Window) -> tuple[float, float] | None:
    """Return (scale, offset) of the levels inside the window, None where it is no plain ramp.

    Read off the standard's function at two places inside the window, so that it is written down in
    one place only. Narrow or far-off windows go without: single precision would show there.
    """
    if window.function is WindowFunction.SIGMOID or window.width < _NARROWEST or window.table:
        return None
    at = window.center + np.array([-window.width / 4, window.width / 4])
    low, high = (float(share) * 255 for share in windowed(at, window))
    scale = (high - low) / (window.width / 2)
    offset = low - scale * float(at[0])
    return (scale, offset) if abs(offset) < _FARTHEST_LEVELS else None


def _ramp_levels(values: NDArray[np.float32], scale: float, offset: float) -> Bytes:
    """Return rounded levels by OpenCV, five times faster than NumPy in doubles."""
    black, white = -offset / scale, (255 - offset) / scale
    inside = np.clip(values, np.float32(black), np.float32(white))
    cv2.patchNaNs(inside, black)
    return np.asarray(cv2.convertScaleAbs(inside, alpha=scale, beta=offset), dtype=np.uint8)


@lru_cache(maxsize=32)
def grey_level_table(
    slope: float,
    intercept: float,
    dtype: str,
    window: Window,
    inverted: bool,
    padding: tuple[int, int] | None = None,
) -> Bytes:
    """Return (65536,) or (256,) grey levels; the index is the stored value viewed as unsigned.

    Padding, the stored values from ``padding[0]`` to ``padding[1]``, is black, also when inverted.
    """
    kind = np.dtype(dtype)
    if not fits_table(kind):
        raise InputRefused(f"Stored values of type {kind} have no look-up table.")
    table = _ordered_levels(slope, intercept, kind, window)
    if inverted:
        table = np.uint8(255) - table
    lowest = int(np.iinfo(kind).min)
    if padding is not None:
        table[max(padding[0] - lowest, 0) : max(padding[1] - lowest + 1, 0)] = 0
    # The index is the stored value seen as unsigned: negative ones come after the others.
    table = np.roll(table, lowest)
    table.setflags(write=False)
    return table


def _ordered_levels(slope: float, intercept: float, kind: np.dtype[Any], window: Window) -> Bytes:
    """Return the levels of all stored values from the lowest to the highest.

    The window's function is asked inside the window only, where it is no sigmoid: a drag makes a
    table for every frame, and most of 65,536 values are black or white.
    """
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    first, last = low, high
    if window.function is not WindowFunction.SIGMOID and slope != 0:
        reach = window.width / 2 + 1
        ends = sorted((window.center + side * reach - intercept) / slope for side in (-1.0, 1.0))
        first, last = (min(max(floor(end), low), high) for end in (ends[0] - 1, ends[1] + 1))
    stored = np.arange(first, last + 1)
    inside = grey_levels(stored * np.float64(slope) + np.float64(intercept), window)
    table = np.empty(high - low + 1, dtype=np.uint8)
    table[: first - low] = inside[0]
    table[first - low : last + 1 - low] = inside
    table[last + 1 - low :] = inside[-1]
    return table


@lru_cache(maxsize=32)
def _colour_table(
    scale: tuple[float, float],
    dtype: str,
    window: Window,
    inverted: bool,
    palette: str,
    padding: tuple[int, int] | None,
) -> Pixels:
    table = palette_table(palette)[grey_level_table(*scale, dtype, window, inverted, padding)]
    table.setflags(write=False)
    return table


@lru_cache(maxsize=16)
def palette_table(name: str) -> Pixels:
    """Return the palette as (256,) 0xffRRGGBB; "difference" is the one of signed differences.

    Raises
    ------
    InputRefused
        There is no palette of this name.
    """
    if name == "difference":
        return packed(DIFFERENCE)
    if name not in PALETTES:
        raise InputRefused(f"There is no palette {name!r}.", remedy=f"Use {', '.join(PALETTES)}.")
    return packed(PALETTES[name])


def grey_table(
    quantity: ValueMap,
    k: int | None,
    dtype: DTypeLike,
    window: Window,
    *,
    inverted: bool = False,
    palette: str = "grey",
) -> Pixels:
    """Return the 0xffRRGGBB table of stored values: 65,536 entries, or 256 for 8-bit values.

    The index is the stored value viewed as unsigned. ``k`` names the slice whose slope applies;
    None: the slopes are uniform. Tables are cached and read-only.
    """
    scale = (float(quantity.slope_k[k or 0]), float(quantity.intercept_k[k or 0]))
    kind = np.dtype(dtype).str
    return _colour_table(scale, kind, window, inverted, palette, quantity.padding)


def looked_up(stored: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """Return ``table`` (uint8 or uint32) at ``stored`` (h, w), viewed as unsigned indices."""
    index = np.ascontiguousarray(stored).view(np.dtype(f"u{stored.dtype.itemsize}"))
    if index.dtype.itemsize == 2 and not _WIDE_LOOKUP:
        return np.asarray(table.take(index))
    signed = table.view(np.int32) if table.dtype == np.uint32 else table
    found = np.asarray(cv2.LUT(index, signed)).reshape(index.shape)
    return found.view(np.uint32) if table.dtype == np.uint32 else found
