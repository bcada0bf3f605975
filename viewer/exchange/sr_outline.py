"""Any structured report as a readable tree (PS3.3 C.17.3): concepts, values, units, nested.

Nothing is interpreted: what the report says is told in its own words and order, whatever its
template. What belongs to a template, as measurements do, is read elsewhere (``sr_read``).
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.errors import Unsupported
from viewer.exchange.dicom_parts import as_damaged, code_of, read_object

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_DEEPEST = 40
_MOST_ITEMS = 10_000
_LONGEST = 20_000  # characters of one text
# What turns the direction of writing: a text could make its neighbours read otherwise.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_UNIT = frozenset({"", "1"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the tree. ``kind`` is DICOM's value type; containers have no value."""

    concept: str
    kind: str
    value: str
    unit: str
    children: "tuple[Item, ...]"

    @property
    def text(self) -> str:
        """Return "concept: value unit"; of containers the concept alone."""
        value = f"{self.value} {self.unit}".strip()
        if not value:
            return self.concept or self.kind.lower()
        return f"{self.concept}: {value}" if self.concept else value


@dataclass(frozen=True, slots=True)
class Outline:
    """A report: its title, what stands above its contents as (name, value), and the contents."""

    title: str
    head: tuple[tuple[str, str], ...]
    items: tuple[Item, ...]
    is_cut: bool

    @property
    def text(self) -> str:
        """Return everything as plain text, two spaces a level."""
        lines = [self.title, "", *(f"{name}: {value}" for name, value in self.head), ""]
        lines += _lines(self.items, 0)
        if self.is_cut:
            lines.append("(The report is longer; the rest is not shown.)")
        return "\n".join(lines).strip() + "\n"


def read_outline(path: Path) -> Outline:
    """Return the outline of a structured report or key object selection.

    Raises
    ------
    InputRefused
        The file cannot be read.
    Damaged
        It is cut short.
    Unsupported
        It is no structured report.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        if not str(dataset.get("SOPClassUID") or "").startswith(_REPORTS):
            raise Unsupported(
                "This is no structured report.", where=path.name, remedy="Choose an SR file."
            )
        return outline_of(dataset)


def outline_of(dataset: "Dataset") -> Outline:
    """Return the outline of a report that was read; whatever pydicom raises passes."""
    reader = _Reader()
    items = tuple(reader.items(dataset, 0))
    title = _concept(dataset) or clean(dataset.get("SeriesDescription")) or "Structured report"
    return Outline(title, tuple(_head(dataset)), items, reader.is_cut)


def clean(value: Any) -> str:
    """Return any value as text without what could act on a screen: only line breaks stay."""
    text = str("" if value is None else value).replace("\r\n", "\n").replace("\r", "\n")
    text = text[:_LONGEST]
    kept = (
        char if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs", "Co"} else " "
        for char in text
        if char not in _TURNING
    )
    return "".join(kept).strip()


_HEAD = (
    ("Patient", "PatientName"),
    ("Patient ID", "PatientID"),
    ("Birth date", "PatientBirthDate"),
    ("Study", "StudyDescription"),
    ("Study date", "StudyDate"),
    ("Report date", "ContentDate"),
    ("Report time", "ContentTime"),
    ("Made by", "Manufacturer"),
    ("Completion", "CompletionFlag"),
    ("Verification", "VerificationFlag"),
)


def _head(dataset: "Dataset") -> Iterator[tuple[str, str]]:
    for name, keyword in _HEAD:
        value = " ".join(clean(dataset.get(keyword)).split())
        if value:
            yield name, value
    for observer in dataset.get("VerifyingObserverSequence") or []:
        yield "Verified by", " ".join(clean(observer.get("VerifyingObserverName")).split())


def _lines(items: tuple[Item, ...], depth: int) -> Iterator[str]:
    for item in items:
        first, *further = item.text.split("\n")
        yield "  " * depth + first
        yield from ("  " * (depth + 1) + line for line in further)
        yield from _lines(item.children, depth + 1)


class _Reader:
    """Walks the tree, with bounds: a hostile one is cut, and the cut is told."""

    def __init__(self) -> None:
        self._n_items = 0
        self.is_cut = False

    def items(self, parent: "Dataset", depth: int) -> Iterator[Item]:
        for item in parent.get("ContentSequence") or []:
            self._n_items += 1
            if depth > _DEEPEST or self._n_items > _MOST_ITEMS:
                self.is_cut = True
                return
            kind = str(item.get("ValueType") or "")
            value, unit = _value(item, kind)
            yield Item(_concept(item), kind, value, unit, tuple(self.items(item, depth + 1)))


def _concept(item: "Dataset") -> str:
    sequence = item.get("ConceptNameCodeSequence")
    return _coded(sequence[0]) if sequence else ""


def _coded(item: "Dataset") -> str:
    code = code_of(item)
    return " ".join(clean(code.meaning or f"{code.value} {code.scheme}").split())


def _value(item: "Dataset", kind: str) -> tuple[str, str]:
    """Return value and unit of an item."""
    if kind == "NUM":
        return _number(item)
    if not kind and "ReferencedContentItemIdentifier" in item:
        places = item.ReferencedContentItemIdentifier
        numbers = places if isinstance(places, (list, tuple)) else _listed(places)
        return f"see item {'.'.join(str(n) for n in numbers)}", ""
    reader = _VALUES.get(kind)
    return (reader(item) if reader is not None else ""), ""


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, (int, str)) else list(value)


def _number(item: "Dataset") -> tuple[str, str]:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        qualifier = item.get("NumericValueQualifierCodeSequence")
        return (f"no value ({_coded(qualifier[0])})" if qualifier else "no value"), ""
    value = clean(measured[0].get("NumericValue"))
    units = measured[0].get("MeasurementUnitsCodeSequence")
    if not units:
        return value, ""
    unit = code_of(units[0])
    # UCUM's braces hold words of no dimension: {pixels}
    return value, "" if unit.value in _NO_UNIT else clean(unit.value).strip("{}")


def _code(item: "Dataset") -> str:
    sequence = item.get("ConceptCodeSequence")
    return _coded(sequence[0]) if sequence else ""


def _reference(item: "Dataset") -> str:
    sequence = item.get("ReferencedSOPSequence")
    if not sequence:
        return ""
    reference = sequence[0]
    uid = clean(reference.get("ReferencedSOPInstanceUID"))
    parts = [f"{str(item.ValueType).lower()} {uid}"]
    for name, keyword in (
        ("frame", "ReferencedFrameNumber"),
        ("segment", "ReferencedSegmentNumber"),
    ):
        if reference.get(keyword) is not None:
            parts.append(f"{name} {', '.join(str(n) for n in _listed(reference.get(keyword)))}")
    return " ".join(parts)


def _drawn(n_dimensions: int) -> Callable[["Dataset"], str]:
    def text(item: "Dataset") -> str:
        data = item.get("GraphicData")
        n_points = (0 if data is None else len(_listed(data))) // n_dimensions
        kind = clean(item.get("GraphicType")).lower()
        return f"{kind} of {n_points} point{'' if n_points == 1 else 's'}"

    return text


def _plain(keyword: str) -> Callable[["Dataset"], str]:
    return lambda item: clean(item.get(keyword))


_VALUES: dict[str, Callable[["Dataset"], str]] = {
    "TEXT": _plain("TextValue"),
    "DATE": _plain("Date"),
    "TIME": _plain("Time"),
    "DATETIME": _plain("DateTime"),
    "PNAME": _plain("PersonName"),
    "UIDREF": _plain("UID"),
    "CODE": _code,
    "IMAGE": _reference,
    "COMPOSITE": _reference,
    "WAVEFORM": _reference,
    "SCOORD": _drawn(2),
    "SCOORD3D": _drawn(3),
    "TCOORD": _plain("TemporalRangeType"),
}
