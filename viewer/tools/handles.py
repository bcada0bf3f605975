"""Taking hold of measurements that are there: grips, what is hovered, dragging, deleting."""

from dataclasses import dataclass

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import KINDS, Measurement
from viewer.errors import InputRefused
from viewer.rendering.shapes import half_slice_mm, joined
from viewer.session.edits import RemoveMeasurement
from viewer.session.edits_measurement import words
from viewer.tools.axes import can_move, dragged
from viewer.tools.base import (
    CLICK_PX,
    GRAB_PX,
    REST,
    Response,
    ToolScene,
    distance_px,
    rests_after_fault,
)
from viewer.tools.making import move, moved, shown
from viewer.tools.pointer import PointerEvent


@dataclass(frozen=True, slots=True)
class Grip:
    """One point of a measurement that a hand can take."""

    measurement: Measurement
    number: int


def grip_at(event: PointerEvent, scene: ToolScene) -> Grip | None:
    """Return the nearest grip within 6 pixels, of measurements that lie in this plane."""
    best: tuple[float, Grip] | None = None
    for measurement in reversed(scene.measurements):
        pixels = _pixels(measurement, event.plane, scene)
        if pixels is None or not can_move(measurement.kind):
            continue
        for number, xy in enumerate(pixels):
            distance = distance_px((float(xy[0]), float(xy[1])), event.xy)
            if distance <= GRAB_PX and (best is None or distance < best[0]):
                best = distance, Grip(measurement, number)
    return best[1] if best else None


def measurement_at(event: PointerEvent, scene: ToolScene) -> Measurement | None:
    """Return the measurement whose grip or line is within 6 pixels, the newest first."""
    for measurement in reversed(scene.measurements):
        pixels = _pixels(measurement, event.plane, scene)
        if pixels is None:
            continue
        if any(
            _distance_to(event.xy, line) <= GRAB_PX for line in _lines(measurement.kind, pixels)
        ):
            return measurement
    return None


def removal(measurement: Measurement) -> RemoveMeasurement:
    """Return the edit that deletes it."""
    return RemoveMeasurement(measurement.uid, f"delete {words(measurement)}")


def _pixels(measurement: Measurement, plane: Plane, scene: ToolScene) -> Floats | None:
    if not measurement.points_lps_mm:
        return None  # numbers of a foreign report: nothing to grab
    pixels = plane.pixel(np.array(measurement.points_lps_mm))
    reach = half_slice_mm(scene.picture.grid, plane) + 1e-6
    held = measurement.volume_key == scene.picture.key and (np.abs(pixels[:, 2]) <= reach).all()
    return np.asarray(pixels[:, :2]) if held else None


def _lines(kind: str, xy: Floats) -> tuple[Floats, ...]:
    """Return what of a measurement can be pointed at: its lines, and the middle of a region."""
    found = tuple(
        np.concatenate((path, path[:1])) if closed else path for path, closed in joined(kind, xy)
    )
    return (*found, xy[:1]) if KINDS[kind].drawn in ("ellipse", "rectangle") else found


def _distance_to(xy: tuple[float, float], line: Floats) -> float:
    """Return the distance of a point to a polyline (n, 2)."""
    point = np.array(xy)
    if len(line) == 1:
        return float(np.linalg.norm(line[0] - point))
    start, along = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    place = np.clip(((point - start) * along).sum(axis=1) / squared, 0.0, 1.0)
    nearest = start + place[:, None] * along
    return float(np.linalg.norm(nearest - point, axis=1).min())


class HandleDrag:
    """One drag of one grip; nothing changes before the release."""

    def __init__(self, grip: Grip, event: PointerEvent) -> None:
        self._grip, self._start = grip, event.xy
        self._far = False

    def move(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Return what the measurement would be, with its numbers, or why it cannot be that."""
        self._far = self._far or distance_px(self._start, event.xy) >= CLICK_PX
        try:
            return shown(self._after(event, scene), event, scene)
        except InputRefused as error:  # a polygon that crosses itself for a moment
            return Response(status=error.sentence(), uid=self._grip.measurement.uid)

    def release(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Return the edit; none when it was a click."""
        self._far = self._far or distance_px(self._start, event.xy) >= CLICK_PX
        uid = self._grip.measurement.uid
        if not self._far:
            return Response(uid=uid)
        return Response(edit=move(self._after(event, scene)), uid=uid)

    def _after(self, event: PointerEvent, scene: ToolScene) -> Measurement:
        before = self._grip.measurement
        return moved(before, dragged(before, self._grip.number, event.xy, event.plane), scene)


class Handles:
    """The tool that takes hold only: drag a grip; Alt and a click delete a measurement."""

    key = "handles"
    title = "Adjust"

    def __init__(self) -> None:
        self._drag: HandleDrag | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a grip is held."""
        return self._drag is not None

    def cancel(self) -> None:
        """Let go; the measurement stays where it was."""
        self._drag = None

    @rests_after_fault
    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Drag, or delete."""
        if event.button != "left":
            return REST
        if event.kind == "press":
            return self._press(event, scene)
        drag = self._drag
        if drag is None:
            return REST
        if event.kind == "move":
            return drag.move(event, scene)
        self._drag = None
        return drag.release(event, scene)

    def _press(self, event: PointerEvent, scene: ToolScene) -> Response:
        self._drag = None
        if "alt" in event.modifiers:
            found = measurement_at(event, scene)
            return REST if found is None else Response(edit=removal(found))
        grip = grip_at(event, scene)
        if grip is None:
            return REST
        self._drag = HandleDrag(grip, event)
        return self._drag.move(event, scene)

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Show the grips of what is under the pointer."""
        found = measurement_at(event, scene)
        return REST if found is None else shown(found, event, scene)
