"""Image file directories of TIFF and BigTIFF, read without trust: sizes first, pixels never.

Source: TIFF Revision 6.0 (Adobe, 1992), section 2; the BigTIFF design (libtiff). EXIF data in a
JPEG are such a directory too.
"""

import struct
from dataclasses import dataclass
from os import SEEK_END
from typing import IO

from viewer.errors import Damaged, Unsupported

SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_COUNTS, PLANES = 273, 274, 277, 279, 284
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, FORMAT = 322, 323, 324, 325, 339

_WANTED = frozenset(
    (SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, ORIENTATION, SAMPLES)
) | frozenset((STRIP_COUNTS, PLANES, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, FORMAT))
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8
_MAX_TAGS = 4096
_MAX_VALUES = 1_000_000
_COPY_AGAIN = "Copy the file again from its source."

Directory = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers are written: byte order, and the sizes of TIFF or BigTIFF."""

    order: str
    is_big: bool

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHI4s"))

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.is_big else "I"))


def directories(file: IO[bytes], base: int, most: int) -> list[Directory]:
    """Return up to ``most`` directories of the TIFF that begins at byte ``base``.

    Raises
    ------
    Damaged
        It is no TIFF, or it is cut off or goes round in circles.
    Unsupported
        A picture in it has more than a million parts.
    """
    try:
        return _directories(file, base, most)
    except (struct.error, OverflowError, ValueError) as error:
        raise _broken() from error


def _directories(file: IO[bytes], base: int, most: int) -> list[Directory]:
    form, offset = _start(file, base)
    found: list[Directory] = []
    seen: set[int] = set()
    while offset and len(found) < most:
        if offset in seen:
            raise _broken()
        seen.add(offset)
        directory, offset = _directory(file, base, form, offset)
        found.append(directory)
    if not found:
        raise _broken()
    return found


def _start(file: IO[bytes], base: int) -> tuple[_Form, int]:
    file.seek(base)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise _broken()
    (version,) = struct.unpack_from(order + "H", head, 2)
    if version not in (42, 43):
        raise _broken()
    form = _Form(order, version == 43)
    (offset,) = form.offset.unpack_from(head, 8 if form.is_big else 4)
    return form, int(offset)


def _directory(file: IO[bytes], base: int, form: _Form, offset: int) -> tuple[Directory, int]:
    """Return one directory, and where the next one is (0: there is none)."""
    _go(file, base + offset)
    (n_tags,) = form.count.unpack(file.read(form.count.size))
    if not 0 < n_tags <= _MAX_TAGS:
        raise _broken()
    entries = file.read(n_tags * form.entry.size)
    (following,) = form.offset.unpack(file.read(form.offset.size).ljust(form.offset.size, b"\0"))
    directory: Directory = {}
    for tag, kind, n_values, inline in form.entry.iter_unpack(entries):
        if tag in _WANTED and kind in _INTEGERS:
            directory[tag] = _values(file, base, form, (_INTEGERS[kind], n_values, inline))
    return directory, int(following)


def _values(
    file: IO[bytes], base: int, form: _Form, entry: tuple[str, int, bytes]
) -> tuple[int, ...]:
    letter, n_values, inline = entry
    if n_values > _MAX_VALUES:
        raise Unsupported("The TIFF picture has too many parts.", remedy="Export a smaller one.")
    layout = struct.Struct(f"{form.order}{n_values}{letter}")
    if layout.size <= len(inline):
        return layout.unpack_from(inline)
    _go(file, base + form.offset.unpack(inline)[0])
    return layout.unpack(file.read(layout.size))


def _go(file: IO[bytes], position: int) -> None:
    """Go to a byte of the file, and nowhere else."""
    if position >= file.seek(0, SEEK_END):
        raise _broken()
    file.seek(position)


def _broken() -> Damaged:
    return Damaged("The TIFF picture's header is broken.", remedy=_COPY_AGAIN)
