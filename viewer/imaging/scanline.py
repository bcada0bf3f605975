"""Polygons on one slice to masks, row by row: fast enough for outlines of thousands of points."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Floats
from viewer.errors import InputRefused

Mask = NDArray[np.bool_]

_TIE = 6  # decimals of an index: a vertex on a voxel's centre stays there, come what rounding may
_MOST_CROSSINGS = 4_000_000  # of edges and rows that are looked at together: about 100 MB


def polygon_mask(points_ij: ArrayLike, shape_ji: tuple[int, int]) -> Mask:
    """Return the voxels (j, i) whose centres lie inside a closed polygon (n, 2; i, j).

    Even-odd rule; of centres on the outline those at its low sides are inside, those at its high
    sides are not, so polygons that share an edge share no voxel. Parts outside the slice are cut.

    Raises
    ------
    InputRefused
        Fewer than three points, or a number that is not finite.
    """
    points = np.asarray(points_ij, dtype=np.float64).reshape(-1, 2)
    if len(points) < 3 or not np.isfinite(points).all():
        raise InputRefused("A polygon needs three finite points.")
    starts = np.round(points, _TIE)
    ends = np.roll(starts, -1, axis=0)
    n_j, n_i = shape_ji
    low = _within(np.minimum(starts[:, 1], ends[:, 1]), n_j)
    high = _within(np.maximum(starts[:, 1], ends[:, 1]), n_j)
    first_j, last_j = int(low.min()), int(high.max())
    first_i, last_i = (int(i) for i in _within(np.array([starts.min(0)[0], starts.max(0)[0]]), n_i))
    # How often each voxel is the first one at or behind an edge, counted along its row.
    counts = np.zeros((last_j - first_j, last_i - first_i + 1), dtype=np.uint32)
    for chunk in _chunks(high - low):
        rows, columns = _crossings(starts[chunk], ends[chunk], low[chunk], high[chunk], n_i)
        np.add.at(counts, (rows - first_j, columns - first_i), 1)
    mask = np.zeros(shape_ji, dtype=bool)
    mask[first_j:last_j, first_i:last_i] = np.cumsum(counts[:, :-1], axis=1) % 2 == 1
    return mask


def _within(index: Floats, n: int) -> NDArray[np.int64]:
    """Return the first voxel at or behind each index, cut to 0..n."""
    return np.clip(np.ceil(index), 0, n).astype(np.int64)


def _chunks(n_rows: NDArray[np.int64]) -> Iterator[slice]:
    """Yield stretches of edges that cross a bearable number of rows together."""
    ends = np.cumsum(n_rows)
    start = 0
    while start < len(n_rows):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _MOST_CROSSINGS, side="right")))
        yield slice(start, stop)
        start = stop


def _crossings(
    starts: Floats, ends: Floats, low: NDArray[np.int64], high: NDArray[np.int64], n_i: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of the first voxel at or behind each edge, for each row it crosses."""
    n_rows = high - low
    edges = np.repeat(np.arange(len(starts)), n_rows)
    before = np.cumsum(n_rows) - n_rows
    rows = np.arange(len(edges)) - np.repeat(before - low, n_rows)
    (x0, y0), (x1, y1) = starts[edges].T, ends[edges].T
    x = np.round(x0 + (rows - y0) / (y1 - y0) * (x1 - x0), _TIE)
    return rows, _within(x, n_i)
