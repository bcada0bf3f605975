"""What the anatomy is built from: coordinates, soft edges, and distances to simple solids.

Everything is a function of points (x left, y posterior, z head; mm, origin in the middle of the
chest), so any grid, oblique and anisotropic ones too, cuts the same patient.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any]  # float32, but for what NumPy promotes on the way
Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
Line = Sequence[tuple[float, float, float]]

_LOOK_MM = 6.0  # between the coordinates that are looked at to find a box


@dataclass(frozen=True, slots=True)
class Build:
    """How this patient is built and how dense tissues are; ``seed`` shapes what is not named."""

    seed: int
    size: float = 1.0
    fat_mm: float = 15.0
    lung_hu: float = -855.0
    blood_hu: float = 48.0
    muscle_hu: float = 52.0
    fat_hu: float = -98.0
    bone: float = 1.0

    def rng(self, part: int) -> np.random.Generator:
        """Return the random numbers of one part of the body, whatever other parts have drawn."""
        return np.random.default_rng((self.seed, 2, part))


@dataclass(frozen=True)
class Points:
    """Coordinates of voxel centres, each (k, j, i), in millimetres."""

    x: Field
    y: Field
    z: Field

    def mirrored(self) -> "Points":
        """Return the points with left and right laid upon each other (x at least 0)."""
        return Points(np.abs(self.x), self.y, self.z)


def within(p: Points, box: Box) -> tuple[slice, slice, slice] | None:
    """Return the part of the arrays that holds all points in ``box`` ((low, high) for x, y, z).

    None: no point can lie in it. Coordinates are looked at every six millimetres, and a step more
    on either side is taken along: what is drawn must end some eight millimetres inside the box.
    """
    # Where every axis ends must be looked at too, else a thin rest would be overlooked.
    picks = [np.unique(np.r_[0 : n : _stride(p, axis), n - 1]) for axis, n in enumerate(p.x.shape)]
    seen = np.ones([len(pick) for pick in picks], dtype=bool)
    for values, (low, high) in zip((p.x, p.y, p.z), box, strict=True):
        some = values[np.ix_(*picks)]
        seen &= (some > low) & (some < high)
    parts = []
    for axis, pick in enumerate(picks):
        hit = np.flatnonzero(seen.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(hit):
            return None
        first, last = pick[max(0, hit[0] - 1)], pick[min(len(pick) - 1, hit[-1] + 1)]
        parts.append(slice(int(first), int(last) + 1))
    return parts[0], parts[1], parts[2]


def _stride(p: Points, axis: int) -> int:
    """Return how many voxels along ``axis`` make up the distance between two looks."""
    step = np.zeros(3, dtype=int)
    step[axis] = 1 if p.x.shape[axis] > 1 else 0
    moved = [float(c[tuple(step)] - c[0, 0, 0]) for c in (p.x, p.y, p.z)]
    return max(1, int(_LOOK_MM / max(float(np.linalg.norm(moved)), 1e-6)))


def inside(values: Field, p: Points, box: Box, draw: Callable[[Field, Points], None]) -> None:
    """Call ``draw`` with the part of ``values`` and points that lies in ``box``, if any does."""
    part = within(p, box)
    if part is not None:
        draw(values[part], Points(p.x[part], p.y[part], p.z[part]))


def soft(distance_mm: Field, width_mm: float = 0.8) -> Field:
    """Return occupancy 0..1 of what lies inside (negative distance), with a soft edge."""
    return np.asarray(np.clip(0.5 - distance_mm / (2 * width_mm), 0, 1), dtype=np.float32)


def put(values: Field, occupancy: Field, hu: Any) -> None:
    """Blend a tissue in."""
    values += occupancy * (hu - values)


def fill(values: Field, p: Points, distance: Field, hu: Callable[[Points], Any]) -> None:
    """Blend in a tissue whose HU vary from place to place; they are asked for where it is alone."""
    hit = distance < 1
    if hit.any():
        part = values[hit]
        put(part, soft(distance[hit]), hu(Points(p.x[hit], p.y[hit], p.z[hit])))
        values[hit] = part


def waves(points: Points, rng: np.random.Generator, length_mm: float, n: int = 5) -> Field:
    """Return a smooth random field of unit size: plane waves of about ``length_mm``."""
    total = np.zeros(np.broadcast(points.x, points.y, points.z).shape, dtype=np.float32)
    for _ in range(n):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / (length_mm * rng.uniform(0.7, 1.5)) / np.linalg.norm(direction)
        phase = rng.uniform(0, 2 * np.pi)
        a, b, c = (np.float32(v) for v in direction)
        total += np.sin(a * points.x + b * points.y + c * points.z + np.float32(phase))
    return np.asarray(total / np.float32(np.sqrt(n / 2)))


def bump(values: Field, centre: float, width: float) -> Field:
    """Return a bell of height 1."""
    return np.asarray(np.exp(-(((values - np.float32(centre)) / np.float32(width)) ** 2)))


def ramp(values: Field, start: float, stop: float) -> Field:
    """Return 0 before ``start``, 1 beyond ``stop``, straight between; either may be the larger."""
    return np.asarray(np.clip((values - np.float32(start)) / np.float32(stop - start), 0, 1))


def ellipse(x: Field, y: Field, a: Any, b: Any, power: float = 2.0) -> Field:
    """Return about the distance (mm) to a super-ellipse with half-axes ``a`` and ``b``."""
    q = (np.abs(x / a) ** power + np.abs(y / b) ** power) ** np.float32(1 / power)
    return np.asarray((q - 1) * 0.5 * (a + b), dtype=np.float32)


def ellipsoid(
    p: Points, centre: tuple[float, float, float], half: tuple[float, float, float]
) -> Field:
    """Return about the distance (mm) to an ellipsoid."""
    x, y, z = (
        (c - np.float32(m)) / np.float32(h)
        for c, m, h in zip((p.x, p.y, p.z), centre, half, strict=True)
    )
    r = np.sqrt(x * x + y * y + z * z)
    return np.asarray((r - 1) * np.float32(min(half)), dtype=np.float32)


def tube(p: Points, line: Line, radius: float) -> Field:
    """Return the distance to a tube along a polyline."""
    best = np.full(p.x.shape, 1e4, dtype=np.float32)
    for start, end in pairwise(line):
        s, e = (np.array(point, dtype=np.float32) for point in (start, end))
        edge = e - s
        share = ((p.x - s[0]) * edge[0] + (p.y - s[1]) * edge[1] + (p.z - s[2]) * edge[2]) / (
            edge @ edge
        )
        np.clip(share, 0, 1, out=share)
        d = (p.x - s[0] - share * edge[0]) ** 2
        d += (p.y - s[1] - share * edge[1]) ** 2
        d += (p.z - s[2] - share * edge[2]) ** 2
        np.minimum(best, d, out=best)
    return np.asarray(np.sqrt(best) - np.float32(radius))


def box_of(line: Line, room_mm: float) -> Box:
    """Return the box of a polyline with room around it."""
    low, high = np.min(line, axis=0) - room_mm, np.max(line, axis=0) + room_mm
    a, b, c = ((float(u), float(v)) for u, v in zip(low, high, strict=True))
    return a, b, c


def united(a: Field, b: Field, round_mm: float) -> Field:
    """Return the smaller distance, with the notch between two solids filled by a fillet."""
    share = np.clip(0.5 + (b - a) * np.float32(0.5 / round_mm), 0, 1)
    return np.asarray(b + (a - b) * share - np.float32(round_mm) * share * (1 - share))


def common(a: Field, b: Field, round_mm: float) -> Field:
    """Return the larger distance, with the edge between two solids rounded off."""
    return -united(-a, -b, round_mm)


def shell(values: Field, distance: Field, hu: tuple[Any, Any], thick: float) -> None:
    """Blend in a bone: (spongy, cortical) HU, with a cortex of ``thick`` mm."""
    put(values, soft(distance, 0.6), hu[1])
    put(values, soft(distance + np.float32(thick), 0.8), hu[0])
