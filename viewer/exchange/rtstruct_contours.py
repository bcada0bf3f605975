"""Closed planar contours of one region to masks, slice by slice (PS3.3 C.8.8.6).

A voxel belongs to a region if its centre lies inside an odd number of the contours of its slice:
holes drawn as contours of their own (XOR) and holes cut by a keyhole come out alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, nearest, unit
from viewer.exchange.seg_layers import SliceMask
from viewer.imaging.scanline import polygon_mask

_FLAT = 0.2  # slices: writers round, and a PET study's contours lie 0.04 mm off their slices
_ONE_PLANE = 0.05  # slices between contours that still lie in one plane


@dataclass(eq=False)
class Drawn:
    """Masks (k, (rows, columns)) of one region, and what had to be decided on the way."""

    masks: list[SliceMask] = field(default_factory=list)
    n_oblique: int = 0
    n_outside: int = 0
    n_doubled: int = 0
    n_left_out: int = 0
    off_slice_mm: float = 0.0
    is_crossing: bool = False


@dataclass(frozen=True, eq=False)
class _Contour:
    points_lps_mm: Floats
    at_k: float


def draw(contours: Sequence[Floats], grid: Grid, slab_mm: float = 0.0) -> Drawn:
    """Return the masks of a region's closed contours, each (n, 3) LPS mm, on ``grid``.

    Contours that lie on slices fill exactly these. Where some lie between slices, each slice takes
    the nearest contours within half of their distance (or of ``slab_mm``, for a lone plane of
    contours). Contours in other planes are counted and left out.
    """
    drawn = Drawn()
    flat = _flat(contours, grid, drawn)
    if not flat:
        return drawn
    if all(abs(c.at_k - nearest(c.at_k)) <= _FLAT for c in flat):
        taken = _by_slice(flat, grid, drawn)
    else:
        taken = _resampled(flat, grid, slab_mm, drawn)
    for k in sorted(taken):
        mask = _slice_mask(taken[k], k, grid, drawn)
        if mask.any():
            drawn.masks.append((k, mask))
    if drawn.masks:
        drawn.n_left_out = max(taken) - min(taken) + 1 - len(taken)
    return drawn


def _flat(contours: Sequence[Floats], grid: Grid, drawn: Drawn) -> list[_Contour]:
    """Return the contours that are parallel to the slices, each one once."""
    flat, seen = [], set()
    for points in contours:
        at_k = grid.index(points)[:, 2]
        if float(np.ptp(at_k)) > _FLAT:
            drawn.n_oblique += 1
            continue
        # The same contour twice would be taken for a hole that fills it.
        key = points.tobytes()
        if key in seen:
            drawn.n_doubled += 1
            continue
        seen.add(key)
        flat.append(_Contour(points, float(at_k.mean())))
    return flat


def _by_slice(flat: Sequence[_Contour], grid: Grid, drawn: Drawn) -> dict[int, list[_Contour]]:
    taken: dict[int, list[_Contour]] = {}
    for contour in flat:
        k = int(nearest(contour.at_k))
        if 0 <= k < grid.shape_kji[0]:
            taken.setdefault(k, []).append(contour)
        else:
            drawn.n_outside += 1
    return taken


def _resampled(
    flat: Sequence[_Contour], grid: Grid, slab_mm: float, drawn: Drawn
) -> dict[int, list[_Contour]]:
    ordered = sorted(flat, key=lambda contour: contour.at_k)
    places = np.array([contour.at_k for contour in ordered])
    starts = np.flatnonzero(np.diff(places, prepend=-np.inf) > _ONE_PLANE)
    planes = [ordered[a:b] for a, b in zip(starts, [*starts[1:], len(ordered)], strict=True)]
    middles = np.array([np.mean([c.at_k for c in plane]) for plane in planes])
    step_mm = abs(_step_mm(grid))
    gap = slab_mm / step_mm if slab_mm > 0 else 1.0
    if len(planes) > 1:
        gap = float(np.median(np.diff(middles)))
    half = round(gap / 2, 6)
    n_k = grid.shape_kji[0]
    taken: dict[int, list[_Contour]] = {}
    first, last = np.ceil(middles[0] - half), np.floor(middles[-1] + half)
    for k in range(max(0, int(first)), min(n_k - 1, int(last)) + 1):
        away = np.round(np.abs(middles - k), 6)
        n = len(away) - 1 - int(np.argmin(away[::-1]))
        # Half open: a slice exactly half way between two planes belongs to the upper one.
        if -half <= round(k - middles[n], 6) < half:
            taken[k] = planes[n]
            drawn.off_slice_mm = max(drawn.off_slice_mm, float(away[n]) * step_mm)
    drawn.n_outside += sum(len(p) for p, m in zip(planes, middles, strict=True) if _out(m, n_k))
    return taken


def _out(place: float, n_k: int) -> bool:
    return not -0.5 <= place < n_k - 0.5


def _normal(grid: Grid) -> Floats:
    return unit(np.cross(grid.directions[:, 0], grid.directions[:, 1]))


def _step_mm(grid: Grid) -> float:
    """Return how far one slice lies off the one before, along the slices' normal."""
    return float(grid.ijk_to_lps[:3, 2] @ _normal(grid))


def _slice_mask(
    contours: Sequence[_Contour], k: int, grid: Grid, drawn: Drawn
) -> NDArray[np.bool_]:
    whole = np.zeros(grid.shape_kji[1:], dtype=bool)
    flat = []
    for contour in contours:
        # Along the normal, not along k: they differ where the gantry was tilted.
        aside = _normal(grid) * (contour.at_k - k) * _step_mm(grid)
        flat.append(grid.index(contour.points_lps_mm - aside)[:, :2])
    # From the largest down, a contour lies wholly on what is there or wholly beside it,
    # unless outlines cross.
    for polygon in sorted(flat, key=_area, reverse=True):
        part = polygon_mask(polygon, grid.shape_kji[1:])
        common = int(np.count_nonzero(whole & part))
        drawn.is_crossing |= 0 < common < int(np.count_nonzero(part))
        whole ^= part
    return whole


def _area(polygon: Floats) -> float:
    x, y = (polygon - polygon[0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
