"""Regions that are measured: drawn in one drag, or along the edges of the picture."""

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import KINDS, Point
from viewer.domain.volume import Picture
from viewer.imaging.curves import smooth_loop
from viewer.imaging.livewire import thinned, without_spurs
from viewer.rendering import palettes
from viewer.rendering.primitives import Handle, Line, Primitive, Rgb
from viewer.session.edits import AddMeasurement
from viewer.tools.base import GRAB_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.handles import Handles, grip_at
from viewer.tools.loop import Loop
from viewer.tools.making import add, made, points
from viewer.tools.pointer import PointerEvent
from viewer.tools.wire import Wire

_TREMOR_PX = 2.0
_TOLERANCE_PX = 0.25
_STEPS = 0.6  # of a voxel: the steps of a path from voxel to voxel are no shape
_SAME_MM = 1e-3


class FreeRegion(Loop):
    """Draw around something: what the loop encloses is measured.

    The hand's tremor is smoothed out (``curves.smooth_loop``, 2 pixels of the screen), and the
    outline is thinned to points that stay within a quarter of a pixel of it. What is shown is what
    is measured.
    """

    key = "free_region"
    title = KINDS["freehand"].title

    def ink(self, scene: ToolScene) -> Rgb:
        """Return the colour of what is being measured."""
        del scene
        return palettes.ACCENT

    def outline(self, path: list[PointerEvent], plane: Plane) -> Floats:
        """Return the smoothed loop, thinned."""
        return _thinned(smooth_loop(super().outline(path, plane), _TREMOR_PX))

    def closed(
        self, path: list[PointerEvent], event: PointerEvent, scene: ToolScene
    ) -> AddMeasurement | None:
        """Return the edit that adds the region."""
        outline = self.outline(path, event.plane)
        if len(outline) < KINDS["freehand"].n_points:
            return None
        return add(made("freehand", points(event.plane.world(outline)), scene))


def _thinned(outline: Floats, tolerance: float = _TOLERANCE_PX) -> Floats:
    """Return a loop (n, 2) with as few points as keep it, the last not the first again."""
    kept = thinned(np.concatenate((outline, outline[:1])), tolerance)[:-1]
    while len(kept) > KINDS["freehand"].most_points:
        tolerance *= 2
        kept = thinned(np.concatenate((outline, outline[:1])), tolerance)[:-1]
    return kept


class WireRegion:
    """Click along an edge: between clicks the line clings to it; a double click closes it.

    A click on the first point closes too. The outline is what the wire found, not the clicks alone.
    """

    key = "wire_region"
    title = KINDS["livewire"].title

    def __init__(self) -> None:
        self._handles = Handles()
        self._wire: tuple[Picture, Plane, Wire] | None = None
        self._path: list[Point] = []
        self._clicks: list[Point] = []

    @property
    def is_busy(self) -> bool:
        """Whether an outline is open, or a grip is held."""
        return bool(self._clicks) or self._handles.is_busy

    def cancel(self) -> None:
        """Drop the outline, let go what is held."""
        self._wire, self._path, self._clicks = None, [], []
        self._handles.cancel()

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the wire to the pointer, or the grips of what is under it."""
        if not self._clicks:
            return self._handles.hover(event, scene)
        return self._drawing(event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Set a point, or close."""
        if event.button != "left":
            return REST
        grabs = event.kind == "press" and (
            "alt" in event.modifiers or grip_at(event, scene) is not None
        )
        if self._handles.is_busy or (not self._clicks and grabs):
            return self._handles.handle(event, scene)
        if event.kind not in ("press", "double") or not self._is_here(event):
            return self._drawing(event, scene)
        if event.kind == "double" or self._is_on_first(event):
            return self._close(event, scene)
        if self._clicks:
            self._path += self._way(event, scene)
        self._clicks.append(event.lps_mm)
        self._start(event, scene)
        return self._drawing(event, scene)

    def _start(self, event: PointerEvent, scene: ToolScene) -> None:
        self._tool(event, scene).start(event.xy)

    def _tool(self, event: PointerEvent, scene: ToolScene) -> Wire:
        """Return the wire on this plane; zooming and panning make another one."""
        kept = self._wire
        if kept is None or kept[0] is not scene.picture or kept[1] is not event.plane:
            wire = Wire(scene.picture, event.plane)
            if self._clicks:
                x, y, _ = event.plane.pixel(self._clicks[-1])
                wire.start((float(x), float(y)))
            kept = self._wire = scene.picture, event.plane, wire
        return kept[2]

    def _way(self, event: PointerEvent, scene: ToolScene) -> list[Point]:
        """Return the points of the way from the last click to here, the end left out."""
        found = self._tool(event, scene).path_to(event.xy)
        return list(points(event.plane.world(found[:-1])))

    def _close(self, event: PointerEvent, scene: ToolScene) -> Response:
        if len(self._clicks) < 2:
            return Response(status="A region needs two more points.")
        x, y, _ = event.plane.pixel(self._clicks[0])
        first = PointerEvent("press", float(x), float(y), event.plane)
        whole = np.array([*self._path, *self._way(first, scene)])
        voxel_px = min(scene.picture.grid.spacing_ijk_mm) / event.plane.pixel_mm
        loop = without_spurs(event.plane.pixel(whole)[:, :2], voxel_px / 2)
        outline = _thinned(loop, _STEPS * voxel_px)
        self.cancel()
        return Response(edit=add(made("livewire", points(event.plane.world(outline)), scene)))

    def _is_here(self, event: PointerEvent) -> bool:
        return all(abs(float(event.plane.pixel(p)[2])) < _SAME_MM for p in self._clicks)

    def _is_on_first(self, event: PointerEvent) -> bool:
        if len(self._clicks) < 2:
            return False
        x, y, _ = event.plane.pixel(self._clicks[0])
        return distance_px((float(x), float(y)), event.xy) <= GRAB_PX

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> Response:
        if not self._clicks:
            return REST
        if not self._is_here(event):
            return Response(status="Go back to the image with the first points, or press Esc.")
        lps = [*self._path, *self._way(event, scene), event.lps_mm]
        pixels = event.plane.pixel(np.array(lps))[:, :2].tolist()
        line = Line(tuple((x, y) for x, y in pixels), palettes.ACCENT, 1.5, halo=True)
        clicks = event.plane.pixel(np.array(self._clicks))[:, :2].tolist()
        handles: tuple[Primitive, ...] = tuple(Handle((x, y), palettes.ACCENT) for x, y in clicks)
        return Response((line, *handles), status="A double click closes the region.")
