"""Fractions of segments into FRACTIONAL SEG objects and out of them (PS3.3 C.8.20.2.3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.domain.fractions import (
    WHOLE,
    FractionKind,
    Fractions,
    Levels,
    whole_levels,
)
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import InputRefused, OutOfResources

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from viewer.exchange.seg_pixels import Frames

_MOST_BYTES = 2**32  # of values that are handed over at once, 4 bytes a voxel and segment


def without_fractions(part: Segmentation) -> Segmentation:
    """Return a segmentation of masks alone."""
    return replace(part, segments=tuple(replace(s, fractions=None) for s in part.segments))


def with_fractions(part: Segmentation) -> Segmentation:
    """Return a segmentation whose segments carry what a FRACTIONAL SEG will hold.

    All levels have one maximum: that of the fractions, 255 where those differ.

    Raises
    ------
    InputRefused
        No segment has fractions.
    OutOfResources
        They would not fit the memory.
    """
    kept = [s.fractions for s in part.segments if s.fractions is not None]
    if not kept:
        raise InputRefused(
            "No segment has fractions: masks say all or nothing.",
            where=part.name,
            remedy="Export it as an ordinary SEG.",
        )
    if part.labels.size * len(part.segments) * 4 > _MOST_BYTES:
        raise OutOfResources(
            "The fractions of so many voxels and segments need more than 4 GB.",
            where=part.name,
            remedy="Export fewer segments at once, or an ordinary SEG.",
        )
    maxima = {one.maximum for one in kept}
    maximum = maxima.pop() if len(maxima) == 1 else WHOLE
    kind: FractionKind = (
        "OCCUPANCY" if {one.kind for one in kept} == {"OCCUPANCY"} else "PROBABILITY"
    )
    segments = tuple(_told(part, segment, maximum, kind) for segment in part.segments)
    return replace(part, segments=segments)


def _told(part: Segmentation, segment: Segment, maximum: int, kind: FractionKind) -> Segment:
    mask = part.labels == segment.number
    old = segment.fractions
    if old is None:
        return segment
    levels, at_least = old.on(mask), old.at_least
    if old.maximum != maximum:
        levels = np.rint(levels * (maximum / old.maximum)).astype(np.uint8)
        at_least *= maximum / old.maximum
    return replace(segment, fractions=_kept(levels, at_least, maximum, kind))


def _kept(levels: Levels, at_least: float, maximum: int, kind: FractionKind) -> Fractions | None:
    """Return the fractions; None where they say no more than the mask."""
    if np.isin(levels, np.array([0, maximum], dtype=np.uint8)).all():
        return None
    return Fractions.of(levels, at_least, maximum=maximum, kind=kind)


def common(part: Segmentation) -> tuple[int, FractionKind]:
    """Return the maximum and the kind of what ``with_fractions`` returned."""
    for segment in part.segments:
        if segment.fractions is not None:
            return segment.fractions.maximum, segment.fractions.kind
    return WHOLE, "PROBABILITY"


def values_of(part: Segmentation, slices: Sequence[int], maximum: int) -> NDArray[np.float32]:
    """Return shares 0 to 1 (slice, row, column, segment) of the given slices."""
    shape = (len(slices), *part.grid.shape_kji[1:], len(part.segments))
    values = np.zeros(shape, dtype=np.float32)
    for n, levels in enumerate(levels_of(part, maximum)):
        values[..., n] = levels[list(slices)] / np.float32(maximum)
    return values


def levels_of(part: Segmentation, maximum: int) -> Iterator[Levels]:
    """Yield the levels (k, j, i) of each segment, in order."""
    for segment in part.segments:
        mask = part.labels == segment.number
        told = segment.fractions
        yield whole_levels(mask, maximum) if told is None else told.on(mask)


# --- reading ------------------------------------------------------------------------------------


def thresholds(dataset: "Dataset", stated: object) -> dict[int, float]:
    """Return from which level on a voxel belongs, by DICOM segment number, where we once said so.

    ``stated`` is what our private record says; anything else than numbers in range is left alone.
    """
    maximum = maximum_of(dataset)
    found: dict[int, float] = {}
    for number, value in stated.items() if isinstance(stated, Mapping) else ():
        known = str(number).isdecimal() and isinstance(value, int | float)
        if known and 0 < float(value) <= maximum:
            found[int(number)] = float(value)
    return found


def maximum_of(dataset: "Dataset") -> int:
    """Return the level that means 1."""
    return min(max(int(dataset.get("MaximumFractionalValue") or WHOLE), 1), WHOLE)


def read_fractions(
    dataset: "Dataset",
    frames: "Frames",
    places: Mapping[int, Sequence[tuple[int, int]]],
    shape_kji: tuple[int, int, int],
    at_least: Mapping[int, float],
) -> dict[int, Fractions]:
    """Return the fractions of each segment that has more than all or nothing.

    ``places`` are (frame, slice k) by DICOM segment number. Levels above the stated maximum count
    as the maximum.
    """
    maximum = maximum_of(dataset)
    is_occupancy = str(dataset.get("SegmentationFractionalType") or "") == "OCCUPANCY"
    kind: FractionKind = "OCCUPANCY" if is_occupancy else "PROBABILITY"
    found = {}
    for number, own in places.items():
        levels = np.zeros(shape_kji, dtype=np.uint8)
        for n, k in own:
            np.maximum(levels[k], np.minimum(frames.frame(n), maximum), out=levels[k])
        kept = _kept(levels, at_least.get(number, maximum / 2), maximum, kind)
        if kept is not None:
            found[number] = kept
    return found
