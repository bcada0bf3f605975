"""Measurements as they are painted: lines, grips, and a label off the lesion with a leader."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, Plane, rectangle_corners
from viewer.domain.measurement import KINDS, Measurement, Review
from viewer.domain.quantity import (
    AREA,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MAXIMUM,
    MEAN,
    MINIMUM,
    SHORT_AXIS,
    STANDARD_DEVIATION,
    VOLUME,
    Code,
    Quantity,
    SpacingSource,
)
from viewer.rendering import palettes
from viewer.rendering.layout import Layout
from viewer.rendering.primitives import Handle, Line, Point, Primitive, Rgb, Text
from viewer.rendering.text_size import Box, overlap, text_width

TEXT_PX = 11.0
_LINE_PX = 14.0
_TICK_PX = 4.0
_BARB_PX = 11.0
_ELLIPSE_POINTS = 72
_LENGTH_UNITS = ("mm", "mm2", "{pixels}", "{pixels}2")


@dataclass(frozen=True, slots=True)
class Shape:
    """The lines of one measurement in a plane, where it is, and what its label says."""

    lines: tuple[Line, ...]
    handles: tuple[Handle, ...]
    label: tuple[str, ...]
    outline: tuple[Point, ...]  # points that the leader may end at
    colour: Rgb

    @property
    def box(self) -> Box:
        """The rectangle around the shape in pixels."""
        points = np.array(self.outline)
        low, high = points.min(axis=0), points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def half_slice_mm(grid: Grid, plane: Plane) -> float:
    """Return half of what one voxel covers along the plane's normal (at least 0.05 mm)."""
    spacing = np.array(grid.spacing_ijk_mm)
    along = float((np.abs(plane.normal @ grid.directions) * spacing).max())
    return max(along / 2, 0.05)


def ellipse_points(xy: Floats) -> Floats:
    """Return the closed outline (72, 2) of an ellipse given by centre and half-axis ends (3, 2)."""
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
    first, second = xy[1] - xy[0], xy[2] - xy[0]
    return np.asarray(xy[0] + np.cos(angle) * first + np.sin(angle) * second)


def joined(kind: str, xy: Floats) -> tuple[tuple[Floats, bool], ...]:
    """Return how the points (n, 2) of a kind are joined: polylines (m, 2), and whether closed.

    A single place is a line of one point.
    """
    drawn = KINDS[kind].drawn if kind in KINDS else "lines"
    if len(xy) == 1 or drawn == "dot":
        return tuple((place[None], False) for place in xy)
    if drawn == "ellipse" and len(xy) == 3:
        return ((ellipse_points(xy), True),)
    if drawn == "rectangle" and len(xy) == 3:
        return ((rectangle_corners(xy), True),)
    if drawn == "outline":
        return ((xy, True),)
    if drawn == "path":
        return ((xy, False),)
    return tuple((xy[start : start + 2], False) for start in range(0, len(xy), 2))


def label_lines(measurement: Measurement, *, outdated: bool = False) -> tuple[str, ...]:
    """Return the label as painted: the name, then numbers with units (field.md 4.6).

    ``outdated``: its segment has other voxels by now, which is said before the numbers.
    """
    by_kind = {
        "distance": _distance_text,
        "bidirectional": _axes_text,
        "ellipse": _region_text,
        "rectangle": _region_text,
        "polygon": _region_text,
        "polyline": _distance_text,
        "freehand": _region_text,
        "livewire": _region_text,
        "wall_to_wall": _distance_text,
        "segment": _segment_text,
    }
    name = measurement.label
    if _is_proposal(measurement):
        name = f"{name} · AI".lstrip(" ·")
    texts = by_kind.get(measurement.kind, _all_text)(measurement)
    old = "outdated: measure again" if outdated else ""
    return tuple(line for line in (name, old, *texts) if line)


def _distance_text(measurement: Measurement) -> tuple[str, ...]:
    return (_with_source(_text(measurement, LENGTH), measurement),)


def _axes_text(measurement: Measurement) -> tuple[str, ...]:
    long_axis, short_axis = measurement.quantity(LONG_AXIS), measurement.quantity(SHORT_AXIS)
    if long_axis is None or short_axis is None:
        return _all_text(measurement)
    first = _number(long_axis, short_axis)
    return (_with_source(f"{first} × {short_axis.text()}", measurement),)


def _region_text(measurement: Measurement) -> tuple[str, ...]:
    mean, deviation = measurement.quantity(MEAN), measurement.quantity(STANDARD_DEVIATION)
    low, high = measurement.quantity(MINIMUM), measurement.quantity(MAXIMUM)
    lines = [_with_source(_text(measurement, AREA), measurement)]
    if mean and deviation:
        lines.append(f"{_number(mean, deviation)} ± {deviation.text()}")
    if low and high:
        lines.append(f"{_number(low, high)} – {high.text()}")
    return tuple(line.replace("-", "−") for line in lines)


def _segment_text(measurement: Measurement) -> tuple[str, ...]:
    longest = _text(measurement, LONGEST_DIAMETER_3D)
    return (
        _text(measurement, VOLUME),
        _with_source(f"longest {longest}" if longest else "", measurement),
    )


def _all_text(measurement: Measurement) -> tuple[str, ...]:
    """Return the first numbers; lengths among them say where millimetres come from."""
    return tuple(
        _with_source(q.text(), measurement) if q.unit in _LENGTH_UNITS else q.text()
        for q in measurement.quantities[:3]
    )


def _text(measurement: Measurement, concept: Code) -> str:
    quantity = measurement.quantity(concept)
    return quantity.text() if quantity else ""


def _number(quantity: Quantity, shares_unit_with: Quantity) -> str:
    """Return the number alone where the next one names the same unit."""
    text, other = quantity.text(), shares_unit_with.text()
    number, _, unit = text.partition(" ")
    return number if unit == other.partition(" ")[2] else text


def _with_source(text: str, measurement: Measurement) -> str:
    source = measurement.receipt.spacing.source
    if not text or source in {SpacingSource.PATIENT, SpacingSource.NONE}:
        return text
    return f"{text} {source.value}"


def _is_proposal(measurement: Measurement) -> bool:
    """Whether a network made it and nobody has looked yet."""
    return bool(measurement.receipt.network) and measurement.review is Review.UNREVIEWED


def measurement_shape(
    measurement: Measurement,
    plane: Plane,
    reach_mm: float,
    *,
    selected: bool = False,
    outdated: bool = False,
) -> Shape | None:
    """Return the measurement's lines, or None where the plane does not hold it.

    The plane holds a shape when all of its points lie within ``reach_mm`` of it; the longest
    diameter of a segment runs through slices, so there each end counts for itself.
    """
    if measurement.review is Review.REJECTED or not measurement.points_lps_mm:
        return None  # a foreign report may give the numbers of a region without any points
    pixels = plane.pixel(np.array(measurement.points_lps_mm))
    held: NDArray[np.bool_] = np.abs(pixels[:, 2]) <= reach_mm + 1e-6
    through = measurement.kind in KINDS and KINDS[measurement.kind].drawn == "through"
    if not (held.any() if through else held.all()):
        return None
    xy = pixels[held, :2]
    proposal = _is_proposal(measurement)
    colour = palettes.AI if proposal else palettes.ACCENT if selected else palettes.SHAPE
    if outdated:
        colour = palettes.WARNING
    lines = _lines_of(measurement.kind, xy, colour, dashed=proposal)
    handles = tuple(Handle(_point(p), colour) for p in xy) if selected else ()
    outline = tuple(p for line in lines for p in line.points)
    return Shape(lines, handles, label_lines(measurement, outdated=outdated), outline, colour)


def _point(xy: Floats) -> Point:
    return float(xy[0]), float(xy[1])


def _path(points: Floats) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _lines_of(kind: str, xy: Floats, colour: Rgb, *, dashed: bool) -> tuple[Line, ...]:
    if len(xy) == 1 or kind not in KINDS or KINDS[kind].drawn == "dot":
        return tuple(_ring(place, colour) for place in xy)
    pieces = joined(kind, xy)
    if any(closed for _, closed in pieces):
        return tuple(
            Line(_path(path), colour, 1.5, dashed=dashed, closed=closed, halo=not dashed)
            for path, closed in pieces
        )
    # Axes are too short for dashes, and lie on the violet fill: light, and named by their label.
    ink = palettes.AI_TEXT if dashed else colour
    lines = []
    for number, (ends, _) in enumerate(pieces):
        # The second line is the thinner one, so that the two are told apart where they are alike.
        width = 1.5 if number == 0 else 1.0
        lines.append(Line(_path(ends), ink, width, halo=True))
        if kind in ("distance", "wall_to_wall"):
            lines += [Line(_path(tick), ink, width, halo=True) for tick in _ticks(ends)]
        if kind == "arrow":
            lines.append(Line(_path(_barbs(ends)), ink, width, halo=True))
    return tuple(lines)


def _ticks(ends: Floats) -> tuple[Floats, ...]:
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    if length < 1e-9:
        return ()
    across = np.array([-along[1], along[0]]) / length * _TICK_PX
    return tuple(np.array([end - across, end + across]) for end in ends)


def _barbs(ends: Floats) -> Floats:
    """Return the head of an arrow (3, 2): barb, tip, barb."""
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    if length < 1e-9:
        return ends[1:]
    back = -along / length * min(_BARB_PX, length / 2)
    side = np.array([-back[1], back[0]]) * 0.5
    return np.array([ends[1] + back + side, ends[1], ends[1] + back - side])


def _ring(centre: Floats, colour: Rgb) -> Line:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None]
    circle = centre + 4.0 * np.concatenate((np.cos(angle), np.sin(angle)), axis=1)
    return Line(_path(circle), colour, closed=True, halo=True)


def placed_label(shape: Shape, layout: Layout, others: Sequence[Box] = ()) -> tuple[Primitive, ...]:
    """Return the label's lines in a free place beside the shape, and the leader to it.

    Where the pane has no room for the whole label, the name alone is tried; then nothing. A shape
    outside the pane has no label in it.
    """
    if not overlap(_grown(shape.box, 0.5), (0.0, 0.0, layout.width, layout.height)):
        return ()
    for lines in (shape.label, shape.label[:1]):
        if not lines:
            continue
        width = max(text_width(line, TEXT_PX) for line in lines) + 2
        size = (width, _LINE_PX * len(lines))
        place = layout.place_beside(size, _grown(shape.box, 5.0), others)
        if place is None:
            continue
        texts = layout.add(
            *(
                Text((place[0], place[1] + row * _LINE_PX), line, _ink(shape), TEXT_PX)
                for row, line in enumerate(lines)
            )
        )
        box = (*place, place[0] + width, place[1] + size[1])
        return (*_leader(shape, box, layout), *texts)
    return ()


def _ink(shape: Shape) -> Rgb:
    return palettes.AI_TEXT if shape.colour == palettes.AI else palettes.INK


def _grown(box: Box, by: float) -> Box:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _leader(shape: Shape, label: Box, layout: Layout) -> tuple[Line, ...]:
    """Return a thin line from the label's nearest side to the nearest visible point of the shape."""
    middle_y = (label[1] + label[3]) / 2
    middle_x = (label[0] + label[2]) / 2
    starts = np.array(
        [
            (label[0] - 4, middle_y),
            (label[2] + 3, middle_y),
            (middle_x, label[1] - 1),
            (middle_x, label[3] + 2),
        ]
    )
    ends = np.array(shape.outline)
    visible = ((ends >= 0) & (ends < (layout.width, layout.height))).all(axis=1)
    ends = ends[visible] if visible.any() else ends
    distance = np.linalg.norm(starts[:, None] - ends[None], axis=-1)
    start, end = np.unravel_index(int(np.argmin(distance)), distance.shape)
    if distance[start, end] < 6:
        return ()
    return (Line((_point(starts[start]), _point(ends[end])), shape.colour, alpha=0.7, halo=True),)


def measurement_primitives(
    measurement: Measurement, plane: Plane, grid: Grid, *, selected: bool = False
) -> tuple[Primitive, ...]:
    """Return one measurement with label and grips, as if it were alone in the pane."""
    shape = measurement_shape(measurement, plane, half_slice_mm(grid, plane), selected=selected)
    if shape is None:
        return ()
    return (*shape.lines, *placed_label(shape, Layout(plane.size_px)), *shape.handles)
