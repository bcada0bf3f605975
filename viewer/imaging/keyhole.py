"""A slice's mask as closed polygons, one for each piece, with holes cut out through a keyhole.

Lines run along voxel edges, half way between centres, so "centre inside, even-odd" gives exactly
the mask back. A keyhole is a channel of no width: it is walked twice and encloses nothing. Outer
lines and holes turn opposite ways, so the signed area is the mask's (PS3.3 C.8.8.6.3).
"""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.imaging.contour import contours

Mask = NDArray[np.bool_]


def polygons(mask: Mask) -> list[Floats]:
    """Return one closed polygon (n, 2; x = column, y = row) for each piece of ``mask``.

    Pieces hang together over faces; pixels that touch at a corner only are pieces of their own.
    """
    from scipy.ndimage import find_objects, label

    pieces, _ = label(mask)
    found = []
    for number, box in enumerate(find_objects(pieces), start=1):
        lines = contours(pieces[box] == number)
        shift = np.array([box[1].start, box[0].start], dtype=np.float64)
        found.append(_keyholed(lines) + shift)
    return found


def signed_area(polygon: Floats) -> float:
    """Return the area by the shoelace formula, positive where x turns towards y."""
    x, y = (polygon - polygon[0]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _keyholed(lines: list[Floats]) -> Floats:
    areas = [signed_area(line) for line in lines]
    outer = int(np.argmax(np.abs(areas)))
    whole = lines[outer] if areas[outer] > 0 else lines[outer][::-1]
    holes = [
        line if area < 0 else line[::-1]
        for n, (line, area) in enumerate(zip(lines, areas, strict=True))
        if n != outer
    ]
    # From the left: what lies left of a hole is joined already.
    for hole in sorted(holes, key=lambda line: float(line[:, 0].min())):
        whole = _joined(whole, hole)
    return whole


def _joined(whole: Floats, hole: Floats) -> Floats:
    """Return ``whole`` with a channel from its nearest edge on the left into ``hole``."""
    start = int(np.lexsort((hole[:, 1], hole[:, 0]))[0])
    x, y = hole[start]
    following = np.roll(whole, -1, axis=0)
    low = np.minimum(whole[:, 1], following[:, 1])
    high = np.maximum(whole[:, 1], following[:, 1])
    upright = (whole[:, 0] == following[:, 0]) & (low <= y) & (y <= high) & (whole[:, 0] < x)
    at = int(np.argmax(np.where(upright, whole[:, 0], -np.inf)))
    door = np.array([[whole[at, 0], y]])
    loop = np.roll(hole, -start, axis=0)
    return np.concatenate((whole[: at + 1], door, loop, loop[:1], door, whole[at + 1 :]))
