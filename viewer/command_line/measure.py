"""``negatoscope measure``: shapes in LPS millimetres in, numbers with receipts out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from viewer.command_line.studies import chosen_source, read_picture, scanned
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
    shapes = _shapes(spec)
    picture = read_picture(chosen_source(scanned(paths), series))
    return {
        "series": picture.identity.series.uid,
        "key": picture.key,
        "frame_of_reference": picture.identity.frame_of_reference_uid,
        "measurements": [_one(shape, picture) for shape in shapes],
    }


def _shapes(spec: Path) -> list[Mapping[str, Any]]:
    try:
        if spec.stat().st_size > _LARGEST_SPEC:
            raise InputRefused("The spec is far too large.", where=spec.name)
        document = json.loads(spec.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused("The spec cannot be read.", where=spec.name) from error
    except ValueError as error:
        raise InputRefused("The spec is no JSON.", where=spec.name, remedy=_FORM) from error
    found = document.get("measurements") if isinstance(document, dict) else document
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputRefused("The spec lists no measurements.", where=spec.name, remedy=_FORM)
    if len(found) > _MOST:
        raise InputRefused(f"The spec lists more than {_MOST} measurements.", where=spec.name)
    return found


def _one(shape: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    kind, points = shape.get("kind"), shape.get("points_lps_mm")
    head: dict[str, Any] = {"kind": kind, "points_lps_mm": points}
    if "label" in shape:
        head["label"] = shape["label"]
    try:
        quantities, receipt = measured(str(kind), _points(points), picture)
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
