"""A contour that clings to edges between clicks, and becomes voxels of the active segment."""

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.imaging.livewire import LiveWire
from viewer.imaging.section import Section, quantity_of, section
from viewer.rendering.primitives import Area, Handle, Line
from viewer.tools.base import GRAB_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.making import points
from viewer.tools.pointer import PointerEvent
from viewer.tools.polygon import fill

_FEWEST = 2
_FILL_ALPHA = 0.2


class Wire:
    """Edges of one plane, at the picture's own resolution whatever the zoom.

    Raises
    ------
    InputRefused
        There is nothing on the plane that a wire could follow.
    """

    def __init__(self, scene: ToolScene, plane: Plane) -> None:
        self._cut: Section = section(scene.picture, plane, native=True)
        self._wire = LiveWire(quantity_of(self._cut, scene.picture))
        self._linear, self._offset = self._cut.to_plane[:, :2], self._cut.to_plane[:, 2]

    def start(self, xy: Floats) -> None:
        """Begin at a pixel of the plane."""
        column, row = self._own(xy)
        self._wire.start(row, column)

    def path_to(self, xy: Floats) -> Floats:
        """Return the best way (n, 2; pixels of the plane) from the start to a pixel."""
        column, row = self._own(xy)
        found = self._wire.path_to(row, column)[:, ::-1]
        return np.asarray(found @ self._linear.T + self._offset)

    def _own(self, xy: Floats) -> tuple[float, float]:
        x, y = np.linalg.solve(self._linear, np.asarray(xy) - self._offset)
        return float(x), float(y)


class Livewire:
    """Click along an edge: the line follows it; click the first place, or double click, to close.

    Alt and a click take the last place away. The wire sees the stored values of the plane, at
    their own resolution. Esc leaves no trace.
    """

    key = "livewire"
    title = "Live wire to fill"

    def __init__(self) -> None:
        self._plane: Plane | None = None
        self._wire: Wire | None = None
        self._places: list[Floats] = []
        self._ways: list[Floats] = []

    @property
    def is_busy(self) -> bool:
        """Whether a contour is open."""
        return bool(self._places)

    def cancel(self) -> None:
        """Drop the contour."""
        self._plane, self._wire, self._places, self._ways = None, None, [], []

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the wire to the pointer."""
        return self._drawing(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Set a place, or close."""
        if event.button != "left":
            return REST
        if event.kind in ("move", "release"):
            return self._drawing(event, scene)
        if not self._places:
            scene.active()  # refuses before places are set in vain
            self._plane, self._wire = event.plane, Wire(scene, event.plane)
        here = self._here(event)
        if here is None:
            return self._drawing(event, scene)
        if "alt" in event.modifiers:
            return self._back(event, scene)
        if self._closes(event, here):
            return self._close(event, scene)
        self._add(here)
        return self._drawing(event, scene)

    def _add(self, here: Floats) -> None:
        if self._wire is None:
            return
        if self._places:
            self._ways.append(self._wire.path_to(here))
        self._places.append(here)
        self._wire.start(here)

    def _back(self, event: PointerEvent, scene: ToolScene) -> Response:
        self._places = self._places[:-1]
        self._ways = self._ways[:-1]
        if not self._places or self._wire is None:
            self.cancel()
            return REST
        self._wire.start(self._places[-1])
        return self._drawing(event, scene)

    def _closes(self, event: PointerEvent, here: Floats) -> bool:
        if len(self._places) < _FEWEST:
            return False
        first = (float(self._places[0][0]), float(self._places[0][1]))
        return event.kind == "double" or distance_px(first, (here[0], here[1])) <= GRAB_PX

    def _close(self, event: PointerEvent, scene: ToolScene) -> Response:
        if self._wire is None or self._plane is None:
            return REST
        around = np.concatenate((*self._ways, self._wire.path_to(self._places[0])))
        corners = list(points(self._plane.world(around)))
        self.cancel()
        return Response(edit=fill(corners, event, scene))

    def _here(self, event: PointerEvent) -> Floats | None:
        """Return the pointer in the pixels of the first click's plane; None on another image."""
        seen = None if self._plane is None else event.seen_in(self._plane)
        return None if seen is None else np.array(seen.xy)

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._places or self._wire is None or self._plane is None:
            return REST
        here = self._here(event)
        if here is None:
            return Response(status="Go back to the image with the wire, or press Esc.")
        _, segment = scene.active()
        ways = np.concatenate((*self._ways, self._wire.path_to(here)))
        line = self._shown(ways, event.plane)
        grips = self._shown(np.array(self._places), event.plane)
        return Response(
            (
                Area(line, segment.colour, _FILL_ALPHA),
                Line(line, segment.colour, 1.5, halo=True),
                *(Handle(xy, segment.colour) for xy in grips),
            )
        )

    def _shown(self, line: Floats, plane: Plane) -> tuple[tuple[float, float], ...]:
        """Return a line of the first click's plane in the pixels of the plane as shown now."""
        if self._plane is None:
            return ()
        pixels = plane.pixel(self._plane.world(line))
        return tuple((float(x), float(y)) for x, y, _ in pixels)
