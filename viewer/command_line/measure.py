"""``negatoscope measure``: shapes in LPS millimetres in, numbers with receipts out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.calibration import Calibration
from viewer.domain.geometry import nearest
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, ViewerError
from viewer.exchange.records import quantity_record, receipt_record
from viewer.imaging.measuring import measured

_LARGEST_SPEC = 16 << 20
_MOST = 10_000
_FORM = '{"measurements": [{"kind": "distance", "points_lps_mm": [[x, y, z], ...]}]}'


def measure_document(paths: list[Path], series: str, spec: Path) -> dict[str, Any]:
    """Return what the shapes of ``spec`` measure on a picture; the form is public.

    A shape that is refused has "refused" with the sentence instead of quantities; the others are
    measured all the same.

    Raises
    ------
    InputRefused
        The spec is no such document.
    """
    document = _document(spec)
    shapes = _shapes(document, spec)
    picture = read_picture(chosen_source(scanned(paths), series))
    calibrations = _calibrations(document, picture, spec)
    return {
        "series": picture.identity.series.uid,
        "key": picture.key,
        "frame_of_reference": picture.identity.frame_of_reference_uid,
        "measurements": [_one(shape, picture, calibrations) for shape in shapes],
    }


def _document(spec: Path) -> Any:
    try:
        if spec.stat().st_size > _LARGEST_SPEC:
            raise InputRefused("The spec is far too large.", where=spec.name)
        return json.loads(spec.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused("The spec cannot be read.", where=spec.name) from error
    except (ValueError, RecursionError) as error:
        raise InputRefused("The spec is no JSON.", where=spec.name, remedy=_FORM) from error


def _shapes(document: Any, spec: Path) -> list[Mapping[str, Any]]:
    found = document.get("measurements") if isinstance(document, dict) else document
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputRefused("The spec lists no measurements.", where=spec.name, remedy=_FORM)
    if len(found) > _MOST:
        raise InputRefused(f"The spec lists more than {_MOST} measurements.", where=spec.name)
    return found


def _calibrations(document: Any, picture: Picture, spec: Path) -> tuple[Calibration, ...]:
    """Return what the spec says of known distances; each holds for the image that it lies on."""
    listed = document.get("calibrations", []) if isinstance(document, dict) else []
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise InputRefused("The calibrations are no list.", where=spec.name)
    if listed and picture.is_volume:
        raise InputRefused(
            "These images state their spacing in the patient: they are not calibrated by hand.",
            where=spec.name,
        )
    found = []
    for one in listed:
        points = _points(one.get("points_lps_mm") if isinstance(one, dict) else None)
        known = one.get("known_mm")
        drawn = measured("distance", points, picture)[0][0].value
        k = int(nearest(picture.grid.index(points[0])[2]))
        if not 0 <= k < len(picture.identity.instances) or not isinstance(known, int | float):
            raise InputRefused(
                "A calibration has points_lps_mm (two, on one image) and known_mm.", where=spec.name
            )
        uid = picture.identity.instances[k].sop_instance_uid
        found.append(Calibration.of(uid, drawn, float(known)))
    return tuple(found)


def _one(
    shape: Mapping[str, Any], picture: Picture, calibrations: Sequence[Calibration]
) -> dict[str, Any]:
    kind, points = shape.get("kind"), shape.get("points_lps_mm")
    head: dict[str, Any] = {"kind": kind, "points_lps_mm": points}
    if "label" in shape:
        head["label"] = shape["label"]
    try:
        quantities, receipt = measured(str(kind), _points(points), picture, calibrations)
    except ViewerError as refusal:
        return {**head, "refused": refusal.sentence()}
    return {
        **head,
        "quantities": [quantity_record(quantity) for quantity in quantities],
        "texts": [quantity.text() for quantity in quantities],
        "receipt": receipt_record(receipt),
    }


def _points(points: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    try:
        found = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.ndim != 2 or found.shape[1] != 3 or not np.isfinite(found).all():
        raise InputRefused("points_lps_mm must be a list of points of three finite numbers.")
    return found
