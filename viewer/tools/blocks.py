"""Masks on a part of the grid, put together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.rasterise import Block

Corner = NDArray[np.int64]


def hull(blocks: Sequence[Block]) -> tuple[Corner, Corner]:
    """Return where (kji) the smallest block that holds all of them starts and stops."""
    start = np.min([block.start_kji for block in blocks], axis=0)
    stop = np.max([np.add(block.start_kji, block.mask.shape) for block in blocks], axis=0)
    return start, stop


def spread(block: Block | None, start: Corner, stop: Corner) -> NDArray[np.bool_]:
    """Return the mask of ``block`` on the larger block ``[start, stop)``; None is empty."""
    mask = np.zeros(stop - start, dtype=bool)
    if block is not None:
        first = np.subtract(block.start_kji, start)
        mask[box(first, np.add(first, block.mask.shape))] = block.mask
    return mask


def box(start: Corner, stop: Corner) -> tuple[slice, ...]:
    """Return the slices of ``[start, stop)``."""
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))


def block_at(start: Corner, mask: NDArray[np.bool_]) -> Block:
    """Return a block from a start (kji) and a mask."""
    k, j, i = (int(v) for v in start)
    return Block((k, j, i), mask)


def union(blocks: Sequence[Block | None]) -> Block | None:
    """Return the voxels of any of them; None when there are none."""
    there = [block for block in blocks if block is not None]
    if not there:
        return None
    start, stop = hull(there)
    mask = np.zeros(stop - start, dtype=bool)
    for block in there:
        first = np.subtract(block.start_kji, start)
        mask[box(first, np.add(first, block.mask.shape))] |= block.mask
    return block_at(start, mask)
