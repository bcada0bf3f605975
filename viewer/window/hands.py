"""Translates Qt events for the tools, shows their previews, and applies the edits they end in."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent

from viewer.actions.context import Context
from viewer.actions.measure import next_label
from viewer.actions.registry import perform
from viewer.domain.geometry import Plane
from viewer.errors import ViewerError
from viewer.rendering.primitives import Primitive
from viewer.tools.base import Response, Tool, ToolScene
from viewer.tools.pointer import PointerEvent

_MODIFIERS = (
    (Qt.KeyboardModifier.ShiftModifier, "shift"),
    (Qt.KeyboardModifier.ControlModifier, "ctrl"),
    (Qt.KeyboardModifier.AltModifier, "alt"),
)


class Hands:
    """The tool in hand: one at a time, for all panes."""

    def __init__(self, context: Context, repaint: Callable[[], None]) -> None:
        self._context, self._repaint = context, repaint
        self._tool: Tool | None = None
        self._key = ""
        self._pane = ""
        self._preview: tuple[Primitive, ...] = ()
        self.status = ""
        self._scribble: list[tuple[float, float, float]] = []
        self.pressure = 1.0

    def preview(self, pane: str) -> tuple[Primitive, ...]:
        """Return what the tool wants to show in a pane."""
        return self._preview if pane == self._pane else ()

    def choose(self, key: str) -> None:
        """Take another tool; what was half done is dropped without a trace."""
        if key == self._key:
            return
        self.cancel()
        self._key = key
        # Late: the first picture waits for no tool.
        from viewer.tools.table import make_tool

        self._tool = make_tool(key)

    def cancel(self) -> bool:
        """Return to rest (Esc); return whether something was dropped."""
        busy = bool(self._preview)
        if self._tool is not None:
            self._tool.cancel()
        self._preview = ()
        self._repaint()
        return busy

    def leave(self, pane: str) -> None:
        """The pointer left a pane: a hover preview goes, a gesture stays."""
        if pane == self._pane and self._tool is not None and not self._tool.is_busy:
            self._preview = ()

    def takes(self, pane: str, event: QMouseEvent, kind: str) -> bool:
        """Hand an event to the tool; return whether the tool wanted it."""
        self.choose(self._context.viewing.look.tool)
        scene = self._scene()
        plane = self._context.viewing.look.planes.get(pane)
        if scene is None or plane is None:
            return False
        tool = self._tool
        at = event.position()
        if self._key == "seeds" and kind in ("press", "move", "release"):
            return self._seed(plane, at.x(), at.y(), event, kind)
        if tool is None:
            return False
        modifiers = frozenset(name for flag, name in _MODIFIERS if event.modifiers() & flag)
        pointer = PointerEvent(
            "move" if kind == "hover" else kind,  # type: ignore[arg-type]
            at.x(),
            at.y(),
            plane,
            "left",
            modifiers,
            self.pressure,
        )
        self._pane = pane
        try:
            if kind == "hover":
                response = tool.hover(pointer, scene)
            else:
                response = tool.handle(pointer, scene)
            self._take(response)
        except ViewerError as error:
            self.cancel()
            self._context.tell_fault(error)
        self._repaint()
        return True

    def _seed(self, plane: Plane, x: float, y: float, event: QMouseEvent, kind: str) -> bool:
        """Mark a place for the method that is being tried: a scribble is told when it ends."""
        inside = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        x_mm, y_mm, z_mm = plane.world((x, y)).tolist()
        if kind == "press":
            self._scribble = []
        self._scribble.append((x_mm, y_mm, z_mm))
        if kind == "release":
            points, self._scribble = self._scribble, []
            try:
                perform(self._context, "method.seed", points_lps_mm=points, inside=inside)
            except ViewerError as error:
                self._context.tell_fault(error)
        return True

    def _take(self, response: Response) -> None:
        self._preview = response.preview
        self.status = response.status
        if response.edit is not None:
            self._context.session.apply(response.edit)

    def _scene(self) -> ToolScene | None:
        picture = self._context.picture
        if picture is None:
            return None
        look = self._context.viewing.look
        state = self._context.session.state
        segmentation = self._context.segmentation
        if segmentation is not None and segmentation.volume_key != picture.key:
            segmentation = None
        from viewer.tools.table import MEASURES

        kind = MEASURES.get(look.tool, "")
        settings = replace(look.settings, erase=look.tool == "eraser")
        return ToolScene(
            picture=picture,
            segmentation=segmentation,
            segment_number=look.segment_number,
            measurements=tuple(m for m in state.measurements if m.volume_key == picture.key),
            settings=settings,
            revision=self._context.session.revision,
            calibrations=state.calibrations_of(picture.key),
            next_label=next_label(self._context, kind) if kind else "",
        )
