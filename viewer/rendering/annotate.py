"""What is drawn over a slice: letters, cross-hair, ruler, marks and the corners' texts.

Everything is read off the painted plane, so a letter or a scale cannot disagree with the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from math import hypot
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.calibration import Calibration
from viewer.domain.geometry import Plane
from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.volume import ImageStack, Picture
from viewer.rendering import palettes
from viewer.rendering.corners import Corners, letters_of
from viewer.rendering.layout import LINE_PX, MARGIN_PX, Layout
from viewer.rendering.palettes import PLANE_COLOURS
from viewer.rendering.primitives import Anchor, Chip, Line, Point, Primitive, Rgb, Text
from viewer.rendering.text_size import Box, fitted, text_size, text_width

__all__ = ["PLANE_COLOURS", "Mark", "Tone", "crosshair", "marks", "orientation_letters", "ruler"]

TEXT_PX = 11.0
_LETTER_PX = 13.0
_MARK_PX = 10.0
_CROSS_GAP_PX = 14.0
_RULER_INSET_PX = 14.0
_PARALLEL = 1e-3
_STEPS_MM = tuple(m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5))
_OPPOSITE = str.maketrans("LRPAHF", "RLAPFH")

Tone = Literal["enhanced", "ai", "danger", "warning", "plain"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A standing remark on the picture, bottom left and in every capture ("LOSSY 12:1")."""

    text: str
    tone: Tone = "plain"


def _letters_of(plane: Plane, picture: Picture) -> dict[str, str]:
    edges = {"left": -plane.right, "right": plane.right, "top": -plane.down, "bottom": plane.down}
    if picture.is_volume:
        return {edge: letters_of(direction) for edge, direction in edges.items()}
    pair = picture.orientation if isinstance(picture, ImageStack) else None
    if pair is None:
        return {}
    found = {}
    for edge, direction in edges.items():
        axis = int(np.argmax(np.abs(direction)))
        if abs(direction[axis]) > 1 - _PARALLEL and axis < len(pair):
            text = pair[axis]
            found[edge] = text if direction[axis] > 0 else text.translate(_OPPOSITE)
    return found


def orientation_letters(
    plane: Plane, picture: Picture, *, right_inset_px: float = MARGIN_PX
) -> tuple[Text, ...]:
    """Return the letters at the four edges; none where the file gives no orientation.

    A stack has no anatomy of its own: it shows the file's patient orientation (0020,0020), turned
    with the picture, and nothing at angles between.
    """
    width, height = plane.size_px
    places: dict[str, tuple[Point, Anchor]] = {
        "left": ((MARGIN_PX, height / 2), "ml"),
        "right": ((width - 1 - right_inset_px, height / 2), "mr"),
        "top": (((width - 1) / 2, MARGIN_PX - 2), "tc"),
        "bottom": (((width - 1) / 2, height - 1 - MARGIN_PX + 2), "bc"),
    }
    return tuple(
        Text(places[edge][0], text, palettes.LETTERS, _LETTER_PX, places[edge][1], bold=True)
        for edge, text in _letters_of(plane, picture).items()
        if text
    )


def _clipped(start: Point, end: Point, size_px: tuple[int, int]) -> tuple[Point, Point] | None:
    """Return the part of a segment inside the pane (Liang and Barsky 1984), or None."""
    low, high = 0.0, 1.0
    for axis in range(2):
        delta = end[axis] - start[axis]
        to_low, to_high = -0.5 - start[axis], size_px[axis] - 0.5 - start[axis]
        if abs(delta) < 1e-12:
            if to_low > 0 or to_high < 0:
                return None
            continue
        first, last = sorted((to_low / delta, to_high / delta))
        low, high = max(low, first), min(high, last)
    if low >= high:
        return None
    return (
        (start[0] + low * (end[0] - start[0]), start[1] + low * (end[1] - start[1])),
        (start[0] + high * (end[0] - start[0]), start[1] + high * (end[1] - start[1])),
    )


def crosshair(
    plane: Plane, point_lps_mm: ArrayLike, others: Mapping[str, Plane]
) -> tuple[Line, ...]:
    """Return where the other planes cut this one at the shared point, each in its own colour.

    The lines leave a gap about the point, so that what is looked at is not covered. A plane that
    is parallel to this one cuts it nowhere.
    """
    x, y, _ = plane.pixel(point_lps_mm).tolist()
    reach = 2.0 * hypot(*plane.size_px) + hypot(x, y)
    lines = []
    for name, other in others.items():
        # The planes' common line, (normal x other normal), in pixels of this plane.
        dx, dy = float(-other.normal @ plane.down), float(other.normal @ plane.right)
        length = hypot(dx, dy)
        if length < _PARALLEL:
            continue
        dx, dy = dx / length, dy / length
        colour = PLANE_COLOURS.get(name, palettes.OTHER_PLANE)
        for sign in (-1.0, 1.0):
            near = (x + sign * dx * _CROSS_GAP_PX, y + sign * dy * _CROSS_GAP_PX)
            far = (x + sign * dx * reach, y + sign * dy * reach)
            part = _clipped(near, far, plane.size_px)
            if part is not None:
                lines.append(Line(part, colour, alpha=0.6))
    return tuple(lines)


def ruler_length(pixel_mm: float, room_px: float) -> float | None:
    """Return the length (mm) of the scale bar: 10 cm where it fits well, else of 1-2-5 steps."""
    fitting = [length for length in _STEPS_MM if length / pixel_mm <= room_px]
    if not fitting:
        return None
    if 100.0 in fitting and 100.0 / pixel_mm >= room_px / 3:
        return 100.0
    return fitting[-1]


def _length_text(length_mm: float) -> str:
    if length_mm >= 10:
        return f"{length_mm / 10:g} cm"
    return f"{length_mm:g} mm" if length_mm >= 1 else f"{length_mm * 1000:g} µm"


def ruler(
    plane: Plane,
    spacing: Spacing,
    room: tuple[float, float] | None = None,
    calibration: Calibration | None = None,
) -> tuple[Primitive, ...]:
    """Return the scale bar at the right edge with its length; nothing where mm are not known.

    ``room`` are the top and bottom (px) that it may use; the source of the spacing is named behind
    the length where it is not the patient's own.
    """
    width, height = plane.size_px
    top, bottom = room or (0.0, float(height))
    pixel_mm = plane.pixel_mm * (calibration.factor if calibration else 1.0)
    length = ruler_length(pixel_mm, min(0.42 * height, bottom - top))
    if not (spacing.is_known or calibration) or length is None:
        return ()
    source = SpacingSource.CALIBRATED if calibration else spacing.source
    half = length / pixel_mm / 2
    middle = min(max(height / 2, top + half), bottom - half)
    x = width - _RULER_INSET_PX
    tick = 4.0
    # Rounded once: two rounded ends would make it a pixel too long or too short.
    first = round(middle - half)
    last = first + round(2 * half)
    bar = Line(
        ((x - tick, first), (x, first), (x, last), (x - tick, last)),
        palettes.INK,
        halo=True,
    )
    label = f"{_length_text(length)} {source.value}".rstrip()
    place = (x - 8, height / 2 + 18)
    return bar, Text(place, label, palettes.INK, TEXT_PX - 1, "mr")


def marks(found: Sequence[Mark], layout: Layout, bottom_px: float) -> tuple[Text, ...]:
    """Return the marks as boxed texts, in rows that grow upwards from ``bottom_px``, lower left.

    A mark is never left out: it is a warning. A row steps aside for texts that are there already.
    """
    placed: list[Text] = []
    x, y = MARGIN_PX, bottom_px
    for mark in found:
        text = _mark_text(mark, (x, y), layout.width)
        width, height = text_size(text)
        for _ in range(2 * len(found) + 64):
            box: Box = (x, y - height, x + width, y)
            obstacle = layout.blocking(box)
            if box[2] > layout.width - MARGIN_PX:
                x, y = MARGIN_PX, y - height - 3
            elif obstacle is not None:
                x = obstacle[2] + 4
            else:
                break
        placed.extend(layout.add(_mark_text(mark, (x, y), layout.width)))
        x += width + 4
    return tuple(placed)


def _mark_text(mark: Mark, xy: Point, pane_width: float) -> Text:
    outlines: dict[str, Rgb] = {
        "ai": palettes.AI,
        "danger": palettes.DANGER,
        "warning": palettes.WARNING,
        "plain": palettes.DIM,
    }
    text = fitted(mark.text, pane_width - 4 * MARGIN_PX, _MARK_PX, bold=True)
    if mark.tone == "enhanced":
        return Text(xy, text, palettes.GROUND, _MARK_PX, "bl", bold=True, box=palettes.ACCENT)
    ink = outlines[mark.tone]
    return Text(xy, text, ink, _MARK_PX, "bl", bold=True, box=palettes.GROUND, box_outline=ink)


def _rows(left: str, right: str, room_px: float) -> tuple[str, str]:
    """Return both texts of a row so cut that they fit it; the left one has the first claim."""
    wanted = text_width(right, TEXT_PX)
    left = fitted(left, max(room_px - wanted, 0.68 * room_px) if right else room_px, TEXT_PX)
    return left, fitted(right, room_px - text_width(left, TEXT_PX), TEXT_PX)


def corner_texts(
    corners: Corners, layout: Layout, *, plane_name: str = "", chip_on_top: bool = False
) -> tuple[Primitive, ...]:
    """Return the corners' lines, cut so that nothing overlaps, and the plane's chip and name.

    The chip stands at the bottom of the lower right corner, or on top of the upper left one.
    """
    chip: tuple[str, ...] = ("",) if plane_name else ()
    top_left = (*chip, *corners["tl"]) if chip_on_top else corners["tl"]
    bottom_right = corners["br"] if chip_on_top else (*corners["br"], *chip)
    size = (layout.width, layout.height)
    found: list[Primitive] = [
        *layout.add(*_side(top_left, corners["tr"], size, top=True)),
        *layout.add(*_side(corners["bl"][::-1], bottom_right[::-1], size, top=False)),
    ]
    if plane_name:
        found += _chip(plane_name, layout, on_top=chip_on_top)
    return tuple(found)


@lru_cache(maxsize=64)
def _side(
    left: tuple[str, ...], right: tuple[str, ...], size_px: tuple[float, float], *, top: bool
) -> tuple[Text, ...]:
    """Return the rows of both corners of the upper or lower edge; the edge's own row comes first."""
    found: list[Text] = []
    width, height = size_px
    room = width - 1 - 2 * MARGIN_PX - 12
    anchors: tuple[Anchor, Anchor] = ("tl", "tr") if top else ("bl", "br")
    places = (MARGIN_PX, width - 1 - MARGIN_PX)
    for row, texts in enumerate(zip_longest(left, right, fillvalue="")):
        y = MARGIN_PX + row * LINE_PX
        y = y if top else height - 1 - y
        if row == 0:  # the letter in the middle of the edge stands in this row
            half = room / 2 - 18
            fit = (fitted(texts[0], half, TEXT_PX), fitted(texts[1], half, TEXT_PX))
        else:
            fit = _rows(*texts, room)
        for text, x, anchor in zip(fit, places, anchors, strict=True):
            if text:
                found.append(Text((x, y), text, palettes.INK, TEXT_PX, anchor))
    return tuple(found)


def _chip(name: str, layout: Layout, *, on_top: bool) -> list[Primitive]:
    colour = PLANE_COLOURS.get(name, palettes.OTHER_PLANE)
    size = 8.0
    if on_top:
        x, y = MARGIN_PX, MARGIN_PX
        text = Text((x + size + 5, y), name, palettes.INK, TEXT_PX, "tl")
        return [Chip((x + size / 2, y + 7), size, colour), *layout.add(text)]
    x, y = layout.width - 1 - MARGIN_PX, layout.height - 1 - MARGIN_PX
    text = Text((x, y), name, palettes.INK, TEXT_PX, "br")
    place = x - text_width(name, TEXT_PX) - 6 - size / 2
    layout.taken.append((place - size, y - LINE_PX, x, y))
    return [Chip((place, y - 7), size, colour), *layout.add(text)]
