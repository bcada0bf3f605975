"""Outlines of masks: exact along pixel edges, chamfered for the eye, simplified for the hand."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.domain.segmentation import Segmentation
from viewer.imaging.reslice import reslice_labels

Mask = NDArray[np.bool_]
# A vertex of a contour that hands drag is left out if the outline moves less than this.
_SIMPLIFY_PX = 0.6


def contours(mask: Mask) -> list[Floats]:
    """Return the closed outlines (n, 2) of ``mask`` (row, column) as x, y, holes included.

    Coordinates are those of pixel centres, lines run along pixel edges: by the even-odd rule the
    outlines enclose exactly the mask, and the area is the pixel count. Corners only. Where two
    pixels touch at a corner, their outlines stay apart.
    """
    corners, kinds = _corners(mask)
    if not len(corners):
        return []
    across = _partners(corners[:, 1], corners[:, 0], kinds[:, 0])
    down = _partners(corners[:, 0], corners[:, 1], kinds[:, 1])
    points = corners - 0.5
    return [points[line] for line in _walks(across.tolist(), down.tolist())]


def _corners(mask: Mask) -> tuple[Floats, NDArray[np.int64]]:
    """Return lattice corners (n, 2; x, y) and their order among equals (horizontal, vertical).

    Lattice point (x, y) is the upper left corner of pixel (x, y). A point where only two diagonal
    pixels meet is two corners: each belongs to one of the pixels.
    """
    padded = np.pad(np.asarray(mask, dtype=np.int8), 1)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    count = upper_left + upper_right + lower_left + lower_right
    single = np.argwhere((count == 1) | (count == 3))
    diagonal = (count == 2) & (upper_left == lower_right)
    double = np.argwhere(diagonal)
    falling = upper_left[diagonal].astype(np.int64)  # 1: upper left and lower right are filled
    zeros, ones = np.zeros(len(double), dtype=np.int64), np.ones(len(double), dtype=np.int64)
    # First copy: the left edge, with the upper one (falling) or the lower one (rising).
    first = np.column_stack((zeros, 1 - falling))
    second = np.column_stack((ones, falling))
    places = np.concatenate((single, double, double))[:, ::-1].astype(np.float64)
    kinds = np.concatenate((np.zeros((len(single), 2), dtype=np.int64), first, second))
    return places, kinds


def _partners(line: Floats, along: Floats, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each corner the one at the other end of its edge on the same lattice line."""
    rank = np.lexsort((order, along, line))
    partner = np.empty(len(rank), dtype=np.int64)
    partner[rank[0::2]] = rank[1::2]
    partner[rank[1::2]] = rank[0::2]
    return partner


def _walks(across: list[int], down: list[int]) -> list[list[int]]:
    seen = [False] * len(across)
    found = []
    for start in range(len(across)):
        if seen[start]:
            continue
        line, at = [], start
        while not seen[at]:
            beyond = across[at]
            seen[at] = seen[beyond] = True
            line += [at, beyond]
            at = down[beyond]
        found.append(line)
    return found


def chamfered(outline: Floats) -> Floats:
    """Return the outline with its corners cut half a pixel off, as marching squares draws them.

    For the eye only: the enclosed area is smaller by an eighth of a pixel for each convex corner.
    """
    following = np.roll(outline, -1, axis=0)
    step = following - outline
    length = np.abs(step).sum(axis=1, keepdims=True)
    direction = step / np.where(length > 0, length, 1)
    near, far = outline + direction * 0.5, following - direction * 0.5
    both = np.stack((near, far), axis=1).reshape(-1, 2)
    same = np.abs(both - np.roll(both, 1, axis=0)).sum(axis=1) < 1e-9
    return np.asarray(both[~same])


def polygon_of_segment(segmentation: Segmentation, number: int, plane: Plane) -> Floats | None:
    """Return the longest outline of a segment on ``plane`` as patient points (n, 3), or None.

    As ``polygons_of_segment``.
    """
    found = polygons_of_segment(segmentation, number, plane)
    return found[0].points_lps_mm if found else None


@dataclass(frozen=True, eq=False)
class PlaneOutline:
    """A closed outline on a plane, patient points (n, 3); ``is_hole``: it encloses no segment."""

    points_lps_mm: Floats
    is_hole: bool


def polygons_of_segment(
    segmentation: Segmentation, number: int, plane: Plane
) -> list[PlaneOutline]:
    """Return the outlines of a segment on ``plane``, holes too, those of largest area first.

    Simplified to the vertices that matter, for dragging; sampled at half the smallest voxel
    spacing, so that filling the polygon gives the mask back but for voxels at its edge.
    """
    grid = segmentation.grid
    corners = plane.pixel(grid.corners_lps_mm)[:, :2] * plane.pixel_mm
    step = min(grid.spacing_ijk_mm) / 2
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = (max(1, int(np.ceil(extent / step))) for extent in high - low)
    origin = plane.origin_lps_mm + plane.right * low[0] + plane.down * low[1]
    start = grid.index(origin)
    linear = grid.lps_to_ijk[:3, :3]
    labels = reslice_labels(
        segmentation.labels, start, linear @ plane.right * step, linear @ plane.down * step,
        (width, height),
    )  # fmt: skip
    mask = labels == number
    exact = sorted(contours(mask), key=_extent, reverse=True)
    right, down = step * plane.right, step * plane.down
    found = []
    for outline in exact:
        line = _simplified(outline)
        points = np.asarray(origin + line[:, :1] * right + line[:, 1:] * down)
        found.append(PlaneOutline(points, _encloses_nothing(outline, mask)))
    return found


def _encloses_nothing(outline: Floats, mask: Mask) -> bool:
    """Return whether the pixel inside an exact outline, at its upper left corner, is not filled.

    The uppermost, then leftmost corner of a closed outline has its inside to the lower right.
    """
    x, y = outline[np.lexsort((outline[:, 0], outline[:, 1]))[0]]
    return not bool(mask[int(np.ceil(y)), int(np.ceil(x))])


def _extent(line: Floats) -> float:
    x, y = line.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _simplified(outline: Floats) -> Floats:
    """Return fewer vertices, or all of them where leaving some out would lose a tenth of the area."""
    smooth = chamfered(outline)
    area = _extent(smooth)
    line = smooth.astype(np.float32).reshape(-1, 1, 2)
    for share in (1.0, 0.5):
        few = cv2.approxPolyDP(line, _SIMPLIFY_PX * 2 * share, True)
        found = np.asarray(few, dtype=np.float64).reshape(-1, 2)
        if len(found) >= 3 and abs(_extent(found) - area) <= 0.1 * area:
            return found
    return smooth
