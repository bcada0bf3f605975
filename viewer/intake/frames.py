"""One entry for every frame: where it is in the patient, what its values mean, what it differs in."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from viewer.domain.volume import Window, WindowFunction
from viewer.errors import InputRefused
from viewer.imaging.value_chain import table_entries, voi_table
from viewer.intake import tags
from viewer.intake.elements import Encoding
from viewer.intake.header import Elements, Header, numbers_of
from viewer.intake.layout import PixelFile
from viewer.intake.objects import CLASSIC_MR, RT_DOSE

Vector = tuple[float, float, float]
Traits = tuple[tuple[str, str], ...]

# Projections, ultrasound and photographs have no place in the patient's space.
FLAT_MODALITIES = frozenset(
    [
        "CR",
        "DX",
        "MG",
        "XA",
        "RF",
        "US",
        "IO",
        "PX",
        "RG",
        "XC",
        "ES",
        "GM",
        "SM",
        "OP",
        "OPT",
        "IVUS",
    ]
)
_WINDOW_TAGS = (
    tags.WINDOW_CENTER,
    tags.WINDOW_WIDTH,
    tags.WINDOW_EXPLANATION,
    tags.VOI_LUT_FUNCTION,
)
_EXPLICIT = Encoding(explicit=True)
_LOCALISERS = ("LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame lies: centre of its first pixel, directions of its rows and columns, mm."""

    position: Vector
    along_row: Vector
    along_column: Vector
    row_mm: float
    column_mm: float


@dataclass(frozen=True, slots=True)
class RealWorld:
    """What stored values mean in the world (PS3.3 C.7.6.16.2.11): slope, intercept, UCUM unit."""

    slope: float
    intercept: float
    unit: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of one file. ``traits`` are (name, value) pairs that may tell volumes apart."""

    file: PixelFile
    header: Header
    number: int
    place: Place | None
    slope: float
    intercept: float
    windows: tuple[Window, ...]
    traits: Traits
    instance_number: int | None
    image_type: tuple[str, ...]
    real_world: RealWorld | None = None

    @property
    def is_localiser(self) -> bool:
        """Whether the image type says that this is a scout view."""
        return any(word in part for part in self.image_type for word in _LOCALISERS)

    @property
    def is_mosaic(self) -> bool:
        """Whether the frame is a sheet of many small slices that could not be taken apart."""
        return "MOSAIC" in self.image_type and self.file.sheet is None


def frames_of(header: Header, file: PixelFile) -> tuple[Frame, ...]:
    """Return the frames of a file, in their order."""
    if tags.PER_FRAME_GROUPS in header or tags.SHARED_GROUPS in header:
        from viewer.intake.functional_groups import enhanced_frames

        return enhanced_frames(header, file)
    return tuple(_classic_frames(header, file))


def _classic_frames(header: Header, file: PixelFile) -> Iterator[Frame]:
    place = None if _is_flat(header, file) else place_of(header, header, header)
    places: list[Place | None]
    slope, intercept = rescale_of(header, file)
    signed = file.layout.signed or intercept < 0
    windows = (*voi_tables_of(header, signed=signed), *windows_of(header))
    if file.sop_class_uid == CLASSIC_MR:
        windows = tuple(_through(window, slope, intercept) for window in windows)
    image_type = header.texts(tags.IMAGE_TYPE)
    real_world = real_world_of(header)
    if "MOSAIC" in image_type and place is not None:
        # Late: mosaics are rare, and their module needs this one.
        from viewer.intake.mosaic import split

        found = split(header, file, place)
        places = [None]
        if found is not None:
            file, places = found[0], [*found[1]]
    elif file.n_frames == 1:
        places = [place]
    else:
        places = _frame_places(header, file, place)
    traits, number = _classic_traits(header, image_type), header.whole(tags.INSTANCE_NUMBER)
    for index, where in enumerate(places):
        yield Frame(
            file,
            header,
            index + 1,
            where,
            slope,
            intercept,
            windows,
            traits,
            number,
            image_type,
            real_world,
        )


def _is_flat(header: Header, file: PixelFile) -> bool:
    return header.text(tags.MODALITY) in FLAT_MODALITIES or file.layout.is_colour


def _frame_places(header: Header, file: PixelFile, first: Place | None) -> list[Place | None]:
    """Return the places of classic multi-frame pixels: known for dose grids alone (C.8.8.3.2)."""
    offsets = header.numbers(tags.GRID_FRAME_OFFSET_VECTOR)
    if file.sop_class_uid != RT_DOSE or first is None or len(offsets) < file.n_frames:
        return [None] * file.n_frames
    normal = cross(first.along_row, first.along_column)
    # A first offset other than 0 means absolute positions (only upright axial grids have them).
    base = offsets[0]
    return [
        Place(
            _moved(first.position, normal, offset - base),
            first.along_row,
            first.along_column,
            first.row_mm,
            first.column_mm,
        )
        for offset in offsets[: file.n_frames]
    ]


def cross(a: Vector, b: Vector) -> Vector:
    """Return a x b."""
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _moved(point: Vector, direction: Vector, distance: float) -> Vector:
    x, y, z = (p + d * distance for p, d in zip(point, direction, strict=True))
    return x, y, z


def place_of(position: Elements, orientation: Elements, measures: Elements) -> Place | None:
    """Return the place that three sets of elements describe together, None if any is unusable."""
    where = position.numbers(tags.IMAGE_POSITION_PATIENT)
    axes = _axes(
        orientation.values.get(tags.IMAGE_ORIENTATION_PATIENT, b""),
        measures.values.get(tags.PIXEL_SPACING, b""),
    )
    if len(where) != 3 or axes is None:
        return None
    return Place((where[0], where[1], where[2]), *axes)


@lru_cache(maxsize=1024)
def _axes(orientation: bytes, measures: bytes) -> tuple[Vector, Vector, float, float] | None:
    """Return directions and distances; cached, since the frames of a series share them."""
    how, spacing = numbers_of(orientation), numbers_of(measures)
    if len(how) != 6 or len(spacing) < 2 or min(spacing[:2]) <= 0:
        return None
    row = _unit((how[0], how[1], how[2]))
    column = _unit((how[3], how[4], how[5]))
    if row is None or column is None or abs(sum(map(float.__mul__, row, column))) > 1e-2:
        return None
    return row, column, spacing[0], spacing[1]


def _unit(vector: Vector) -> Vector | None:
    length = sum(v * v for v in vector) ** 0.5
    if length < 0.5:
        return None
    x, y, z = (v / length for v in vector)
    return x, y, z


def rescale_of(elements: Elements, file: PixelFile) -> tuple[float, float]:
    """Return slope and intercept; (0, 0) slopes come back as they are, to be complained about."""
    if file.sop_class_uid == RT_DOSE:
        return elements.number(tags.DOSE_GRID_SCALING) or 1.0, 0.0
    slope = elements.number(tags.RESCALE_SLOPE)
    return (1.0 if slope is None else slope), elements.number(tags.RESCALE_INTERCEPT) or 0.0


def windows_of(elements: Elements) -> tuple[Window, ...]:
    """Return the file's windows; pairs that PS3.3 forbids are left out."""
    return _windows(tuple(map(elements.values.get, _WINDOW_TAGS)), elements.charset)


@lru_cache(maxsize=1024)
def _windows(raw: tuple[bytes | None, ...], charset: str) -> tuple[Window, ...]:
    elements = _elements_of(_WINDOW_TAGS, raw, charset)
    centers = elements.numbers(tags.WINDOW_CENTER)
    widths = elements.numbers(tags.WINDOW_WIDTH)
    names = elements.texts(tags.WINDOW_EXPLANATION)
    kind = elements.text(tags.VOI_LUT_FUNCTION)
    function = WindowFunction(kind) if kind in set(WindowFunction) else WindowFunction.LINEAR
    found = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        name = names[index] if index < len(names) else ""
        try:
            found.append(Window(center, width, name, function))
        except InputRefused:
            continue
    return tuple(found)


def real_world_of(elements: Elements) -> RealWorld | None:
    """Return the first linear real world value map that has a UCUM unit, None without one."""
    if tags.REAL_WORLD_SEQUENCE not in elements:
        return None
    for item in elements.items(tags.REAL_WORLD_SEQUENCE):
        slope = item.binary(tags.REAL_WORLD_SLOPE, "d")
        intercept = item.binary(tags.REAL_WORLD_INTERCEPT, "d")
        unit = item.first(tags.MEASUREMENT_UNITS_SEQUENCE)
        code, scheme = unit.text(tags.CODE_VALUE), unit.text(tags.CODING_SCHEME)
        usable = len(slope) == len(intercept) == 1 and slope[0] != 0
        if usable and scheme == "UCUM" and code and np.isfinite((*slope, *intercept)).all():
            return RealWorld(slope[0], intercept[0], code)
    return None


def voi_tables_of(elements: Elements, *, signed: bool) -> tuple[Window, ...]:
    """Return the VOI look-up tables (PS3.3 C.11.2.1.1) as windows; broken ones are left out.

    ``signed``: whether the values that come out of the modality step may be below 0, and so the
    table's first value.
    """
    if tags.VOI_LUT_SEQUENCE not in elements:
        return ()
    found = []
    for item in elements.items(tags.VOI_LUT_SEQUENCE):
        table = lut_of(item, signed=signed)
        if table is None:
            continue
        name = item.text(tags.LUT_EXPLANATION) or "LUT"
        found.append(Window.of_table(voi_table(*table), name))
    return tuple(found)


def lut_of(item: Elements, *, signed: bool) -> tuple[int, NDArray[np.uint16], int] | None:
    """Return (first value, entries, bits) of a table in a sequence item, None if it is unusable."""
    descriptor = item.binary(tags.LUT_DESCRIPTOR, "H")
    raw = item.values.get(tags.LUT_DATA, b"")
    return table_entries(descriptor, raw, item.encoding.order, signed=signed)


def _through(window: Window, slope: float, intercept: float) -> Window:
    """Return a window on stored values in the quantity: the classic MR object has no rescale."""
    if slope <= 0 or (slope, intercept) == (1.0, 0.0):
        return window
    return window.scaled(slope, intercept)


_CLASSIC_TRAITS = (
    ("echo", tags.ECHO_NUMBERS),
    ("echo time", tags.ECHO_TIME),
    ("inversion time", tags.INVERSION_TIME),
    ("temporal position", tags.TEMPORAL_POSITION),
    ("b-value", tags.PRIVATE_SIEMENS_B_VALUE),
    ("b-value", tags.GE_B_VALUE),
    ("kernel", tags.CONVOLUTION_KERNEL),
    ("trigger time", tags.TRIGGER_TIME),
    ("acquisition", tags.ACQUISITION_NUMBER),
    ("series time", tags.SERIES_TIME),
    ("acquisition time", tags.ACQUISITION_TIME),
    ("content time", tags.CONTENT_TIME),
)


_TRAIT_TAGS = (tags.B_VALUE, tags.GRADIENT_ORIENTATION, *(tag for _, tag in _CLASSIC_TRAITS))


def _classic_traits(header: Header, image_type: tuple[str, ...]) -> Traits:
    raw = tuple(map(header.values.get, _TRAIT_TAGS))
    return _traits(raw, header.encoding, header.charset, image_type)


@lru_cache(maxsize=1024)
def _traits(
    raw: tuple[bytes | None, ...], encoding: Encoding, charset: str, image_type: tuple[str, ...]
) -> Traits:
    elements = _elements_of(_TRAIT_TAGS, raw, charset, encoding)
    found = [("image type", "\\".join(image_type))]
    b_values = elements.binary(tags.B_VALUE, "d")
    if b_values:
        found.append(("b-value", f"{b_values[0]:g}"))
    direction = elements.binary(tags.GRADIENT_ORIENTATION, "d")
    if direction:
        found.append(("gradient", " ".join(f"{v:.3f}" for v in direction)))
    values = elements.values
    found += [(name, elements.text(tag)) for name, tag in _CLASSIC_TRAITS if values.get(tag)]
    return tuple(found)


def _elements_of(
    wanted: tuple[int, ...],
    raw: tuple[bytes | None, ...],
    charset: str,
    encoding: Encoding = _EXPLICIT,
) -> Elements:
    given = {tag: value for tag, value in zip(wanted, raw, strict=True) if value is not None}
    return Elements(given, encoding, charset)
