"""Where the points of a measurement go when one of them is dragged, kind by kind.

All in millimetres of the plane (x right, y down); the depth of a point stays what it was.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import KINDS, Measurement, Point
from viewer.tools.making import points

Mover = Callable[[Floats, int, Floats], Floats]
_SHORTEST_MM = 1e-6


def dragged(
    measurement: Measurement, number: int, target: tuple[float, float], plane: Plane
) -> tuple[Point, ...]:
    """Return the points after point ``number`` was dragged to pixel ``target`` of ``plane``."""
    flat, depths = flattened(measurement.points_lps_mm, plane)
    mover = _MOVERS.get(measurement.kind, _free)
    return lifted(mover(flat, number, np.array(target) * plane.pixel_mm), depths, plane)


def flattened(shape: tuple[Point, ...], plane: Plane) -> tuple[Floats, Floats]:
    """Return places in the plane (n, 2) and depths (n,), both in mm."""
    pixels = plane.pixel(np.array(shape))
    return pixels[:, :2] * plane.pixel_mm, pixels[:, 2]


def lifted(flat: Floats, depths: Floats, plane: Plane) -> tuple[Point, ...]:
    """Return patient points of places in the plane (n, 2) and depths (n,), both in mm."""
    return points(plane.world(flat / plane.pixel_mm) + depths[:, None] * plane.normal)


def across(direction: Floats) -> Floats:
    """Return the vector (2,) turned by a quarter."""
    return np.array([-direction[1], direction[0]])


def _free(flat: Floats, number: int, target: Floats) -> Floats:
    after = flat.copy()
    after[number] = target
    return after


def _ellipse(flat: Floats, number: int, target: Floats) -> Floats:
    """Move all by the centre; by an end, turn and stretch: the half-axes stay perpendicular."""
    if number == 0:
        return np.asarray(flat - flat[0] + target)
    other = 3 - number
    centre, arm, rest = flat[0], target - flat[0], flat[other] - flat[0]
    length = float(np.linalg.norm(arm))
    if length < _SHORTEST_MM:
        return flat
    turned = across(arm) / length
    side = 1.0 if float(turned @ rest) >= 0 else -1.0
    after = flat.copy()
    after[number] = target
    after[other] = centre + turned * side * float(np.linalg.norm(rest))
    return after


def _bidirectional(flat: Floats, number: int, target: Floats) -> Floats:
    """By a long end, the short axis turns along; by a short end, it slides and grows there."""
    if number < 2:
        place, reach = short_axis_of(flat)
        ends = flat[:2].copy()
        ends[number] = target
        if float(np.linalg.norm(ends[1] - ends[0])) < _SHORTEST_MM:
            return flat
        return with_short_axis(ends, place, reach)
    _, reach = short_axis_of(flat)
    along = flat[1] - flat[0]
    length = float(np.linalg.norm(along))
    place = float((target - flat[0]) @ along) / length**2
    depth = float((target - flat[0]) @ across(along)) / length
    reach = (depth, reach[1]) if number == 2 else (reach[0], depth)
    return with_short_axis(flat[:2], place, reach)


def short_axis_of(flat: Floats) -> tuple[float, tuple[float, float]]:
    """Return where (0..1) the short axis (4, 2) crosses the long one; how far its ends reach."""
    along = flat[1] - flat[0]
    length = float(np.linalg.norm(along))
    turned = across(along) / length
    middle = (flat[2] + flat[3]) / 2 - flat[0]
    place = float(middle @ along) / length**2
    return place, (float((flat[2] - flat[0]) @ turned), float((flat[3] - flat[0]) @ turned))


def with_short_axis(ends: Floats, place: float, reach: tuple[float, float]) -> Floats:
    """Return the four points (4, 2): the short axis is perpendicular, at ``place`` (0..1)."""
    along = ends[1] - ends[0]
    turned = across(along) / float(np.linalg.norm(along))
    foot = ends[0] + along * float(np.clip(place, 0.0, 1.0))
    return np.array([ends[0], ends[1], foot + turned * reach[0], foot + turned * reach[1]])


# Kinds whose points depend on each other; those of all others are free.
_MOVERS: Mapping[str, Mover] = MappingProxyType(
    {"ellipse": _ellipse, "rectangle": _ellipse, "bidirectional": _bidirectional}
)


def can_move(kind: str) -> bool:
    """Whether a hand may take the points: a segment's own diameters follow its voxels."""
    return kind in KINDS and KINDS[kind].drawn != "through"
