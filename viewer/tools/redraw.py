"""Drawing a part of a segment's outline anew: cut off, bulge out, bridge a dent, in one stroke."""

from dataclasses import dataclass

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import Point
from viewer.imaging.contour import polygons_of_segment
from viewer.rendering.primitives import Line
from viewer.session.edits import PaintLabels, replace_segment_mask
from viewer.session.edits_labels import may_take
from viewer.tools.base import GRAB_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.contour import corrected
from viewer.tools.making import points
from viewer.tools.pointer import PointerEvent

_STEP_PX = 1.0
_FEWEST = 3
_REACH = 3 * GRAB_PX  # how far from the outline a stroke may begin and end


@dataclass(frozen=True, eq=False)
class Redrawn:
    """An outline (n, 2; pixels of the plane) before and after a part of it was drawn anew."""

    before: Floats
    after: Floats
    is_hole: bool


class Redraw:
    """Draw from the outline to the outline: the shorter way between both ends is replaced.

    Across the inside this cuts a part off, outside it joins what lies between; with Alt the longer
    way is replaced. Other outlines stay as they are. Esc leaves no trace.
    """

    key = "redraw"
    title = "Redraw the edge"

    def __init__(self) -> None:
        self._path: list[PointerEvent] = []
        self._outlines: list[tuple[Floats, bool]] = []

    @property
    def is_busy(self) -> bool:
        """Whether a stroke is being drawn."""
        return bool(self._path)

    def cancel(self) -> None:
        """Drop the stroke."""
        self._path, self._outlines = [], []

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show nothing: a stroke begins with a press."""
        del event, scene
        return REST

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Draw, and show what the outline would become."""
        if event.button != "left":
            return REST
        if event.kind in ("press", "double"):
            self.cancel()
            owner, segment = scene.active()
            found = polygons_of_segment(owner, segment.number, event.plane)
            self._outlines = [
                (event.plane.pixel(one.points_lps_mm)[:, :2], one.is_hole) for one in found
            ]
            self._path = [event]
        elif not self._path:
            return REST
        elif self._path[0].seen_in(event.plane) is None or event.plane != self._path[0].plane:
            self.cancel()  # the image changed under the hand: nothing is done
            return REST
        elif distance_px(event.xy, self._path[-1].xy) >= _STEP_PX:
            self._path.append(event)
        found_one = self._redrawn()
        if event.kind != "release":
            return self._drawing(found_one, scene)
        started = len(self._path) >= _FEWEST
        self.cancel()
        if found_one is None:
            text = "A stroke begins and ends at the segment's outline." if started else ""
            return Response(status=text)
        return Response(edit=_edit(found_one, event.plane, scene))

    def _redrawn(self) -> Redrawn | None:
        if len(self._path) < _FEWEST or not self._outlines:
            return None
        stroke = np.array([event.xy for event in self._path])
        longer = "alt" in self._path[0].modifiers
        line, is_hole = min(self._outlines, key=lambda one: _off(one[0], stroke[[0, -1]]))
        if _off(line, stroke[[0, -1]]) > _REACH:
            return None
        return Redrawn(line, with_stroke(line, stroke, longer=longer), is_hole)

    def _drawing(self, found: Redrawn | None, scene: ToolScene) -> Response:
        _, segment = scene.active()
        if found is None:
            stroke = tuple(event.xy for event in self._path)
            shown = (Line(stroke, segment.colour, 1.5, halo=True),) if len(stroke) > 1 else ()
            return Response(shown)
        pixels = tuple((float(x), float(y)) for x, y in found.after)
        return Response((Line(pixels, segment.colour, 1.5, closed=True, halo=True),))


def with_stroke(line: Floats, stroke: Floats, *, longer: bool = False) -> Floats:
    """Return a closed line (n, 2) with one way between a stroke's ends (m, 2) replaced by it.

    The shorter way goes, with ``longer`` the longer one.
    """
    closed = np.concatenate((line, line[:1]))
    lengths = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    along = np.concatenate(([0.0], np.cumsum(lengths)))
    start, end = (_place(closed, along, xy) for xy in (stroke[0], stroke[-1]))
    forward = (end - start) % along[-1]
    keeps_forward = (forward > along[-1] / 2) != longer
    if keeps_forward:
        # The kept way leads from the stroke's start forward to its end; the stroke leads back.
        kept = _between(line, along, start, end)
        return np.concatenate((kept, stroke[::-1]))
    kept = _between(line, along, end, start)
    return np.concatenate((kept, stroke))


def _place(closed: Floats, along: Floats, xy: Floats) -> float:
    """Return how far along a closed line its nearest point to ``xy`` lies."""
    start, edge = closed[:-1], np.diff(closed, axis=0)
    squared = np.maximum((edge**2).sum(axis=1), 1e-12)
    share = np.clip(((xy - start) * edge).sum(axis=1) / squared, 0.0, 1.0)
    gaps = np.linalg.norm(start + share[:, None] * edge - xy, axis=1)
    at = int(np.argmin(gaps))
    return float(along[at] + share[at] * (along[at + 1] - along[at]))


def _between(line: Floats, along: Floats, start: float, end: float) -> Floats:
    """Return the corners of a closed line from one place forward to another."""
    whole = float(along[-1])
    offsets = (along[:-1] - start) % whole
    order = np.argsort(offsets, kind="stable")
    chosen = order[offsets[order] < (end - start) % whole]
    return np.asarray(line[chosen])


def _off(line: Floats, ends: Floats) -> float:
    """Return the greater distance of two ends to a closed line."""
    closed = np.concatenate((line, line[:1]))
    start, edge = closed[:-1], np.diff(closed, axis=0)
    squared = np.maximum((edge**2).sum(axis=1), 1e-12)
    worst = 0.0
    for xy in ends:
        share = np.clip(((xy - start) * edge).sum(axis=1) / squared, 0.0, 1.0)
        gaps = np.linalg.norm(start + share[:, None] * edge - xy, axis=1)
        worst = max(worst, float(gaps.min()))
    return worst


def _edit(found: Redrawn, plane: Plane, scene: ToolScene) -> PaintLabels | None:
    owner, segment = scene.active()
    before, after = (_placed(line, plane) for line in (found.before, found.after))
    block = corrected(owner, segment, (before, after), plane, is_hole=found.is_hole)
    if block is None:
        return None
    name = f"redraw the edge of {segment.name}"
    over = may_take(scene.settings.over, owner)
    return replace_segment_mask(owner, block, segment.number, name=name, only_over=over)


def _placed(line: Floats, plane: Plane) -> tuple[Point, ...]:
    return points(plane.world(line))
