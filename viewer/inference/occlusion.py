"""Occlusion: cover the picture square by square and see how the answer falls.

Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53. Asks any engine, needs no gradients.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Squares = list[tuple[slice, slice]]

_SHARE = 1 / 7  # of the picture's side that a square covers
_BATCH = 32


def squares_of(rows: int, columns: int, side: int, step: int) -> Squares:
    """Return squares that cover the picture; the last of each row ends at its edge."""
    if side < 1 or step < 1:
        raise ValueError("A square has a side and a step of at least one pixel.")
    downs = [*range(0, max(rows - side, 0), step), max(rows - side, 0)]
    rights = [*range(0, max(columns - side, 0), step), max(columns - side, 0)]
    return [(slice(j, j + side), slice(i, i + side)) for j in downs for i in rights]


def occlusion(
    seen: Floats,
    score: Callable[[Floats], Floats],
    report: Callable[[float, str], None],
    *,
    side: int = 0,
    step: int = 0,
) -> Floats:
    """Return how much the score falls where a pixel is covered (rows, columns).

    Parameters
    ----------
    seen
        The picture as the network takes it (1, channel, rows, columns), mean 0.
    score
        From pictures (n, channel, rows, columns) to a score each (n,).
    side, step
        Of the grey (0) squares, pixels; 0: a seventh of the picture, and a half of the side.

    A pixel gets the mean over the squares that cover it.
    """
    _, _, rows, columns = seen.shape
    side = side or max(1, round(min(rows, columns) * _SHARE))
    squares = squares_of(rows, columns, side, step or max(1, side // 2))
    whole = float(score(seen)[0])
    total = np.zeros((rows, columns), dtype=np.float64)
    count = np.zeros((rows, columns), dtype=np.float64)
    for first in range(0, len(squares), _BATCH):
        part = squares[first : first + _BATCH]
        report(first / len(squares), f"square {first + 1} of {len(squares)}")
        batch = np.repeat(seen, len(part), axis=0)
        for n, square in enumerate(part):
            batch[(n, slice(None), *square)] = 0.0
        for square, value in zip(part, score(batch), strict=True):
            total[square] += whole - float(value)
            count[square] += 1
    return np.asarray(total / count, dtype=np.float32)
