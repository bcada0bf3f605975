"""What is drawn over a picture, without a toolkit: lines, areas, texts, grips and chips.

Coordinates are pixels of the plane, as floats; an integer is the *centre* of a pixel, as in
``Plane``. Colours are (r, g, b) of 0-255. A primitive says what it is; ``painting`` says how its
ink looks. Values are hashable, so that a pane can tell whether anything changed.
"""

from dataclasses import dataclass
from typing import Literal

Rgb = tuple[int, int, int]
Point = tuple[float, float]
Anchor = Literal["tl", "tc", "tr", "ml", "mc", "mr", "bl", "bc", "br"]


@dataclass(frozen=True, slots=True)
class Line:
    """An open or closed polyline; ``halo`` puts a dark, wider line beneath it."""

    points: tuple[Point, ...]
    colour: Rgb
    width_px: float = 1.0
    dashed: bool = False
    closed: bool = False
    alpha: float = 1.0
    halo: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon (even-odd)."""

    points: tuple[Point, ...]
    colour: Rgb
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; ``anchor`` names the point of its box that lies on ``xy``.

    ``box`` fills a rounded box behind it, ``box_outline`` draws the box's edge; with either, the
    halo is not drawn.
    """

    xy: Point
    text: str
    colour: Rgb
    size_px: float = 11.0
    anchor: Anchor = "tl"
    bold: bool = False
    halo: bool = True
    box: Rgb | None = None
    box_outline: Rgb | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """A grip that can be dragged."""

    xy: Point
    colour: Rgb
    radius_px: float = 4.0


@dataclass(frozen=True, slots=True)
class Chip:
    """A small filled square, the sign of a plane; ``xy`` is its middle."""

    xy: Point
    size_px: float
    colour: Rgb


Primitive = Line | Area | Text | Handle | Chip
