"""Text of a header in the character set that the file names (PS3.3 C.12.1.1.2, PS3.5 6.1)."""

import re
from functools import lru_cache

_SINGLE_BYTE = {
    "": "latin-1",  # the default repertoire is ASCII; files without a name hold Latin-1 at times
    "IR 6": "latin-1",
    "IR 100": "latin-1",
    "IR 101": "iso8859-2",
    "IR 109": "iso8859-3",
    "IR 110": "iso8859-4",
    "IR 126": "iso8859-7",
    "IR 127": "iso8859-6",
    "IR 138": "iso8859-8",
    "IR 144": "iso8859-5",
    "IR 148": "iso8859-9",
    "IR 166": "tis-620",
    "IR 13": "shift_jis",
    "IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
_ESCAPES = {
    b"\x1b(B": "ascii",
    b"\x1b-A": "latin-1",
    b"\x1b-B": "iso8859-2",
    b"\x1b-C": "iso8859-3",
    b"\x1b-D": "iso8859-4",
    b"\x1b-F": "iso8859-7",
    b"\x1b-G": "iso8859-6",
    b"\x1b-H": "iso8859-8",
    b"\x1b-L": "iso8859-5",
    b"\x1b-M": "iso8859-9",
    b"\x1b-T": "tis-620",
    b"\x1b(J": "shift_jis",
    b"\x1b)I": "shift_jis",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
}
_JAPANESE = (b"\x1b$B", b"\x1b$@", b"\x1b$(D")
_FRAGMENTS = re.compile(rb"\x1b[^\x1b]*|[^\x1b]+")
_RESET = re.compile(rb"(?=[\^=\\])")
_PADDING = " \0\r\n\t"
# Breaks become spaces. What steers a terminal or turns the order of reading round is not text.
_CONTROLS = (range(0x20), range(0x7F, 0xA0), range(0x202A, 0x202F), range(0x2066, 0x206A))
_NO_TEXT = dict.fromkeys((code for codes in _CONTROLS for code in codes), "\ufffd")
_NO_TEXT |= dict.fromkeys((*b"\t\n\f\r", 0x2028, 0x2029), " ")


# The files of a series share nearly all of their text.
@lru_cache(maxsize=8192)
def decoded(raw: bytes, charset: str) -> str:
    """Return ``raw`` as text without its padding; what cannot be read or is no text: U+FFFD."""
    first = charset.split("\\", 1)[0].strip()
    for prefix in ("ISO_IR", "ISO 2022", "ISO-IR", "ISO2022"):
        if first.startswith(prefix):
            first = "IR " + first.removeprefix(prefix).removeprefix(" IR").strip(" _")
    codec = _SINGLE_BYTE.get(first, "latin-1")
    if b"\x1b" not in raw:
        return plain(raw.decode(codec, "replace").strip(_PADDING))
    return plain(
        "".join(_fragment(part, codec) for part in _FRAGMENTS.findall(raw)).strip(_PADDING)
    )


def plain(text: str) -> str:
    """Return text on one line without control characters, which hostile files hold."""
    return text if text.isprintable() else text.translate(_NO_TEXT)


def _fragment(part: bytes, first: str) -> str:
    """Return one stretch between escape sequences; a delimiter goes back to the first set."""
    if not part.startswith(b"\x1b"):
        return part.decode(first, "replace")
    if part.startswith(_JAPANESE):
        return part.decode("iso2022_jp_2", "replace")
    length = 4 if part.startswith(b"\x1b$") else 3
    codec = _ESCAPES.get(part[:length], first)
    if codec in ("euc_kr", "gb2312"):
        return part[length:].decode(codec, "replace")
    head, *rest = _RESET.split(part[length:], maxsplit=1)
    return head.decode(codec, "replace") + b"".join(rest).decode(first, "replace")
