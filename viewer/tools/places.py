"""Tools that set a measurement's points one after another: clicks, or a drag for each line."""

import numpy as np

from viewer.domain.measurement import KINDS, Point
from viewer.errors import ViewerError
from viewer.rendering import palettes
from viewer.rendering.primitives import Handle, Line, Primitive
from viewer.tools.base import (
    CLICK_PX,
    GRAB_PX,
    REST,
    Response,
    ToolScene,
    distance_px,
    rests_after_fault,
)
from viewer.tools.handles import Handles, grip_at
from viewer.tools.making import add, made, shown
from viewer.tools.pointer import PointerEvent

_SAME_MM = 1e-3


class Places:
    """Each click sets a point of a kind; a drag sets both ends of a line at once.

    The last point completes it. Where the hand says how many there are, a double click ends it, and
    so does a click on the first corner of an outline. A press on the grip of a measurement that is
    there drags that grip instead, as long as nothing is half drawn.
    """

    def __init__(self, kind: str, key: str = "") -> None:
        self.key = key or kind
        self._kind = KINDS[kind]
        self.title = self._kind.title
        self._handles = Handles()
        self._points: list[Point] = []
        self._pressed: PointerEvent | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is half drawn or held."""
        return bool(self._points) or self._handles.is_busy

    def cancel(self) -> None:
        """Drop what is half drawn, let go what is held."""
        self._points, self._pressed = [], None
        self._handles.cancel()

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show what it would be with a point here, or the grips of what is under the pointer."""
        if self._points:
            return self._drawing(event, scene)
        return self._handles.hover(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Set points, or adjust."""
        if event.button != "left":
            return REST
        if self._handles.is_busy or (not self._points and self._grabs(event, scene)):
            return self._handles.handle(event, scene)
        acts = {"press": self._press, "double": self._second, "release": self._release}
        is_here = all(self._is_here(event, point) for point in self._points)
        return acts.get(event.kind, self._drawing)(event, scene) if is_here else self._away()

    def _grabs(self, event: PointerEvent, scene: ToolScene) -> bool:
        starts = event.kind == "press"
        return starts and ("alt" in event.modifiers or grip_at(event, scene) is not None)

    def _press(self, event: PointerEvent, scene: ToolScene) -> Response:
        if self._closes(event):
            return self._end(scene)
        self._pressed = event
        return self._set(event, scene)

    def _second(self, event: PointerEvent, scene: ToolScene) -> Response:
        return self._end(scene) if self._kind.is_open_ended else self._press(event, scene)

    def _release(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Set the other end too, if the button was held over a way."""
        start = self._pressed.seen_in(event.plane) if self._pressed else None
        self._pressed = None
        if not self._points or start is None or distance_px(start.xy, event.xy) < CLICK_PX:
            return self._drawing(event, scene)
        return self._set(event, scene)

    def _set(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._points or event.lps_mm != self._points[-1]:
            self._points.append(event.lps_mm)
        if len(self._points) < max(self._kind.n_points, self._kind.most_points):
            return self._drawing(event, scene)
        return self._end(scene)

    def _end(self, scene: ToolScene) -> Response:
        if not self._kind.takes(len(self._points)):
            return Response(status=self._told())
        points, self._points, self._pressed = self._points, [], None
        return Response(edit=add(made(self._kind.key, tuple(points), scene)))

    def _closes(self, event: PointerEvent) -> bool:
        if self._kind.drawn != "outline" or len(self._points) < self._kind.n_points:
            return False
        x, y, _ = event.plane.pixel(self._points[0])
        return distance_px((float(x), float(y)), event.xy) <= GRAB_PX

    def _is_here(self, event: PointerEvent, point: Point) -> bool:
        return abs(float(event.plane.pixel(point)[2])) < _SAME_MM

    def _told(self) -> str:
        left = self._kind.n_points - len(self._points)
        if left > 0:
            return f"{self.title}: {left} more point{'s' if left > 1 else ''}."
        return f"{self.title}: a double click ends it."

    def _away(self) -> Response:
        return Response(status="Go back to the image with the first points, or press Esc.")

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._points:
            return REST
        if not all(self._is_here(event, point) for point in self._points):
            return self._away()
        points = tuple(self._points)
        if event.lps_mm != points[-1]:
            points = (*points, event.lps_mm)
        told = self._told()
        if self._kind.takes(len(points)):
            try:
                found = shown(made(self._kind.key, points, scene), event, scene)
            except ViewerError as error:
                told = error.sentence()
            else:
                words = f"{found.status}  ·  {told}" if self._kind.is_open_ended else found.status
                return Response(found.preview, status=words)
        return Response(self._half(points, event), status=told)

    def _half(self, points: tuple[Point, ...], event: PointerEvent) -> tuple[Primitive, ...]:
        """Return what is there so far, two by two or as one path."""
        pixels = event.plane.pixel(np.array(points))
        xy = [(float(x), float(y)) for x, y, _ in pixels]
        step = 2 if self._kind.drawn == "lines" else len(xy)
        paths = [tuple(xy[first : first + step]) for first in range(0, len(xy), step)]
        lines = [Line(path, palettes.ACCENT, 1.5, halo=True) for path in paths if len(path) > 1]
        return (*lines, *(Handle(place, palettes.ACCENT) for place in xy))
