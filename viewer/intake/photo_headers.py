"""What the headers of PNG, JPEG and TIFF pictures promise, before anything is decoded.

Sources: W3C Portable Network Graphics (IHDR); ITU-T T.81 Annex B (markers of JPEG); TIFF 6.0.
"""

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from viewer.errors import Damaged, Unsupported
from viewer.intake import tiff_tags as tags
from viewer.intake.limits import MAX_FRAMES, MAX_INFLATE_RATIO, MAX_PICTURE_PIXELS
from viewer.intake.recognise import Kind

_COPY_AGAIN = "Copy the file again from its source."
_SAVE_AGAIN = "Save it as an 8-bit or 16-bit grey or RGB picture."
_MAX_SEGMENTS = 4000
_JPEG_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
_JPEG_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - _JPEG_FRAMES - {0xC4, 0xC8, 0xCC}
_NO_LENGTH = frozenset((0x01, 0xFF, *range(0xD0, 0xD9)))
_TILE_RIM = 4096  # a tile may be larger than a small picture
_TIFF_KINDS = {1: "u", 2: "i", 3: "f"}
_COLOUR_TYPES = frozenset(("u1", "u2"))
_GREY_TYPES = frozenset(("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"))
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_TIFF_NONE, _TIFF_JPEG, _TIFF_FAX = 1, 7, (2, 3, 4)  # fax: a bit for a row, at best
# How well schemes can pack; LZW a little better than deflate, the others (Zstandard) much better.
_TIFF_RATIOS = {1: 1, 5: 2 * MAX_INFLATE_RATIO, 8: MAX_INFLATE_RATIO, 32946: MAX_INFLATE_RATIO}
_TIFF_RATIO = 20 * MAX_INFLATE_RATIO


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """Size and samples of a picture; ``bits`` 1 to 64 of each sample as stored.

    ``dtype`` is what a sample is decoded to. ``n_pages`` pictures of one size follow each other;
    ``n_left_out`` more are there of other sizes. ``turn`` is the EXIF or TIFF orientation, 1 for
    none. A JPEG picture ``begins_at`` its frame header; a thumbnail of its own may come before.
    """

    rows: int
    columns: int
    is_colour: bool
    dtype: np.dtype[np.generic]
    has_alpha: bool = False
    inverted: bool = False
    n_pages: int = 1
    n_left_out: int = 0
    turn: int = 1
    begins_at: int = 0


def photo_header(path: str, kind: Kind, size: int) -> PhotoHeader:
    """Return what the file's header promises.

    Raises
    ------
    Damaged
        The header is broken, or the file is too short for its picture.
    Unsupported
        The picture is too large, or its samples are not grey or RGB.
    """
    with Path(path).open("rb") as file:
        try:
            if kind is Kind.PNG:
                header = _png(file, size)
            elif kind is Kind.JPEG:
                header = _jpeg(file, size)
            else:
                header = _tiff(file, size)
        except (struct.error, OverflowError) as error:
            raise _broken(kind.name) from error
    return header


def _checked(header: PhotoHeader, name: str) -> PhotoHeader:
    if min(header.rows, header.columns) < 1:
        raise _broken(name)
    if header.rows * header.columns > MAX_PICTURE_PIXELS:
        raise Unsupported(
            f"The {name} picture has more than {MAX_PICTURE_PIXELS >> 20} million pixels.",
            remedy="Export a smaller one.",
        )
    return header


def _png(file: IO[bytes], size: int) -> PhotoHeader:
    length, name, columns, rows, bits, colours = struct.unpack(">8xI4sIIBB", file.read(26))
    n_samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours)
    if length != 13 or name != b"IHDR" or n_samples is None or bits not in (1, 2, 4, 8, 16):
        raise _broken("PNG")
    dtype = np.dtype(np.uint16 if bits == 16 else np.uint8)
    header = PhotoHeader(rows, columns, colours in (2, 3, 6), dtype, colours in (4, 6))
    _checked(header, "PNG")
    _check_there(rows * ((columns * bits * n_samples + 7) // 8), size * MAX_INFLATE_RATIO)
    return header


def _jpeg(file: IO[bytes], size: int) -> PhotoHeader:
    file.seek(2)
    turn = 1
    for _ in range(_MAX_SEGMENTS):
        marker = _marker(file)
        if marker in _NO_LENGTH:
            continue
        begin = file.tell()
        (length,) = struct.unpack(">H", file.read(2))
        if marker in _JPEG_FRAMES:
            header = _jpeg_frame(file)
            _check_there(header.rows * header.columns, size * MAX_INFLATE_RATIO)
            return replace(header, turn=turn, begins_at=begin)
        if marker in _JPEG_OTHER_FRAMES:
            raise Unsupported("This kind of JPEG picture is not read.", remedy=_SAVE_AGAIN)
        if marker in (0xD9, 0xDA):  # the end, or samples without a frame
            break
        if marker == 0xE1 and file.read(6) == b"Exif\0\0":
            turn = _exif_turn(file, begin + 8)
        file.seek(begin + max(length, 2))
    raise _broken("JPEG")


def _marker(file: IO[bytes]) -> int:
    if file.read(1) != b"\xff":
        raise _broken("JPEG")
    (marker,) = struct.unpack("B", file.read(1))
    if marker == 0xFF:  # fill bytes may come before a marker
        file.seek(-1, 1)
    return int(marker)


def _jpeg_frame(file: IO[bytes]) -> PhotoHeader:
    bits, rows, columns, n_samples = struct.unpack(">BHHB", file.read(6))
    if bits != 8 or n_samples not in (1, 3):
        raise Unsupported(
            f"JPEG pictures with {n_samples} samples of {bits} bits are not read.",
            remedy=_SAVE_AGAIN,
        )
    return _checked(PhotoHeader(rows, columns, n_samples == 3, np.dtype(np.uint8)), "JPEG")


def _exif_turn(file: IO[bytes], base: int) -> int:
    try:
        (directory,) = tags.directories(file, base, 1)
    except (Damaged, Unsupported):
        return 1  # a broken remark about the picture leaves the picture as it is
    return directory.get(tags.ORIENTATION, (1,))[0]


def _tiff(file: IO[bytes], size: int) -> PhotoHeader:
    pages = tags.directories(file, 0, MAX_FRAMES)
    first = _tiff_page(pages[0], size)
    try:
        are_alike = all(_tiff_page(page, size) == first for page in pages[1:])
    except (Damaged, Unsupported):
        are_alike = False
    if are_alike:
        return replace(first, n_pages=len(pages))
    return replace(first, n_left_out=len(pages) - 1)


def _tiff_page(page: tags.Directory, size: int) -> PhotoHeader:
    columns, rows = _one(page, tags.WIDTH, 0), _one(page, tags.LENGTH, 0)
    n_samples = _one(page, tags.SAMPLES, 1)
    photometric = _one(page, tags.PHOTOMETRIC, -1)
    is_colour = photometric in (_RGB, _YCBCR)
    dtype = _tiff_dtype(page, is_colour=is_colour)
    is_jpeg = _one(page, tags.COMPRESSION, _TIFF_NONE) == _TIFF_JPEG
    known = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, *((_YCBCR,) if is_jpeg else ()))
    if photometric not in known or n_samples not in ((3, 4) if is_colour else (1, 2)):
        raise Unsupported("TIFF pictures with these colours are not read.", remedy=_SAVE_AGAIN)
    header = PhotoHeader(
        rows,
        columns,
        is_colour,
        dtype,
        n_samples in (2, 4),
        photometric == _WHITE_IS_ZERO,
        turn=_one(page, tags.ORIENTATION, 1),
    )
    _checked(header, "TIFF")
    _check_parts(page, header, n_samples, size)
    return header


def _tiff_dtype(page: tags.Directory, *, is_colour: bool) -> np.dtype[np.generic]:
    bits = set(page.get(tags.BITS, (1,)))
    formats = set(page.get(tags.FORMAT, (1,)))
    n_bits = bits.pop() if len(bits) == 1 else 0
    kind = _TIFF_KINDS.get(formats.pop(), "") if len(formats) == 1 else ""
    if n_bits == 1 and kind == "u" and not is_colour:
        return np.dtype(np.uint8)
    name = f"{kind}{n_bits // 8}"
    if n_bits % 8 or name not in (_COLOUR_TYPES if is_colour else _GREY_TYPES):
        raise Unsupported("TIFF samples of this type are not read.", remedy=_SAVE_AGAIN)
    return np.dtype(name)


def _check_parts(page: tags.Directory, header: PhotoHeader, n_samples: int, size: int) -> None:
    """Compare where strips or tiles lie, and how much they must hold, with the file's length."""
    is_tiled = tags.TILE_OFFSETS in page
    offsets = page.get(tags.TILE_OFFSETS if is_tiled else tags.STRIP_OFFSETS, ())
    counts = page.get(tags.TILE_COUNTS if is_tiled else tags.STRIP_COUNTS, ())
    if not offsets or len(offsets) != len(counts):
        raise _broken("TIFF")
    ends = [offset + count for offset, count in zip(offsets, counts, strict=True)]
    if max(ends) > size:
        there = sum(end <= size for end in ends)
        raise _cut_off(there / len(ends))
    sample_bytes = header.dtype.itemsize * n_samples
    across, down = _one(page, tags.TILE_WIDTH, 0), _one(page, tags.TILE_LENGTH, 0)
    is_sound = 0 < across <= header.columns + _TILE_RIM and 0 < down <= header.rows + _TILE_RIM
    if is_tiled and not is_sound:
        raise _broken("TIFF")
    is_bilevel = page.get(tags.BITS, (1,))[0] == 1
    needed = header.rows * header.columns * sample_bytes // (8 if is_bilevel else 1)
    compression = _one(page, tags.COMPRESSION, _TIFF_NONE)
    ratio = _TIFF_RATIOS.get(compression, _TIFF_RATIO)
    _check_there(needed, sum(counts) * (header.columns if compression in _TIFF_FAX else ratio))


def _one(page: tags.Directory, tag: int, default: int) -> int:
    return (page.get(tag) or (default,))[0]


def _check_there(needed: int, there: int) -> None:
    if there < needed:
        raise _cut_off(there / needed)


def _cut_off(part: float) -> Damaged:
    return Damaged(
        f"The file is cut off after {int(100 * part)} % of its pixels.", remedy=_COPY_AGAIN
    )


def _broken(name: str) -> Damaged:
    return Damaged(f"The {name} picture's header is broken.", remedy=_COPY_AGAIN)
