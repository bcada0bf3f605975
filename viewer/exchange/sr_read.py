"""Measurements out of the groups of a TID 1500 report, ours or anybody's.

Our own reports carry a private record that restores a measurement exactly (64-bit points, the
receipt). It is believed measurement by measurement, and only where the public tree still says the
same; else what everybody can read comes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.domain.geometry import Floats, rectangle_points
from viewer.domain.measurement import KINDS, Measurement, Point, Receipt, Review
from viewer.domain.quantity import LONG_AXIS, PIXELS_ONLY, SHORT_AXIS, Code, Quantity
from viewer.domain.volume import Picture
from viewer.errors import ViewerError
from viewer.exchange import records
from viewer.exchange.dicom_parts import series_of
from viewer.exchange.sr_groups import KIND, REVIEW, SCORE_KIND, tracking_uid
from viewer.exchange.sr_shapes import (
    ellipse_points,
    same_code,
    same_points,
    shapes,
    written_quantities,
)
from viewer.exchange.sr_tree import Drawn, Group

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Context:
    """What the whole report says, and the picture to place 2-D coordinates on."""

    series_uid: str
    image_uids: tuple[str, ...]
    maker: str
    picture: Picture | None


def context_of(dataset: "Dataset", picture: Picture | None) -> Context:
    """Return series, images and maker that the report names."""
    evidence = [
        *(dataset.get("CurrentRequestedProcedureEvidenceSequence") or []),
        *(dataset.get("PertinentOtherEvidenceSequence") or []),
    ]
    series = [item for study in evidence for item in study.get("ReferencedSeriesSequence") or []]
    images = [
        str(image.get("ReferencedSOPInstanceUID") or "")
        for item in series[:1]
        for image in item.get("ReferencedSOPSequence") or []
    ]
    maker = (dataset.get("Manufacturer"), dataset.get("ManufacturerModelName"))
    return Context(
        series_of(series), tuple(images), " ".join(str(part) for part in maker if part), picture
    )


def merged(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return one group for each tracking UID: a segment's volume and its diameter may lie apart.

    Groups of scores are no measurements and are left out.
    """
    by_uid: dict[str, Group] = {}
    for n, group in enumerate(groups):
        if kind_code(group) == SCORE_KIND:
            continue
        key = group.uid or f"#{n}"
        if key not in by_uid:
            by_uid[key] = group
            continue
        first = by_uid[key]
        by_uid[key] = replace(
            first,
            quantities=(*first.quantities, *group.quantities),
            drawn=(*first.drawn, *group.drawn),
            segment=first.segment or group.segment,
            n_unread=first.n_unread + group.n_unread,
        )
    return tuple(by_uid.values())


_JOINED = ("POINT", "POLYLINE")


def kind_code(group: Group) -> str:
    """Return our own code of the kind, or ""."""
    return next((value.value for name, value in group.codes if same_code(name, KIND)), "")


def measurement_of(group: Group, context: Context) -> Measurement | None:
    """Return what the public tree says, or None where a group holds no number."""
    if not group.quantities:
        return None
    kind, points = _kind_and_points(group, context)
    review = next((v.value for name, v in group.codes if same_code(name, REVIEW)), "")
    places = [d.frame_of_reference_uid for d in group.drawn if d.frame_of_reference_uid]
    picture = context.picture
    return Measurement(
        uid=group.uid,
        kind=kind,
        label=group.label or (group.finding.meaning if group.finding else KINDS[kind].title),
        points_lps_mm=points,
        frame_of_reference_uid=places[0] if places else "",
        volume_key=picture.key if picture else context.series_uid,
        quantities=group.quantities,
        receipt=Receipt(
            series_uid=context.series_uid,
            sop_instance_uids=context.image_uids,
            n_voxels=None,
            value_chain="as the report states",
            spacing=PIXELS_ONLY if picture is None else picture.spacing,
            rule="read from a structured report, not computed here",
            interpolation="unknown",
            program=context.maker,
        ),
        review=Review(review) if review in set(Review) else Review.UNREVIEWED,
        segment=group.segment,
    )


def _kind_and_points(group: Group, context: Context) -> tuple[str, tuple[Point, ...]]:
    """Return the kind, and its points if they could be placed (else none)."""
    lines = [(d, p) for d in group.drawn if (p := _placed(d, context)) is not None]
    ellipses = [p for d, p in lines if d.graphic_type == "ELLIPSE" and len(p) == 4]
    pairs = [(d.concept, p) for d, p in lines if d.graphic_type == "POLYLINE" and len(p) == 2]
    long, short = _pair(pairs, LONG_AXIS), _pair(pairs, SHORT_AXIS)
    stated = kind_code(group)
    if ellipses and stated in {"", "ellipse"}:
        return "ellipse", _points(ellipse_points(ellipses[0]))
    if long is not None and short is not None:
        return "bidirectional", _points(np.concatenate((long, short)))
    if stated in KINDS:
        return stated, _points_of(stated, [p for d, p in lines if d.graphic_type in _JOINED])
    if len(pairs) == 1 and group.segment is None:
        return "distance", _points(pairs[0][1])
    return "segment", ()


def _points_of(kind: str, drawn: Sequence[Floats]) -> tuple[Point, ...]:
    """Return the points of one of our kinds from what was drawn, () if it is not drawn so."""
    if not drawn:
        return ()
    points = np.concatenate(drawn)
    if KINDS[kind].drawn in ("rectangle", "outline") and len(points) > 3:
        points = points[:-1] if np.allclose(points[0], points[-1]) else points
    if KINDS[kind].drawn == "rectangle" and len(points) == 4:
        points = rectangle_points(points)
    return _points(points) if KINDS[kind].takes(len(points)) else ()


def _pair(pairs: Sequence[tuple[Code | None, Floats]], concept: Code) -> Floats | None:
    return next((points for code, points in pairs if same_code(code, concept)), None)


def _points(points: Floats) -> tuple[Point, ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in points)


def _placed(drawn: Drawn, context: Context) -> Floats | None:
    """Return points (n, 3) LPS mm; 2-D ones need the picture that they were drawn on."""
    if drawn.points.shape[1] == 3:
        return drawn.points
    if context.picture is None:
        return None
    for k, instance in enumerate(context.picture.identity.instances):
        if (instance.sop_instance_uid, instance.frame) == (drawn.image_uid, drawn.frame):
            slices = np.full((len(drawn.points), 1), float(k))
            index = np.concatenate((drawn.points - 0.5, slices), axis=1)
            return context.picture.grid.world(index)
    return None


def believed(record: Mapping[str, Any] | None) -> dict[str, Measurement]:
    """Return the private measurements by their public tracking UID; none if they are broken."""
    if record is None:
        return {}
    try:
        ours = [records.measurement_of(entry) for entry in record["measurements"]]
    except (ViewerError, KeyError, TypeError):
        return {}
    return {tracking_uid(measurement.uid): measurement for measurement in ours}


def agrees(private: Measurement, group: Group, context: Context) -> bool:
    """Return whether the public tree still says what the private record says."""
    review = [v.value for name, v in group.codes if same_code(name, REVIEW)]
    if kind_code(group) != private.kind or review != [private.review.value]:
        return False
    if private.label.strip() and group.label.strip() != private.label.strip():
        return False
    ours = sorted(map(_number_key, written_quantities(private)))
    if ours != sorted(map(_number_key, group.quantities)):
        return False
    drawn = list(group.drawn)
    expected = shapes(private)
    if len(expected) != len(drawn):
        return False
    if any(d.points.shape[1] == 2 for d in drawn) and context.picture is None:
        return True  # 2-D points cannot be placed without the picture; all else agreed
    return all(any(_same_shape(shape, d, context) for d in drawn) for shape in expected)


def _same_shape(shape: Any, drawn: Drawn, context: Context) -> bool:
    points = _placed(drawn, context)
    return (
        points is not None
        and shape.graphic_type == drawn.graphic_type
        and same_code(shape.concept, drawn.concept)
        and same_points(shape.points_lps_mm, points)
    )


def _number_key(quantity: Quantity) -> tuple[str, str, float, str]:
    return quantity.concept.value, quantity.concept.scheme, quantity.value, quantity.unit
