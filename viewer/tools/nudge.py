"""A circle that pushes the edge of a segment: outward from inside, inward from outside."""

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Plane, nearest
from viewer.domain.segmentation import Segmentation
from viewer.imaging.contour import chamfered, contours
from viewer.imaging.reslice import reslice_labels
from viewer.rendering.primitives import Line, Primitive
from viewer.session.edits import PaintLabels
from viewer.tools.base import Response, ToolScene, rests_after_fault
from viewer.tools.brush import Brush, radius_mm, stroke
from viewer.tools.pointer import PointerEvent

_SHIFT = 4  # OpenCV draws at sixteenths of a pixel
_SMALLEST_PX = 3  # an outline of fewer corners is a speck that nobody sees


class Nudge(Brush):
    """Press inside the segment and push its edge out, or press outside and push it in.

    The circle is the brush's, in millimetres. While it is pushed the edge is shown as it would be;
    one edit a push; Esc leaves no trace.
    """

    def __init__(self) -> None:
        super().__init__()
        self.key, self.title = "nudge", "Nudge the edge"
        self._section: NDArray[np.uint8] | None = None

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Decide at the press which way to push; then as the brush."""
        if event.button == "left" and event.kind in ("press", "double"):
            self._erases = not _inside(event, scene)
            owner, segment = scene.active()
            self._section = section_px(owner, segment.number, event.plane)
        return super().handle(event, scene)

    def cancel(self) -> None:
        """Drop the push."""
        super().cancel()
        self._section = None

    def finish(self, path: list[PointerEvent], scene: ToolScene) -> PaintLabels | None:
        """Return the push as an edit."""
        self._section = None
        way = "in" if self._erases else "out"
        _, segment = scene.active()
        name = f"nudge the edge of {segment.name} {way}"
        return stroke(path, scene, erases=self._erases, name=name)

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> tuple[Primitive, ...]:
        """Return the circle, and the edge as it would be; the trace where the view was moved."""
        shown = super()._drawing(event, scene)
        section = self._section
        if section is None or section.shape != event.plane.size_px[::-1]:
            return shown
        if self._path[0].plane != event.plane:
            return shown
        _, segment = scene.active()
        pushed = section.copy()
        _sweep(pushed, self._path, radius_mm(event, scene), int(not self._erases))
        edges = (chamfered(line) for line in contours(pushed > 0) if len(line) > _SMALLEST_PX)
        lines = tuple(
            Line(tuple((float(x), float(y)) for x, y in edge), segment.colour, 1.5, closed=True)
            for edge in edges
        )
        return (*lines, *shown[1:])


def section_px(owner: Segmentation, number: int, plane: Plane) -> NDArray[np.uint8]:
    """Return the segment (rows, columns; 0 or 1) as it lies under the pixels of a plane."""
    linear = owner.grid.lps_to_ijk[:3, :3]
    labels = reslice_labels(
        owner.labels,
        owner.grid.index(plane.origin_lps_mm),
        linear @ plane.right * plane.pixel_mm,
        linear @ plane.down * plane.pixel_mm,
        plane.size_px,
    )
    return np.asarray(labels == number, dtype=np.uint8)


def _sweep(section: NDArray[np.uint8], path: list[PointerEvent], radius: float, fill: int) -> None:
    """Fill what the circle ran over, in place."""
    scale = 1 << _SHIFT
    width = max(1, round(2 * radius / path[0].plane.pixel_mm))
    points = np.rint(np.array([event.xy for event in path]) * scale).astype(np.int32)
    if len(points) > 1:
        cv2.polylines(
            section, [points.reshape(-1, 1, 2)], isClosed=False, color=fill, thickness=width,
            shift=_SHIFT,
        )  # fmt: skip
    for x, y in points[[0, -1]].tolist():
        cv2.circle(section, (x, y), width * scale // 2, fill, -1, shift=_SHIFT)


def _inside(event: PointerEvent, scene: ToolScene) -> bool:
    owner, segment = scene.active()
    i, j, k = (int(n) for n in nearest(owner.grid.index(event.lps_mm)))
    if not bool(owner.grid.contains(event.lps_mm)):
        return False
    return bool(owner.labels[k, j, i] == segment.number)
