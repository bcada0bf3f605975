"""Shapes beyond distance and ellipse: angles, polylines, rectangles, polygons, probes, SUVpeak.

Each takes points in LPS millimetres and a picture, and answers with quantities and a receipt, as
``measuring.measured`` does.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, nearest, rectangle_corners, unit
from viewer.domain.measurement import KINDS
from viewer.domain.quantity import (
    ANGLE,
    AREA,
    CARDIOTHORACIC_RATIO,
    COBB_ANGLE,
    LENGTH,
    PERIMETER,
    SUV_PEAK,
    VALUE,
    Quantity,
)
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.measuring import (
    VOXEL_RULE,
    Measured,
    length_between,
    receipt_of,
    refuse_across,
    values_of,
)
from viewer.imaging.statistics import (
    Ellipse,
    Indices,
    ellipse_voxels,
    layer_voxels,
    statistics_of,
)

_PEAK_ML = 1.0
_PEAK_RADIUS_MM = float((3 * _PEAK_ML * 1000 / (4 * np.pi)) ** (1 / 3))
_SUV = "{SUVbw}g/ml"
_RIGHT_ANGLE = 1e-3
_BORDER_MM = 1e-6
_PEAK_SEARCH_MM = 10.0
_MOST_VOXELS = 8_000_000


def polyline(points: Floats, picture: Picture) -> Measured:
    """Return the summed length of straight pieces between points."""
    pieces = [length_between(a, b, picture) for a, b in pairwise(points)]
    receipt = receipt_of(picture, points, None, f"{len(pieces)} straight lines, end to end")
    return (Quantity(LENGTH, float(sum(pieces)), picture.spacing.length_unit),), receipt


def angle(points: Floats, picture: Picture) -> Measured:
    """Return the angle at the middle one of three points, 0 to 180 degrees."""
    end, corner, other = points
    for side in (end, other):
        length_between(corner, side, picture)
    rule = "angle at the second point between the lines to the first and the third"
    rule += _squareness(picture)
    return (_degrees(end - corner, other - corner),), receipt_of(picture, points, None, rule)


def cobb(points: Floats, picture: Picture) -> Measured:
    """Return the angle between two lines of two points each, 0 to 90 degrees."""
    for a, b in ((0, 1), (2, 3)):
        length_between(points[a], points[b], picture)
    found = _degrees(points[1] - points[0], points[3] - points[2]).value
    rule = "acute angle between the lines through the first two and the last two points"
    rule += _squareness(picture)
    smaller = Quantity(COBB_ANGLE, min(found, 180.0 - found), "deg")
    return (smaller,), receipt_of(picture, points, None, rule)


def _squareness(picture: Picture) -> str:
    """Return what is to be said of an angle where the size of pixels is not known."""
    spacing = picture.spacing
    if spacing.is_known:
        return ""
    if spacing.row_mm != spacing.column_mm:
        return "; pixels of the aspect ratio that the file states"
    return "; pixels taken as square: the file does not say their shape"


def _degrees(a: Floats, b: Floats) -> Quantity:
    # By both sides of the triangle of unit vectors: exact near 0 and 180 as well (Kahan 2006).
    u, v = unit(a), unit(b)
    half = np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
    return Quantity(ANGLE, float(np.degrees(2 * half)), "deg")


def cardiothoracic(points: Floats, picture: Picture) -> Measured:
    """Return widest heart / widest inner chest of a frontal film: two points each, heart first."""
    heart, chest = (length_between(points[a], points[b], picture) for a, b in ((0, 1), (2, 3)))
    if chest <= heart:
        raise InputRefused("The chest must be wider than the heart.", remedy="Heart first.")
    ratio = Quantity(CARDIOTHORACIC_RATIO, heart / chest, "1")
    rule = "width of the heart divided by the inner width of the chest"
    return (ratio,), receipt_of(picture, points, None, rule)


def probe(points: Floats, picture: Picture) -> Measured:
    """Return the value of the voxel that holds a point."""
    index = nearest(picture.grid.index(points)).astype(np.int64)
    if (index < 0).any() or (index >= np.array(picture.grid.shape_kji[::-1])).any():
        raise InputRefused("What lies outside the picture cannot be measured.")
    found = statistics_of(picture, index)
    receipt = receipt_of(picture, points, found, "the voxel that holds the point")
    return (Quantity(VALUE, found.mean, found.unit),), receipt


def rectangle(points: Floats, picture: Picture) -> Measured:
    """Return area and statistics of a rectangle: centre, and the ends of two half-sides."""
    centre = points[0]
    first, second = points[1] - centre, points[2] - centre
    if min(np.linalg.norm(first), np.linalg.norm(second)) < 1e-6:
        raise InputRefused("A rectangle without extent has no statistics.")
    if abs(float(unit(first) @ unit(second))) > _RIGHT_ANGLE:
        raise InputRefused("The sides of a rectangle must stand at a right angle.")
    return _region(rectangle_corners(points), picture, points, "rectangle")


def polygon(points: Floats, picture: Picture) -> Measured:
    """Return area, perimeter and statistics of a simple, flat polygon."""
    return _region(points, picture, points, "polygon")


def freehand(points: Floats, picture: Picture) -> Measured:
    """Return area, perimeter and statistics of an outline that was drawn in one drag."""
    return _region(points, picture, points, "free-hand region")


def livewire(points: Floats, picture: Picture) -> Measured:
    """Return area, perimeter and statistics of an outline that follows edges of the picture."""
    return _region(points, picture, points, "live-wire region")


def _region(corners: Floats, picture: Picture, points: Floats, name: str) -> Measured:
    region = region_of(corners, picture, name)
    length_unit = picture.spacing.length_unit
    sizes = (
        Quantity(AREA, region.area, "mm2" if picture.spacing.is_known else "{pixels}2"),
        Quantity(PERIMETER, region.perimeter, length_unit),
    )
    if picture.is_colour and len(region.voxels):
        rule = f"area of the {name} itself; colour has no single value, so none is given"
        return sizes, receipt_of(picture, points, None, rule)
    found = statistics_of(picture, region.voxels)
    rule = f"area of the {name} itself; {VOXEL_RULE}"
    return (*sizes, *values_of(found)), receipt_of(picture, points, found, rule)


@dataclass(frozen=True, eq=False)
class Region:
    """A flat region: its size in the length unit of the picture, and its voxels (n, 3; i, j, k)."""

    area: float
    perimeter: float
    voxels: Indices


def region_of(corners: Floats, picture: Picture, name: str) -> Region:
    """Return what a closed outline of ``corners`` (n, 3) encloses.

    Raises
    ------
    InputRefused
        It is not flat, has no extent, crosses itself, or runs across unsafe geometry.
    """
    for corner in corners[1:]:
        refuse_across(corners[0], corner, picture)
    # A corner that was set twice is one corner.
    corners = corners[np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) > _BORDER_MM]
    if len(corners) < 3:
        raise InputRefused(f"A {name} without extent has no statistics.")
    normal, flat = _flattened(corners, name)
    if _crosses_itself(flat):
        raise InputRefused(f"A {name} that crosses itself has no defined inside.")
    area = _shoelace(flat)
    if area < 1e-9:
        raise InputRefused(f"A {name} without extent has no statistics.")
    around = float(np.linalg.norm(flat - np.roll(flat, -1, axis=0), axis=1).sum())
    return Region(area, around, _voxels_inside(picture, corners, normal))


def voxels_of(kind: str, points: Floats, picture: Picture) -> Indices | None:
    """Return the voxels (n, 3; i, j, k) that the statistics of a region count; None: no region."""
    drawn = KINDS[kind].drawn if kind in KINDS else ""
    if drawn == "ellipse":
        return ellipse_voxels(picture, Ellipse.of(points))
    if drawn == "rectangle":
        return region_of(rectangle_corners(points), picture, "rectangle").voxels
    return region_of(points, picture, "region").voxels if drawn == "outline" else None


def _flattened(corners: Floats, name: str) -> tuple[Floats, Floats]:
    """Return the unit normal (Newell's) and the corners in the plane's own two coordinates."""
    following = np.roll(corners, -1, axis=0)
    normal = np.cross(corners - corners[0], following - corners[0]).sum(axis=0)
    if float(np.linalg.norm(normal)) < 1e-9:
        spread = np.linalg.svd(corners - corners.mean(axis=0), compute_uv=False)
        what = "that crosses itself has no defined inside"
        flat = "without extent has no statistics"
        raise InputRefused(f"A {name} {what if spread[1] > 1e-6 else flat}.")
    normal = unit(normal)
    away = (corners - corners[0]) @ normal
    if float(np.ptp(away)) > 0.5:
        raise InputRefused(f"The corners of the {name} do not lie in one plane.")
    across = unit(corners[1] - corners[0] - ((corners[1] - corners[0]) @ normal) * normal)
    down = np.cross(normal, across)
    delta = corners - corners[0]
    return normal, np.stack((delta @ across, delta @ down), axis=1)


def _shoelace(flat: Floats) -> float:
    x, y = flat.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _crosses_itself(flat: Floats) -> bool:
    """Return whether two sides that are no neighbours meet, be it in a point alone."""
    start, end = flat, np.roll(flat, -1, axis=0)
    n = len(flat)
    one, other = np.triu_indices(n, 2)
    apart = ~((one == 0) & (other == n - 1))
    a, b, c, d = start[one[apart]], end[one[apart]], start[other[apart]], end[other[apart]]
    size = max(float(np.ptp(flat, axis=0).max()), 1e-12)
    near = 1e-9 * size * size

    def side(p: Floats, q: Floats, r: Floats) -> Floats:
        across = q - p, r - p
        found = across[0][:, 0] * across[1][:, 1] - across[0][:, 1] * across[1][:, 0]
        return np.where(np.abs(found) < near, 0.0, found)

    boxes = np.ones(len(a), dtype=bool)
    for axis in range(2):
        low = np.maximum(np.minimum(a, b), np.minimum(c, d))[:, axis]
        high = np.minimum(np.maximum(a, b), np.maximum(c, d))[:, axis]
        boxes &= low <= high + 1e-9 * size
    meet = (side(a, b, c) * side(a, b, d) <= 0) & (side(c, d, a) * side(c, d, b) <= 0)
    return bool((boxes & meet).any())


def _voxels_inside(picture: Picture, corners: Floats, normal: Floats) -> Indices:
    """Return the voxels (n, 3; i, j, k) of the nearest layer whose centres project inside."""
    voxels, _ = layer_voxels(picture.grid, corners, normal)
    across = unit(corners[1] - corners[0])
    down = np.cross(normal, across)
    outline = np.stack(((corners - corners[0]) @ across, (corners - corners[0]) @ down), axis=1)
    delta = picture.grid.world(voxels) - corners[0]
    x, y = delta @ across, delta @ down
    inside = np.zeros(len(voxels), dtype=bool)
    on_border = np.zeros(len(voxels), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        # Even-odd; a side holds its lower end alone, so that a corner counts once.
        spans = (y0 <= y) != (y1 <= y)
        if y1 != y0:
            inside ^= spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        on_border |= _near_side(x, y, (x0, y0), (x1, y1))
    # A centre on the border counts, as with the ellipse: else rounding would decide.
    return voxels[inside | on_border]


def _near_side(
    x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.bool_]:
    along = np.array(end) - np.array(start)
    squared = max(float(along @ along), 1e-18)
    share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / squared, 0, 1)
    away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    return np.asarray(away < _BORDER_MM)


def suv_peak(points: Floats, picture: Picture) -> Measured:
    """Return the highest mean of a 1 ml sphere whose centre lies within 1 cm of a point.

    Voxels count whose centre lies in the sphere (Wahl et al., J Nucl Med 50 (2009), 122S, PERCIST).
    """
    if picture.quantity.unit != _SUV:
        raise InputRefused("SUVpeak needs a picture whose values are SUV by body weight.")
    if not picture.is_volume or picture.is_unsafe:
        raise InputRefused("These images form no safe volume, so a sphere has no defined content.")
    if not picture.grid.contains(points).all():
        raise InputRefused("What lies outside the picture cannot be measured.")
    offsets = _ball_offsets(picture, _PEAK_RADIUS_MM)
    best = _brightest_ball(picture, points[0], offsets)
    found = statistics_of(picture, best + offsets)
    place = ", ".join(f"{mm:.1f}" for mm in picture.grid.world(best))
    rule = (
        "highest mean of a sphere of 1 ml (radius 6.2 mm) with its centre within 10 mm of the "
        f"point, here at {place}; voxels whose centre lies in it"
    )
    peak = Quantity(SUV_PEAK, found.mean, found.unit)
    return (peak,), receipt_of(picture, points, found, rule)


def _brightest_ball(picture: Picture, point: Floats, offsets: Indices) -> NDArray[np.int64]:
    """Return the centre (i, j, k) within 10 mm whose ball, free of padding, has the highest mean."""
    from scipy.signal import fftconvolve

    grid = picture.grid
    centre = nearest(grid.index(point)).astype(np.int64)
    near = _ball_offsets(picture, _PEAK_SEARCH_MM)
    reach, half = np.abs(near).max(axis=0), np.abs(offsets).max(axis=0)
    sizes = np.array(grid.shape_kji[::-1])
    low, high = np.maximum(centre - reach - half, 0), np.minimum(centre + reach + half + 1, sizes)
    if int(np.prod(high - low)) > _MOST_VOXELS:
        raise InputRefused("The voxels are too small for a search of the highest sphere.")
    if (high - low <= 2 * half).any():
        raise InputRefused("No whole sphere of 1 ml fits into the picture here.")
    block = tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    if not picture.loaded_k[block[0]].all():
        raise InputRefused("The region touches images that have not been read.")
    stored = picture.stored[block]
    planes = [
        picture.quantity.slice_values(stored[n], k)
        for n, k in enumerate(range(block[0].start, block[0].stop))
    ]
    values = np.nan_to_num(np.stack(planes).astype(np.float64))
    ball = np.zeros((2 * half + 1)[::-1])
    ball[tuple((offsets + half).T[::-1])] = 1.0
    sums = fftconvolve(values, ball, mode="valid")
    padded = fftconvolve(picture.quantity.is_padding(stored).astype(float), ball, mode="valid")
    first = low + half  # the centre of the first whole ball
    index = np.argwhere(padded < 0.5)[:, ::-1] + first
    away = np.linalg.norm((index - centre) @ grid.ijk_to_lps[:3, :3].T, axis=1)
    index = index[away <= _PEAK_SEARCH_MM + 1e-9]
    if not len(index):
        raise InputRefused("No whole sphere of 1 ml fits into the picture here.")
    at = sums[tuple((index - first).T[::-1])]
    best: NDArray[np.int64] = index[int(np.argmax(at))]
    return best


def _ball_offsets(picture: Picture, radius_mm: float) -> Indices:
    """Return the index steps (n, 3; i, j, k) whose length in the patient is at most a radius."""
    columns = picture.grid.ijk_to_lps[:3, :3]
    inverse = np.linalg.inv(columns)
    reach = np.ceil(radius_mm * np.linalg.norm(inverse, axis=1)).astype(int)
    if float(np.prod(2.0 * reach + 1)) > _MOST_VOXELS:
        raise InputRefused("The voxels are too small for a sphere of 1 ml.")
    axes = [np.arange(-n, n + 1) for n in reach]
    steps = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    kept: Indices = steps[np.linalg.norm(steps @ columns.T, axis=1) <= radius_mm + 1e-9]
    return kept
