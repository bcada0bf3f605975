"""Tiles that cover a volume, and how their answers are blended."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int, int]
Block = tuple[slice, slice, slice]

OVERLAP = 0.25
_DIVISOR = 8  # a network that halves three times takes multiples of this


def tile_size(shape_kji: Shape, tile_kji: Shape, divisor: int = _DIVISOR) -> Shape:
    """Return the tile for a volume of this shape: not larger than needed, a multiple of 8."""
    k, j, i = (
        min(tile, -(-n // divisor) * divisor) for n, tile in zip(shape_kji, tile_kji, strict=True)
    )
    return k, j, i


def starts(length: int, tile: int, overlap: float = OVERLAP) -> tuple[int, ...]:
    """Return evenly spread starts of tiles that cover ``length`` with at least ``overlap``.

    The last tile ends where the volume ends; one tile suffices where it is as long as the volume.
    """
    if tile >= length:
        return (0,)
    step = max(1.0, tile * (1.0 - overlap))
    count = int(np.ceil((length - tile) / step)) + 1
    return tuple(int(at) for at in np.rint(np.linspace(0, length - tile, count)))


def tiles(shape_kji: Shape, tile_kji: Shape, overlap: float = OVERLAP) -> Iterator[Block]:
    """Yield the blocks of all tiles, in order of k, then j, then i."""
    per_axis = [starts(n, t, overlap) for n, t in zip(shape_kji, tile_kji, strict=True)]
    for k in per_axis[0]:
        for j in per_axis[1]:
            for i in per_axis[2]:
                at = (k, j, i)
                first, second, third = (
                    slice(a, min(a + t, n)) for a, t, n in zip(at, tile_kji, shape_kji, strict=True)
                )
                yield first, second, third


def blend_weights(tile_kji: Shape) -> NDArray[np.float32]:
    """Return positive weights (k, j, i) that fall off from a tile's middle: a Gaussian.

    Its standard deviation is an eighth of the tile (Isensee et al., doi:10.1038/s41592-020-01008-z).
    """
    axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in tile_kji]
    weights = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return np.asarray(np.maximum(weights, 1e-3), dtype=np.float32)


class Blend:
    """Adds up the answers of overlapping tiles and divides by their weights."""

    def __init__(self, shape_kji: Shape) -> None:
        self._sum = np.zeros(shape_kji, dtype=np.float32)
        self._weight = np.zeros(shape_kji, dtype=np.float32)

    def add(self, block: Block, values: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Add ``values`` (k, j, i), a whole tile, of which ``block`` lies inside the volume."""
        inside = tuple(slice(0, part.stop - part.start) for part in block)
        kept = weights[inside]
        self._sum[block] += values[inside] * kept
        self._weight[block] += kept

    def result(self) -> NDArray[np.float32]:
        """Return the weighted mean (k, j, i), 0 where no tile was added."""
        return np.asarray(self._sum / np.maximum(self._weight, 1e-12), dtype=np.float32)


class SlabBlend:
    """Blends the logits of many classes, and keeps no more of them than one tile is deep.

    Tiles must come in order of k (as ``tiles`` gives them). Planes that no later tile reaches get the
    class with the highest mean logit and are let go; so memory is classes x a tile's depth x j x i,
    never classes x volume. Where no tile was added, the class is 0.
    """

    def __init__(self, n_classes: int, shape_kji: Shape, tile_kji: Shape) -> None:
        depth = min(tile_kji[0], shape_kji[0])
        self._labels = np.zeros(shape_kji, dtype=np.uint8)
        self._sum = np.zeros((n_classes, depth, *shape_kji[1:]), dtype=np.float32)
        self._seen = np.zeros((depth, *shape_kji[1:]), dtype=bool)
        self._first = 0

    def add(self, block: Block, logits: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """Add ``logits`` (class, k, j, i), a whole tile, of which ``block`` lies in the volume."""
        self._finish(block[0].start)
        inside = tuple(slice(0, part.stop - part.start) for part in block)
        here = (slice(block[0].start - self._first, block[0].stop - self._first), *block[1:])
        self._sum[(slice(None), *here)] += logits[(slice(None), *inside)] * weights[inside]
        self._seen[here] = True

    def _finish(self, first: int) -> None:
        """Decide the planes before ``first`` and move the others up."""
        n = min(first - self._first, len(self._seen))
        if n <= 0:
            return
        self._decide(n)
        kept = len(self._seen) - n
        self._sum[:, :kept] = self._sum[:, n:].copy()
        self._sum[:, kept:] = 0
        self._seen[:kept] = self._seen[n:].copy()
        self._seen[kept:] = False
        self._first = first

    def _decide(self, n: int) -> None:
        stop = min(self._first + n, len(self._labels))
        for at in range(stop - self._first):  # a plane at a time: argmax makes 8 bytes a voxel
            found = self._sum[:, at].argmax(axis=0)
            self._labels[self._first + at] = np.where(self._seen[at], found, 0)

    def result(self) -> NDArray[np.uint8]:
        """Return the classes (k, j, i); nothing may be added afterwards."""
        self._decide(len(self._seen))
        return self._labels
