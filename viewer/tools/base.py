"""What a tool sees, what it answers, and what all of them share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from math import hypot
from typing import Any, Protocol

from viewer.domain.calibration import Calibration
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.errors import ViewerError
from viewer.rendering.primitives import Point, Primitive
from viewer.session.edits import Edit
from viewer.session.edits_labels import unlocked
from viewer.session.edits_segmentation import mutable
from viewer.session.viewing import ToolSettings
from viewer.tools.pointer import PointerEvent

__all__ = ["CLICK_PX", "GRAB_PX", "REST", "Response", "Tool", "ToolScene", "ToolSettings"]

Handle = Callable[[Any, PointerEvent, "ToolScene"], "Response"]

# Nearer than this to a grip takes it; a drag shorter than this was a click.
GRAB_PX = 6.0
CLICK_PX = 3.0


@dataclass(frozen=True, slots=True)
class ToolScene:
    """Everything a tool may look at.

    ``segmentation`` and ``segment_number`` are the active ones; ``measurements`` are those of this
    picture. ``next_label`` names the next measurement ("": the tool counts). ``revision`` is the
    session's, so that what was computed from labels can be kept; -1: unknown, compute again.
    ``calibrations`` are those of this picture's images.
    """

    picture: Picture
    segmentation: Segmentation | None = None
    segment_number: int = 0
    measurements: tuple[Measurement, ...] = ()
    settings: ToolSettings = field(default_factory=ToolSettings)
    next_label: str = ""
    revision: int = -1
    calibrations: tuple[Calibration, ...] = ()

    def active(self) -> tuple[Segmentation, Segment]:
        """Return the segment that may be changed.

        Raises
        ------
        ViewerError
            None is chosen; Conflict when a network made it or when it is locked.
        """
        if self.segmentation is None or not self.segmentation.segments:
            raise ViewerError("No segment is chosen.", remedy="Run a network, or add a segment.")
        owner = mutable(self.segmentation)
        return owner, unlocked(owner, self.segment_number)


@dataclass(frozen=True, slots=True)
class Response:
    """What a tool answers: what to draw on top, the edit that the gesture ended in, one sentence.

    ``uid`` is the measurement under the hand: hovered, or being dragged.
    """

    preview: tuple[Primitive, ...] = ()
    edit: Edit | None = None
    status: str = ""
    uid: str = ""


REST = Response()


class Tool(Protocol):
    """A small state machine. What it raises leaves it at rest, without a trace."""

    key: str
    title: str

    @property
    def is_busy(self) -> bool:
        """Whether a gesture is half done."""

    def handle(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Take a press, a move with a button held, a release, or a double click."""

    def hover(self, event: PointerEvent, scene: ToolScene) -> Response:
        """Take a move without a button."""

    def cancel(self) -> None:
        """Drop what is half done (Esc)."""


def rests_after_fault(handle: Handle) -> Handle:
    """Return ``handle`` of a tool such that whatever it raises leaves the tool at rest."""

    @wraps(handle)
    def guarded(tool: Any, event: PointerEvent, scene: ToolScene) -> Response:
        try:
            return handle(tool, event, scene)
        except Exception:
            tool.cancel()
            raise

    return guarded


def distance_px(a: Point, b: Point) -> float:
    """Return the distance of two points in pixels."""
    return hypot(a[0] - b[0], a[1] - b[1])
