"""A SEG object made by highdicom from labels, with references to the very images.

highdicom is handed one plain source header for each slice; afterwards the references are set to
what the slices really are (single images, frames of one object, tiles of a mosaic sheet).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from viewer.domain.fractions import WHOLE
from viewer.domain.geometry import Grid
from viewer.domain.measurement import Review
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.study import Instance
from viewer.domain.supervision import UNREVIEWED, is_unreviewed
from viewer.domain.volume import Picture
from viewer.errors import DISCLAIMER, InputRefused
from viewer.exchange.dicom_parts import (
    blank_header,
    equipment,
    frame_of_reference,
    new_uid,
    put_record,
    short_text,
    stamp,
)
from viewer.exchange.seg_describe import descriptions, private_record
from viewer.exchange.seg_fractions import common, values_of
from viewer.imaging.counting import voxel_counts

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SegKind = Literal["BINARY", "LABELMAP", "FRACTIONAL", "PROBABILITY"]
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SERIES_NUMBER = 1001


def writable(segmentation: Segmentation) -> tuple[Segmentation, tuple[str, ...]]:
    """Return the part that is written (labels are a copy), and a sentence for each rest.

    Empty segments and rejected ones are left out; hidden ones are not: the eye is no verdict.

    Raises
    ------
    InputRefused
        Nothing is left, or voxels carry a number that no segment has.
    """
    counts = voxel_counts(segmentation.labels)
    numbers = {segment.number for segment in segmentation.segments}
    strangers = [n for n in range(1, 256) if counts[n] and n not in numbers]
    if strangers:
        raise InputRefused(f"Voxels carry the number {strangers[0]}, which no segment has.")
    kept: list[Segment] = []
    sentences: list[str] = []
    for segment in segmentation.segments:
        if not counts[segment.number]:
            sentences.append(f"{segment.name} is empty: left out")
        elif segment.review is Review.REJECTED:
            sentences.append(f"{segment.name} was rejected: left out")
        else:
            kept.append(segment)
    if not kept:
        raise InputRefused(
            "There are no voxels to write: every segment is empty or rejected.",
            where=segmentation.name,
            remedy="Draw or accept a segment first.",
        )
    table = np.zeros(256, dtype=np.uint8)
    for segment in kept:
        table[segment.number] = segment.number
    part = replace(segmentation, segments=tuple(kept), labels=table[segmentation.labels])
    return part, tuple(sentences)


def built(
    part: Segmentation, picture: Picture, *, full_frames: bool, kind: SegKind = "BINARY"
) -> "Dataset":
    """Return the SEG object of ``part`` (its segments are numbered 1, 2, ... in their order).

    FRACTIONAL is all or nothing in each voxel; PROBABILITY is what ``with_fractions`` returned.
    """
    from highdicom.seg import Segmentation as SegObject

    table = np.zeros(256, dtype=np.uint8)
    for number, segment in enumerate(part.segments, start=1):
        table[segment.number] = number
    slices = _slices(part, picture)
    headers = [_header(picture, k) for k in slices]
    maximum, fractional = common(part) if kind == "PROBABILITY" else (WHOLE, "OCCUPANCY")
    dataset: Dataset = SegObject(
        source_images=headers,
        pixel_array=values_of(part, slices, maximum)
        if kind == "PROBABILITY"
        else table[part.labels[list(slices)]],
        segmentation_type="FRACTIONAL" if kind == "PROBABILITY" else kind,
        segment_descriptions=descriptions(part),
        series_instance_uid=new_uid(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        omit_empty_frames=not full_frames,
        fractional_type=fractional,  # heard where the kind is FRACTIONAL
        max_fractional_value=maximum,
        content_label="SEGMENTATION",
        content_description=short_text(part.name) or "Segmentation",
        series_description=_series_description(part),
        **equipment(),
    )
    if picture.is_volume:
        # highdicom states it only for slices that stack up along their normal; without it a reader
        # cannot tell a gap of left-out empty frames from thick slices
        measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.SpacingBetweenSlices = _ds(_slice_gap_mm(picture.grid))
    dataset.ImageComments = DISCLAIMER
    truth = dict(zip((str(h.SOPInstanceUID) for h in headers), slices, strict=True))
    _set_references(dataset, {uid: picture.identity.instances[k] for uid, k in truth.items()})
    stamp(dataset, picture.identity)
    put_record(dataset, private_record(part))
    return dataset


def _series_description(part: Segmentation) -> str:
    name = short_text(part.name) or "Segmentation"
    return short_text(f"{UNREVIEWED} {name}") if _has_unreviewed(part) else name


def _has_unreviewed(part: Segmentation) -> bool:
    return any(is_unreviewed(part, segment) for segment in part.segments)


def _slices(part: Segmentation, picture: Picture) -> tuple[int, ...]:
    if picture.is_volume:
        return tuple(range(part.grid.shape_kji[0]))
    used = [k for k in range(part.grid.shape_kji[0]) if part.labels[k].any()]
    if len(used) > 1:
        raise InputRefused(
            "These images form no volume, so one SEG can hold only one of them.",
            where=part.name,
            remedy="Export the labels as NIfTI.",
        )
    return tuple(used)


def _header(picture: Picture, k: int) -> "Dataset":
    """Return a stand-in for the image of slice ``k``, with a UID that ``_set_references`` mends."""
    grid = picture.grid
    column_mm, row_mm, _ = grid.spacing_ijk_mm
    sop_class = _CT_IMAGE if picture.is_volume else _SECONDARY_CAPTURE
    header = blank_header(picture.identity, Instance(sop_class, new_uid()))
    header.Rows, header.Columns = grid.shape_kji[1:]
    if picture.is_volume:
        header.PixelSpacing = [_ds(row_mm), _ds(column_mm)]
        header.FrameOfReferenceUID = frame_of_reference(picture)
        header.PositionReferenceIndicator = ""
        header.SliceThickness = _ds(_slice_gap_mm(grid))
        header.ImagePositionPatient = [_ds(float(v)) for v in grid.world((0, 0, k))]
        cosines = (*grid.directions[:, 0], *grid.directions[:, 1])
        header.ImageOrientationPatient = [_ds(float(v)) for v in cosines]
    return header


def _slice_gap_mm(grid: Grid) -> float:
    """Return the distance of two slices along their normal (less than the step if sheared)."""
    normal = np.cross(grid.directions[:, 0], grid.directions[:, 1])
    return abs(float(normal @ grid.ijk_to_lps[:3, 2])) / float(np.linalg.norm(normal))


def _ds(value: float) -> str:
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(value)


def _set_references(dataset: "Dataset", truth: dict[str, Instance]) -> None:
    frames_of: dict[str, set[int]] = {}
    for instance in truth.values():
        frames_of.setdefault(instance.sop_instance_uid, set()).add(instance.frame)
    several = {uid for uid, frames in frames_of.items() if len(frames) > 1 or frames != {1}}
    for series in dataset.get("ReferencedSeriesSequence") or []:
        series.ReferencedInstanceSequence = _mended(
            series.ReferencedInstanceSequence, truth, frozenset()
        )
    if "SourceImageSequence" in dataset:
        dataset.SourceImageSequence = _mended(dataset.SourceImageSequence, truth, frozenset())
    for group in dataset.PerFrameFunctionalGroupsSequence:
        for derivation in group.get("DerivationImageSequence") or []:
            derivation.SourceImageSequence = _mended(derivation.SourceImageSequence, truth, several)


def _mended(items: Iterable[Any], truth: dict[str, Instance], several: Iterable[str]) -> list[Any]:
    """Return the references with their true UIDs, each image once, with its frame if it has some."""
    mended: dict[tuple[str, int], Any] = {}
    for item in items:
        instance = truth.get(str(item.ReferencedSOPInstanceUID))
        if instance is None:  # this very item was put right before: frames share them
            mended[str(item.ReferencedSOPInstanceUID), len(mended)] = item
            continue
        item.ReferencedSOPClassUID = instance.sop_class_uid
        item.ReferencedSOPInstanceUID = instance.sop_instance_uid
        frame = 0
        if instance.sop_instance_uid in several:
            frame = item.ReferencedFrameNumber = instance.frame
        mended.setdefault((instance.sop_instance_uid, frame), item)
    return list(mended.values())
