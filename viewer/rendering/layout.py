"""Where texts go in a pane: a list of boxes that are taken, and the search for one that is free."""

from collections.abc import Iterable

import numpy as np

from viewer.domain.geometry import Floats
from viewer.rendering.primitives import Point, Text
from viewer.rendering.text_size import Box, overlap, text_box

MARGIN_PX = 9.0
LINE_PX = 15.0
_LABEL_GAP_PX = 14.0
_STEP_PX = 8.0
_RIM_PX = 3.0


class Layout:
    """The texts of one pane, so far; a text that is added keeps its place."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        self.width, self.height = float(size_px[0]), float(size_px[1])
        self.taken: list[Box] = []

    def add(self, *texts: Text) -> tuple[Text, ...]:
        """Take the boxes of ``texts`` and return them."""
        self.taken.extend(text_box(text) for text in texts)
        return texts

    def is_free(self, box: Box) -> bool:
        """Whether ``box`` lies inside the pane and on no other text."""
        inside = (
            box[0] >= 0 and box[1] >= 0 and box[2] <= self.width - 1 and box[3] <= self.height - 1
        )
        return inside and not any(overlap(box, other) for other in self.taken)

    def blocking(self, box: Box) -> Box | None:
        """Return a taken box that ``box`` would overlap, or None."""
        return next((other for other in self.taken if overlap(box, other)), None)

    def place_beside(
        self, size: tuple[float, float], shape: Box, avoid: Iterable[Box] = ()
    ) -> Point | None:
        """Return the top left of the nearest free box of ``size`` off ``shape``; None if none is.

        Boxes of ``avoid`` (other shapes) are kept free where that is possible.
        """
        places = self._candidates(size, shape)
        for blocks in ([*self.taken, shape, *avoid], [*self.taken, shape], self.taken):
            free = places[self._free(places, size, blocks)]
            if len(free):
                return float(free[0, 0]), float(free[0, 1])
        return None

    def _candidates(self, size: tuple[float, float], shape: Box) -> Floats:
        """Return top left points (n, 2): right above the shape first, then by distance."""
        left, top, right, bottom = shape
        width, height = size
        gap = _LABEL_GAP_PX
        near = [
            (right + gap, top - height),
            (right + gap, (top + bottom - height) / 2),
            (right + gap, bottom),
            (left - gap - width, top - height),
            (left - gap - width, (top + bottom - height) / 2),
            (left - gap - width, bottom),
            ((left + right - width) / 2, top - gap - height),
            ((left + right - width) / 2, bottom + gap),
        ]
        xs = np.arange(_RIM_PX, max(self.width - width, _RIM_PX + 1), _STEP_PX)
        ys = np.arange(_RIM_PX, max(self.height - height, _RIM_PX + 1), _STEP_PX)
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        middle = np.array([(left + right - width) / 2, (top + bottom - height) / 2])
        order = np.argsort(np.abs((grid - middle) / (1.0, 0.7)).sum(axis=1), kind="stable")
        return np.concatenate((np.array(near, dtype=np.float64), grid[order]))

    def _free(
        self, places: Floats, size: tuple[float, float], blocks: Iterable[Box]
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        x, y = places[:, 0], places[:, 1]
        free = (x >= _RIM_PX) & (y >= _RIM_PX)
        free &= (x + size[0] <= self.width - _RIM_PX) & (y + size[1] <= self.height - _RIM_PX)
        for left, top, right, bottom in blocks:
            free &= ~((x < right) & (left < x + size[0]) & (y < bottom) & (top < y + size[1]))
        return free
