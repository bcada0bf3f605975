"""Where the data set of a DICOM file begins, and what its file meta information says (PS3.10 7)."""

from dataclasses import dataclass
from functools import lru_cache
from struct import unpack_from

from viewer.errors import Damaged
from viewer.intake import tags
from viewer.intake.charset import plain
from viewer.intake.elements import KNOWN_VRS, Encoding, NeedMore

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
class Start:
    """Where the data set begins, and what the file meta information said."""

    position: int
    encoding: Encoding
    syntax: str
    media_class: str


def first_element(head: bytes, size: int) -> int | None:
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


def after_meta(head: bytes, base: int, size: int) -> Start:
    """Walk over group 2, which is explicit little endian, but for some broken files."""
    position = base
    meta: dict[int, bytes] = {}
    if head[base : base + 8] == b"\x02\0\0\0UL\4\0":
        end = base + 12 + int.from_bytes(head[base + 8 : base + 12], "little")
        quick = _quick_meta(head[base:end])
        # The length of the group is wrong in some files: then walk.
        if quick is not None and head[end : end + 2] == b"\x08\0":
            encoding = encoding_at(head, end)
            if encoding.explicit == (quick[0] != IMPLICIT_LITTLE):
                return Start(end, encoding, *quick)
    while head[position : position + 2] == b"\x02\x00":
        start, length = _meta_value(head, position)
        if start + length > len(head):
            raise NeedMore(start + length)
        element = int.from_bytes(head[position + 2 : position + 4], "little")
        meta[0x00020000 | element] = head[start : start + length]
        position = start + length
    syntax = _uid(meta.get(tags.TRANSFER_SYNTAX_UID, b""))
    media = _uid(meta.get(tags.MEDIA_STORAGE_SOP_CLASS_UID, b""))
    if syntax == DEFLATED:
        return Start(position, Encoding(True), syntax, media)
    if position + 8 > len(head):
        if position + 8 <= size:
            raise NeedMore(position + 8)
        raise Damaged("The file ends right after its file meta information.", remedy=_COPY_AGAIN)
    return Start(position, encoding_at(head, position), syntax, media)


@lru_cache(maxsize=256)
def _uid(raw: bytes) -> str:
    return plain(raw.strip(b"\0 ").decode("ascii", "replace"))


def _uid_after(meta: bytes, mark: bytes) -> str:
    at = meta.find(mark)
    length = int.from_bytes(meta[at + 6 : at + 8], "little") if at >= 0 else 0
    return _uid(meta[at + 8 : at + 8 + length])


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


def encoding_at(head: bytes, position: int) -> Encoding:
    """Tell the encoding by the first element: what the file says of itself may be wrong."""
    group_little = int.from_bytes(head[position : position + 2], "little")
    group_big = int.from_bytes(head[position : position + 2], "big")
    order = ">" if group_big < group_little else "<"
    return Encoding(head[position + 4 : position + 6] in KNOWN_VRS, order)
