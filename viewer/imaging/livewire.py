"""A line that clings to edges: intelligent scissors on one plane.

Mortensen & Barrett, "Interactive segmentation with intelligent scissors", Graphical Models and Image
Processing 60 (1998), 349-384, as OpenCV computes it (algorithms.md 9: the fastest that was found).
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.errors import InputRefused

_CANNY = (32, 100)  # of 255 grey levels
_MOST_GRADIENT = 200.0
_PERCENTILES = (1.0, 99.0)
_MOST_PX = 4096 * 4096


class LiveWire:
    """Paths of least cost on one plane; cost is low along edges.

    Parameters
    ----------
    plane
        Values (rows, columns); not finite is no edge.
    limits
        Values that are black and white to the edge detector, None: the plane's 1st and 99th
        percentile. With the shown window the wire follows the edges that the eye sees.

    Raises
    ------
    InputRefused
        The plane has fewer than 2 x 2 pixels, too many, or nothing finite.
    """

    def __init__(self, plane: NDArray[Any], *, limits: tuple[float, float] | None = None) -> None:
        if plane.ndim != 2 or min(plane.shape) < 2 or plane.size > _MOST_PX:
            raise InputRefused("A live wire needs a plane of 2 x 2 to 16 million pixels.")
        self._shape = plane.shape
        self._scissors = cv2.segmentation.IntelligentScissorsMB()
        self._scissors.setEdgeFeatureCannyParameters(*_CANNY)
        self._scissors.setGradientMagnitudeMaxLimit(_MOST_GRADIENT)
        self._scissors.applyImage(_grey(plane, limits))
        self._anchor: tuple[int, int] | None = None

    def start(self, row: float, column: float) -> None:
        """Begin at a pixel; takes some 40 ms at 512 x 512."""
        self._anchor = self._pixel(row, column)
        self._scissors.buildMap(self._anchor[::-1])

    def path_to(self, row: float, column: float) -> NDArray[np.int64]:
        """Return the pixels (n, 2; row, column) of the best way from the start to here.

        Raises
        ------
        InputRefused
            ``start`` was not called.
        """
        if self._anchor is None:
            raise InputRefused("A live wire begins with a click.")
        target = self._pixel(row, column)
        if target == self._anchor:
            return np.array([target], dtype=np.int64)
        contour = self._scissors.getContour(target[::-1])
        found = np.asarray(contour, dtype=np.int64).reshape(-1, 2)[:, ::-1]
        return found if tuple(found[0]) == self._anchor else found[::-1]

    def _pixel(self, row: float, column: float) -> tuple[int, int]:
        rows, columns = self._shape
        return (
            min(max(round(row), 0), rows - 1),
            min(max(round(column), 0), columns - 1),
        )


def _grey(plane: NDArray[Any], limits: tuple[float, float] | None) -> NDArray[np.uint8]:
    values = np.asarray(plane, dtype=np.float32)
    known = np.isfinite(values)
    if not known.any():
        raise InputRefused("There is nothing here that a live wire could follow.")
    low, high = limits or np.percentile(values[known], _PERCENTILES)
    span = max(float(high) - float(low), 1e-6)
    scaled = np.clip((np.where(known, values, low) - low) * (255.0 / span), 0, 255)
    return np.ascontiguousarray(scaled.astype(np.uint8))


def thinned(path: Floats, tolerance: float) -> Floats:
    """Return the points of a path (n, 2) that stay within ``tolerance`` (its unit) of all of them.

    Douglas & Peucker, Cartographica 10 (1973), 112-122.
    """
    if len(path) < 3:
        return path
    kept = cv2.approxPolyDP(np.asarray(path, dtype=np.float32)[:, None], tolerance, closed=False)
    return np.asarray(kept[:, 0], dtype=np.float64)


def without_spurs(loop: Floats, same: float) -> Floats:
    """Return a closed path (n, 2) without the ways that it goes there and back.

    Where it comes to a place again (within ``same``), the shorter of the two rounds is left out: a
    click beside an edge makes the wire run to the edge and back on its own track.
    """
    cells = np.rint((loop - loop.min(axis=0)) / max(same, 1e-9)).astype(np.int64)
    kept: list[int] = []
    place: dict[tuple[int, int], int] = {}
    for number, (x, y) in enumerate(cells.tolist()):
        before = place.get((x, y))
        if before is not None and len(kept) - before <= len(loop) // 2:
            for gone in kept[before:]:
                place.pop((int(cells[gone, 0]), int(cells[gone, 1])), None)
            del kept[before:]
        place[x, y] = len(kept)
        kept.append(number)
    return loop[kept]
