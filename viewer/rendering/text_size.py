"""How large a text will be, known before any toolkit draws it: so that texts never overlap.

Advance widths are those of Inter 4 with tabular figures, rounded up to classes of 20/1000 em; the
painter's own widths never exceed the estimate (a test of ``painting`` holds this).
"""

from functools import lru_cache
from unicodedata import combining, east_asian_width

from viewer.rendering.primitives import Point, Text

Box = tuple[float, float, float, float]  # left, top, right, bottom

# (1/1000 em regular, the same semi-bold, characters)
_CLASSES = (
    (230, 250, "'"),
    (250, 270, "ijl"),
    (270, 280, "I"),
    (290, 315, " !.,:;·"),
    (330, 360, "|"),
    (370, 400, "()/[\\]ft{}"),
    (410, 400, 'r"'),
    (475, 500, "²³-^_°"),
    (510, 550, "*?`–"),
    (530, 555, "s"),
    (550, 575, "Jkxz"),
    (570, 585, "Lacvyäç"),
    (590, 615, "Fenuüéèñ"),
    (630, 655, "EghopqößZbdµ"),
    (650, 700, "#$&0123456789PRSTXσ"),
    (670, 715, "+<=>BKY~×−±"),
    (690, 730, "AVΔ"),
    (730, 750, "CD"),
    (750, 765, "GHU"),
    (770, 785, "NOQ"),
    (830, 850, "%w…"),
    (870, 905, "m"),
    (890, 915, "M"),
    (960, 1010, "@W→"),
)
_WIDTHS = {c: (regular, bold) for regular, bold, chars in _CLASSES for c in chars}
_UNKNOWN = (800, 850)
_WIDE = (1050, 1050)

HEIGHT_EM = 1.21  # ascent 0.969 and descent 0.241
BOX_PADDING_PX = (5.0, 1.5)  # left and right, above and below a boxed text
_SHARE = {"l": 0.0, "c": 0.5, "r": 1.0, "t": 0.0, "m": 0.5, "b": 1.0}


@lru_cache(maxsize=4096)
def text_width(text: str, size_px: float, *, bold: bool = False) -> float:
    """Return an upper estimate of the width of ``text`` in pixels, without a box's padding."""
    total = 0
    for character in text:
        if combining(character):
            continue
        known = _WIDTHS.get(character)
        if known is None:
            known = _WIDE if east_asian_width(character) in "WF" else _UNKNOWN
        total += known[bold]
    return total * size_px / 1000


def text_size(text: Text) -> tuple[float, float]:
    """Return width and height in pixels, with the padding of a box if it has one."""
    width = text_width(text.text, text.size_px, bold=text.bold)
    height = HEIGHT_EM * text.size_px
    if text.box is None and text.box_outline is None:
        return width, height
    return width + 2 * BOX_PADDING_PX[0], height + 2 * BOX_PADDING_PX[1]


def placed(xy: Point, size: tuple[float, float], anchor: str) -> Box:
    """Return the box of ``size`` whose anchor point lies on ``xy``."""
    left = xy[0] - size[0] * _SHARE[anchor[1]]
    top = xy[1] - size[1] * _SHARE[anchor[0]]
    return left, top, left + size[0], top + size[1]


def text_box(text: Text) -> Box:
    """Return where ``text`` will be, in pixels of the plane."""
    return placed(text.xy, text_size(text), text.anchor)


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def fitted(text: str, width_px: float, size_px: float, *, bold: bool = False) -> str:
    """Return ``text``, cut with … so that it is at most ``width_px`` wide ("" if nothing fits)."""
    if text_width(text, size_px, bold=bold) <= width_px:
        return text
    for end in range(len(text) - 1, 0, -1):
        shorter = text[:end].rstrip() + "…"
        if text_width(shorter, size_px, bold=bold) <= width_px:
            return shorter
    return ""
