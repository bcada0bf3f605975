"""Regions of an RT Structure Set as plain values (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.domain.geometry import Floats
from viewer.domain.quantity import Code
from viewer.domain.segmentation import MORPHOLOGICALLY_ABNORMAL, Rgb, Segment, refuse_too_many
from viewer.errors import Damaged
from viewer.exchange.dicom_parts import code_of
from viewer.exchange.seg_describe import colour_of_number

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_TISSUE = Code("85756007", "SCT", "Tissue")
_SPATIAL = Code("309825002", "SCT", "Spatial and Relational Concept")
_ORGAN_AT_RISK = Code("130060", "DCM", "Organ At Risk")
# RT ROI Interpreted Type to (category, type); what is not listed says nothing about the tissue
_INTERPRETED = {
    "GTV": (MORPHOLOGICALLY_ABNORMAL, Code("228791009", "SCT", "Gross tumor volume")),
    "CTV": (_SPATIAL, Code("228792002", "SCT", "Clinical target volume")),
    "PTV": (_SPATIAL, Code("228793007", "SCT", "Planning target volume")),
    "OAR": (_SPATIAL, _ORGAN_AT_RISK),
}


@dataclass(frozen=True, eq=False)
class Roi:
    """A region: its description, its closed contours ((n, 3) LPS mm), and what else it has.

    ``others`` counts contours by their type ("POINT", "OPEN_PLANAR", ...) that enclose nothing.
    """

    segment: Segment
    frame_of_reference_uid: str
    algorithm: str
    contours: tuple[Floats, ...]
    slab_mm: float
    others: dict[str, int]


def rois_of(dataset: "Dataset", where: str) -> tuple[Roi, ...]:
    """Return the regions in their order in the file, numbered 1, 2, ...

    Raises
    ------
    InputRefused
        More than 255 regions.
    Damaged
        Two regions share a number, or coordinates do not come in threes or are not finite.
    """
    described = list(dataset.get("StructureSetROISequence") or [])
    refuse_too_many(len(described), where)
    numbers = [int(item.ROINumber) for item in described]
    if len(set(numbers)) != len(numbers):
        raise Damaged("Two regions share one number.", where=where)
    drawn = {
        int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or []
    }
    observed = {
        int(item.ReferencedROINumber): item
        for item in dataset.get("RTROIObservationsSequence") or []
    }
    return tuple(
        _roi(item, n, drawn.get(number), observed.get(number), where)
        for n, (number, item) in enumerate(zip(numbers, described, strict=True), start=1)
    )


def _roi(
    item: "Dataset",
    number: int,
    drawn: "Dataset | None",
    observed: "Dataset | None",
    where: str,
) -> Roi:
    contours: list[Floats] = []
    others: dict[str, int] = {}
    slabs = []
    for contour in (drawn.get("ContourSequence") if drawn is not None else None) or []:
        kind = str(contour.get("ContourGeometricType") or "")
        points = _points(_coordinates(contour), where)
        if kind in CLOSED and len(points) >= 3:
            contours.append(points)
            slabs.append(float(contour.get("ContourSlabThickness") or 0))
        else:
            others[kind] = others.get(kind, 0) + 1
    return Roi(
        _segment(item, number, drawn, observed),
        str(item.get("ReferencedFrameOfReferenceUID") or ""),
        str(item.get("ROIGenerationAlgorithm") or "").strip().upper(),
        tuple(contours),
        max(slabs, default=0.0),
        others,
    )


def _coordinates(contour: "Dataset") -> Any:
    """Return the coordinates of a contour: as bytes where pydicom has not looked at them yet.

    It makes an object of every number: half a minute for the contours of a large plan.
    """
    if "ContourData" not in contour:
        return None
    element = contour.get_item("ContourData")
    raw = getattr(element, "value", None)
    if not isinstance(raw, bytes):
        return contour.ContourData
    parts = raw.strip(b" \0")
    return np.array(parts.split(b"\\")).astype(np.float64) if parts else None


def _points(data: Any, where: str) -> Floats:
    values = np.array([] if data is None else data, dtype=np.float64).reshape(-1)
    if len(values) % 3 or not np.isfinite(values).all():
        raise Damaged("A contour's coordinates are broken.", where=where, remedy="Export it again.")
    return values.reshape(-1, 3)


def _segment(
    item: "Dataset", number: int, drawn: "Dataset | None", observed: "Dataset | None"
) -> Segment:
    category, code = _TISSUE, _TISSUE
    if observed is not None:
        interpreted = str(observed.get("RTROIInterpretedType") or "").strip().upper()
        category, code = _INTERPRETED.get(interpreted, (_TISSUE, _TISSUE))
        if stated := observed.get("RTROIIdentificationCodeSequence"):
            code = code_of(stated[0])
    return Segment(
        number=number,
        name=str(item.get("ROIName") or "").strip() or f"Region {number}",
        colour=_colour(drawn, number),
        category=category,
        code=code,
    )


def _colour(drawn: "Dataset | None", number: int) -> Rgb:
    stated = drawn.get("ROIDisplayColor") if drawn is not None else None
    if stated is None or len(stated) != 3:
        return colour_of_number(number)
    red, green, blue = (min(255, max(0, int(part))) for part in stated)
    return red, green, blue
