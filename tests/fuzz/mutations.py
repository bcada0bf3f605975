"""Ways to spoil a file, each a function of its bytes and of chance; none of them uses the intake."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from struct import pack, unpack_from

Mutation = Callable[[bytes, Random], bytes]

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"}
_SYNTAXES = (
    b"1.2.840.10008.1.2",
    b"1.2.840.10008.1.2.1",
    b"1.2.840.10008.1.2.2",
    b"1.2.840.10008.1.2.5",
    b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.4.50",
    b"1.2.840.10008.1.2.4.51",
    b"1.2.840.10008.1.2.4.70",
    b"1.2.840.10008.1.2.4.80",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.4.110",
    b"1.2.840.10008.1.2.8.1",
    b"9.9.9",
    b"",
)
HOSTILE_TEXTS = (
    b"<img src=x onerror=alert(1)><b>bold</b>",
    b"../../../../etc/passwd",
    b"C:\\CON\\..\\x",
    b"\x1b[2J\x1b]0;title\x07\x1b[31m",
    b"\x9b31m\x90q\x9c",
    b'=HYPERLINK("http://x")',
    b"@SUM(1)",
    b"%s%n{0}{x.__class__}",
    b"\0\0\0",
    b"\xff\xfe\xfa",
    b"\xe2\x80\xae\xe2\x81\xa6",
    b"nan\\inf\\-inf",
    b"1e400\\-0",
    b"999999999999999999999999999",
    b"",
    b"a" * 70000,
    b"\\" * 3000,
)
# Sizes, counts and types that decide how much is allocated and how it is read.
_DECISIVE = (
    0x00280002,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280101,
    0x00280102,
    0x00280103,
    0x00280006,
)
_NUMBERS = (0, 1, 2, 3, 7, 12, 32, 64, 255, 32767, 32768, 65535)


@dataclass(frozen=True)
class Place:
    """One element at the top of a data set: where its length and its value are."""

    tag: int
    start: int
    length_at: int
    length_bytes: int
    value_at: int
    length: int


def places(content: bytes) -> list[Place]:
    """Return the elements of an explicit little-endian file with a preamble, as far as they go."""
    found: list[Place] = []
    position = 132 if content[128:132] == b"DICM" else 0
    while position + 12 <= len(content):
        group, element = unpack_from("<HH", content, position)
        vr = content[position + 4 : position + 6]
        if not (vr.isalpha() and vr.isupper()):
            break
        wide = vr in _LONG
        at, size = (position + 8, 4) if wide else (position + 6, 2)
        length = int.from_bytes(content[at : at + size], "little")
        found.append(Place(group << 16 | element, position, at, size, at + size, length))
        if length == 0xFFFFFFFF:
            end = content.find(b"\xfe\xff\xdd\xe0\0\0\0\0", position)
            if end < 0:
                break
            position = end + 8
        else:
            position = at + size + length
    return found


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Return one explicit little-endian element."""
    head = pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in _LONG:
        return head + b"\0\0" + pack("<I", len(value)) + value
    return head + pack("<H", min(len(value), 65535)) + value


def cut(content: bytes, chance: Random) -> bytes:
    """Keep the beginning."""
    return content[: chance.randrange(1, len(content))]


def cut_in_header(content: bytes, chance: Random) -> bytes:
    """Keep a small beginning."""
    return content[: chance.randrange(1, min(len(content), 4000))]


def hole(content: bytes, chance: Random) -> bytes:
    """Lose a few bytes from the middle."""
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.randrange(1, 64) :]


def flipped(content: bytes, chance: Random) -> bytes:
    """Turn single bits round, most of them in the header."""
    spoilt = bytearray(content)
    reach = chance.choice((400, 3000, len(spoilt)))
    for _ in range(chance.randrange(1, 20)):
        at = chance.randrange(min(reach, len(spoilt)))
        spoilt[at] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def overwritten(content: bytes, chance: Random) -> bytes:
    """Write awkward bytes over single ones."""
    spoilt = bytearray(content)
    reach = min(len(spoilt), chance.choice((400, 3000, 100_000)))
    for _ in range(chance.randrange(1, 16)):
        spoilt[chance.randrange(reach)] = chance.choice((0, 1, 127, 128, 255, 254, 92, 27))
    return bytes(spoilt)


def words_overwritten(content: bytes, chance: Random) -> bytes:
    """Write awkward numbers of 16, 32 or 64 bits somewhere into the first kilobytes."""
    spoilt = bytearray(content)
    for _ in range(chance.randrange(1, 5)):
        size = chance.choice((2, 4, 8))
        number = chance.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63))
        at = chance.randrange(max(min(len(spoilt), 1500) - size, 1))
        spoilt[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
    return bytes(spoilt)


def other_syntax(content: bytes, chance: Random) -> bytes:
    """Name another transfer syntax than the one that was used."""
    for place in places(content):
        if place.tag == 0x00020010:
            named = chance.choice(_SYNTAXES)
            named += b"\0" * (len(named) % 2)
            tail = content[place.value_at + place.length :]
            return content[: place.start] + element(0x00020010, b"UI", named) + tail
    return content


def without(content: bytes, chance: Random) -> bytes:
    """Leave elements out."""
    for _ in range(chance.randrange(1, 4)):
        found = [p for p in places(content) if p.length != 0xFFFFFFFF]
        if not found:
            return content
        one = chance.choice(found)
        content = content[: one.start] + content[one.value_at + one.length :]
    return content


def doubled(content: bytes, chance: Random) -> bytes:
    """Say an element twice."""
    found = [p for p in places(content) if p.length < 5000]
    if not found:
        return content
    one = chance.choice(found)
    again = content[one.start : one.value_at + one.length]
    return content[: one.start] + again + content[one.start :]


def wrong_length(content: bytes, chance: Random) -> bytes:
    """State a length that is not the value's."""
    found = places(content)
    if not found:
        return content
    one = chance.choice(found)
    top = (1 << 8 * one.length_bytes) - 1
    length = chance.choice((0, 1, one.length + 1, one.length + 2, top, top - 1, top // 2, 8))
    raw = (length % (top + 1)).to_bytes(one.length_bytes, "little")
    return content[: one.length_at] + raw + content[one.length_at + one.length_bytes :]


def absurd_sizes(content: bytes, chance: Random) -> bytes:
    """Give rows, columns, samples, bits and frames values that need terabytes, or contradict."""
    spoilt = bytearray(content)
    for place in places(content):
        if place.tag not in _DECISIVE or chance.random() < 0.4:
            continue
        if place.tag == 0x00280008:
            text = chance.choice((b"99999999999", b"100000", b"65535", b"0", b"-1", b"2\\3", b"1A"))
            raw = text[: place.length].ljust(place.length)
        else:
            raw = pack("<H", chance.choice(_NUMBERS))[: place.length]
        spoilt[place.value_at : place.value_at + len(raw)] = raw
    return bytes(spoilt)


def other_frame_count(content: bytes, chance: Random) -> bytes:
    """State another number of frames, also where there was none."""
    text = chance.choice((b"2 ", b"17", b"0 ", b"-3", b"1.5 ", b"65536 ", b"99999999", b"x ", b""))
    return with_value(content, 0x00280008, b"IS", text)


def hostile_text(content: bytes, chance: Random) -> bytes:
    """Put hostile text into elements of any kind."""
    for _ in range(chance.randrange(1, 4)):
        found = [p for p in places(content) if p.tag >= 0x00080000 and p.length < 70000]
        if not found:
            return content
        one = chance.choice(found)
        vr = content[one.start + 4 : one.start + 6]
        content = with_value(content, one.tag, vr, chance.choice(HOSTILE_TEXTS)[:65534])
    return content


def with_value(content: bytes, tag: int, vr: bytes, value: bytes) -> bytes:
    """Return the file with this value, where it stood or where it belongs."""
    for place in places(content):
        if place.tag == tag and place.length != 0xFFFFFFFF:
            tail = content[place.value_at + place.length :]
            return content[: place.start] + element(tag, vr, value) + tail
        if place.tag > tag:
            return content[: place.start] + element(tag, vr, value) + content[place.start :]
    return content


def nested(content: bytes, chance: Random) -> bytes:
    """Put sequences into sequences, of known or unknown length, closed or not."""
    depth = chance.choice((3, 63, 64, 65, 500, 20_000))
    undefined = pack("<I", 0xFFFFFFFF)
    head = b"\x08\0\x15\x11SQ\0\0" + undefined + b"\xfe\xff\x00\xe0" + undefined
    tail = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    closed = depth if chance.random() < 0.7 else chance.randrange(depth)
    tree = head * depth + tail * closed
    if chance.random() < 0.3:
        tree = element(0x00081115, b"SQ", tree[12:])
    found = places(content)
    at = next((p.start for p in found if p.tag >= 0x00081115), len(content))
    return content[:at] + tree + content[at:]


def halves_of_two(content: bytes, chance: Random) -> bytes:
    """Begin as the file and go on with itself from elsewhere."""
    first = chance.randrange(len(content))
    return content[:first] + content[chance.randrange(len(content)) :]


MUTATIONS: tuple[Mutation, ...] = (
    cut,
    cut_in_header,
    hole,
    flipped,
    overwritten,
    words_overwritten,
    other_syntax,
    without,
    doubled,
    wrong_length,
    absurd_sizes,
    other_frame_count,
    hostile_text,
    nested,
    halves_of_two,
)
