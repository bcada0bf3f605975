"""Tell what a file is by its content, never by its name."""

import re
import struct
import zlib
from collections.abc import Callable
from enum import Enum, auto
from typing import Literal

_NIFTI_1, _NIFTI_2 = 348, 540
_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
_TEXT_SAMPLE = 512

_META_FIRST = re.compile(rb"\s*[A-Z][A-Za-z]+[ \t]*=[ \t]*[^\s=]")
_META_SIZES = re.compile(rb"^[ \t]*NDims[ \t]*=[ \t]*\d", re.MULTILINE)

# Version, width, height, depth, frames, type, degrees of freedom, whether the place is given.
MGH_HEADER = struct.Struct(">7ih")

_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")

_OTHERS = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF\x01", "a MINC or NetCDF file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)


class Kind(Enum):
    """What the content of a file is."""

    EMPTY = auto()
    MAYBE_DICOM = auto()
    ZIP = auto()
    NIFTI = auto()
    NIFTI_GZIPPED = auto()
    NRRD = auto()
    METAIMAGE = auto()
    ANALYZE = auto()
    MGH = auto()
    MGH_GZIPPED = auto()
    PNG = auto()
    JPEG = auto()
    TIFF = auto()
    DICOM_GZIPPED = auto()
    OTHER = auto()


def kind_of(head: bytes, size: int) -> Kind:
    """Return the kind of a file by its first bytes; DICOM is settled by reading its header."""
    if size == 0:
        return Kind.EMPTY
    if head[128:132] == b"DICM":
        return Kind.MAYBE_DICOM
    if head[:2] == b"\x1f\x8b":
        return _gzipped_kind(_gunzipped(head))
    return next((kind for kind, is_it in _TESTS if is_it(head)), Kind.MAYBE_DICOM)


def _gzipped_kind(inside: bytes) -> Kind:
    if inside[128:132] == b"DICM":
        return Kind.DICOM_GZIPPED
    if _is_mgh(inside):
        return Kind.MGH_GZIPPED
    return Kind.NIFTI_GZIPPED if is_nifti(inside) else Kind.OTHER


def is_nifti(head: bytes) -> bool:
    """Whether a file begins as NIfTI-1 or NIfTI-2 does, in either byte order."""
    sizes = (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
    if _NIFTI_1 in sizes:
        return head[344:348] in (b"n+1\0", b"ni1\0")
    return _NIFTI_2 in sizes and head[4:8] in (b"n+2\0", b"ni2\0")


def _is_zip(head: bytes) -> bool:
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _begins_with(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _is_nrrd(head: bytes) -> bool:
    return head[:4] == b"NRRD" and head[4:8].isdigit()


def _is_metaimage(head: bytes) -> bool:
    """Whether text lines of MetaIO come first, with the two that every image has."""
    return bool(_META_FIRST.match(head) and _META_SIZES.search(head))


def _is_analyze(head: bytes) -> bool:
    """Whether the header's own length comes first, and 1 to 7 axes in the same byte order.

    NIfTI begins alike: it is asked for before.
    """
    for order in _ORDERS:
        if int.from_bytes(head[:4], order) == _NIFTI_1:
            return 1 <= int.from_bytes(head[40:42], order) <= 7
    return False


def _is_mgh(head: bytes) -> bool:
    """Whether version 1 comes first, and sizes, type and flag after it that FreeSurfer writes."""
    if len(head) < MGH_HEADER.size:
        return False
    version, *sizes, kind, _, is_placed = MGH_HEADER.unpack_from(head)
    return version == 1 and min(sizes) > 0 and 0 <= kind <= 12 and is_placed in (0, 1)


_TESTS: tuple[tuple[Kind, Callable[[bytes], bool]], ...] = (
    (Kind.ZIP, _is_zip),
    (Kind.NIFTI, is_nifti),
    (Kind.NRRD, _is_nrrd),
    (Kind.METAIMAGE, _is_metaimage),
    (Kind.ANALYZE, _is_analyze),
    (Kind.MGH, _is_mgh),
    (Kind.PNG, _begins_with(b"\x89PNG\r\n\x1a\n")),
    (Kind.JPEG, _begins_with(b"\xff\xd8\xff")),
    (Kind.TIFF, _begins_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)


def _gunzipped(head: bytes) -> bytes:
    """Return up to 1 KiB of what a gzip file begins with."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 1024)
    except zlib.error:
        return b""


def description(head: bytes) -> str:
    """Return what a file that is no medical image seems to be."""
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    if head[:2] == b"\x1f\x8b":
        return "a gzip file"
    sample = head[:_TEXT_SAMPLE]
    if not set(sample) & _CONTROL:
        try:
            sample.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            if error.start < len(sample) - 4:
                return "not a format that is known here"
        return "a text file"
    return "not a format that is known here"
