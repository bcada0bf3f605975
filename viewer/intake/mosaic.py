"""Siemens mosaics: many slices as tiles of one sheet (MR, functional and diffusion imaging).

What a sheet holds is said in private elements: the number of tiles (0019,100A), and in the "CSA"
header (0029,1010) the direction in which they follow each other. The position of the file is that
of the sheet's corner, as if all of the sheet were one slice; the first tile lies around its middle.
"""

from dataclasses import replace
from math import ceil, sqrt
from struct import unpack_from

from viewer.intake import tags
from viewer.intake.frames import Place, Vector, cross
from viewer.intake.header import Header
from viewer.intake.layout import PixelFile

_CREATOR = "SIEMENS CSA HEADER"
_NORMAL, _COUNT = b"SliceNormalVector\0", b"NumberOfImagesInMosaic\0"
_NAME_BYTES, _ENTRY_BYTES, _ITEM_BYTES = 64, 84, 16
_MOST_TILES, _MOST_ITEMS = 1024, 16
_ALONG = 0.99


def split(header: Header, file: PixelFile, sheet: Place) -> tuple[PixelFile, list[Place]] | None:
    """Return the file as one of many frames, and their places; None if too little is known.

    ``sheet`` is the place that the file states.
    """
    count = header.short(tags.PRIVATE_MOSAIC_COUNT) or _csa_count(header)
    gap_mm = header.number(tags.SPACING_BETWEEN_SLICES)
    normal = _normal(header, sheet)
    if not 1 <= count <= _MOST_TILES or not gap_mm or gap_mm <= 0 or normal is None:
        return None
    across = ceil(sqrt(count))
    layout = file.layout
    if file.n_frames != 1 or layout.rows % across or layout.columns % across:
        return None
    rows, columns = layout.rows // across, layout.columns // across
    tiles = replace(
        file,
        layout=replace(layout, rows=rows, columns=columns),
        n_frames=count,
        sheet=(layout.rows, layout.columns),
    )
    first = _moved(
        sheet.position, sheet.along_row, sheet.column_mm * (layout.columns - columns) / 2
    )
    first = _moved(first, sheet.along_column, sheet.row_mm * (layout.rows - rows) / 2)
    places = [replace(sheet, position=_moved(first, normal, gap_mm * n)) for n in range(count)]
    return tiles, places


def tile(index: int, file: PixelFile) -> tuple[slice, slice]:
    """Return the rows and columns of frame ``index`` on its sheet."""
    assert file.sheet is not None  # noqa: S101 - only sheets have tiles
    rows, columns = file.layout.rows, file.layout.columns
    down, along = divmod(index, file.sheet[1] // columns)
    return (
        slice(down * rows, (down + 1) * rows),
        slice(along * columns, (along + 1) * columns),
    )


def whole_sheet(file: PixelFile) -> PixelFile:
    """Return the file as it is stored: one frame, the sheet."""
    assert file.sheet is not None  # noqa: S101 - only sheets have tiles
    rows, columns = file.sheet
    layout = replace(file.layout, rows=rows, columns=columns)
    return replace(file, layout=layout, n_frames=1, sheet=None)


def _moved(point: Vector, direction: Vector, distance: float) -> Vector:
    x, y, z = (p + d * distance for p, d in zip(point, direction, strict=True))
    return x, y, z


def _csa_count(header: Header) -> int:
    found = _csa_numbers(header, _COUNT)
    return int(found[0]) if len(found) == 1 else 0


def _normal(header: Header, sheet: Place) -> Vector | None:
    """Return the direction from tile to tile; None if it is not said, or not along the normal."""
    found = _csa_numbers(header, _NORMAL)
    if len(found) != 3 or not 0.9 < sum(value * value for value in found) < 1.1:
        return None
    direction = (found[0], found[1], found[2])
    expected = cross(sheet.along_row, sheet.along_column)
    along = sum(a * b for a, b in zip(direction, expected, strict=True))
    return direction if abs(along) > _ALONG else None


def _csa_numbers(header: Header, name: bytes) -> tuple[float, ...]:
    """Return the numbers of an element of the CSA header: items of text behind its name."""
    raw = header.values.get(tags.PRIVATE_CSA_HEADER, b"")
    at = raw.find(name)
    if header.text(tags.PRIVATE_CSA_CREATOR) != _CREATOR or not 0 <= at <= len(raw) - _ENTRY_BYTES:
        return ()
    (n_items,) = unpack_from("<i", raw, at + _NAME_BYTES + 12)
    place = at + _ENTRY_BYTES
    values: list[float] = []
    for _ in range(min(max(n_items, 0), _MOST_ITEMS)):
        if place + _ITEM_BYTES > len(raw):
            return ()
        (length,) = unpack_from("<i", raw, place + 4)
        place += _ITEM_BYTES
        if not 0 <= length <= len(raw) - place:
            return ()
        text = raw[place : place + length].split(b"\0")[0].strip()
        place += -(-length // 4) * 4
        if text:
            try:
                values.append(float(text))
            except ValueError:
                return ()
    return tuple(values)
