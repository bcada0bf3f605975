"""Painting voxels with a disc in the plane or with a ball."""

import numpy as np

from viewer.domain.measurement import Point
from viewer.domain.segmentation import Rgb, Segmentation
from viewer.imaging.rasterise import Block, ball_stroke, disc_stroke
from viewer.rendering.palettes import INK
from viewer.rendering.primitives import Line, Primitive
from viewer.session.edits import PaintLabels, paint
from viewer.tools.base import REST, Response, ToolScene, rests_after_fault
from viewer.tools.blocks import union
from viewer.tools.pointer import PointerEvent

_CIRCLE = 48
_STROKE_ALPHA = 0.35
# A stroke is rasterised in short pieces: what lies between far ends is not looked at.
_PIECE = 8


class Brush:
    """Press, paint, release: one edit a stroke, the same however many events come between.

    Radius in millimetres, true in anisotropic voxels and in oblique planes. The eraser takes
    voxels from the active segment only.
    """

    def __init__(self, *, erases: bool = False) -> None:
        self.key = "eraser" if erases else "brush"
        self.title = "Eraser" if erases else "Brush"
        self._erases = erases
        self._path: list[PointerEvent] = []

    @property
    def is_busy(self) -> bool:
        """Whether a stroke is half done."""
        return bool(self._path)

    def cancel(self) -> None:
        """Drop the stroke."""
        self._path = []

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show how wide the brush is here."""
        return Response((_circle(event, scene.settings.brush_radius_mm, INK),))

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Paint."""
        if event.button != "left":
            return REST
        if event.kind in ("press", "double"):
            self._path = []
            scene.active()  # refuses before a stroke is drawn in vain
            self._path = [event]
        elif not self._path:
            return REST
        elif self._path[0].seen_in(event.plane) is None:
            self._path = []  # the image changed under the hand: nothing is painted
            return REST
        elif event.lps_mm != self._path[-1].lps_mm:
            self._path.append(event)
        if event.kind != "release":
            return Response(self._drawing(event, scene))
        path, self._path = self._path, []
        edit = stroke(path, scene, erases=self._erases)
        return Response(self.hover(event, scene).preview, edit)

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> tuple[Primitive, ...]:
        _, segment = scene.active()
        radius = scene.settings.brush_radius_mm
        pixels = event.plane.pixel([point.lps_mm for point in self._path])
        line = tuple((float(x), float(y)) for x, y, _ in pixels)
        colour = INK if self._erases or scene.settings.erase else segment.colour
        width = 2 * radius / event.plane.pixel_mm
        if len(line) == 1:
            line = (line[0], (line[0][0] + 0.01, line[0][1]))
        trace = Line(line, colour, width, alpha=_STROKE_ALPHA)
        return trace, _circle(event, radius, colour)


def stroke(
    path: list[PointerEvent], scene: ToolScene, *, erases: bool = False
) -> PaintLabels | None:
    """Return the edit of a whole stroke, None when it changes nothing."""
    owner, segment = scene.active()
    block = covered([event.lps_mm for event in path], path[-1], owner, scene)
    if block is None:
        return None
    erase = erases or scene.settings.erase
    width = f"{2 * scene.settings.brush_radius_mm:g} mm"
    name = f"erase {width} from {segment.name}" if erase else f"paint {width} on {segment.name}"
    return paint(owner, block, segment.number, erase=erase, name=name)


def covered(
    places: list[Point], event: PointerEvent, owner: Segmentation, scene: ToolScene
) -> Block | None:
    """Return the voxels under a stroke, None when it lies outside the grid."""
    radius = scene.settings.brush_radius_mm
    pieces = [np.array(places[n : n + _PIECE + 1]) for n in range(0, len(places), _PIECE)]
    if scene.settings.sphere:
        return union([ball_stroke(owner.grid, piece, radius) for piece in pieces])
    return union([disc_stroke(owner.grid, piece, radius, event.plane) for piece in pieces])


def _circle(event: PointerEvent, radius_mm: float, colour: Rgb) -> Line:
    angle = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
    radius = radius_mm / event.plane.pixel_mm
    x, y = event.x_px + radius * np.cos(angle), event.y_px + radius * np.sin(angle)
    points = tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
    return Line(points, colour, closed=True, halo=True)
