"""What a written report is compared with before it is called saved: our reader, then highdicom's."""

from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from viewer.domain.measurement import Measurement
from viewer.domain.wording import counted
from viewer.exchange import records
from viewer.exchange.atomic import not_equal
from viewer.exchange.sr_groups import KIND, SCORE_KIND, tracking_uid
from viewer.exchange.sr_shapes import same_points, shapes, written_quantities

_Number = tuple[str, str, float, str]


def left_out(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return a sentence for each value that DICOM cannot hold."""
    return tuple(
        f"{quantity.concept.meaning} of {measurement.label} is not defined: left out"
        for measurement in measurements
        for quantity in measurement.quantities
        if not isfinite(quantity.value)
    )


def compared(again: Sequence[Measurement], wanted: Sequence[Measurement], path: Path) -> str:
    """Return a sentence when our reader found the same measurements, else raise."""
    # as records, since a value that is not a number never equals itself
    theirs = [records.measurement_record(measurement) for measurement in again]
    ours = [records.measurement_record(measurement) for measurement in wanted]
    if theirs != ours:
        raise not_equal(path, "a measurement differs")
    return f"{counted(len(ours), 'measurement')} read back equal"


def highdicom_agrees(written: Path, wanted: Sequence[Measurement], path: Path) -> str:
    """Return a sentence when highdicom reads the same numbers, units and points, else raise."""
    from highdicom.sr import srread

    content: Any = srread(written).content
    found = [
        group
        for group in (
            *content.get_image_measurement_groups(),
            *content.get_planar_roi_measurement_groups(),
            *content.get_volumetric_roi_measurement_groups(),
        )
        if not _is_score(group)
    ]
    for measurement in wanted:
        uid = tracking_uid(measurement.uid)
        mine = [group for group in found if group.tracking_uid == uid]
        numbers = sorted(n for group in mine for n in _numbers(group))
        ours = sorted(
            (q.concept.value, q.concept.scheme, q.value, q.unit)
            for q in written_quantities(measurement)
        )
        if numbers != ours:
            raise not_equal(path, "highdicom reads other numbers")
        _check_points(measurement, mine, path)
    return "highdicom reads the same numbers, units and points"


def _is_score(group: Any) -> bool:
    evaluations = group.get_qualitative_evaluations()
    return any(e.name.value == KIND.value and e.value.value == SCORE_KIND for e in evaluations)


def _numbers(group: Any) -> list[_Number]:
    return [
        (m.name.value, m.name.scheme_designator, float(m.value), m.unit.value)
        for m in group.get_measurements()
    ]


def _check_points(measurement: Measurement, groups: Sequence[Any], path: Path) -> None:
    drawn = [
        coordinates.value
        for group in groups
        for number in group.get_measurements()
        for coordinates in number.referenced_coordinates
    ]
    drawn += [group.roi.value for group in groups if getattr(group, "roi", None) is not None]
    expected = shapes(measurement)
    if len(drawn) != len(expected):
        raise not_equal(path, "highdicom reads other points")
    for shape in expected:
        # 2-D points were compared by our reader, on the image itself
        if not any(d.shape[1] == 2 or same_points(shape.points_lps_mm, d) for d in drawn):
            raise not_equal(path, "highdicom reads other points")
