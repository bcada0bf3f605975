"""Measurements and segmentations as plain JSON values, and back without loss.

Numbers are JSON numbers (shortest text that gives back the same double); what is not finite is
``null`` (not a number) or the text "inf" / "-inf", since JSON has no such numbers.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from viewer.domain.measurement import Measurement, Receipt, Review
from viewer.domain.quantity import Code, Quantity, Spacing, SpacingSource
from viewer.domain.segmentation import Origin, OriginKind, Score, Segment, Segmentation
from viewer.errors import Damaged

Record = dict[str, Any]

_FAULTS = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def number_record(value: float) -> float | str | None:
    """Return a JSON value for any double."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def number_of(record: object) -> float:
    """Return the double of a JSON value that ``number_record`` made."""
    if record is None:
        return math.nan
    if isinstance(record, str) and record not in {"inf", "-inf"}:
        raise ValueError(record)
    return float(record)  # type: ignore[arg-type]


def code_record(code: Code) -> Record:
    """Return a coded concept as a record."""
    return {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}


def code_of(record: Mapping[str, Any]) -> Code:
    """Return the coded concept of a record."""
    return Code(str(record["value"]), str(record["scheme"]), str(record["meaning"]))


def quantity_record(quantity: Quantity) -> Record:
    """Return a quantity as a record: concept, value and unit stay together."""
    return {
        "concept": code_record(quantity.concept),
        "value": number_record(quantity.value),
        "unit": quantity.unit,
    }


def quantity_of(record: Mapping[str, Any]) -> Quantity:
    """Return the quantity of a record."""
    return Quantity(code_of(record["concept"]), number_of(record["value"]), str(record["unit"]))


def receipt_record(receipt: Receipt) -> Record:
    """Return a receipt as a record."""
    return {
        "series_uid": receipt.series_uid,
        "sop_instance_uids": list(receipt.sop_instance_uids),
        "n_voxels": receipt.n_voxels,
        "value_chain": receipt.value_chain,
        "spacing": {
            "row_mm": receipt.spacing.row_mm,
            "column_mm": receipt.spacing.column_mm,
            "source": receipt.spacing.source.value,
        },
        "rule": receipt.rule,
        "interpolation": receipt.interpolation,
        "program": receipt.program,
        "network": receipt.network,
        "mask_sha256": receipt.mask_sha256,
    }


def receipt_of(record: Mapping[str, Any]) -> Receipt:
    """Return the receipt of a record."""
    spacing = record["spacing"]
    n_voxels = record["n_voxels"]
    return Receipt(
        series_uid=str(record["series_uid"]),
        sop_instance_uids=tuple(str(uid) for uid in record["sop_instance_uids"]),
        n_voxels=None if n_voxels is None else int(n_voxels),
        value_chain=str(record["value_chain"]),
        spacing=Spacing(
            float(spacing["row_mm"]),
            float(spacing["column_mm"]),
            SpacingSource(spacing["source"]),
        ),
        rule=str(record["rule"]),
        interpolation=str(record["interpolation"]),
        program=str(record["program"]),
        network=str(record["network"]),
        mask_sha256=str(record.get("mask_sha256", "")),
    )


def measurement_record(measurement: Measurement) -> Record:
    """Return a measurement as a record: points in LPS mm, quantities with codes and units."""
    segment = measurement.segment
    return {
        "uid": measurement.uid,
        "kind": measurement.kind,
        "label": measurement.label,
        "points_lps_mm": [list(point) for point in measurement.points_lps_mm],
        "frame_of_reference_uid": measurement.frame_of_reference_uid,
        "volume_key": measurement.volume_key,
        "quantities": [quantity_record(quantity) for quantity in measurement.quantities],
        "receipt": receipt_record(measurement.receipt),
        "review": measurement.review.value,
        "segment": None if segment is None else {"segmentation": segment[0], "number": segment[1]},
    }


def measurement_of(record: Mapping[str, Any]) -> Measurement:
    """Return the measurement of a record.

    Raises
    ------
    Damaged
        A field is missing or of the wrong kind.
    """
    try:
        segment = record["segment"]
        return Measurement(
            uid=str(record["uid"]),
            kind=str(record["kind"]),
            label=str(record["label"]),
            points_lps_mm=tuple(_point(point) for point in record["points_lps_mm"]),
            frame_of_reference_uid=str(record["frame_of_reference_uid"]),
            volume_key=str(record["volume_key"]),
            quantities=tuple(quantity_of(quantity) for quantity in record["quantities"]),
            receipt=receipt_of(record["receipt"]),
            review=Review(record["review"]),
            segment=None
            if segment is None
            else (str(segment["segmentation"]), int(segment["number"])),
        )
    except _FAULTS as error:
        raise Damaged(
            f"A measurement cannot be read ({type(error).__name__}).",
            remedy="Export it again.",
        ) from error


def _point(values: Sequence[Any]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    if not all(math.isfinite(value) for value in (x, y, z)):
        raise ValueError("a point that is not finite")
    return x, y, z


def score_record(score: Score) -> Record:
    """Return a classifier's score with its interval and model."""
    return {
        "concept": code_record(score.concept),
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "model": score.model,
    }


def score_of(record: Mapping[str, Any]) -> Score:
    """Return the score of a record."""
    return Score(
        code_of(record["concept"]),
        float(record["value"]),
        float(record["low"]),
        float(record["high"]),
        str(record["model"]),
    )


def segment_record(segment: Segment) -> Record:
    """Return what is known about one segment."""
    return {
        "number": segment.number,
        "name": segment.name,
        "colour": list(segment.colour),
        "category": code_record(segment.category),
        "code": code_record(segment.code),
        "visible": segment.visible,
        "opacity": segment.opacity,
        "outline": segment.outline,
        "review": segment.review.value,
        "tracking_uid": segment.tracking_uid,
        "scores": [score_record(score) for score in segment.scores],
        "locked": segment.locked,
        "hatched": segment.hatched,
        "steps": [origin_record(step) for step in segment.steps],
    }


def segment_of(record: Mapping[str, Any]) -> Segment:
    """Return the segment of a record."""
    red, green, blue = (int(value) for value in record["colour"])
    return Segment(
        number=int(record["number"]),
        name=str(record["name"]),
        colour=(red, green, blue),
        category=code_of(record["category"]),
        code=code_of(record["code"]),
        visible=bool(record["visible"]),
        opacity=float(record["opacity"]),
        outline=bool(record["outline"]),
        review=Review(record["review"]),
        tracking_uid=str(record["tracking_uid"]),
        scores=tuple(score_of(score) for score in record["scores"]),
        locked=bool(record.get("locked", False)),
        hatched=bool(record.get("hatched", False)),
        steps=tuple(origin_of(step) for step in record.get("steps", ())),
    )


def origin_record(origin: Origin) -> Record:
    """Return who made a segmentation."""
    return {
        "kind": origin.kind.value,
        "key": origin.key,
        "version": origin.version,
        "sha256": origin.sha256,
        "device": origin.device,
        "elapsed_s": origin.elapsed_s,
        "parameters": [list(pair) for pair in origin.parameters],
    }


def origin_of(record: Mapping[str, Any]) -> Origin:
    """Return the origin of a record."""
    return Origin(
        kind=OriginKind(record["kind"]),
        key=str(record["key"]),
        version=str(record["version"]),
        sha256=str(record["sha256"]),
        device=str(record["device"]),
        elapsed_s=float(record["elapsed_s"]),
        parameters=tuple((str(name), str(value)) for name, value in record["parameters"]),
    )


def segmentation_record(segmentation: Segmentation) -> Record:
    """Return everything about a segmentation but its voxels and its grid."""
    return {
        "uid": segmentation.uid,
        "name": segmentation.name,
        "volume_key": segmentation.volume_key,
        "parent_uid": segmentation.parent_uid,
        "origin": origin_record(segmentation.origin),
        "segments": [segment_record(segment) for segment in segmentation.segments],
    }
