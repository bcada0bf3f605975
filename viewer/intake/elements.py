"""Walk over the elements of a DICOM data set (PS3.5 section 7) without decoding their values.

One loop serves explicit and implicit value representations in both byte orders. It takes about
30 us for a plain header (performance.md 2), where a general library takes ten times that.
"""

from collections.abc import Container
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from viewer.intake.limits import MAX_NESTING

UNDEFINED = 0xFFFFFFFF
_DELIMITERS = 0xFFFE
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
_FIRST_PIXEL, _LAST_PIXEL = 0x7FE00008, 0x7FE00010

_LONG = frozenset(
    v.encode()
    for v in ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
)
KNOWN_VRS = _LONG | frozenset(
    v.encode()
    for v in [
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "SL",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "US",
    ]
)
_LITTLE_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_LITTLE_OPEN_ITEM = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
_HEAD = {order: Struct(order + "HH2sH").unpack_from for order in "<>"}
_WIDE = {order: Struct(order + "I").unpack_from for order in "<>"}


def is_long(vr: bytes) -> bool:
    """Whether elements of this value representation state their length in 32 bits."""
    return vr in _LONG


class NeedMore(Exception):
    """The bytes at hand end before the element does; ``n_bytes`` would be needed."""

    def __init__(self, n_bytes: int) -> None:
        super().__init__(n_bytes)
        self.n_bytes = n_bytes


class BrokenElements(Exception):
    """The bytes do not follow the rules of a data set."""


class Encoding(NamedTuple):
    """How elements are written: with value representations or without, and the byte order."""

    explicit: bool
    order: str = "<"


@dataclass(frozen=True, slots=True)
class Stop:
    """The pixel element at which the walk ended; ``length`` None: undefined (encapsulated)."""

    tag: int
    vr: bytes
    offset: int
    length: int | None


class _Everything:
    """Contains every tag."""

    def __contains__(self, tag: object) -> bool:
        return True


EVERYTHING: Container[int] = _Everything()


def walk(  # noqa: C901 - one loop, kept whole for speed
    buffer: bytes,
    position: int,
    encoding: Encoding,
    keep: Container[int],
    *,
    depth: int = 0,
    starts: list[int] | None = None,
) -> tuple[dict[int, bytes], int, Stop | None]:
    """Return the kept values (raw), where the walk ended, and the pixel element if it met one.

    At ``depth`` 0 the walk stops at the pixel data; deeper it stops at the end of its item. Where
    each element begins is added to ``starts``, the pixel element included.

    Raises
    ------
    NeedMore
        The buffer ends within an element.
    BrokenElements
        A sequence does not follow the rules, or is nested too deep.
    """
    explicit, order = encoding
    head, wide = _HEAD[order], _WIDE[order]
    values: dict[int, bytes] = {}
    size = len(buffer)
    while position + 8 <= size:
        if starts is not None:
            starts.append(position)
        group, element, vr, length = head(buffer, position)
        start = position + 8
        if group == _DELIMITERS:
            if depth and element == _ITEM_END:
                return values, start, None
            position = start
            continue
        if not explicit or vr not in KNOWN_VRS:
            (length,) = wide(buffer, position + 4)
        elif vr in _LONG:
            if start + 4 > size:
                raise NeedMore(start + 4)
            (length,) = wide(buffer, start)
            start += 4
        tag = group << 16 | element
        if not depth and _FIRST_PIXEL <= tag <= _LAST_PIXEL:
            stop = Stop(tag, vr, start, None if length == UNDEFINED else length)
            return values, position, stop
        if length == UNDEFINED:
            inner = Encoding(explicit and vr != b"UN", order)
            end, position = _sequence_end(buffer, start, inner, depth + 1)
        else:
            end = position = start + length
        if position > size:
            raise NeedMore(position)
        if tag in keep:
            values[tag] = buffer[start:end]
    return values, position, None


def _sequence_end(buffer: bytes, position: int, encoding: Encoding, depth: int) -> tuple[int, int]:
    """Return where the items of an undefined-length sequence end, and where it goes on after."""
    if depth > MAX_NESTING:
        raise BrokenElements("sequences are nested too deep")
    quick = _flat_end(buffer, position) if encoding.order == "<" else -1
    if quick >= 0:
        return quick, quick + 8
    head, wide = _HEAD[encoding.order], _WIDE[encoding.order]
    while True:
        if position + 8 > len(buffer):
            raise NeedMore(position + 8)
        group, element, _, _ = head(buffer, position)
        (length,) = wide(buffer, position + 4)
        if group != _DELIMITERS or element not in (_ITEM, _SEQUENCE_END):
            raise BrokenElements("a sequence holds something that is no item")
        if element == _SEQUENCE_END:
            return position, position + 8
        position += 8
        if length == UNDEFINED:
            position = _item_end(buffer, position, encoding, depth)
        else:
            position += length


def _flat_end(buffer: bytes, position: int) -> int:
    """Return where a sequence ends that holds none of undefined length itself, else -1.

    Where all undefined lengths belong to items, the first delimiter is this sequence's own.
    """
    end = buffer.find(_LITTLE_SEQUENCE_END, position)
    if end < 0:
        return -1
    inside = buffer[position:end]
    undefined = inside.count(b"\xff\xff\xff\xff")
    return end if undefined == inside.count(_LITTLE_OPEN_ITEM) else -1


def _item_end(buffer: bytes, position: int, encoding: Encoding, depth: int) -> int:
    _, position, _ = walk(buffer, position, encoding, (), depth=depth)
    # The walk may have ended at the end of the buffer instead of at the delimiter.
    if buffer[position - 8 : position - 4] != _delimiter(encoding.order):
        raise NeedMore(position + 8)
    return position


def _delimiter(order: str) -> bytes:
    return Struct(order + "HH").pack(_DELIMITERS, _ITEM_END)


def items(value: bytes, encoding: Encoding) -> list[dict[int, bytes]]:
    """Return the items of a sequence's raw value, each with all its raw values.

    Raises
    ------
    BrokenElements
        The bytes are no sequence of items.
    """
    found: list[dict[int, bytes]] = []
    wide = _WIDE[encoding.order]
    head = _HEAD[encoding.order]
    position = 0
    try:
        while position + 8 <= len(value):
            group, element, _, _ = head(value, position)
            (length,) = wide(value, position + 4)
            if group != _DELIMITERS or element != _ITEM:
                break
            position += 8
            # A sequence that was copied as UN holds implicit elements (PS3.5 6.2.2).
            explicit = encoding.explicit and value[position + 4 : position + 6] in KNOWN_VRS
            inner = Encoding(explicit, encoding.order)
            if length == UNDEFINED:
                item, position, _ = walk(value, position, inner, EVERYTHING, depth=1)
            else:
                inside = value[position : position + length]
                item, _, _ = walk(inside, 0, inner, EVERYTHING, depth=1)
                position += length
            found.append(item)
    except NeedMore as error:
        raise BrokenElements("a sequence is cut off") from error
    return found
