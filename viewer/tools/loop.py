"""Tools that draw a loop in one drag: free-hand painting, and scissors through the volume."""

from abc import ABC, abstractmethod

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.imaging.curves import smooth_loop
from viewer.imaging.rasterise import prism_block
from viewer.rendering.primitives import Area, Line, Rgb
from viewer.session.edits import Edit, PaintLabels, paint
from viewer.session.edits_labels import may_take
from viewer.tools.base import CLICK_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.pointer import PointerEvent
from viewer.tools.polygon import inside

_FEWEST = 3
_STEP_PX = 1.0
_FILL_ALPHA = 0.2
# How far a free-hand loop may be rounded off: a tremor of the hand, no more.
_TREMOR_PX = 2.0
_JERK_PX = 2 * CLICK_PX  # a loop smaller than this was a click of an unsteady hand


class Loop(ABC):
    """Press, draw around something, release: the loop closes itself. Esc drops it."""

    key: str
    title: str

    def __init__(self) -> None:
        self._path: list[PointerEvent] = []

    @property
    def is_busy(self) -> bool:
        """Whether a loop is being drawn."""
        return bool(self._path)

    def cancel(self) -> None:
        """Drop the loop."""
        self._path = []

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show nothing: the loop begins with a press."""
        del event, scene
        return REST

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Draw."""
        if event.button != "left":
            return REST
        if event.kind in ("press", "double"):
            self._path = []
            self.ink(scene)  # refuses before anything is drawn in vain
            self._path = [event]
        elif not self._path:
            return REST
        elif self._path[0].seen_in(event.plane) is None:
            self._path = []  # the image changed under the hand: nothing is done
            return REST
        elif distance_px(event.xy, self._path[-1].xy) >= _STEP_PX:
            self._path.append(event)
        if event.kind != "release":
            return self._drawing(event, scene)
        path, self._path = self._path, []
        if len(path) < _FEWEST:
            return REST
        return Response(edit=self.closed(path, event, scene))

    @abstractmethod
    def closed(
        self, path: list[PointerEvent], event: PointerEvent, scene: ToolScene
    ) -> Edit | None:
        """Return the edit of a closed loop, None when it changes nothing."""

    def ink(self, scene: ToolScene) -> Rgb:
        """Return the colour that is drawn with; raises where nothing may be drawn."""
        _, segment = scene.active()
        return segment.colour

    def outline(self, path: list[PointerEvent], plane: Plane) -> Floats:
        """Return the loop in pixels (n, 2) as it will be used."""
        return np.asarray(plane.pixel([event.lps_mm for event in path])[:, :2])

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        ink = self.ink(scene)
        outline = self.outline(self._path, event.plane)
        pixels = tuple((float(x), float(y)) for x, y in outline)
        if len(pixels) < _FEWEST:
            return REST
        line = Line(pixels, ink, 1.5, closed=True, halo=True)
        return Response((Area(pixels, ink, _FILL_ALPHA), line))


class Freehand(Loop):
    """Draw a loop: what it encloses joins the segment; with Alt it is cut off.

    The hand's tremor is smoothed out before the loop is filled; what is shown is what is filled.
    """

    key = "freehand"
    title = "Free-hand"

    def outline(self, path: list[PointerEvent], plane: Plane) -> Floats:
        """Return the smoothed loop."""
        return smooth_loop(super().outline(path, plane), _TREMOR_PX)

    def closed(
        self, path: list[PointerEvent], event: PointerEvent, scene: ToolScene
    ) -> PaintLabels | None:
        """Fill the loop, or empty it."""
        owner, segment = scene.active()
        points = event.plane.world(self.outline(path, event.plane))
        if np.ptp([event.xy for event in path], axis=0).max() < _JERK_PX:
            return None
        block = inside(points, event.plane, scene)
        erase = scene.settings.erase or "alt" in path[0].modifiers
        name = f"{'cut off' if erase else 'join'} a free-hand loop: {segment.name}"
        over = may_take(scene.settings.over, owner)
        return paint(owner, block, segment.number, erase=erase, name=name, only_over=over)


class Scissors(Loop):
    """Draw a loop: the segment is cut through the whole volume along the line of sight.

    What lies inside the loop goes; with Alt, what lies outside.
    """

    key = "scissors"
    title = "Scissors"

    def closed(
        self, path: list[PointerEvent], event: PointerEvent, scene: ToolScene
    ) -> PaintLabels | None:
        """Cut."""
        owner, segment = scene.active()
        outside = "alt" in path[0].modifiers
        points = event.plane.world(self.outline(path, event.plane))
        mask = owner.labels == segment.number
        block = prism_block(owner.grid, mask, points, event.plane, outside=outside)
        if block is None:
            return None
        where = "outside" if outside else "inside"
        name = f"scissors, {where} cut: {segment.name}"
        return paint(owner, block, segment.number, erase=True, name=name)
