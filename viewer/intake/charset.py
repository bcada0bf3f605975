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


# The files of a series share nearly all of their text.
@lru_cache(maxsize=8192)
def decoded(raw: bytes, charset: str) -> str:
    """Return ``raw`` as text without its padding; characters that cannot be read become U+FFFD."""
    first = charset.split("\\", 1)[0].strip()
    for prefix in ("ISO_IR", "ISO 2022", "ISO-IR", "ISO2022"):
        if first.startswith(prefix):
            first = "IR " + first.removeprefix(prefix).removeprefix(" IR").strip(" _")
    codec = _SINGLE_BYTE.get(first, "latin-1")
    if b"\x1b" not in raw:
        return raw.decode(codec, "replace").strip(_PADDING)
    return "".join(_fragment(part, codec) for part in _FRAGMENTS.findall(raw)).strip(_PADDING)


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
