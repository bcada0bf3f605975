"""A polygon, point by point, that becomes voxels of the active segment."""

import numpy as np

from viewer.domain.measurement import Point
from viewer.imaging.painted_values import values_under, within
from viewer.imaging.rasterise import polygon_block
from viewer.rendering.primitives import Area, Handle, Line
from viewer.session.edits import PaintLabels, paint
from viewer.session.edits_labels import may_take
from viewer.tools.base import GRAB_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.pointer import PointerEvent

_FEWEST = 3
_FILL_ALPHA = 0.2


class Polygon:
    """Click adds a corner; a double click, or a click on the first corner, closes and fills."""

    key = "polygon"
    title = "Polygon"

    def __init__(self) -> None:
        self._corners: list[Point] = []

    @property
    def is_busy(self) -> bool:
        """Whether a polygon is open."""
        return bool(self._corners)

    def cancel(self) -> None:
        """Drop the corners."""
        self._corners = []

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the polygon as it would be with a corner here."""
        return self._drawing(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Add a corner, or close."""
        if event.button != "left":
            return REST
        if event.kind in ("move", "release"):
            return self._drawing(event, scene)
        if self._corners and not self._is_here(event):
            return self._drawing(event, scene)
        if not self._corners:
            scene.active()  # refuses before corners are set in vain
        if event.kind == "double" or self._is_on_first(event):
            return self._close(event, scene)
        self._corners.append(event.lps_mm)
        return self._drawing(event, scene)

    def _close(self, event: PointerEvent, scene: ToolScene) -> Response:
        if len(self._corners) < _FEWEST:
            return self._drawing(event, scene)
        corners, self._corners = self._corners, []
        return Response(edit=fill(corners, event, scene))

    def _is_here(self, event: PointerEvent) -> bool:
        depths = event.plane.pixel(np.array(self._corners))[:, 2]
        return bool((np.abs(depths) < 1e-3).all())

    def _is_on_first(self, event: PointerEvent) -> bool:
        if len(self._corners) < _FEWEST:
            return False
        x, y, _ = event.plane.pixel(self._corners[0])
        return distance_px((float(x), float(y)), event.xy) <= GRAB_PX

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._corners:
            return REST
        if not self._is_here(event):
            return Response(status="Go back to the image with the polygon, or press Esc.")
        _, segment = scene.active()
        pixels = event.plane.pixel(np.array(self._corners))
        corners = tuple((float(x), float(y)) for x, y, _ in pixels)
        line = Line((*corners, event.xy), segment.colour, 1.5, halo=True)
        fill = Area((*corners, event.xy), segment.colour, _FILL_ALPHA)
        return Response((fill, line, *(Handle(xy, segment.colour) for xy in corners)))


def fill(corners: list[Point], event: PointerEvent, scene: ToolScene) -> PaintLabels | None:
    """Return the edit that fills a polygon, or empties it when the hand erases."""
    owner, segment = scene.active()
    block = polygon_block(owner.grid, np.array(corners), event.plane)
    if block is not None and scene.settings.paint_range is not None:
        values = values_under(block, scene.picture, owner.grid)
        block = within(block, values, scene.settings.paint_range)
    if block is None:
        return None
    erase = scene.settings.erase
    name = f"cut a polygon out of {segment.name}" if erase else f"fill a polygon of {segment.name}"
    over = may_take(scene.settings.over, owner)
    return paint(owner, block, segment.number, erase=erase, name=name, only_over=over)
