"""A polygon, point by point, that becomes voxels of the active segment."""

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import Point
from viewer.errors import InputRefused
from viewer.imaging.curves import spline_loop
from viewer.imaging.nothing_inside import nothing_inside
from viewer.imaging.painted_values import values_under, within
from viewer.imaging.rasterise import Block, polygon_block
from viewer.rendering.primitives import Area, Handle, Line
from viewer.session.edits import PaintLabels, paint
from viewer.session.edits_labels import may_take
from viewer.tools.base import CLICK_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.contour import corner_at, curve, edge_at
from viewer.tools.pointer import PointerEvent

_FEWEST = 3
_FILL_ALPHA = 0.2


class Polygon:
    """Click adds a corner; a double click, or a click on the first corner, closes and fills.

    Corners that are set can be dragged; Shift and a press on an edge inserts one there, Alt and a
    click takes one away. With smooth curves on, the line is the spline through the corners.
    """

    key = "polygon"
    title = "Polygon"

    def __init__(self) -> None:
        self._corners: list[Point] = []
        self._held: int | None = None
        self._pressed: PointerEvent | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a polygon is open."""
        return bool(self._corners)

    def cancel(self) -> None:
        """Drop the corners."""
        self._corners, self._held, self._pressed = [], None, None

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the polygon as it would be with a corner here."""
        return self._drawing(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Add, drag, insert or take away a corner, or close."""
        if event.button != "left":
            return REST
        if self._corners and not self._is_here(event):
            self._held = None
            return self._drawing(event, scene)
        if event.kind == "move":
            return self._drag(event, scene)
        if event.kind == "release":
            return self._release(event, scene)
        if not self._corners:
            scene.active()  # refuses before corners are set in vain
        if event.kind == "double":
            return self._close(event, scene)
        self._press(event)
        return self._drawing(event, scene)

    def _press(self, event: PointerEvent) -> None:
        self._pressed = event
        at = corner_at(tuple(self._corners), event) if self._corners else None
        self._held = at
        if at is not None and "alt" in event.modifiers:
            del self._corners[at]
            self._held = None
        elif at is None and "alt" not in event.modifiers:
            edge = edge_at(tuple(self._corners), event) if "shift" in event.modifiers else None
            self._held = len(self._corners) if edge is None else edge
            self._corners.insert(self._held, event.lps_mm)
            self._pressed = None  # a new corner: its release closes nothing

    def _drag(self, event: PointerEvent, scene: ToolScene) -> Response:
        pressed = self._pressed
        far = pressed is None or distance_px(pressed.xy, event.xy) >= CLICK_PX
        if self._held is not None and far:
            self._corners[self._held] = event.lps_mm
            self._pressed = None
        return self._drawing(event, scene)

    def _release(self, event: PointerEvent, scene: ToolScene) -> Response:
        clicked = self._held == 0 and self._pressed is not None
        self._held, self._pressed = None, None
        if clicked and len(self._corners) >= _FEWEST:
            return self._close(event, scene)
        return self._drawing(event, scene)

    def _close(self, event: PointerEvent, scene: ToolScene) -> Response:
        self._held = None
        if len(self._corners) < _FEWEST:
            return self._drawing(event, scene)
        corners, self._corners = self._corners, []
        return Response(edit=fill(list(curve(tuple(corners), scene)), event, scene))

    def _is_here(self, event: PointerEvent) -> bool:
        depths = event.plane.pixel(np.array(self._corners))[:, 2]
        return bool((np.abs(depths) < 1e-3).all())

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._corners:
            return REST
        if not self._is_here(event):
            return Response(status="Go back to the image with the polygon, or press Esc.")
        _, segment = scene.active()
        pixels = event.plane.pixel(np.array(self._corners))
        corners = tuple((float(x), float(y)) for x, y, _ in pixels)
        around = corners if self._held is not None else (*corners, event.xy)
        if scene.settings.spline and len(around) >= _FEWEST:
            around = tuple((float(x), float(y)) for x, y in spline_loop(np.array(around)))
        closed = scene.settings.spline or self._held is not None
        line = Line(around, segment.colour, 1.5, closed=closed, halo=True)
        shade = Area(around, segment.colour, _FILL_ALPHA)
        return Response((shade, line, *(Handle(xy, segment.colour) for xy in corners)))


def fill(corners: list[Point], event: PointerEvent, scene: ToolScene) -> PaintLabels | None:
    """Return the edit that fills a polygon, or empties it when the hand erases.

    Raises
    ------
    InputRefused
        It holds no voxel, or none whose value may be painted.
    """
    owner, segment = scene.active()
    block = inside(np.array(corners), event.plane, scene)
    erase = scene.settings.erase
    name = f"cut a polygon out of {segment.name}" if erase else f"fill a polygon of {segment.name}"
    over = may_take(scene.settings.over, owner)
    return paint(owner, block, segment.number, erase=erase, name=name, only_over=over)


def inside(points_lps_mm: Floats, plane: Plane, scene: ToolScene) -> Block:
    """Return the voxels in an outline (n, 3) that may be painted; raises as ``fill``."""
    owner, _ = scene.active()
    block = polygon_block(owner.grid, points_lps_mm, plane)
    if block is None:
        raise nothing_inside(owner.grid, points_lps_mm, plane)
    if scene.settings.paint_range is None:
        return block
    low, high = scene.settings.paint_range
    found = within(block, values_under(block, scene.picture, owner.grid), (low, high))
    if found is None:
        raise InputRefused(
            f"No voxel in the outline has a value from {low:g} to {high:g}.",
            remedy='Choose "Paint only values: any value", or draw elsewhere.',
        )
    return found
