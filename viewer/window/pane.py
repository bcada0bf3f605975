"""A 2-D pane: paints what the presenter composed, and turns the mouse into gestures."""

import time

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer.actions.context import Context
from viewer.domain.geometry import Plane
from viewer.domain.volume import Picture, Window
from viewer.errors import ViewerError
from viewer.imaging.value_chain import default_window
from viewer.painting.painter import paint
from viewer.rendering.strip import STRIP_PX, Span
from viewer.session.presentation import PresentedPane, Presenter
from viewer.session.strip import said_at
from viewer.window import theme
from viewer.window.hands import Hands
from viewer.window.performing import Performing

_NOTCH = 120
_ZOOM_A_PIXEL = 1.006
_ZOOM_A_NOTCH = 1.15
_CLICK_PX = 3.0
_SPLIT_GRIP_PX = 6.0


class SlicePane(QWidget):
    """One plane of the shown picture. It knows no voxels: it asks the presenter, and paints.

    A ``twin`` shows the same plane as the pane of its name, without its enhancement.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        performing: Performing,
        presenter: Presenter,
        hands: Hands,
        *,
        twin: bool = False,
    ) -> None:
        super().__init__()
        self.name, self._is_twin = name, twin
        self._context, self._performing = context, performing
        self._presenter, self._hands = presenter, hands
        self._last = QPointF()
        self._travelled_px = 0.0
        self._drag = ""
        self._wheel = 0
        self._gain = 0.0
        self.cursor_px: tuple[float, float] | None = None
        self.presented: PresentedPane | None = None
        self.paint_ms = 0.0
        self._told_fault = ""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(120, 100)

    # --- painting --------------------------------------------------------------------------

    def plane(self) -> Plane | None:
        """Return the plane that this pane shows, or None."""
        return self._context.viewing.look.planes.get(self.name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Compose and paint; a fault shows as a sentence in the pane, never as a stale picture."""
        started = time.perf_counter()
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception as error:  # noqa: BLE001 - a fault must not leave the painter open
            self._paint_fault(painter, error)
        if self._context.viewing.look.active_pane == self.name:
            painter.setPen(QPen(QColor(theme.ACCENT), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
        self.paint_ms = (time.perf_counter() - started) * 1000

    def _paint(self, painter: QPainter) -> None:
        picture = self._context.picture
        if picture is not None and self.plane() is not None:
            self._paint_picture(painter, picture)
            return
        painter.fillRect(self.rect(), QColor(theme.PANE))
        if picture is None and self.name in ("axial", "acquired"):
            self._paint_empty(painter)

    def _paint_fault(self, painter: QPainter, error: Exception) -> None:
        """Say what went wrong instead of the picture; a fault of ours is told once, with details."""
        painter.fillRect(self.rect(), QColor(theme.PANE))
        painter.setPen(QColor(theme.WARNING))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        sentence = "This picture could not be drawn: the program has a fault."
        if isinstance(error, ViewerError):
            sentence = error.sentence()
        elif repr(error) != self._told_fault:
            self._told_fault = repr(error)
            # A notice moves widgets about, which must not happen while they are painted.
            QTimer.singleShot(0, self, lambda: self._context.tell_fault(error))
        painter.drawText(self.rect().adjusted(30, 30, -30, -30), flags, sentence)

    def _paint_picture(self, painter: QPainter, picture: Picture) -> None:
        self.presented = self._presenter.present(
            picture,
            self.name,
            cursor_px=self.cursor_px,
            preview=self._hands.preview(self.name),
            original=self._is_twin,
        )
        size = (self.width(), self.height())
        paint(painter, self.presented.raster, self.presented.primitives, size)

    def _paint_empty(self, painter: QPainter) -> None:
        painter.setPen(QColor(theme.DIM))
        text = "Drop a study here\nCtrl+O  files     Ctrl+Shift+O  folder     Ctrl+D  demonstration"
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)

    def showEvent(self, event: QShowEvent) -> None:
        """Paint every pixel: the style sheet takes this promise back whenever it is applied."""
        super().showEvent(event)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep centre and scale."""
        super().resizeEvent(event)
        if self._is_twin:
            return  # the plane is its sister's, and as large as she is
        self._context.viewing.resize_pane(self.name, (self.width(), self.height()))

    # --- gestures --------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture: left = tool, middle = pan, right = zoom (or the menu, on a click)."""
        self._last = event.position()
        self._travelled_px = 0.0
        self._context.viewing.set(active_pane=self.name)
        if self._context.picture is None:
            return
        button = event.button()
        if button == Qt.MouseButton.MiddleButton:
            self._drag = "pan"
        elif button == Qt.MouseButton.RightButton:
            self._drag = "zoom"
        elif button == Qt.MouseButton.LeftButton:
            self._press_left(event)

    def _press_left(self, event: QMouseEvent) -> None:
        look = self._context.viewing.look
        x = event.position().x()
        if look.split is not None and abs(x - look.split * self.width()) <= _SPLIT_GRIP_PX:
            self._drag = "split"
        elif x >= self.width() - STRIP_PX:
            self._drag = "strip"
            self._scroll_to(event.position().y())
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and look.tool == "window":
            self._drag = "crosshair"
            self._cross(event.position())
        elif self._hands.takes(self.name, event, "press"):
            self._drag = "tool"
        elif look.tool == "crosshair":
            self._drag = "crosshair"
            self._cross(event.position())
        else:
            self._drag = "window"
            self._gain = 0.0

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the gesture, or hover."""
        at = event.position()
        delta = at - self._last
        self._last = at
        self.cursor_px = (at.x(), at.y())
        if not event.buttons():
            self.setToolTip(self._said_at(at))
            self._hands.takes(self.name, event, "hover")
            self.update()
            return
        self._travelled_px += abs(delta.x()) + abs(delta.y())
        fine = 0.2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        if self._drag == "pan":
            self._context.viewing.pan(self.name, delta.x(), delta.y())
        elif self._drag == "zoom":
            self._context.viewing.zoom(self.name, _ZOOM_A_PIXEL ** -delta.y())
        elif self._drag == "split":
            self._context.viewing.set(split=min(1.0, max(0.0, at.x() / max(1, self.width()))))
        elif self._drag == "strip":
            self._scroll_to(at.y())
        elif self._drag == "crosshair":
            self._cross(at)
        elif self._drag == "window":
            self._window(delta * fine)
        elif self._drag == "tool":
            self._hands.takes(self.name, event, "move")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture."""
        if self._drag == "tool":
            self._hands.takes(self.name, event, "release")
        self._drag = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon if one is being drawn; else enlarge the pane, or show all again."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if not self._hands.takes(self.name, event, "double"):
            self._performing.perform("view.enlarge", pane=self.name)

    def tabletEvent(self, event: QTabletEvent) -> None:
        """Note the pen's pressure; the toolkit makes mouse events of what is not taken."""
        lifted = event.type() == QEvent.Type.TabletRelease
        self._hands.pressure = 1.0 if lifted else event.pressure()
        event.ignore()

    def leaveEvent(self, event: object) -> None:
        """Take the value under the pointer away."""
        del event
        self.cursor_px = None
        self._hands.leave(self.name)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu on a right click that was no drag."""
        if self._travelled_px > _CLICK_PX and event.reason() == QContextMenuEvent.Reason.Mouse:
            return
        from PySide6.QtWidgets import QMenu

        from viewer.window.menus import build_menu

        menu = QMenu(self)
        build_menu(menu, self._context, self._performing)
        menu.popup(event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll one image a notch (touch pads: deltas are summed); Ctrl zooms, Shift sizes."""
        picture = self._context.picture
        if picture is None or self.plane() is None:
            return
        self._context.viewing.set(active_pane=self.name)
        modifiers = event.modifiers()
        delta = event.angleDelta().y() or event.angleDelta().x()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            at = event.position()
            factor = _ZOOM_A_NOTCH ** (delta / _NOTCH)
            self._context.viewing.zoom(self.name, factor, (at.x(), at.y()))
            return
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            verb = "tool.brush_larger" if delta > 0 else "tool.brush_smaller"
            self._performing.perform(verb)
            return
        self._wheel -= delta
        notches = int(self._wheel / _NOTCH)
        if notches:
            self._wheel -= notches * _NOTCH
            self._context.viewing.scroll(picture, self.name, notches)

    def _scroll_to(self, y: float) -> None:
        """Go to the image that a place on the strip stands for."""
        picture = self._context.picture
        if picture is not None and self.plane() is not None:
            self._context.viewing.scroll_to(picture, self.name, Span.of(self.height()).place(y))

    def _said_at(self, at: QPointF) -> str:
        """Return what a tick of the strip under the pointer stands for."""
        plane, picture = self.plane(), self._context.picture
        if plane is None or picture is None or at.x() < self.width() - STRIP_PX:
            return ""
        return said_at(picture, plane, self.name, at.y())

    def _cross(self, at: QPointF) -> None:
        plane, picture = self.plane(), self._context.picture
        if plane is not None and picture is not None:
            self._context.viewing.cross(picture, plane.world((at.x(), at.y())))

    def _window(self, delta: QPointF) -> None:
        """Window by dragging: right widens, up brightens (field.md 4.1)."""
        picture = self._context.picture
        if picture is None or picture.is_colour:
            return
        now = self._context.viewing.window(picture)
        self._gain = self._gain or _gain(picture)  # once a drag: it may sample all values
        gain = self._gain
        width = max(gain, now.width + delta.x() * gain)
        center = now.center + delta.y() * gain
        self._context.viewing.set_window(picture, Window(center, width, "", now.function))


def _gain(picture: Picture) -> float:
    """Return the change of the window for one pixel of a drag, in the picture's unit."""
    if picture.quantity.unit == "[hnsf'U]":
        return 4.0
    return max(default_window(picture).width * 3 / 1024, 1e-9)
