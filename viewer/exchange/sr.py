"""Measurement reports: DICOM SR by TID 1500 (Comprehensive 3D SR), written and read back.

A distance, the axes of a bidirectional measurement and the longest diameter of a segment are
numbers (TID 300) with their line in patient coordinates; an ellipse is a planar region (TID 1410);
a segment refers to its SEG if one was written (TID 1411). Numbers are stored in full (FD), lines in
DICOM's 32-bit coordinates and, exactly, in our private record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer import __version__
from viewer.domain.measurement import Measurement
from viewer.domain.quantity import Code
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import DISCLAIMER, InputRefused, Unsupported
from viewer.exchange import records, sr_check, sr_groups
from viewer.exchange.atomic import Saved, save
from viewer.exchange.dicom_parts import (
    CHARACTER_SET,
    MANUFACTURER,
    as_damaged,
    blank_header,
    concept,
    derived_uid,
    get_record,
    new_uid,
    put_record,
    read_object,
    refuse_without_dicom,
    stamp,
)
from viewer.exchange.sr_read import agrees, believed, context_of, measurement_of, merged
from viewer.exchange.sr_tree import groups

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SERIES_NUMBER = 1002
_SR_STORAGE = "1.2.840.10008.5.1.4.1.1.88."
_QUALITATIVE = Code("C0034375", "UMLS", "Qualitative Evaluations")
_COMMENT = Code("121106", "DCM", "Comment")
_PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "MR": Code("113091000", "SCT", "Magnetic resonance imaging"),
    "PT": Code("82918005", "SCT", "Positron emission tomography"),
    "US": Code("16310003", "SCT", "Ultrasonography"),
    "CR": Code("168537006", "SCT", "Plain radiography"),
    "DX": Code("168537006", "SCT", "Plain radiography"),
    "MG": Code("71651007", "SCT", "Mammography"),
}
_IMAGING = Code("363679005", "SCT", "Imaging procedure")


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a report held; ``notes`` say what of it could not be read."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]


def write_sr(
    measurements: Sequence[Measurement],
    segmentations: Sequence[Segmentation],
    picture: Picture,
    path: Path,
    *,
    force: bool = False,
    seg_files: Mapping[str, Path] | None = None,
) -> Saved:
    """Save measurements and the scores of segments as one report in ``picture``'s study.

    ``seg_files`` names the SEG file of a segmentation by its uid, so that measurements of segments
    refer to it. Values that are not finite cannot stand in DICOM: they are left out and named in
    ``Saved.checks``.

    Raises
    ------
    InputRefused
        There is nothing to write, the picture did not come from DICOM, or a measurement lies in
        another frame of reference.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    refuse_without_dicom(picture, instead="Export the measurements as JSON.")
    chosen = tuple(measurements)
    _refuse_strangers(chosen, picture)
    segs = [read_object(Path(file)) for file in (seg_files or {}).values()]
    references = _references(dict(zip(seg_files or {}, segs, strict=True)))
    made = [g for m in chosen for g in sr_groups.measurement_groups(m, picture, references)]
    made += [g for segmentation in segmentations for g in sr_groups.score_groups(segmentation)]
    if not made:
        raise InputRefused(
            "There is nothing to report.", remedy="Measure something, or score a segment, first."
        )

    def write(temporary: Path) -> None:
        from pydicom import dcmwrite

        evidence = [*_evidence(chosen, picture), *segs]
        dataset = _built(made, evidence, picture)
        put_record(dataset, {"measurements": [records.measurement_record(m) for m in chosen]})
        dcmwrite(temporary, dataset, enforce_file_format=True)

    def check(temporary: Path) -> tuple[str, ...]:
        again = read_report(temporary, picture).measurements
        return (
            *sr_check.left_out(chosen),
            sr_check.compared(again, chosen, path),
            sr_check.highdicom_agrees(temporary, chosen, path),
        )

    return save(path, write, check, force=force)


def read_sr(path: Path, picture: Picture | None = None) -> tuple[Measurement, ...]:
    """Return the measurements of a report; ``read_report`` also says what was left out.

    Points are LPS mm. Coordinates on single images (SCOORD) can be placed only with ``picture``;
    a measurement of another program whose points cannot be placed comes without points.

    Raises
    ------
    Unsupported
        It is no report, or holds no measurements.
    InputRefused, Damaged
        The file cannot be read.
    """
    return read_report(path, picture).measurements


def read_report(path: Path, picture: Picture | None = None) -> ReadReport:
    """Return the measurements of a report and sentences about what could not be read.

    Raises as ``read_sr`` does.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        return _report(dataset, picture, path)


def _report(dataset: "Dataset", picture: Picture | None, path: Path) -> ReadReport:
    if not str(dataset.get("SOPClassUID") or "").startswith(_SR_STORAGE):
        raise Unsupported("This is no structured report.", where=path.name)
    found = groups(dataset)
    if not found:
        raise Unsupported(
            "The report holds no measurements (TID 1500).",
            where=path.name,
            remedy="Choose a measurement report.",
        )
    context = context_of(dataset, picture)
    private = believed(get_record(dataset))
    measurements: list[Measurement] = []
    notes: list[str] = []
    for group in merged(found):
        ours = private.get(group.uid)
        if ours is not None and agrees(ours, group, context):
            measurements.append(ours)
            continue
        public = measurement_of(group, context)
        name = group.label or "A group"
        if public is None:
            notes.append(f"{name} holds no number: left out.")
            continue
        measurements.append(public)
        if not public.points_lps_mm and group.drawn:
            notes.append(f"{name}: its outline is not drawn here, the numbers are.")
        if group.n_unread:
            numbers = counted(group.n_unread, "number")
            notes.append(f"{name}: {numbers} without a value left out.")
    return ReadReport(tuple(measurements), tuple(notes))


def _refuse_strangers(measurements: Sequence[Measurement], picture: Picture) -> None:
    ours = picture.identity.frame_of_reference_uid
    for measurement in measurements:
        theirs = measurement.frame_of_reference_uid
        if theirs and ours and theirs != ours:
            raise InputRefused(
                f"{measurement.label} lies in another frame of reference than the picture.",
                remedy="Write one report for each study.",
            )


def _references(segs: Mapping[str, "Dataset"]) -> dict[tuple[str, int], Any]:
    """Return for (segmentation uid, segment number) where the segment is in its SEG file."""
    references = {}
    for uid, dataset in segs.items():
        record = get_record(dataset) or {}
        written = [int(item.SegmentNumber) for item in dataset.get("SegmentSequence") or []]
        numbers = record.get("numbers") or written
        for number, there in zip(numbers, written, strict=False):
            references[uid, int(number)] = sr_groups.SegmentReference(
                str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), there
            )
    return references


def _evidence(measurements: Sequence[Measurement], picture: Picture) -> list["Dataset"]:
    """Return headers of the images that the measurements lie on, at least one."""
    used = [i for m in measurements for i in sr_groups.images_of(m, picture)]
    used = used or list(picture.identity.instances[:1])
    once = {instance.sop_instance_uid: instance for instance in used}
    return [blank_header(picture.identity, instance) for instance in once.values()]


def _built(made: Sequence[Any], evidence: Sequence["Dataset"], picture: Picture) -> "Dataset":
    from highdicom.sr import Comprehensive3DSR, MeasurementReport

    report = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=concept(_PROCEDURES.get(picture.identity.series.modality, _IMAGING)),
        imaging_measurements=list(made),
    )
    report[0].ContentSequence.append(_disclaimer())
    dataset: Dataset = Comprehensive3DSR(
        evidence=list(evidence),
        content=report,
        series_instance_uid=new_uid(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        series_description="Measurements",
        is_complete=True,
        specific_character_set=CHARACTER_SET,
    )
    stamp(dataset, picture.identity)
    return dataset


def _observer() -> Any:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                uid=derived_uid("device", MANUFACTURER, __version__),
                name=f"{MANUFACTURER} {__version__}",
                manufacturer_name=MANUFACTURER,
                model_name=f"{MANUFACTURER} {__version__}",
            ),
        )
    )


def _disclaimer() -> Any:
    """Return the disclaimer as a comment (TID 1500 rows 12 to 14)."""
    from highdicom.sr import ContainerContentItem, ContentSequence, TextContentItem

    container = ContainerContentItem(concept(_QUALITATIVE), relationship_type="CONTAINS")
    comment = TextContentItem(concept(_COMMENT), DISCLAIMER, relationship_type="CONTAINS")
    container.ContentSequence = ContentSequence([comment])
    return container
