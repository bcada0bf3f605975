"""Instances: what a network says of mask, centre and size, made into separate lesions.

The outputs are those of Mask R-CNN (He et al. 2017, arXiv 1703.06870): a score, a box and a mask for
each lesion. They are reached in one stage, by peaks of a centre map with the box's size read at each
peak (Zhou et al. 2019, arXiv 1904.07850): there is no second network that looks at each box again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.inference.predictor import sigmoid
from viewer.inference.tiling import Block

N_OUTPUTS = 5
EXTENT_VOXELS = 8.0  # a size of 1 from the network, in voxels of its grid
_LEAST_SCORE = 0.3
_SPREAD = 1.4  # of the half-extents: as far as a mask may reach from its centre
_SAME = 0.6  # of the half-extents: two peaks closer than that are one


@dataclass(frozen=True, slots=True)
class Detection:
    """A centre and half-extents (k, j, i) in voxels of the network's grid, and how sure it is."""

    centre_kji: tuple[float, float, float]
    half_kji: tuple[float, float, float]
    score: float


def detections_in(
    logits: NDArray[np.float32], block: Block, least: float = _LEAST_SCORE
) -> list[Detection]:
    """Return the peaks of the centre map in one tile's answer (5, k, j, i), which lies at ``block``."""
    from scipy import ndimage

    inside = tuple(slice(0, part.stop - part.start) for part in block)
    heat = sigmoid(logits[1][inside])
    peaks = (heat == ndimage.maximum_filter(heat, 5, mode="nearest")) & (heat >= least)
    start = np.array([part.start for part in block])
    found = []
    for at in np.argwhere(peaks):
        k, j, i = (start + at).astype(float).tolist()
        sizes = np.maximum(logits[(slice(2, 5), *at)], 0.05) * EXTENT_VOXELS
        c, b, a = sizes.astype(float).tolist()
        found.append(Detection((k, j, i), (c, b, a), float(heat[tuple(at)])))
    return found


def without_doubles(detections: Sequence[Detection]) -> list[Detection]:
    """Return the detections, surest first, without those that an overlapping tile saw as well."""
    kept: list[Detection] = []
    for one in sorted(detections, key=lambda each: -each.score):
        if all(_distance(one.centre_kji, other) > _SAME for other in kept):
            kept.append(one)
    return kept


def _distance(at_kji: tuple[float, float, float], other: Detection) -> float:
    away = np.abs(np.array(at_kji) - np.array(other.centre_kji)) / np.array(other.half_kji)
    return float(away.max())


def apart(
    mask: NDArray[np.bool_], target: Grid, grid: Grid, detections: Sequence[Detection]
) -> NDArray[np.uint8]:
    """Return labels (k, j, i) on ``target``: each voxel of ``mask`` goes to the detection it is in.

    ``detections`` lie on ``grid``. Voxels in no box are left out: two heads must agree. At most 255.
    """
    labels = np.zeros(mask.shape, dtype=np.uint8)
    voxels = np.argwhere(mask)
    if not len(voxels) or not detections:
        return labels
    at = grid.index(target.world(voxels[:, ::-1]))[:, ::-1]
    nearest = np.full(len(voxels), np.inf)
    winner = np.zeros(len(voxels), dtype=np.uint8)
    for number, one in enumerate(detections[:255], start=1):
        away = np.abs(at - np.array(one.centre_kji)) / np.array(one.half_kji)
        distance = np.linalg.norm(away, axis=1)
        closer = (distance < nearest) & (away.max(axis=1) <= _SPREAD)
        nearest[closer], winner[closer] = distance[closer], number
    labels[tuple(voxels.T)] = winner
    return labels
