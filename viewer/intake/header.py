"""The header of one DICOM file: found with or without preamble, and typed access to its values."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct, unpack_from

from viewer.errors import Damaged
from viewer.intake import tags
from viewer.intake.charset import decoded
from viewer.intake.elements import (
    KNOWN_VRS,
    BrokenElements,
    Encoding,
    NeedMore,
    Stop,
    items,
    walk,
)
from viewer.intake.limits import MAX_HEADER_BYTES, MAX_INFLATE_RATIO, MAX_INFLATED_BYTES

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG, ""))

_COPY_AGAIN = "Copy the file again from its source."
_PREAMBLE_BYTES = 128
_FIRST_GROUPS = (0x0002, 0x0004, 0x0008)
_LIKELY_FIRST_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Elements:
    """Raw values by tag, and how to read them. Missing or unusable values come back empty."""

    values: dict[int, bytes] = field(repr=False)
    encoding: Encoding
    charset: str = ""

    def __contains__(self, tag: object) -> bool:
        """Whether the element is there, even if empty."""
        return tag in self.values

    def text(self, tag: int) -> str:
        """Return the text of an element, without padding."""
        raw = self.values.get(tag)
        return decoded(raw, self.charset) if raw else ""

    def texts(self, tag: int) -> tuple[str, ...]:
        """Return the parts of a multi-valued text."""
        raw = self.values.get(tag)
        return _parts(raw, self.charset) if raw else ()

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Return decimal or integer strings as finite numbers; () if any of them is none."""
        raw = self.values.get(tag)
        return _numbers(raw) if raw else ()

    def number(self, tag: int) -> float | None:
        """Return the first decimal string as a number."""
        found = self.numbers(tag)
        return found[0] if found else None

    def whole(self, tag: int) -> int | None:
        """Return the first integer string."""
        found = self.number(tag)
        return int(found) if found is not None else None

    def binary(self, tag: int, kind: str) -> tuple[float, ...]:
        """Return binary numbers; ``kind`` is a struct letter: H (US), h (SS), L (UL), f, d."""
        raw = self.values.get(tag, b"")
        size = Struct("<" + kind).size
        count = len(raw) // size
        return unpack_from(f"{self.encoding.order}{count}{kind}", raw)

    def short(self, tag: int) -> int | None:
        """Return an unsigned 16-bit number; None if it is absent or there are several."""
        found = self.binary(tag, "H")
        return int(found[0]) if len(found) == 1 else None

    def items(self, tag: int) -> "tuple[Elements, ...]":
        """Return the items of a sequence; () if it is absent or broken."""
        raw = self.values.get(tag)
        if not raw:
            return ()
        try:
            found = items(raw, self.encoding)
        except BrokenElements:
            return ()
        return tuple(Elements(values, self.encoding, self.charset) for values in found)

    def first(self, tag: int) -> "Elements":
        """Return the first item of a sequence, or nothing at all."""
        found = self.items(tag)
        return found[0] if found else Elements({}, self.encoding, self.charset)


@lru_cache(maxsize=8192)
def _numbers(raw: bytes) -> tuple[float, ...]:
    try:
        found = tuple(map(float, raw.strip(b" \0").split(b"\\")))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()


@lru_cache(maxsize=1024)
def _parts(raw: bytes, charset: str) -> tuple[str, ...]:
    text = decoded(raw, charset)
    return tuple(part.strip() for part in text.split("\\")) if text else ()


@dataclass(frozen=True, slots=True)
class Header(Elements):
    """What the intake knows of a DICOM file; ``pixel.offset`` is in the file, or inflated in it."""

    syntax: str = ""
    media_class: str = ""
    pixel: Stop | None = None
    size: int = 0
    deflated_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the data set begins, and what the file meta information said."""

    position: int
    encoding: Encoding
    syntax: str
    media_class: str


def read_header(head: bytes, size: int, more: Callable[[int], bytes]) -> Header | None:
    """Return the header of a file, or None if it is not DICOM at all.

    Parameters
    ----------
    head
        The first bytes of the file.
    size
        The length of the file.
    more
        Returns the first n bytes of the file; called when the header is longer than ``head``.

    Raises
    ------
    Damaged
        It is DICOM, but cut off or broken within its header.
    """
    base = _first_element(head, size)
    if base is None:
        return None
    while True:
        try:
            return _parsed(head, size, base)
        except NeedMore as need:
            # An inflated data set may want more while the file is at hand in full.
            if need.n_bytes > size or len(head) >= size:
                raise Damaged(
                    "The file is cut off within its header.", remedy=_COPY_AGAIN
                ) from need
            if need.n_bytes > MAX_HEADER_BYTES:
                raise Damaged(
                    "The header is longer than 64 MiB, which is not plausible.",
                    remedy=_COPY_AGAIN,
                ) from need
            head = more(min(size, max(need.n_bytes + 4096, 4 * len(head))))
            if len(head) < need.n_bytes:
                raise Damaged("The file ends too early.", remedy=_COPY_AGAIN) from need
        except BrokenElements as error:
            raise Damaged(f"The header is broken: {error}.", remedy=_COPY_AGAIN) from error


def _first_element(head: bytes, size: int) -> int | None:
    """Return where the first element is: after the preamble, or at the very start."""
    first = _PREAMBLE_BYTES + 4
    marked = head[_PREAMBLE_BYTES:first] == b"DICM"
    if marked and head[first : first + 2] == b"\x02\x00":
        return first
    if head[:4] == b"DICM":
        return 4
    if len(head) < 16:
        return None
    # Without a preamble, "DICM" may stand at that place by chance, within some text.
    bare = _bare_start(head, size)
    return first if marked and bare is None else bare


def _bare_start(head: bytes, size: int) -> int | None:
    for order in "<>":
        group, element, vr, _ = unpack_from(order + "HH2sH", head, 0)
        (length,) = unpack_from(order + "I", head, 4)
        implicit = length <= min(size, _LIKELY_FIRST_LENGTH) and not length % 2
        if group in _FIRST_GROUPS and element <= 0x1030 and (vr in KNOWN_VRS or implicit):
            return 0
    return None


def _parsed(head: bytes, size: int, base: int) -> Header:
    start = _after_meta(head, base, size)
    if start.syntax == DEFLATED:
        return _parsed_deflated(head, size, start)
    values, position, pixel = walk(head, start.position, start.encoding, tags.WANTED)
    if pixel is None and len(head) < size:
        raise NeedMore(min(size, max(position + 8, len(head) + 1)))
    if pixel is None and size - position >= 8:
        raise NeedMore(size + 1)
    return _header(values, start, pixel, size)


def _header(
    values: dict[int, bytes],
    start: _Start,
    pixel: Stop | None,
    size: int,
    deflated_at: int | None = None,
) -> Header:
    charset = values.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace").strip(" \0")
    return Header(
        values,
        start.encoding,
        charset,
        start.syntax,
        start.media_class,
        pixel,
        size,
        deflated_at,
    )


def _after_meta(head: bytes, base: int, size: int) -> _Start:
    """Walk over group 2, which is explicit little endian, but for some broken files."""
    position = base
    meta: dict[int, bytes] = {}
    if head[base : base + 8] == b"\x02\0\0\0UL\4\0":
        end = base + 12 + int.from_bytes(head[base + 8 : base + 12], "little")
        quick = _quick_meta(head[base:end])
        # The length of the group is wrong in some files: then walk.
        if quick is not None and head[end : end + 2] == b"\x08\0":
            encoding = _encoding(head, end)
            if encoding.explicit == (quick[0] != IMPLICIT_LITTLE):
                return _Start(end, encoding, *quick)
    while head[position : position + 2] == b"\x02\x00":
        start, length = _meta_value(head, position)
        if start + length > len(head):
            raise NeedMore(start + length)
        element = int.from_bytes(head[position + 2 : position + 4], "little")
        meta[0x00020000 | element] = head[start : start + length]
        position = start + length
    syntax = meta.get(tags.TRANSFER_SYNTAX_UID, b"").strip(b"\0 ").decode("ascii", "replace")
    media = meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, b"").strip(b"\0 ").decode("ascii", "replace")
    if syntax == DEFLATED:
        return _Start(position, Encoding(True), syntax, media)
    if position + 8 > len(head):
        if position + 8 <= size:
            raise NeedMore(position + 8)
        raise Damaged("The file ends right after its file meta information.", remedy=_COPY_AGAIN)
    return _Start(position, _encoding(head, position), syntax, media)


def _uid_after(meta: bytes, mark: bytes) -> str:
    at = meta.find(mark)
    length = int.from_bytes(meta[at + 6 : at + 8], "little") if at >= 0 else 0
    return meta[at + 8 : at + 8 + length].strip(b"\0 ").decode("ascii", "replace")


def _quick_meta(meta: bytes) -> tuple[str, str] | None:
    """Return syntax and class of a well-formed group 2, None if the syntax is not plain."""
    syntax = _uid_after(meta, b"\x02\0\x10\0UI")
    if not syntax or syntax == DEFLATED:
        return None
    return syntax, _uid_after(meta, b"\x02\0\2\0UI")


def _meta_value(head: bytes, position: int) -> tuple[int, int]:
    """Return where the value of a meta element starts, and its length."""
    vr = head[position + 4 : position + 6]
    if vr in (b"OB", b"UN", b"OW"):
        return position + 12, int.from_bytes(head[position + 8 : position + 12], "little")
    if vr in KNOWN_VRS:
        return position + 8, int.from_bytes(head[position + 6 : position + 8], "little")
    return position + 8, int.from_bytes(head[position + 4 : position + 8], "little")


def _encoding(head: bytes, position: int) -> Encoding:
    """Tell the encoding by the first element: what the file says of itself may be wrong."""
    group_little = int.from_bytes(head[position : position + 2], "little")
    group_big = int.from_bytes(head[position : position + 2], "big")
    order = ">" if group_big < group_little else "<"
    return Encoding(head[position + 4 : position + 6] in KNOWN_VRS, order)


def _parsed_deflated(head: bytes, size: int, start: _Start) -> Header:
    if len(head) < size:
        raise NeedMore(size)
    content = inflated(head[start.position :])
    values, _, pixel = walk(content, 0, _encoding(content, 0), tags.WANTED)
    begun = _Start(0, _encoding(content, 0), start.syntax, start.media_class)
    return _header(values, begun, pixel, len(content), start.position)


def inflated(data: bytes) -> bytes:
    """Return the raw-deflated ``data`` in full.

    Raises
    ------
    Damaged
        It is no deflated data, or it would grow beyond the limits.
    """
    limit = min(MAX_INFLATED_BYTES, len(data) * MAX_INFLATE_RATIO + 1024)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = engine.decompress(data, limit)
    except zlib.error as error:
        raise Damaged("The deflated data is broken.", remedy=_COPY_AGAIN) from error
    if engine.unconsumed_tail:
        raise Damaged("The deflated data grows beyond all measure.", remedy="Leave this file out.")
    if not engine.eof:
        raise Damaged("The deflated data is cut off.", remedy=_COPY_AGAIN)
    return content
