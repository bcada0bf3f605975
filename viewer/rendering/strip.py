"""The strip at a pane's edge: where the shown image stands, what was read, what was found amiss."""

from dataclasses import dataclass

from viewer.domain.finding import Severity
from viewer.rendering import palettes
from viewer.rendering.primitives import Line, Rgb

STRIP_PX = 9.0  # from the right edge: here a press scrolls
_MARGIN_PX = 6.0
_INSET_PX = 4.0
_THUMB_PX = 7.0
_TICK_PX = 4.0
_TRACK: Rgb = (0x4A, 0x53, 0x5D)
_UNREAD: Rgb = (0x1C, 0x21, 0x27)
_TICKS = {
    Severity.NOTE: palettes.DIM,
    Severity.WARNING: palettes.WARNING,
    Severity.UNSAFE: palettes.DANGER,
}


@dataclass(frozen=True, slots=True)
class Strip:
    """What a strip shows; places run from the pane's first image (0) to its last (1).

    ``ticks`` are the places of images that a finding names, ``unread`` stretches without images.
    """

    place: float
    ticks: tuple[tuple[float, Severity], ...] = ()
    unread: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of a pane (pixels) between which the strip runs."""

    top: float
    bottom: float

    @classmethod
    def of(cls, height_px: float) -> "Span":
        """Return the span of a pane of this height."""
        end = _MARGIN_PX + _THUMB_PX
        return cls(end, max(height_px - 1 - end, end + 1))

    def row(self, place: float) -> float:
        """Return the row of a place."""
        return self.top + (self.bottom - self.top) * place

    def place(self, row: float) -> float:
        """Return the place of a row, at most 0 to 1."""
        return min(max((row - self.top) / (self.bottom - self.top), 0.0), 1.0)

    def is_near(self, place: float, row: float) -> bool:
        """Whether a tick at ``place`` is what a pointer in ``row`` means."""
        return abs(self.row(place) - row) <= _TICK_PX


def strip_lines(strip: Strip, size_px: tuple[int, int]) -> tuple[Line, ...]:
    """Return track, unread stretches, ticks, and the thumb on top."""
    width, height = size_px
    span, x = Span.of(height), width - 1 - _INSET_PX
    lines = [_upright(x, span.row(0.0), span.row(1.0), _TRACK)]
    lines += [_upright(x, span.row(a), span.row(b), _UNREAD) for a, b in strip.unread]
    for place, severity in strip.ticks:
        y = float(round(span.row(place)))
        lines.append(Line(((x - _TICK_PX, y), (x + 3, y)), _TICKS[severity], 3.0))
    y = span.row(strip.place)
    lines.append(Line(((x, y - _THUMB_PX), (x, y + _THUMB_PX)), palettes.INK, 3.0))
    return tuple(lines)


def _upright(x: float, top: float, bottom: float, colour: Rgb) -> Line:
    return Line(((x, top), (x, bottom)), colour, 1.0)
