"""Measurements: from points, and from segments. Numbers come from imaging.measuring alone."""

from collections.abc import Sequence
from dataclasses import replace

from viewer.actions.context import Context, has_picture, has_segment
from viewer.actions.registry import action
from viewer.domain.calibration import Calibration
from viewer.domain.geometry import Floats
from viewer.domain.measurement import KINDS, Measurement, Point, Review
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.session.edits import Group
from viewer.session.edits_measurement import AddMeasurement, ReplaceMeasurement
from viewer.session.figures import SegmentFigures, outdated
from viewer.session.identifiers import new_uid

_LONGEST_LABEL = 64  # TrackingIdentifier and CSV readers cut longer ones
Noting = AddMeasurement | ReplaceMeasurement


def next_label(context: Context, kind: str) -> str:
    """Return a name that is not in use: "Distance 3"."""
    title = KINDS[kind].title
    taken = {m.label for m in context.session.state.measurements}
    number = 1
    while f"{title} {number}" in taken:
        number += 1
    return f"{title} {number}"


def made(
    picture: Picture,
    kind: str,
    points: Sequence[Sequence[float]] | Floats,
    label: str,
    segment: tuple[str, int] | None = None,
    calibrations: Sequence[Calibration] = (),
) -> Measurement:
    """Return the measurement of a shape in the patient, with its numbers and receipt."""
    if kind not in KINDS or not KINDS[kind].takes(len(points)):
        raise InputRefused(f"{kind} is no measurement with {counted(len(points), 'point')}.")
    from viewer.imaging.measuring import measured

    quantities, receipt = measured(kind, points, picture, calibrations)
    return Measurement(
        new_uid(),
        kind,
        label,
        tuple(_point(p) for p in points),
        picture.identity.frame_of_reference_uid,
        picture.key,
        quantities,
        receipt,
        segment=segment,
    )


def of_segment(
    picture: Picture, segmentation: Segmentation, segment: Segment
) -> tuple[Measurement, ...]:
    """Return volume with longest diameter, and the bidirectional diameters, of one segment."""
    from viewer.imaging.measuring import measured_segment

    quantities, receipt, ends = measured_segment(segmentation, segment.number, picture)
    whole = Measurement(
        new_uid(),
        "segment",
        segment.name,
        tuple(_point(p) for p in ends),
        picture.identity.frame_of_reference_uid,
        picture.key,
        quantities,
        receipt,
        segment=(segmentation.uid, segment.number),
    )
    from viewer.imaging.measuring import segment_bidirectional

    points = segment_bidirectional(segmentation, segment.number)
    across = made(
        picture,
        "bidirectional",
        points,
        f"{segment.name} diameters",
        (segmentation.uid, segment.number),
    )
    return whole, across


def _noted(context: Context, found: Sequence[Measurement]) -> tuple[Noting, ...]:
    """Return the edits that note ``found``; numbers of a segment replace its older ones.

    Those that a reader has moved by hand stay: the new ones are added beside them.
    """
    edits: list[Noting] = []
    known = context.session.state.measurements
    old = outdated(known, context.session.state.segmentations, SegmentFigures())
    for new in found:
        before = next(
            (
                m
                for m in known
                if m.kind == new.kind
                and m.segment == new.segment
                and m.uid in old
                and m.review is not Review.EDITED
            ),
            None,
        )
        if before is None:
            edits.append(AddMeasurement(new))
        else:
            again = replace(new, uid=before.uid, label=before.label)
            edits.append(ReplaceMeasurement(again))
    return tuple(edits)


def _uids(edits: Sequence[Noting]) -> tuple[str, ...]:
    return tuple(edit.measurement.uid for edit in edits)


def _point(values: Sequence[float] | Floats) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z


@action("measure.add", "Add a measurement", group="Measure", enabled=has_picture)
def add(
    context: Context, *, kind: str, points_lps_mm: Sequence[Sequence[float]], label: str = ""
) -> str:
    """Measure between patient points (LPS, mm); returns the measurement's uid."""
    picture = context.need_picture()
    measurement = made(
        picture,
        kind,
        points_lps_mm,
        label or next_label(context, kind),
        calibrations=context.session.state.calibrations_of(picture.key),
    )
    context.session.apply(AddMeasurement(measurement))
    context.viewing.set(selected_uid=measurement.uid)
    return measurement.uid


@action(
    "measure.segment",
    "Measure the segment",
    group="Measure",
    keys=("Shift+M",),
    enabled=has_segment,
)
def segment(context: Context) -> tuple[str, ...]:
    """Measure the active segment: volume, longest diameter, and both diameters on a slice."""
    segmentation, chosen = context.need_segment()
    found = of_segment(context.need_picture_of(segmentation), segmentation, chosen)
    edits = _noted(context, found)
    context.session.apply(Group(edits, f"measure {chosen.name}"))
    return _uids(edits)


@action(
    "measure.calcium",
    "Calcium score of the segment",
    group="Measure",
    enabled=has_segment,
)
def calcium(context: Context) -> str:
    """Score the calcium (Agatston) among the voxels of the active segment, slice by slice."""
    from viewer.imaging.measuring_special import segment_calcium

    segmentation, chosen = context.need_segment()
    picture = context.need_picture_of(segmentation)
    quantities, receipt = segment_calcium(segmentation, chosen.number, picture)
    found = Measurement(
        new_uid(),
        "segment_calcium",
        f"{chosen.name} calcium",
        (),
        picture.identity.frame_of_reference_uid,
        picture.key,
        quantities,
        receipt,
        segment=(segmentation.uid, chosen.number),
    )
    edits = _noted(context, (found,))
    context.session.apply(Group(edits, f"score the calcium of {chosen.name}"))
    return _uids(edits)[0]


@action(
    "measure.all_segments",
    "Measure all segments",
    group="Measure",
    keys=("Ctrl+M",),
    enabled=has_segment,
)
def all_segments(context: Context) -> tuple[str, ...]:
    """Measure every segment of the active segmentation that is not rejected or empty."""
    segmentation, _ = context.need_segment()
    picture = context.need_picture_of(segmentation)
    found = [
        measurement
        for chosen in segmentation.segments
        if chosen.review != "rejected" and bool((segmentation.labels == chosen.number).any())
        for measurement in of_segment(picture, segmentation, chosen)
    ]
    edits = _noted(context, found)
    if edits:
        context.session.apply(Group(edits, f"measure all of {segmentation.name}"))
    return _uids(edits)


def _nothing_selected(context: Context) -> str:
    uid = context.viewing.look.selected_uid
    known = any(m.uid == uid for m in context.session.state.measurements)
    return "" if known else "No measurement is selected."


@action(
    "measure.rename",
    "Name the measurement, write the note",
    group="Measure",
    keys=("F2",),
    enabled=_nothing_selected,
)
def rename(context: Context, *, label: str | None = None) -> None:
    """Change what the selected measurement, arrow or note is called or says."""
    chosen = context.session.state.measurement(context.viewing.look.selected_uid)
    if label is None:
        label = context.door.ask_text("Name", "What it is called, or says", chosen.label)
    if label is None:
        return
    words = " ".join(label.split())
    if not 0 < len(words) <= _LONGEST_LABEL or not words.isprintable():
        raise InputRefused(f"A name has 1 to {_LONGEST_LABEL} readable characters.")
    context.session.apply(ReplaceMeasurement(replace(chosen, label=words), f"name {words}"))
