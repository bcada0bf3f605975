"""The longest diameter and the widest one across it."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane, nearest
from viewer.domain.measurement import Point
from viewer.domain.segmentation import Labels
from viewer.tools.axes import across, flattened, lifted, with_short_axis
from viewer.tools.base import CLICK_PX, REST, Response, ToolScene, distance_px, rests_after_fault
from viewer.tools.handles import Handles, grip_at
from viewer.tools.making import add, made, preview_new
from viewer.tools.pointer import PointerEvent

_SAMPLES = 65
_STEP_PX = 0.25


class Bidirectional:
    """The first drag is the long axis, the second the short one, always at a right angle.

    Instead of the second drag a click takes the short axis that is proposed: the widest across the
    active segment, or half the long one where there is none.
    """

    key = "bidirectional"
    title = "Bidirectional"

    def __init__(self) -> None:
        self._handles = Handles()
        self._start: PointerEvent | None = None
        self._long: tuple[Point, Point] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an axis is half drawn, the short one is missing, or a grip is held."""
        return self._start is not None or self._long is not None or self._handles.is_busy

    def cancel(self) -> None:
        """Drop both axes, let go what is held."""
        self._start = self._long = None
        self._handles.cancel()

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the proposed short axis, or the grips of what is under the pointer."""
        if self._long is None:
            return self._handles.hover(event, scene)
        return self._proposed(self._long, event, scene)

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Draw the one axis, then the other; or adjust."""
        if event.button != "left":
            return REST
        if self._long is not None:
            return self._second(self._long, event, scene)
        grabs = "alt" in event.modifiers or grip_at(event, scene) is not None
        if self._handles.is_busy or (event.kind == "press" and grabs):
            self._start = None
            return self._handles.handle(event, scene)
        return self._first(event, scene)

    def _first(self, event: PointerEvent, scene: ToolScene) -> Response:
        if event.kind == "press":
            self._start = event
            return REST
        start = self._start.seen_in(event.plane) if self._start else None
        if event.kind != "move":
            self._start = None
        if start is None or distance_px(start.xy, event.xy) < CLICK_PX:
            return REST
        axis = (start.lps_mm, event.lps_mm)
        if event.kind == "move":
            return preview_new("distance", axis, event, scene)
        self._long = axis
        return self._proposed(axis, event, scene)

    def _second(self, axis: tuple[Point, Point], event: PointerEvent, scene: ToolScene) -> Response:
        if event.kind == "press" or not lies_in(axis, event.plane):
            self._start = event if lies_in(axis, event.plane) else None
            return self._proposed(axis, event, scene)
        start = self._start.seen_in(event.plane) if self._start else None
        if event.kind == "release" and start is None:
            return self._proposed(axis, event, scene)
        shape = widest_across(axis, event.plane, scene)
        if start is not None:
            shape = drawn_across(axis, start, event) or shape
        if event.kind == "move":
            return preview_new(self.key, shape, event, scene)
        self._start = self._long = None
        return Response(edit=add(made(self.key, shape, scene)))

    def _proposed(
        self, axis: tuple[Point, Point], event: PointerEvent, scene: ToolScene
    ) -> Response:
        if not lies_in(axis, event.plane):
            return Response(status="Go back to the image with the long axis, or press Esc.")
        drawing = preview_new(
            self.key, widest_across(axis, event.plane, scene), event, scene
        ).preview
        return Response(drawing, status="Draw the short axis, or click to take this one.")


def lies_in(axis: tuple[Point, ...], plane: Plane) -> bool:
    """Whether all points lie in the plane (within 0.001 mm): it was panned or zoomed at most."""
    return bool((np.abs(plane.pixel(np.array(axis))[:, 2]) < 1e-3).all())


def drawn_across(
    axis: tuple[Point, Point], start: PointerEvent, event: PointerEvent
) -> tuple[Point, ...]:
    """Return the four points: a drag from ``start`` to ``event``, made perpendicular.

    () when less than 3 pixels of it run across the axis: that was a click.
    """
    ends, depths = flattened(axis, event.plane)
    drag, _ = flattened((start.lps_mm, event.lps_mm), event.plane)
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    turned = across(along) / length
    place = float((drag.mean(axis=0) - ends[0]) @ along) / length**2
    reach = (float((drag[0] - ends[0]) @ turned), float((drag[1] - ends[0]) @ turned))
    if abs(reach[1] - reach[0]) < CLICK_PX * event.plane.pixel_mm:
        return ()
    return lifted(with_short_axis(ends, place, reach), np.repeat(depths[:1], 4), event.plane)


def widest_across(axis: tuple[Point, Point], plane: Plane, scene: ToolScene) -> tuple[Point, ...]:
    """Return the four points with the widest perpendicular inside the active segment.

    Without a segment under the axis: half as long as the axis, through its middle.
    """
    ends, depths = flattened(axis, plane)
    length = float(np.linalg.norm(ends[1] - ends[0]))
    place, reach = _widest(ends, float(depths[0]), plane, scene) or (0.5, (-length / 4, length / 4))
    return lifted(with_short_axis(ends, place, reach), np.repeat(depths[:1], 4), plane)


def _widest(
    ends: Floats, depth: float, plane: Plane, scene: ToolScene
) -> tuple[float, tuple[float, float]] | None:
    """Return place and reach of the widest run of segment voxels that crosses the axis."""
    segmentation = scene.segmentation
    if segmentation is None:
        return None
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    step = max(_STEP_PX * plane.pixel_mm, length / 512)
    offsets = np.arange(0.0, length, step)
    places = np.linspace(0.0, 1.0, _SAMPLES)
    feet = ends[0] + places[:, None] * along
    runs = []
    for side in (-1.0, 1.0):
        flat = feet[:, None] + side * offsets[None, :, None] * across(along) / length
        lps = plane.world(flat / plane.pixel_mm) + depth * plane.normal
        index = nearest(segmentation.grid.index(lps))
        inside = _number_at(segmentation.labels, index) == scene.segment_number
        ended = np.where(inside.all(axis=1), inside.shape[1], np.argmin(inside, axis=1))
        runs.append((ended - 1) * step)
    widths = np.where(np.minimum(runs[0], runs[1]) >= 0, runs[0] + runs[1], -1.0)
    if widths.max() < 0:
        return None
    # Voxels make steps, so several places are equally wide: the middle one of them is meant.
    widest = np.flatnonzero(widths > widths.max() - 1.5 * step)
    row = int(widest[np.argmin(np.abs(widest - widest.mean()))])
    return float(places[row]), (-float(runs[0][row]), float(runs[1][row]))


def _number_at(labels: Labels, index_ijk: NDArray[np.int64]) -> Labels:
    k, j, i = (index_ijk[..., axis] for axis in (2, 1, 0))
    n_k, n_j, n_i = labels.shape
    inside = (i >= 0) & (j >= 0) & (k >= 0) & (i < n_i) & (j < n_j) & (k < n_k)
    return np.where(inside, labels[k * inside, j * inside, i * inside], np.uint8(0))
