"""Presentation states (GSPS, PS3.3 A.33) out of DICOM files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from viewer.domain.graphics import Overlay, Shutter
from viewer.domain.presentation import (
    DisplayedArea,
    Graphic,
    PresentationState,
    References,
    StateWindow,
)
from viewer.domain.volume import VoiTable, Window, WindowFunction
from viewer.errors import InputRefused, Unsupported
from viewer.exchange.dicom_parts import as_damaged, read_object
from viewer.imaging.value_chain import table_entries, voi_table

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGES = {
    "1.2.840.10008.5.1.4.1.1.11.1",  # grayscale
    "1.2.840.10008.5.1.4.1.1.11.2",  # colour
    "1.2.840.10008.5.1.4.1.1.11.3",  # pseudo-colour
}
_KINDS = {
    "POINT": "point",
    "POLYLINE": "polyline",
    "INTERPOLATED": "interpolated",
    "CIRCLE": "circle",
    "ELLIPSE": "ellipse",
}
_MOST_POINTS = 100_000


def read_presentation(path: Path) -> PresentationState:
    """Return the presentation state in a file.

    Raises
    ------
    InputRefused, Damaged
        The file cannot be read.
    Unsupported
        It is another object.
    """
    dataset = read_object(path)
    with as_damaged(path.name):
        if str(dataset.SOPClassUID) not in _STORAGES:
            raise Unsupported(
                "This is no presentation state.",
                where=path.name,
                remedy="Choose a grayscale, colour or pseudo-colour presentation state.",
            )
        return _state(dataset)


def _state(dataset: "Dataset") -> PresentationState:
    references = _all_references(dataset)
    greys, inverted = _presentation_table(dataset)
    modality, rescale = _modality(dataset)
    notes = []
    if "PaletteColorLookupTableUID" in dataset or "RedPaletteColorLookupTableData" in dataset:
        notes.append("Its colour palette is not shown.")
    if dataset.get("MaskSubtractionSequence"):
        notes.append("Its mask subtraction is not shown.")
    return PresentationState(
        uid=str(dataset.SOPInstanceUID),
        label=str(dataset.get("ContentLabel") or "Presentation state"),
        description=str(dataset.get("ContentDescription") or ""),
        references=references,
        windows=_windows(dataset, signed=rescale is not None and rescale[1] < 0),
        modality=modality,
        rescale=rescale,
        greys=greys,
        inverted=inverted,
        rotation_deg=int(dataset.get("ImageRotation") or 0) % 360,
        flipped=str(dataset.get("ImageHorizontalFlip") or "N") == "Y",
        areas=tuple(_areas(dataset)),
        shutter=_shutter(dataset),
        overlays=tuple(_overlays(dataset)),
        graphics=tuple(_graphics(dataset)),
        notes=tuple(notes),
    )


def _items(dataset: "Dataset", keyword: str) -> Sequence["Dataset"]:
    return cast("Sequence[Dataset]", dataset.get(keyword) or ())


def _all_references(dataset: "Dataset") -> References:
    found: set[tuple[str, int]] = set()
    for series in _items(dataset, "ReferencedSeriesSequence"):
        found |= _references(series)
    return frozenset(found)


def _references(item: "Dataset") -> References:
    """Return the images that an item names; none means all of the state's."""
    found = set()
    for image in _items(item, "ReferencedImageSequence"):
        uid = str(image.get("ReferencedSOPInstanceUID") or "")
        frames = image.get("ReferencedFrameNumber")
        if frames is None or frames == "":
            numbers: list[int] = [0]
        elif isinstance(frames, int):
            numbers = [int(frames)]
        else:
            numbers = [int(number) for number in frames]
        found |= {(uid, number) for number in numbers}
    return frozenset(found)


def _lut(item: "Dataset", *, signed: bool) -> tuple[int, np.ndarray[Any, Any], int] | None:
    descriptor = [int(v) for v in item.get("LUTDescriptor") or ()]
    descriptor = [value % 65536 for value in descriptor]  # pydicom may have read them as signed
    data = item.get("LUTData")
    if data is None:
        return None
    raw = data if isinstance(data, bytes) else np.asarray(data, dtype="<u2").tobytes()
    return table_entries(descriptor, raw, "<", signed=signed)


def _modality(dataset: "Dataset") -> tuple[VoiTable | None, tuple[float, float] | None]:
    for item in _items(dataset, "ModalityLUTSequence")[:1]:
        found = _lut(item, signed=False)
        if found is not None:
            # The entries are values here, not greys.
            return VoiTable(float(found[0]), 1.0, found[1].astype("<u2").tobytes()), None
    slope = dataset.get("RescaleSlope")
    if slope is None or float(slope) <= 0:
        return None, None
    return None, (float(slope), float(dataset.get("RescaleIntercept") or 0))


def _presentation_table(dataset: "Dataset") -> tuple[VoiTable | None, bool]:
    for item in _items(dataset, "PresentationLUTSequence")[:1]:
        found = _lut(item, signed=False)
        if found is not None:
            return voi_table(*found), False
    return None, str(dataset.get("PresentationLUTShape") or "") == "INVERSE"


def _windows(dataset: "Dataset", *, signed: bool) -> tuple[StateWindow, ...]:
    found = []
    for item in _items(dataset, "SoftcopyVOILUTSequence"):
        window = _window(item, signed=signed)
        if window is not None:
            found.append(StateWindow(_references(item), window))
    return tuple(found)


def _window(item: "Dataset", *, signed: bool) -> Window | None:
    for lut in _items(item, "VOILUTSequence")[:1]:
        table = _lut(lut, signed=signed)
        if table is not None:
            return Window.of_table(voi_table(*table), str(lut.get("LUTExplanation") or "LUT"))
    center, width = (_first(item.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if center is None or width is None:
        return None
    kind = str(item.get("VOILUTFunction") or "LINEAR")
    function = WindowFunction(kind) if kind in set(WindowFunction) else WindowFunction.LINEAR
    name = str(_first_text(item.get("WindowCenterWidthExplanation")))
    try:
        return Window(center, width, name, function)
    except InputRefused:
        return None


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0]) if isinstance(value, (list, tuple)) or _is_multi(value) else float(value)


def _first_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value[0]) if _is_multi(value) and len(value) else str(value)


def _is_multi(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _areas(dataset: "Dataset") -> list[DisplayedArea]:
    found = []
    for item in _items(dataset, "DisplayedAreaSelectionSequence"):
        corners = [
            item.get(name)
            for name in (
                "DisplayedAreaTopLeftHandCorner",
                "DisplayedAreaBottomRightHandCorner",
            )
        ]
        if not all(_is_multi(corner) and len(corner) == 2 for corner in corners):
            continue
        (left, top), (right, bottom) = ((float(v) - 1 for v in corner) for corner in corners)
        edges = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        found.append(DisplayedArea(_references(item), edges))
    return found


def _shutter(dataset: "Dataset") -> Shutter | None:
    kinds = dataset.get("ShutterShape")
    if not kinds:
        return None
    sides = ("UpperHorizontal", "LowerHorizontal", "LeftVertical", "RightVertical")
    return Shutter.of(
        [str(kind) for kind in kinds] if _is_multi(kinds) else [str(kinds)],
        edges=[_first(dataset.get(f"Shutter{side}Edge")) for side in sides],
        centre=[float(v) for v in dataset.get("CenterOfCircularShutter") or ()],
        radius=_first(dataset.get("RadiusOfCircularShutter")),
        vertices=[float(v) for v in dataset.get("VerticesOfThePolygonalShutter") or ()],
    )


def _overlays(dataset: "Dataset") -> list[Overlay]:
    """Return the bitmaps that the state brings itself; the images' own are shown anyway."""
    found = []
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in dataset or (group, 0x0010) not in dataset:
            continue
        rows, columns = (int(dataset[group, element].value) for element in (0x0010, 0x0011))
        row, column = (int(v) - 1 for v in dataset[group, 0x0050].value)
        try:
            found.append(Overlay(rows, columns, row, column, bytes(dataset[group, 0x3000].value)))
        except InputRefused:
            continue
    return found


def _graphics(dataset: "Dataset") -> list[Graphic]:
    found: list[Graphic] = []
    for item in _items(dataset, "GraphicAnnotationSequence"):
        references = _references(item)
        for drawn in _items(item, "GraphicObjectSequence"):
            graphic = _drawn(drawn, references)
            if graphic is not None:
                found.append(graphic)
        for text in _items(item, "TextObjectSequence"):
            graphic = _text(text, references)
            if graphic is not None:
                found.append(graphic)
    return found


def _drawn(item: "Dataset", references: References) -> Graphic | None:
    kind = _KINDS.get(str(item.get("GraphicType") or ""))
    numbers = [float(v) for v in item.get("GraphicData") or ()]
    if kind is None or len(numbers) < 2 or len(numbers) > _MOST_POINTS or len(numbers) % 2:
        return None
    least = {"point": 1, "circle": 2, "ellipse": 4}.get(kind, 2)
    units = str(item.get("GraphicAnnotationUnits") or "PIXEL")
    points = _points(numbers, units)
    if len(points) < least or units not in ("PIXEL", "DISPLAY"):
        return None
    return Graphic(
        references,
        cast("Any", kind),
        points,
        "image" if units == "PIXEL" else "display",
        filled=str(item.get("GraphicFilled") or "N") == "Y",
    )


def _text(item: "Dataset", references: References) -> Graphic | None:
    """Return a text at its anchor, else at the upper left corner of its box."""
    text = " ".join(str(item.get("UnformattedTextValue") or "").split())
    for place, unit in (
        ("AnchorPoint", "AnchorPointAnnotationUnits"),
        ("BoundingBoxTopLeftHandCorner", "BoundingBoxAnnotationUnits"),
    ):
        numbers = [float(v) for v in item.get(place) or ()]
        units = str(item.get(unit) or "PIXEL")
        if text and len(numbers) == 2 and units in ("PIXEL", "DISPLAY"):
            kind = "image" if units == "PIXEL" else "display"
            return Graphic(references, "text", _points(numbers, units), cast("Any", kind), text)
    return None


def _points(numbers: Sequence[float], units: str) -> tuple[tuple[float, float], ...]:
    """Return (column, row) points; in pixels 0.0 is the image's corner (PS3.3 C.10.5.1.2)."""
    shift = 0.5 if units == "PIXEL" else 0.0
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple((column - shift, row - shift) for column, row in pairs)
