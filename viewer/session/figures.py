"""Figures of segments that panels show all the time, computed once per state of the labels."""

from collections.abc import Callable, Sequence

import numpy as np

from viewer.domain.measurement import Measurement
from viewer.domain.quantity import VOXEL_COUNT
from viewer.domain.segmentation import Segmentation

Count = Callable[[Segmentation, int], int]


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


def count_voxels(segmentation: Segmentation, number: int) -> int:
    """Return how many voxels a segment has, counted now."""
    return int(np.count_nonzero(segmentation.labels == number))


def outdated(
    measurements: Sequence[Measurement], segmentations: Sequence[Segmentation], count: Count
) -> frozenset[str]:
    """Return the uids of numbers taken of a segment that has other voxels by now.

    A segment is judged by the voxel count in its "segment" measurement; diameters that were drawn
    from the same segment are judged with it. Segments that are gone leave their numbers as they
    were: those say what was measured then.
    """
    layers = {s.uid: s for s in segmentations}
    changed = set()
    for measurement in measurements:
        counted = measurement.quantity(VOXEL_COUNT)
        if measurement.segment is None or measurement.kind != "segment" or counted is None:
            continue
        uid, number = measurement.segment
        if uid in layers and count(layers[uid], number) != round(counted.value):
            changed.add(measurement.segment)
    return frozenset(m.uid for m in measurements if m.segment in changed)
