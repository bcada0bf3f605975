"""Correcting a segment's outline on one image by dragging its corners."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import Point
from viewer.domain.segmentation import Rgb, Segment, Segmentation
from viewer.imaging.contour import polygons_of_segment
from viewer.imaging.curves import spline_loop
from viewer.imaging.rasterise import Block, polygon_block
from viewer.rendering.primitives import Handle, Line
from viewer.session.edits import PaintLabels, replace_segment_mask
from viewer.session.edits_labels import may_take
from viewer.tools.base import (
    CLICK_PX,
    GRAB_PX,
    REST,
    Response,
    ToolScene,
    distance_px,
    rests_after_fault,
)
from viewer.tools.blocks import block_at, box, hull, spread
from viewer.tools.making import points
from viewer.tools.pointer import PointerEvent

_FEWEST = 3
_IN_PLANE_MM = 1e-3
Key = tuple[str, int, Plane, int]


@dataclass(frozen=True, slots=True)
class Outline:
    """The corners of an outline on a plane, and the outline of the voxels that they stand for."""

    corners: tuple[Point, ...]
    of_voxels: tuple[Point, ...]
    is_hole: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """What the last gesture asked for: the mask in a block, and the corners that it stands for."""

    uid: str
    block: Block
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A corner in the hand; ``is_new`` when the press has just set it on an edge."""

    outline: Outline
    corners: tuple[Point, ...]
    number: int
    start: PointerEvent
    is_new: bool

    def dragged(self, event: PointerEvent) -> tuple[Point, ...]:
        """Return the corners with this one under the pointer."""
        before, after = self.corners[: self.number], self.corners[self.number + 1 :]
        return (*before, event.lps_mm, *after)


class Contour:
    """Drag a corner; a press on an edge sets a new one; Alt and a click take one away.

    The outline nearest to the pointer is meant: of another island, or of a hole. With smooth
    curves on, the outline is the spline through its corners.

    Only the voxels between the old and the new outline change: the rest of the segment, its holes
    and its other islands stay as they are. Corners stay where the hand put them until something
    else changes the voxels.
    """

    key = "contour"
    title = "Contour"

    def __init__(self) -> None:
        self._outlines: tuple[Outline, ...] = ()
        self._key: Key | None = None
        self._expected: Expected | None = None
        self._held: Held | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a corner is held."""
        return self._held is not None

    def cancel(self) -> None:
        """Let go; the outline stays as it was."""
        self._held = None

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the corners."""
        segmentation, number = scene.segmentation, scene.segment_number
        if segmentation is None or all(s.number != number for s in segmentation.segments):
            return REST
        outline = self._nearest(segmentation, event, scene)
        if outline is None:
            return Response(status="The segment does not reach this image.")
        return drawn(outline.corners, event.plane, segmentation.segment(number).colour, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Take, drag and let go a corner."""
        if event.button != "left":
            return REST
        if event.kind in ("press", "double"):
            self._held = None
            return self._press(event, scene)
        held = self._held
        if held is None or held.start.seen_in(event.plane) is None:
            self._held = None  # nothing was taken, or the image changed under the hand
            return self.hover(event, scene)
        if event.kind == "move":
            return drawn(held.dragged(event), event.plane, scene.active()[1].colour, scene)
        self._held = None
        if distance_px(held.start.xy, event.xy) < CLICK_PX and not held.is_new:
            return self.hover(event, scene)
        return self._finish(held.outline, held.dragged(event), event, scene)

    def _press(self, event: PointerEvent, scene: ToolScene) -> Response:
        owner, segment = scene.active()
        outline = self._nearest(owner, event, scene)
        if outline is None:
            return self.hover(event, scene)
        corners = outline.corners
        number = corner_at(corners, event)
        if number is not None and "alt" in event.modifiers:
            if len(corners) <= _FEWEST:
                return drawn(corners, event.plane, segment.colour, scene)
            after = (*corners[:number], *corners[number + 1 :])
            return self._finish(outline, after, event, scene)
        inserted = number is None
        if number is None:
            number = _edge_under(corners, event, scene)
            if number is None or "alt" in event.modifiers:
                return drawn(corners, event.plane, segment.colour, scene)
            corners = (*corners[:number], event.lps_mm, *corners[number:])
        self._held = Held(outline, corners, number, event, inserted)
        return drawn(corners, event.plane, segment.colour, scene)

    def _finish(
        self, outline: Outline, after: tuple[Point, ...], event: PointerEvent, scene: ToolScene
    ) -> Response:
        owner, segment = scene.active()
        curves = curve(outline.corners, scene), curve(after, scene)
        block = corrected(owner, segment, curves, event.plane, is_hole=outline.is_hole)
        edit: PaintLabels | None = None
        if block is not None:
            name = f"change the contour of {segment.name}"
            over = may_take(scene.settings.over, owner)
            edit = replace_segment_mask(owner, block, segment.number, name=name, only_over=over)
            self._expected = Expected(owner.uid, block, after)
            self._key = None
        shown = drawn(after, event.plane, segment.colour, scene)
        return Response(shown.preview, edit, shown.status)

    def _nearest(
        self, segmentation: Segmentation, event: PointerEvent, scene: ToolScene
    ) -> Outline | None:
        """Return the outline that is meant: the nearest, the largest where several are as near."""
        found = self._all(segmentation, event, scene)
        return min(found, key=lambda one: gap_px(one.corners, event)) if found else None

    def _all(
        self, segmentation: Segmentation, event: PointerEvent, scene: ToolScene
    ) -> tuple[Outline, ...]:
        """Return the outlines on this plane: as the hand left them, or of the voxels anew."""
        key = (segmentation.uid, scene.segment_number, event.plane, scene.revision)
        if key == self._key and scene.revision >= 0:
            return self._outlines
        found = []
        for one in polygons_of_segment(segmentation, scene.segment_number, event.plane):
            voxels = points(one.points_lps_mm)
            before = (o.corners for o in self._outlines if _same(o.of_voxels, voxels))
            found.append(Outline(next(before, voxels), voxels, one.is_hole))
        expected = self._expected
        if found and expected and _stands(expected, event.plane, segmentation, scene):
            at = _index_like(expected.corners, found, event.plane)
            found[at] = replace(found[at], corners=expected.corners)
        self._expected = None
        self._key, self._outlines = key, tuple(found)
        return self._outlines


def curve(corners: tuple[Point, ...], scene: ToolScene) -> tuple[Point, ...]:
    """Return the closed line that corners stand for: themselves, or the spline through them."""
    return points(spline_loop(np.array(corners))) if scene.settings.spline else corners


def _edge_under(corners: tuple[Point, ...], event: PointerEvent, scene: ToolScene) -> int | None:
    """Return the number of a new corner where the drawn line is under the pointer."""
    line = curve(corners, scene)
    at = edge_at(line, event)
    return None if at is None else -(-at * len(corners) // len(line))


def _index_like(corners: tuple[Point, ...], outlines: list[Outline], plane: Plane) -> int:
    """Return which outline of voxels lies nearest to where the hand left its corners."""
    placed = _pixels(corners, plane)

    def off(outline: Outline) -> float:
        line = _pixels(outline.of_voxels, plane)
        gaps = np.linalg.norm(placed[:, None] - line[None], axis=2)
        return float(gaps.min(axis=1).mean() + gaps.min(axis=0).mean())

    return min(range(len(outlines)), key=lambda n: off(outlines[n]))


def corrected(
    owner: Segmentation,
    segment: Segment,
    outlines: tuple[tuple[Point, ...], tuple[Point, ...]],
    plane: Plane,
    *,
    is_hole: bool = False,
) -> Block | None:
    """Return the segment's mask after its outline changed, in the block that both cover.

    ``outlines``: before and after. Of a hole, what it newly encloses is taken from the segment.
    """
    blocks = [polygon_block(owner.grid, np.array(outline), plane) for outline in outlines]
    there = [block for block in blocks if block is not None]
    if not there:
        return None
    start, stop = hull(there)
    # Of a hole what it encloses is what lies outside.
    before, after = (spread(block, start, stop) ^ is_hole for block in blocks)
    mask = owner.labels[box(start, stop)] == segment.number
    added, removed = _nearly(after & ~before), _nearly(before & ~after)
    return block_at(start, (mask | (after & added)) & ~(removed & ~after))


def _nearly(changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what changed with its neighbours.

    Corners stand for voxels but for some at the edge; without them a trace of specks would be left
    along the edge as it was.
    """
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(changed, np.ones((3, 3, 3), dtype=bool)))


def _stands(expected: Expected, plane: Plane, segmentation: Segmentation, scene: ToolScene) -> bool:
    """Whether the edit that the last gesture ended in was applied, and this is its image."""
    depths = plane.pixel(np.array(expected.corners))[:, 2]
    if expected.uid != segmentation.uid or (np.abs(depths) > _IN_PLANE_MM).any():
        return False
    start, mask = np.array(expected.block.start_kji), expected.block.mask
    labels = segmentation.labels[box(start, start + mask.shape)]
    return bool(np.array_equal(labels == scene.segment_number, mask))


def _same(before: tuple[Point, ...], after: tuple[Point, ...]) -> bool:
    """Whether two outlines are one, but for the rounding that another zoom brings."""
    return len(before) == len(after) and np.allclose(before, after, rtol=0, atol=1e-6)


def corner_at(corners: tuple[Point, ...], event: PointerEvent) -> int | None:
    """Return the nearest corner within 6 pixels."""
    distances = np.linalg.norm(_pixels(corners, event.plane) - np.array(event.xy), axis=1)
    nearest = int(np.argmin(distances))
    return nearest if distances[nearest] <= GRAB_PX else None


def edge_at(corners: tuple[Point, ...], event: PointerEvent) -> int | None:
    """Return the number that a new corner on the nearest edge within 6 pixels will have."""
    distances = _gaps_px(corners, event)
    nearest = int(np.argmin(distances))
    return nearest + 1 if distances[nearest] <= GRAB_PX else None


def gap_px(corners: tuple[Point, ...], event: PointerEvent) -> float:
    """Return how far the pointer is from a closed line."""
    return float(_gaps_px(corners, event).min())


def _gaps_px(corners: tuple[Point, ...], event: PointerEvent) -> Floats:
    """Return the distance of the pointer to each edge (n) of a closed line."""
    start = _pixels(corners, event.plane)
    along = np.roll(start, -1, axis=0) - start
    point = np.array(event.xy)
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    place = np.clip(((point - start) * along).sum(axis=1) / squared, 0.0, 1.0)
    return np.asarray(np.linalg.norm(start + place[:, None] * along - point, axis=1))


def drawn(corners: tuple[Point, ...], plane: Plane, colour: Rgb, scene: ToolScene) -> Response:
    """Return the outline with its grips."""
    pixels, line = (
        tuple((float(x), float(y)) for x, y in _pixels(found, plane))
        for found in (corners, curve(corners, scene))
    )
    shown = Line(line, colour, 1.5, closed=True, halo=True)
    return Response((shown, *(Handle(xy, colour, 3.5) for xy in pixels)))


def _pixels(corners: tuple[Point, ...], plane: Plane) -> Floats:
    return np.asarray(plane.pixel(np.array(corners))[:, :2])
