"""Figures of segments that panels show all the time, computed once per state of the labels."""

import numpy as np

from viewer.domain.segmentation import Segmentation


class SegmentFigures:
    """Voxel counts per segmentation; ``forget`` after its labels changed."""

    def __init__(self) -> None:
        self._counts: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = {}

    def forget(self, uid: str) -> None:
        """Count again next time; "" forgets everything."""
        if uid:
            self._counts.pop(uid, None)
        else:
            self._counts.clear()

    def n_voxels(self, segmentation: Segmentation, number: int) -> int:
        """Return how many voxels a segment has."""
        if segmentation.uid not in self._counts:
            # One pass over the array serves all segments.
            counts = np.bincount(segmentation.labels.ravel(), minlength=256)
            self._counts[segmentation.uid] = counts
        return int(self._counts[segmentation.uid][number])

    def volume_ml(self, segmentation: Segmentation, number: int) -> float:
        """Return voxel count x voxel size."""
        return self.n_voxels(segmentation, number) * segmentation.grid.voxel_volume_mm3 / 1000
