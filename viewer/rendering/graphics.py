"""The annotations of a presentation state as primitives on a plane."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from viewer.domain.geometry import Plane
from viewer.domain.presentation import DisplayedArea, Graphic, PresentationState, refers_to
from viewer.domain.volume import Picture
from viewer.rendering.primitives import Area, Line, Point, Primitive, Text

_INK = (0xF2, 0xE2, 0x9B)
_TEXT_PX = 12.0
_CROSS_PX = 5.0
_ROUND = 72  # corners of a circle
_BETWEEN = 8  # points between two of an interpolated line


def graphic_primitives(
    state: PresentationState, picture: Picture, plane: Plane, k: int
) -> tuple[Primitive, ...]:
    """Return what ``state`` draws on image ``k``, as it lies in ``plane``."""
    instance = picture.identity.instances[k]
    area = displayed_area(state, picture, k)
    found: list[Primitive] = []
    for graphic in state.graphics:
        named = graphic.references
        if named and not refers_to(named, instance.sop_instance_uid, instance.frame):
            continue
        found += _primitives(graphic, _placed(graphic, area, picture, plane, k))
    return tuple(found)


def displayed_area(
    state: PresentationState, picture: Picture, k: int
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what is to fill the pane, in pixel centres."""
    instance = picture.identity.instances[k]
    _, n_rows, n_columns = picture.grid.shape_kji
    areas: Sequence[DisplayedArea] = state.areas
    for area in areas:
        named = area.references
        if not named or refers_to(named, instance.sop_instance_uid, instance.frame):
            return area.edges
    return 0.0, 0.0, n_columns - 1.0, n_rows - 1.0


def _placed(
    graphic: Graphic,
    area: tuple[float, float, float, float],
    picture: Picture,
    plane: Plane,
    k: int,
) -> list[Point]:
    """Return the graphic's points in pixels of the plane; curves come as many points."""
    points = np.array(_outline(graphic), dtype=np.float64)
    if graphic.units == "display":
        left, top, right, bottom = area
        size = (right - left + 1, bottom - top + 1)
        points = points * size + (left - 0.5, top - 0.5)
    index = np.column_stack((points, np.full(len(points), float(k))))
    return [(x, y) for x, y, _ in plane.pixel(picture.grid.world(index)).tolist()]


def _outline(graphic: Graphic) -> list[tuple[float, float]]:
    points = np.array(graphic.points, dtype=np.float64)
    turn = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)[:, None]
    if graphic.kind == "circle":
        radius = float(np.linalg.norm(points[1] - points[0]))
        points = points[0] + radius * np.hstack((np.cos(turn), np.sin(turn)))
    elif graphic.kind == "ellipse":
        major, minor = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
        points = (points[0] + points[1]) / 2 + np.cos(turn) * major + np.sin(turn) * minor
    elif graphic.kind == "interpolated" and len(points) > 2:
        points = _smooth(points)
    return [(float(x), float(y)) for x, y in points]


def _smooth(
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return a cubic through the points (Catmull and Rom 1974); closed if it ends where it began."""
    closed = bool((points[0] == points[-1]).all())
    before = points[-2] if closed else points[0]
    after = points[1] if closed else points[-1]
    padded = np.vstack((before, points, after))
    t = np.linspace(0, 1, _BETWEEN, endpoint=False)[:, None]
    parts = []
    for (a, b), (c, d) in zip(pairwise(padded[:-2]), pairwise(padded[2:]), strict=True):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.vstack((*parts, points[-1:]))


def _primitives(graphic: Graphic, points: list[Point]) -> list[Primitive]:
    if graphic.kind == "text":
        return [Text(points[0], graphic.text, _INK, _TEXT_PX, "bl")]
    if graphic.kind == "point":
        x, y = points[0]
        size = _CROSS_PX
        return [
            Line(((x - size, y), (x + size, y)), _INK, halo=True),
            Line(((x, y - size), (x, y + size)), _INK, halo=True),
        ]
    closed = graphic.kind in ("circle", "ellipse") or points[0] == points[-1]
    found: list[Primitive] = [Line(tuple(points), _INK, 1.5, closed=closed, halo=True)]
    if graphic.filled and closed:
        found.insert(0, Area(tuple(points), _INK, 0.25))
    return found
