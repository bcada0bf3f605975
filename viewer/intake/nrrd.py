"""NRRD files, attached (.nrrd) or with a data file (.nhdr).

Source: G. Kindlmann, "Definition of NRRD File Format" (teem.sourceforge.net/nrrd/format.html).
Read are raw, gzip and bzip2 encodings of scalars, colours and volumes in time. Not read are text
encodings, several data files, and more than four dimensions.
"""

import re
from collections.abc import Mapping

import numpy as np

from viewer.domain.finding import Severity
from viewer.errors import Damaged, Unsupported
from viewer.intake.beside import DataFile, data_file
from viewer.intake.described import EXPORT_AGAIN, Described, Samples, pictures_of_volumes
from viewer.intake.find import Found
from viewer.intake.limits import MAX_TEXT_HEADER_BYTES
from viewer.intake.nrrd_axes import Axes, axes_of, placed
from viewer.intake.reading import read_head
from viewer.intake.source import Packing, PictureSource

Fields = Mapping[str, str]

_END = re.compile(rb"\r?\n\r?\n")
_PACKINGS = {
    "raw": Packing.NONE,
    "gzip": Packing.GZIP,
    "gz": Packing.GZIP,
    "bzip2": Packing.BZIP2,
    "bz2": Packing.BZIP2,
}
_ALIASES = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}
_TYPES = {
    "i1": "signed char/int8/int8_t",
    "u1": "uchar/unsigned char/uint8/uint8_t",
    "i2": "short/short int/signed short/signed short int/int16/int16_t",
    "u2": "ushort/unsigned short/unsigned short int/uint16/uint16_t",
    "i4": "int/signed int/int32/int32_t",
    "u4": "uint/unsigned int/uint32/uint32_t",
    "i8": "longlong/long long/long long int/signed long long/signed long long int/int64/int64_t",
    "u8": "ulonglong/unsigned long long/unsigned long long int/uint64/uint64_t",
    "f4": "float",
    "f8": "double",
}
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names.split("/")}
_ORDERS = {"little": "<", "big": ">"}
_COLOURS = {"rgb-color": 3, "3-color": 3, "rgba-color": 4, "4-color": 4}
_FOREIGN = frozenset(("complex", "hsv-color", "xyz-color"))


def nrrd_pictures(
    found: Found, size: int, known: Mapping[str, str]
) -> tuple[list[PictureSource], DataFile | None]:
    """Return the pictures of an NRRD file, one for each volume, and its data file if it has one.

    ``known`` is for ``data_file``.

    Raises
    ------
    Damaged
        The header is broken, or the file is too short for what it says.
    Unsupported
        An encoding or a type that is not read.
    """
    fields, start = _header(found.path)
    data = data_file(found, fields["data file"], known) if "data file" in fields else None
    if data is None and start < 0:
        raise Damaged("The NRRD header has no end.", remedy=EXPORT_AGAIN)
    try:
        described = _described(fields)
        packing = _packing(fields)
        skips = int(fields.get("line skip", "0")), int(fields.get("byte skip", "0"))
    except (ValueError, OverflowError) as error:
        raise Damaged("The NRRD header is broken.", remedy=EXPORT_AGAIN) from error
    file = DataFile(found, size) if data is None else data
    begin = _after_lines(file, 0 if data else start, skips[0])
    samples = _samples(file, described, packing, begin, skips[1])
    return pictures_of_volumes(found, described, samples), data


def _header(path: str) -> tuple[Fields, int]:
    """Return the fields by name, and the byte after the header; -1 if it ends with the file."""
    head, size = read_head(path, MAX_TEXT_HEADER_BYTES)
    end = _END.search(head)
    if end is None and size > len(head):
        raise Damaged("The NRRD header has no end.", remedy=EXPORT_AGAIN)
    text = head[: end.start() if end else len(head)].decode("utf-8", "replace")
    fields: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        name, colon, value = line.partition(": ")
        if colon and not line.startswith("#") and ":=" not in name:
            name = name.strip().lower()
            fields.setdefault(_ALIASES.get(name, name), value.strip())
    return fields, end.end() if end else -1


def _described(fields: Fields) -> Described:
    axes = axes_of(fields)
    affine, spacing, remarks = placed(fields, axes)
    dtype = _dtype(fields)
    n_colours = _colours(axes, dtype)
    is_interleaved = axes.is_interleaved and not n_colours
    n_more = axes.n_more
    if is_interleaved and n_more > 1:
        text = f"Each voxel holds {n_more} values; they are shown as {n_more} volumes."
        remarks = (*remarks, (Severity.NOTE, text))
    return Described(
        "NRRD",
        axes.shape_kji,
        dtype,
        affine,
        1 if n_colours else n_more,
        n_colours or (n_more if is_interleaved else 1),
        is_interleaved,
        bool(n_colours),
        spacing,
        remarks=remarks,
    )


def _dtype(fields: Fields) -> np.dtype[np.generic]:
    name = " ".join(fields.get("type", "").lower().split())
    if name not in _TYPE_OF:
        raise Unsupported("The NRRD values are of a type that is not read.", remedy=EXPORT_AGAIN)
    kind = _TYPE_OF[name]
    if kind.endswith("1"):
        return np.dtype(kind)
    order = _ORDERS.get(fields.get("endian", "").lower())
    if order is None:
        raise Damaged("The NRRD header does not give the byte order.", remedy=EXPORT_AGAIN)
    return np.dtype(order + kind)


def _colours(axes: Axes, dtype: np.dtype[np.generic]) -> int:
    """Return how many samples make a colour: 3 or 4, or 0 where there are no colours."""
    if axes.kind in _FOREIGN:
        raise Unsupported(f"NRRD values of kind {axes.kind} are not read.", remedy=EXPORT_AGAIN)
    n_colours = _COLOURS.get(axes.kind, 0)
    if n_colours:
        if n_colours != axes.n_more:
            raise Damaged("The NRRD colours are not three or four.", remedy=EXPORT_AGAIN)
        if not axes.is_interleaved:
            raise Unsupported("NRRD colours in planes are not read.", remedy=EXPORT_AGAIN)
        return n_colours
    # Programs that know no colours write three bytes as a vector.
    is_bytes = axes.is_interleaved and dtype == np.uint8 and axes.kind == "vector"
    return axes.n_more if is_bytes and axes.n_more in (3, 4) else 0


def _packing(fields: Fields) -> Packing:
    name = fields.get("encoding", "").lower()
    if name not in _PACKINGS:
        raise Unsupported(
            "The NRRD file's encoding is not read; raw, gzip and bzip2 are.",
            remedy="Save it in one of these.",
        )
    return _PACKINGS[name]


def _after_lines(file: DataFile, start: int, n_lines: int) -> int:
    if n_lines < 0:
        raise Damaged("The NRRD header is broken.", remedy=EXPORT_AGAIN)
    if not n_lines:
        return start
    head, _ = read_head(file.found.path, start + MAX_TEXT_HEADER_BYTES)
    for _ in range(min(n_lines, len(head) + 1)):
        start = head.find(b"\n", start) + 1
        if not start:
            raise Damaged("The file has fewer lines than its header skips.", remedy=EXPORT_AGAIN)
    return start


def _samples(
    file: DataFile, described: Described, packing: Packing, begin: int, byte_skip: int
) -> Samples:
    if byte_skip < -1 or (byte_skip < 0 and packing is not Packing.NONE):
        raise Damaged("The NRRD header is broken.", remedy=EXPORT_AGAIN)
    if byte_skip == -1:  # the samples are the end of the file
        begin, byte_skip = max(file.size - described.n_bytes, begin), 0
    if packing is Packing.NONE:
        begin, byte_skip = begin + byte_skip, 0
    return Samples(file.found.path, file.size, begin, packing, byte_skip)
