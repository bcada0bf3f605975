"""Painting voxels with a disc in the plane or with a ball."""

from itertools import pairwise

import numpy as np

from viewer.domain.measurement import Point
from viewer.domain.segmentation import Rgb, Segmentation
from viewer.imaging.painted_values import up_to_edges, values_under, within
from viewer.imaging.rasterise import Block, ball_stroke, disc_stroke
from viewer.rendering.palettes import INK
from viewer.rendering.primitives import Line, Primitive
from viewer.session.edits import PaintLabels, paint
from viewer.session.edits_labels import may_take
from viewer.tools.base import REST, Response, ToolScene, rests_after_fault
from viewer.tools.blocks import union
from viewer.tools.pointer import PointerEvent

_CIRCLE = 48
_STROKE_ALPHA = 0.35
# A stroke is rasterised in short pieces: what lies between far ends is not looked at.
_PIECE = 8
_LIGHTEST = 0.3


class Brush:
    """Press, paint, release: one edit a stroke, the same however many events come between.

    Radius in millimetres, true in anisotropic voxels and in oblique planes; a pen's pressure makes
    it smaller. The eraser takes voxels from the active segment only. Both keep to the range of
    values, and stop at edges, if the settings say so.
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
        return Response((_circle(event, radius_mm(event, scene), INK),), status=_limits(scene))

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
        edit = self.finish(path, scene)
        return Response(self.hover(event, scene).preview, edit)

    def finish(self, path: list[PointerEvent], scene: ToolScene) -> PaintLabels | None:
        """Return the edit of a whole stroke, None when it changes nothing."""
        return stroke(path, scene, erases=self._erases)

    def _drawing(self, event: PointerEvent, scene: ToolScene) -> tuple[Primitive, ...]:
        _, segment = scene.active()
        radius = radius_mm(event, scene)
        pixels = event.plane.pixel([point.lps_mm for point in self._path])
        line = tuple((float(x), float(y)) for x, y, _ in pixels)
        colour = INK if self._erases or scene.settings.erase else segment.colour
        width = 2 * radius / event.plane.pixel_mm
        if len(line) == 1:
            line = (line[0], (line[0][0] + 0.01, line[0][1]))
        trace = Line(line, colour, width, alpha=_STROKE_ALPHA)
        return trace, _circle(event, radius, colour)


def _limits(scene: ToolScene) -> str:
    """Return what holds the brush back, as a sentence; "" when nothing does."""
    told = []
    if scene.settings.paint_range is not None:
        low, high = scene.settings.paint_range
        told.append(f"only values {low:g} to {high:g}")
    if scene.settings.edge_aware:
        told.append("up to edges")
    return f"Paints {' and '.join(told)}." if told else ""


def stroke(
    path: list[PointerEvent], scene: ToolScene, *, erases: bool = False, name: str = ""
) -> PaintLabels | None:
    """Return the edit of a whole stroke, None when it changes nothing."""
    owner, segment = scene.active()
    block = covered(path, owner, scene)
    if block is not None:
        block = limited(block, owner, scene, [event.lps_mm for event in path])
    if block is None:
        return None
    erase = erases or scene.settings.erase
    width = f"{2 * scene.settings.brush_radius_mm:g} mm"
    done = f"erase {width} from {segment.name}" if erase else f"paint {width} on {segment.name}"
    over = may_take(scene.settings.over, owner)
    return paint(owner, block, segment.number, erase=erase, name=name or done, only_over=over)


def covered(path: list[PointerEvent], owner: Segmentation, scene: ToolScene) -> Block | None:
    """Return the voxels under a stroke, None when it lies outside the grid.

    What lies between two events is covered too, however far apart they are.
    """
    pieces = []
    for events in _pieces(path):
        places = np.array([event.lps_mm for event in events])
        radius = radius_mm(events[-1], scene)
        if scene.settings.sphere:
            pieces.append(ball_stroke(owner.grid, places, radius))
        else:
            pieces.append(disc_stroke(owner.grid, places, radius, path[-1].plane))
    return union(pieces)


def _pieces(path: list[PointerEvent]) -> list[list[PointerEvent]]:
    """Return the path in short pieces that overlap by one event; each has one pressure."""
    pieces = [path[:1]]
    for before, event in pairwise(path):
        if len(pieces[-1]) > _PIECE or event.pressure != pieces[-1][-1].pressure:
            pieces.append([before])
        pieces[-1].append(event)
    return pieces


def radius_mm(event: PointerEvent, scene: ToolScene) -> float:
    """Return the brush's radius: a pen that hardly touches paints with three tenths of it."""
    share = _LIGHTEST + (1 - _LIGHTEST) * min(max(event.pressure, 0.0), 1.0)
    return scene.settings.brush_radius_mm * share


def limited(
    block: Block, owner: Segmentation, scene: ToolScene, path_lps_mm: list[Point]
) -> Block | None:
    """Return the voxels that the hand's range of values, and edges, leave to it; None: none."""
    settings = scene.settings
    if settings.paint_range is None and not settings.edge_aware:
        return block
    values = values_under(block, scene.picture, owner.grid)
    if settings.paint_range is not None:
        found = within(block, values, settings.paint_range)
        if found is None:
            return None
        block = found
    if settings.edge_aware:
        return up_to_edges(block, values, owner.grid, path_lps_mm, settings.brush_radius_mm)
    return block


def _circle(event: PointerEvent, radius_mm: float, colour: Rgb) -> Line:
    angle = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
    radius = radius_mm / event.plane.pixel_mm
    x, y = event.x_px + radius * np.cos(angle), event.y_px + radius * np.sin(angle)
    points = tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
    return Line(points, colour, closed=True, halo=True)
