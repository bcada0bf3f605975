"""The content tree of a TID 1500 report as plain values, read by our own hands (PS3.16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from viewer.domain.geometry import Floats
from viewer.domain.quantity import Code, Quantity
from viewer.exchange.dicom_parts import code_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_IMAGING_MEASUREMENTS = ("126010", "DCM")
_MEASUREMENT_GROUP = ("125007", "DCM")
_TRACKING_IDENTIFIER = ("112039", "DCM")
_TRACKING_UID = ("112040", "DCM")
_FINDING = ("121071", "DCM")
_REFERENCED_SEGMENT = ("121191", "DCM")
_DERIVATION = ("121401", "DCM")
_DEEPEST = 12

# SNOMED-RT codes that PS3.16 used before SCT, and UCUM-free synonyms, to the codes used here
_FORMER = {
    "R-00317": Code("373098007", "SCT", "Mean"),
    "R-10047": Code("386136009", "SCT", "Standard Deviation"),
    "R-404FB": Code("255605001", "SCT", "Minimum"),
    "G-A437": Code("56851009", "SCT", "Maximum"),
    "G-D705": Code("118565006", "SCT", "Volume"),
    "G-D7FE": Code("410668003", "SCT", "Length"),
    "G-A185": Code("103339001", "SCT", "Long Axis"),
    "G-A186": Code("103340004", "SCT", "Short Axis"),
    "G-A166": Code("42798000", "SCT", "Area"),
}
_SNOMED_RT = {"SRT", "SNM3", "99SDM"}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Coordinates in the tree: SCOORD3D as (n, 3) mm, SCOORD as (n, 2) columns and rows."""

    graphic_type: str
    points: Floats
    frame_of_reference_uid: str  # "" for SCOORD
    image_uid: str  # "" for SCOORD3D
    frame: int
    concept: Code | None  # of the number that it belongs to; None: of the group


@dataclass(frozen=True, eq=False)
class Group:
    """One measurement group. ``codes`` are (name, value) pairs: finding, evaluations, ..."""

    uid: str
    label: str
    finding: Code | None
    codes: tuple[tuple[Code, Code], ...]
    quantities: tuple[Quantity, ...]
    drawn: tuple[Drawn, ...]
    segment: tuple[str, int] | None  # SOP instance of the SEG, and the number there
    n_unread: int  # numbers without a value


def groups(dataset: "Dataset") -> tuple[Group, ...] | None:
    """Return the measurement groups of a report, or None where there is no measurement report.

    An item that lacks what its value type demands raises whatever pydicom raises.
    """
    root = list(dataset.get("ContentSequence") or [])
    containers = [item for item in root if _name(item) == _IMAGING_MEASUREMENTS]
    if not containers:
        return None
    return tuple(
        _group(item)
        for container in containers
        for item in container.get("ContentSequence") or []
        if _name(item) == _MEASUREMENT_GROUP
    )


def current(code: Code) -> Code:
    """Return today's code for a retired SNOMED-RT one, else the code itself."""
    return _FORMER.get(code.value, code) if code.scheme in _SNOMED_RT else code


def _name(item: "Dataset") -> tuple[str, str]:
    sequence = item.get("ConceptNameCodeSequence")
    if not sequence:
        return "", ""
    code = code_of(sequence[0])
    return code.value, code.scheme


def _group(container: "Dataset") -> Group:
    items = list(container.get("ContentSequence") or [])
    texts = {_name(i): str(i.TextValue) for i in items if i.ValueType == "TEXT"}
    uids = {_name(i): str(i.UID) for i in items if i.ValueType == "UIDREF"}
    codes = tuple(
        (current(code_of(i.ConceptNameCodeSequence[0])), current(code_of(i.ConceptCodeSequence[0])))
        for i in items
        if i.ValueType == "CODE"
    )
    numbers = [i for i in items if i.ValueType == "NUM"]
    quantities = [_quantity(i) for i in numbers]
    findings = [value for name, value in codes if (name.value, name.scheme) == _FINDING]
    return Group(
        uid=uids.get(_TRACKING_UID, ""),
        label=texts.get(_TRACKING_IDENTIFIER, ""),
        finding=findings[0] if findings else None,
        codes=codes,
        quantities=tuple(q for q in quantities if q is not None),
        drawn=(*_drawn(items, None), *_of_numbers(numbers, quantities)),
        segment=_segment(items),
        n_unread=sum(q is None for q in quantities),
    )


def _of_numbers(numbers: list["Dataset"], quantities: list[Quantity | None]) -> Iterator[Drawn]:
    for item, quantity in zip(numbers, quantities, strict=True):
        if quantity is not None:
            yield from _drawn(list(item.get("ContentSequence") or []), quantity.concept)


def _quantity(item: "Dataset") -> Quantity | None:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return None
    value = measured[0].get("FloatingPointValue")
    if value is None:
        value = measured[0].NumericValue
    concept = current(code_of(item.ConceptNameCodeSequence[0]))
    for modifier in item.get("ContentSequence") or []:
        if _name(modifier) == _DERIVATION and modifier.ValueType == "CODE":
            # "SUVbw, derivation: Mean" is the mean; the unit says of what
            how = current(code_of(modifier.ConceptCodeSequence[0]))
            concept = Code(how.value, how.scheme, f"{how.meaning} ({concept.meaning})")
    return Quantity(
        concept, float(value), code_of(measured[0].MeasurementUnitsCodeSequence[0]).value
    )


def _drawn(items: list["Dataset"], concept: Code | None, depth: int = 0) -> Iterator[Drawn]:
    for item in items:
        if item.ValueType == "SCOORD3D":
            points = np.array(item.GraphicData, dtype=np.float64).reshape(-1, 3)
            frame_of_reference = str(item.get("ReferencedFrameOfReferenceUID") or "")
            yield Drawn(str(item.GraphicType), points, frame_of_reference, "", 1, concept)
        elif item.ValueType == "SCOORD" and depth < _DEEPEST:
            points = np.array(item.GraphicData, dtype=np.float64).reshape(-1, 2)
            uid, frame = _image(list(item.get("ContentSequence") or []))
            yield Drawn(str(item.GraphicType), points, "", uid, frame, concept)


def _image(items: list["Dataset"]) -> tuple[str, int]:
    for item in items:
        if item.ValueType == "IMAGE":
            reference = item.ReferencedSOPSequence[0]
            frame = reference.get("ReferencedFrameNumber") or 1
            first = frame if isinstance(frame, (int, str)) else frame[0]
            return str(reference.ReferencedSOPInstanceUID), int(first)
    return "", 1


def _segment(items: list["Dataset"]) -> tuple[str, int] | None:
    for item in items:
        if item.ValueType == "IMAGE" and _name(item) == _REFERENCED_SEGMENT:
            reference = item.ReferencedSOPSequence[0]
            number = reference.get("ReferencedSegmentNumber")
            if number is not None:
                first = number if isinstance(number, (int, str)) else number[0]
                return str(reference.ReferencedSOPInstanceUID), int(first)
    return None
