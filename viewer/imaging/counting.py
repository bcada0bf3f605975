"""Voxels counted by label."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.segmentation import Labels, Segmentation


def voxel_counts(labels: Labels) -> NDArray[np.int64]:
    """Return how many voxels carry each number 0..255.

    Slice by slice and without the zeros: a whole volume at once would be copied to 64-bit numbers.
    """
    counts = np.zeros(256, dtype=np.int64)
    for plane in labels:
        counts += np.bincount(plane[plane != 0], minlength=256)
    counts[0] = labels.size - counts.sum()
    return counts


def volumes_ml(segmentation: Segmentation) -> NDArray[np.float64]:
    """Return the volume of each segment, in their order: voxel count times voxel size."""
    numbers = [segment.number for segment in segmentation.segments]
    counts = voxel_counts(segmentation.labels)[numbers]
    return np.asarray(counts * (segmentation.grid.voxel_volume_mm3 / 1000.0))
