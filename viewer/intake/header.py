"""The header of one DICOM file: found with or without preamble, and typed access to its values."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct, unpack_from

from viewer.errors import Damaged
from viewer.intake import tags
from viewer.intake.alike import walk_alike
from viewer.intake.charset import decoded
from viewer.intake.elements import (
    BrokenElements,
    Encoding,
    NeedMore,
    Stop,
    items,
    walk,
)
from viewer.intake.limits import MAX_HEADER_BYTES, MAX_INFLATE_RATIO, MAX_INFLATED_BYTES
from viewer.intake.meta import DEFLATED, Start, after_meta, encoding_at, first_element

_COPY_AGAIN = "Copy the file again from its source."


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
        return numbers_of(raw) if raw else ()

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
def numbers_of(raw: bytes) -> tuple[float, ...]:
    """Return decimal or integer strings as finite numbers; () if any of them is none."""
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
    base = first_element(head, size)
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


def _parsed(head: bytes, size: int, base: int) -> Header:
    start = after_meta(head, base, size)
    if start.syntax == DEFLATED:
        return _parsed_deflated(head, size, start)
    values, position, pixel = walk_alike(head, start.position, start.encoding)
    if pixel is None and len(head) < size:
        raise NeedMore(min(size, max(position + 8, len(head) + 1)))
    if pixel is None and size - position >= 8:
        raise NeedMore(size + 1)
    return _header(values, start, pixel, size)


def _header(
    values: dict[int, bytes],
    start: Start,
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


def _parsed_deflated(head: bytes, size: int, start: Start) -> Header:
    if len(head) < size:
        raise NeedMore(size)
    content = inflated(head[start.position :])
    values, _, pixel = walk(content, 0, encoding_at(content, 0), tags.WANTED)
    begun = Start(0, encoding_at(content, 0), start.syntax, start.media_class)
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
