"""Measurement groups of TID 1500 made by highdicom from our measurements and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from viewer.domain.geometry import Floats, nearest
from viewer.domain.measurement import KINDS, Measurement
from viewer.domain.quantity import Code, Quantity, ucum
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.study import Instance
from viewer.domain.volume import Picture
from viewer.exchange.dicom_parts import (
    concept,
    derived_uid,
    frame_of_reference,
    is_uid,
)
from viewer.exchange.sr_shapes import Shape, same_code, shapes, written_quantities

KIND = Code("kind", "99NEGATO", "Kind of measurement")
REVIEW = Code("review", "99NEGATO", "Review state")
SCORE_KIND = "score"
_LOW = Code("interval-low", "99NEGATO", "Lower bound of the 95 % interval")
_HIGH = Code("interval-high", "99NEGATO", "Upper bound of the 95 % interval")


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """A segment inside a SEG that was written: class, instance, and its number there."""

    sop_class_uid: str
    sop_instance_uid: str
    number: int


References = Mapping[tuple[str, int], SegmentReference]


def tracking_uid(uid: str) -> str:
    """Return ``uid`` if it is one, else the UID that always stands for this text."""
    return uid if is_uid(uid) else derived_uid("measurement", uid)


def measurement_groups(
    measurement: Measurement, picture: Picture, references: References
) -> list[Any]:
    """Return the groups of one measurement (two if it has a segment and points of its own)."""
    drawn = shapes(measurement)
    quantities = written_quantities(measurement)
    region = next((shape for shape in drawn if shape.concept is None), None)
    reference = references.get(measurement.segment) if measurement.segment else None
    common = _common(measurement)
    if region is not None:
        return [_planar(region, quantities, picture, common)]
    if reference is None:
        return [_linear(quantities, drawn, picture, common)]
    with_points = [q for q in quantities if any(same_code(s.concept, q.concept) for s in drawn)]
    without = [q for q in quantities if q not in with_points]
    groups = [_volumetric(without, reference, picture, common)] if without else []
    return groups + ([_linear(with_points, drawn, picture, common)] if with_points else [])


def score_groups(segmentation: Segmentation) -> list[Any]:
    """Return a group for each scored segment: probability and 95 % interval, by which model."""
    from highdicom.sr import MeasurementsAndQualitativeEvaluations, TrackingIdentifier

    return [
        MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(
                uid=_segment_uid(segmentation, segment), identifier=segment.name or "Segment"
            ),
            finding_type=concept(segment.code),
            finding_category=concept(segment.category),
            measurements=_score_numbers(segment),
            qualitative_evaluations=_evaluations(SCORE_KIND, "Score", segment.review.value),
        )
        for segment in segmentation.segments
        if segment.scores
    ]


def images_of(measurement: Measurement, picture: Picture) -> tuple[Instance, ...]:
    """Return the images of ``picture`` that the points of a measurement lie on."""
    instances = picture.identity.instances
    if not measurement.points_lps_mm:
        return ()
    k = nearest(picture.grid.index(np.array(measurement.points_lps_mm))[..., 2])
    return tuple(instances[n] for n in sorted(set(k.tolist())) if 0 <= n < len(instances))


def _segment_uid(segmentation: Segmentation, segment: Segment) -> str:
    if is_uid(segment.tracking_uid):
        return segment.tracking_uid
    return derived_uid("segment", segmentation.uid, str(segment.number))


def _score_numbers(segment: Segment) -> list[Any]:
    from highdicom.sr import AlgorithmIdentification
    from highdicom.sr import Measurement as Number

    numbers = []
    for score in segment.scores:
        name, _, version = score.model.partition(" ")
        algorithm = AlgorithmIdentification(name=name or "unnamed", version=version or "unknown")
        for what, value in ((score.concept, score.value), (_LOW, score.low), (_HIGH, score.high)):
            numbers.append(
                Number(
                    name=concept(what),
                    value=float(value),
                    unit=concept(ucum("1")),
                    algorithm_id=algorithm,
                )
            )
    return numbers


def _common(measurement: Measurement) -> dict[str, Any]:
    from highdicom.sr import TrackingIdentifier

    kind = KINDS.get(measurement.kind)
    title = kind.title if kind else measurement.kind
    return {
        "tracking_identifier": TrackingIdentifier(
            uid=tracking_uid(measurement.uid), identifier=measurement.label or title
        ),
        "finding_type": concept(kind.finding) if kind else None,
        "qualitative_evaluations": _evaluations(measurement.kind, title, measurement.review.value),
    }


def _evaluations(kind: str, title: str, review: str) -> list[Any]:
    from highdicom.sr import QualitativeEvaluation

    return [
        QualitativeEvaluation(concept(KIND), concept(Code(kind, "99NEGATO", title))),
        QualitativeEvaluation(concept(REVIEW), concept(Code(review, "99NEGATO", review))),
    ]


def _number(quantity: Quantity, drawn: Sequence[Any] = ()) -> Any:
    from highdicom.sr import Measurement as Number

    return Number(
        name=concept(quantity.concept),
        value=float(quantity.value),
        unit=concept(ucum(quantity.unit)),
        referenced_coordinates=list(drawn) or None,
    )


def _linear(
    quantities: Sequence[Quantity],
    drawn: Sequence[Shape],
    picture: Picture,
    common: dict[str, Any],
) -> Any:
    from highdicom.sr import MeasurementsAndQualitativeEvaluations

    numbers = []
    left = list(drawn)
    for quantity in quantities:
        mine = [shape for shape in left if same_code(shape.concept, quantity.concept)]
        left = [shape for shape in left if shape not in mine]
        numbers.append(_number(quantity, [_coordinates(shape, picture) for shape in mine]))
    return MeasurementsAndQualitativeEvaluations(measurements=numbers or None, **common)


def _planar(
    region: Shape, quantities: Sequence[Quantity], picture: Picture, common: dict[str, Any]
) -> Any:
    from highdicom.sr import (
        ImageRegion,
        ImageRegion3D,
        PlanarROIMeasurementsAndQualitativeEvaluations,
    )

    if picture.is_volume:
        where: Any = ImageRegion3D(
            region.graphic_type, region.points_lps_mm, frame_of_reference(picture)
        )
    else:
        pixels, image = _on_image(region.points_lps_mm, picture)
        where = ImageRegion(region.graphic_type, pixels, image)
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        referenced_region=where, measurements=[_number(q) for q in quantities] or None, **common
    )


def _volumetric(
    quantities: Sequence[Quantity],
    reference: SegmentReference,
    picture: Picture,
    common: dict[str, Any],
) -> Any:
    from highdicom.sr import (
        ReferencedSegment,
        SourceSeriesForSegmentation,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=ReferencedSegment(
            reference.sop_class_uid,
            reference.sop_instance_uid,
            reference.number,
            source_series=SourceSeriesForSegmentation(picture.identity.series.uid),
        ),
        measurements=[_number(q) for q in quantities],
        **common,
    )


def _coordinates(shape: Shape, picture: Picture) -> Any:
    from highdicom.sr import CoordinatesForMeasurement, CoordinatesForMeasurement3D

    if picture.is_volume:
        return CoordinatesForMeasurement3D(
            shape.graphic_type, shape.points_lps_mm, frame_of_reference(picture)
        )
    pixels, image = _on_image(shape.points_lps_mm, picture)
    return CoordinatesForMeasurement(shape.graphic_type, pixels, image)


def _on_image(points: Floats, picture: Picture) -> tuple[Floats, Any]:
    """Return (column, row) as DICOM counts (0 is the edge of the first pixel), and the image."""
    from highdicom.sr import SourceImageForRegion

    index = picture.grid.index(points)
    k = min(max(round(float(index[0, 2])), 0), picture.grid.shape_kji[0] - 1)
    instance = picture.identity.instances[k]
    uids = [other.sop_instance_uid for other in picture.identity.instances]
    several = uids.count(instance.sop_instance_uid) > 1 or instance.frame != 1
    image = SourceImageForRegion(
        instance.sop_class_uid,
        instance.sop_instance_uid,
        [instance.frame] if several else None,
    )
    return index[:, :2] + 0.5, image
