"""Figures of segments that panels show all the time, computed once per state of the labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.domain.measurement import Measurement
from viewer.domain.quantity import VOXEL_COUNT
from viewer.domain.segmentation import Segmentation
from viewer.imaging.counting import voxel_counts


class SegmentFigures:
    """Counts and fingerprints per segmentation; ``forget`` after its labels changed."""

    def __init__(self) -> None:
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._fingerprints: dict[tuple[str, int], str] = {}

    def forget(self, uid: str) -> None:
        """Count again next time; "" forgets everything."""
        known = [key for key in self._fingerprints if not uid or key[0] == uid]
        for key in known:
            del self._fingerprints[key]
        if uid:
            self._counts.pop(uid, None)
        else:
            self._counts.clear()

    def fingerprint(self, segmentation: Segmentation, number: int) -> str:
        """Return what tells a segment's voxels (``Segmentation.fingerprint``)."""
        key = (segmentation.uid, number)
        if key not in self._fingerprints:
            self._fingerprints[key] = segmentation.fingerprint(number)
        return self._fingerprints[key]

    def n_voxels(self, segmentation: Segmentation, number: int) -> int:
        """Return how many voxels a segment has."""
        if segmentation.uid not in self._counts:
            # One pass over the array serves all segments.
            self._counts[segmentation.uid] = voxel_counts(segmentation.labels)
        return int(self._counts[segmentation.uid][number])

    def volume_ml(self, segmentation: Segmentation, number: int) -> float:
        """Return voxel count x voxel size."""
        return self.n_voxels(segmentation, number) * segmentation.grid.voxel_volume_mm3 / 1000


def outdated(
    measurements: Sequence[Measurement],
    segmentations: Sequence[Segmentation],
    figures: SegmentFigures,
) -> frozenset[str]:
    """Return the uids of numbers taken of a segment that has other voxels by now.

    A segment is judged by its "segment" measurement: by the fingerprint of its voxels, or by their
    count where none was kept; diameters that were drawn from the same segment are judged with it.
    Segments that are gone leave their numbers as they were: those say what was measured then.
    """
    layers = {s.uid: s for s in segmentations}
    changed = set()
    for measurement in measurements:
        if measurement.segment is None or measurement.kind != "segment":
            continue
        uid, number = measurement.segment
        if uid in layers and not _is_same(measurement, layers[uid], number, figures):
            changed.add(measurement.segment)
    return frozenset(m.uid for m in measurements if m.segment in changed)


def _is_same(
    measurement: Measurement, layer: Segmentation, number: int, figures: SegmentFigures
) -> bool:
    if measurement.receipt.mask_sha256:
        return figures.fingerprint(layer, number) == measurement.receipt.mask_sha256
    counted = measurement.quantity(VOXEL_COUNT)
    return counted is None or figures.n_voxels(layer, number) == round(counted.value)
