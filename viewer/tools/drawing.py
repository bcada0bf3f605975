"""Tools that draw a measurement with one drag; they also take hold of those that are there."""

from abc import ABC, abstractmethod

import numpy as np

from viewer.domain.measurement import Point
from viewer.tools.base import CLICK_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.handles import Handles, grip_at
from viewer.tools.making import add, made, point, points, preview_new
from viewer.tools.pointer import PointerEvent


class DrawingTool(ABC):
    """Press, drag, release: one measurement. A press on a grip drags that grip instead.

    A drag shorter than 3 pixels was a click and draws nothing.
    """

    key = ""
    title = ""

    def __init__(self) -> None:
        self._handles = Handles()
        self._start: PointerEvent | None = None

    @abstractmethod
    def shape(self, start: PointerEvent, event: PointerEvent) -> tuple[Point, ...]:
        """Return the points of the measurement for a drag; () for one too small."""

    @property
    def is_busy(self) -> bool:
        """Whether something is half drawn or held."""
        return self._start is not None or self._handles.is_busy

    def cancel(self) -> None:
        """Drop what is half drawn, let go what is held."""
        self._start = None
        self._handles.cancel()

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the grips of what is under the pointer."""
        return self._handles.hover(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Draw, or adjust."""
        if event.button != "left":
            return REST
        grabs = "alt" in event.modifiers or grip_at(event, scene) is not None
        if self._handles.is_busy or (event.kind == "press" and grabs):
            self._start = None
            return self._handles.handle(event, scene)
        if event.kind == "press":
            self._start = event
            return REST
        start = self._start.seen_in(event.plane) if self._start else None
        shape = self.shape(start, event) if start else ()
        if event.kind == "move":
            return preview_new(self.key, shape, event, scene) if shape else REST
        self._start = None
        return Response(edit=add(made(self.key, shape, scene))) if shape else REST


class Distance(DrawingTool):
    """From here to there."""

    key = "distance"
    title = "Distance"

    def shape(self, start: PointerEvent, event: PointerEvent) -> tuple[Point, ...]:
        """Return both ends."""
        if distance_px(start.xy, event.xy) < CLICK_PX:
            return ()
        return start.lps_mm, event.lps_mm


class Ellipse(DrawingTool):
    """The ellipse in the box of the drag; with Shift a circle about the box's middle."""

    key = "ellipse"
    title = "Ellipse"

    def shape(self, start: PointerEvent, event: PointerEvent) -> tuple[Point, ...]:
        """Return the centre and the ends of the half-axes along the plane's right and down."""
        a, b = np.array(start.xy), np.array(event.xy)
        half = np.abs(b - a) / 2
        if min(half) < CLICK_PX / 2:
            return ()
        if "shift" in event.modifiers:
            half[:] = half.max()
        centre = (a + b) / 2
        ends = (centre, centre + np.array([half[0], 0.0]), centre + np.array([0.0, half[1]]))
        return points(point(event.plane.world(xy)) for xy in ends)


class Rectangle(Ellipse):
    """The box of the drag; with Shift a square about its middle."""

    key = "rectangle"
    title = "Rectangle"


class WallToWall(Distance):
    """From one wall to the other: the ends are pulled to the steepest slopes near them."""

    key = "wall_to_wall"
    title = "Wall to wall"


class Arrow(Distance):
    """From the tail to the tip."""

    key = "arrow"
    title = "Arrow"
