"""Many classes at once: from logits on the network's grid to labels on the scan's own."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.imaging.resample import resampled
from viewer.inference.tiling import Block, Shape, SlabBlend, blend_weights

Labels = NDArray[np.uint8]


def blended_classes(
    shape_kji: Shape,
    tile_kji: Shape,
    n_classes: int,
    blocks: list[Block],
    logits_of: Callable[[int, Block], NDArray[np.float32]],
) -> Labels:
    """Return the class (k, j, i) of each voxel from overlapping tiles' logits.

    ``logits_of`` gives (class, k, j, i) for tile number n, which lies at a block.
    """
    weights = blend_weights(tile_kji)
    blend = SlabBlend(n_classes, shape_kji, tile_kji)
    for n, block in enumerate(blocks):
        blend.add(block, logits_of(n, block), weights)
    return blend.result()


def restored_labels(labels: Labels, grid: Grid, target: Grid, n_classes: int) -> Labels:
    """Return ``labels`` (on ``grid``) at the voxel centres of ``target``.

    Each class's share is interpolated and the largest wins: the nearest voxel alone would leave
    steps. One class after the other, so that memory is two volumes, however many classes.
    """
    best = resampled((labels == 0).astype(np.float32), grid, target, order=1, fill=1.0)
    winner = np.zeros(target.shape_kji, dtype=np.uint8)
    for number in np.unique(labels[labels > 0]).tolist():
        if number >= n_classes:
            continue
        share = resampled((labels == number).astype(np.float32), grid, target, order=1, fill=0.0)
        wins = share > best
        winner[wins] = number
        best[wins] = share[wins]
    return winner
