"""Contrast-limited adaptive histogram equalisation, in the picture's own values.

Not OpenCV's: on 16 bits that one counts in 65,536 bins, a tile has fewer pixels than that, every
bin is clipped to one pixel, and neither the histogram nor the clip limit has much effect.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext

_BINS = 1024
_SMALLEST_TILE_PX = 8
_MOST_TILES = 32
_RANGE_PERCENT = (0.2, 99.8)  # one grain of metal must not use up the bins
_SAMPLE = 65536
_STRIP_ROWS = 32

Values = NDArray[np.float32]


def _tiles(
    shape: tuple[int, ...], parameters: Mapping[str, Any], context: PlaneContext
) -> tuple[int, int]:
    size = float(parameters["tile_mm"])
    rows, columns = (
        int(np.clip(round(n * mm / size), 1, np.clip(n // _SMALLEST_TILE_PX, 1, _MOST_TILES)))
        for n, mm in zip(shape, context.pixel_mm, strict=True)
    )
    return rows, columns


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return int(np.ceil(1.5 * float(parameters["tile_mm"]) / min(context.pixel_mm)))


def _range(values: Values) -> tuple[float, float]:
    step = max(1, int(np.sqrt(values.size / _SAMPLE)))
    low, high = np.percentile(values[::step, ::step], _RANGE_PERCENT)
    if high <= low:
        low, high = values.min(), values.max()
    return float(low), float(high)


def _equalised(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    low, high = _range(values)
    width = high - low
    if width <= 0 or not np.isfinite(_BINS / width):
        return values
    # Positions among the bins; what lies beyond the range keeps its distance from it.
    at = np.clip((values - np.float64(low)) * (_BINS / width), 0, _BINS).astype(np.float32)
    equal = _between_tiles(at, _tiles(values.shape, parameters, context), float(parameters["clip"]))
    equal -= at / np.float32(_BINS)
    return np.asarray(values + equal * np.float32(float(parameters["strength"]) * width))


def _between_tiles(at: Values, tiles: tuple[int, int], clip: float) -> Values:
    """Return the share (0 to 1) of equalised pixels below each one, bilinear between tiles."""
    whole = np.minimum(at.astype(np.int32), _BINS - 1)
    part = at - whole.astype(np.float32)  # float32 less int32 would be float64
    tables = _tables(whole, tiles, clip)
    steps = np.diff(tables, axis=1, append=tables[:, -1:])
    first_row, next_row, row_share = _neighbours(at.shape[0], tiles[0])
    first_column, next_column, column_share = _neighbours(at.shape[1], tiles[1])
    found = np.zeros(at.shape, dtype=np.float32)
    columns = ((first_column, 1 - column_share), (next_column, column_share))
    for start in range(0, len(at), _STRIP_ROWS):  # what a strip needs stays in the cache
        strip = slice(start, start + _STRIP_ROWS)
        for rows, row_weight in ((first_row, 1 - row_share), (next_row, row_share)):
            for column, weight in columns:
                tile = rows[strip, None] * tiles[1] + column[None, :]
                where = tile * (_BINS + 1) + whole[strip]
                below = steps.take(where)
                below *= part[strip]
                below += tables.take(where)
                below *= row_weight[strip, None] * weight[None, :]
                found[strip] += below
    return found


def _tables(whole: NDArray[np.int32], tiles: tuple[int, int], clip: float) -> Values:
    """Return for each tile the share of its pixels below each bin's edge (tiles, bins + 1)."""
    row, column = (np.arange(n) * count // n for n, count in zip(whole.shape, tiles, strict=True))
    tile = row[:, None] * tiles[1] + column[None, :]
    counts = np.bincount((tile * _BINS + whole).ravel(), minlength=tiles[0] * tiles[1] * _BINS)
    counts = counts.reshape(-1, _BINS)
    area = counts.sum(axis=1, keepdims=True)
    limit = clip * area / _BINS
    clipped = np.minimum(counts, limit)
    clipped += (area - clipped.sum(axis=1, keepdims=True)) / _BINS
    table = np.zeros((len(counts), _BINS + 1), dtype=np.float32)
    table[:, 1:] = np.cumsum(clipped, axis=1) / area
    return table


def _neighbours(n: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Values]:
    """Return the tiles before and after each row (or column), and how far it is between them."""
    at = np.clip((np.arange(n) + 0.5) * count / n - 0.5, 0, count - 1)
    first = np.floor(at).astype(np.intp)
    return first, np.minimum(first + 1, count - 1), (at - first).astype(np.float32)


FILTER = Filter(
    key="clahe",
    title="CLAHE",
    purpose="Spreads contrast in each part of the picture by its own histogram.",
    caution="Noise of flat regions looks like texture, and equal tissue differs from place to place.",
    source="Zuiderveld, Graphics Gems IV (1994), 474-485",
    parameters=(
        Parameter("clip", "Clip", "float", 2.0, 1.0, 8.0, 0.1),
        Parameter("tile_mm", "Tile", "float", 45.0, 10.0, 150.0, 5.0, "mm"),
        Parameter("strength", "Strength", "float", 0.6, 0.0, 1.0, 0.05),
    ),
    function=_equalised,
    reach_px=_reach,
    group="Intensity",
)
