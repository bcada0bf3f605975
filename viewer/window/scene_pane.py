"""The 3-D pane: paints what the scene rendered, and turns the mouse into camera moves."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer.actions.context import Context
from viewer.errors import ViewerError
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.window import theme

if TYPE_CHECKING:
    from viewer.rendering.scene import Scene
    from viewer.rendering.volume_mapper import Quality

_REST_MS = 160
_NOTCH = 120.0
Change = Callable[["Scene"], None]


class ScenePane(QWidget):
    """Volume, surfaces and live planes; coarse while moving, fine at rest.

    The scene is touched by one job at a time and never by the window's thread (but for a click):
    changes wait in a list, a job applies them and draws. So scrolling never waits for a frame.
    """

    name = "3d"

    def __init__(
        self, context: Context, on_point: Callable[[tuple[float, float, float]], None]
    ) -> None:
        super().__init__()
        self._context, self._on_point = context, on_point
        self._scene: Scene | None = None
        self._frame: NDArray[np.uint8] | None = None
        self._changes: list[tuple[str, Change]] = []
        self._drawing: Job[NDArray[np.uint8]] | None = None
        self._wanted = False
        self._coarse = False
        self._closed = False
        self._last = QPointF()
        self._moved_px = 0.0
        self.refusal = ""
        self.message = ""
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(120, 100)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._to_rest)

    # --- drawing ---------------------------------------------------------------------------

    def change(self, change: Change | None = None, *, key: str = "", moving: bool = False) -> None:
        """Change the scene and draw it soon; ``moving``: coarse now, fine at rest.

        A change replaces one of the same ``key`` that still waits.
        """
        if change is not None:
            self._changes = [one for one in self._changes if not key or one[0] != key]
            self._changes.append((key, change))
        if moving:
            self._coarse = True
            self._rest.start()
        self._wanted = True
        if self._drawing is None:
            self._draw()
        elif not self._coarse or moving:
            # A fine frame that nobody will look at is given up at once.
            self._drawing.cancel()

    def _to_rest(self) -> None:
        self._coarse = False
        self.change()

    def _draw(self) -> None:
        if self._closed or self.refusal or not self.isVisible():
            return
        self._wanted = False
        changes, self._changes = self._changes, []
        quality: Quality = "coarse" if self._coarse else "full"
        size = self._size_px()

        def work(ticket: Ticket) -> NDArray[np.uint8]:
            from viewer.rendering.scene import Scene

            scene = self._scene
            if scene is None:
                scene = self._scene = Scene(size)
            scene.resize(size)
            while changes:
                changes.pop(0)[1](scene)
            return np.ascontiguousarray(scene.render(quality, ticket))

        def ended() -> None:
            self._drawing = None
            self._changes = changes + self._changes
            if self._wanted or self._changes:
                self._draw()

        def done(frame: NDArray[np.uint8]) -> None:
            self._frame = frame
            self.update()
            ended()

        def failed(error: Exception) -> None:
            self.refusal = (
                error.sentence() if isinstance(error, ViewerError) else "The 3-D view has failed."
            )
            self.update()
            self._drawing = None
            if not isinstance(error, ViewerError):
                self._context.tell_fault(error)

        self._drawing = self._context.jobs.submit(
            work, Outcomes(done=done, failed=failed, cancelled=ended)
        )

    def _size_px(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(2, round(self.width() * ratio)), max(2, round(self.height() * ratio))

    def close_scene(self) -> None:
        """Release VTK's window; no job may be drawing any more."""
        self._closed = True
        self._rest.stop()
        if self._scene is not None:
            self._scene.close()
            self._scene = None

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has changed while nobody looked."""
        super().showEvent(event)
        # Every pixel is painted: the style sheet takes this promise back whenever it is applied.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        if self._wanted and self._drawing is None:
            self._draw()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the frame, the pane's name and its hint."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PANE))
        frame = self._frame
        if frame is not None:
            height, width = frame.shape[:2]
            image = QImage(
                frame.data, width, height, frame.strides[0], QImage.Format.Format_RGBX8888
            )
            painter.drawImage(self.rect(), image)
        painter.setPen(QColor("#cfd6dd"))
        painter.drawText(self.rect().adjusted(10, 8, -10, -8), _TOP_LEFT, "3-D")
        hint = (
            self.refusal
            or self.message
            or ("drag to turn · click to go there" if frame is not None else "")
        )
        painter.setPen(QColor(theme.WARNING if self.refusal else theme.DIM))
        flags = (
            Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextWordWrap
        )
        painter.drawText(self.rect().adjusted(10, 8, -10, -8), flags, hint)
        if self._context.viewing.look.active_pane == self.name:
            painter.setPen(QPen(QColor(theme.ACCENT), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw at the new size."""
        super().resizeEvent(event)
        if self._scene is not None:
            self.change(moving=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to turn, pan or zoom."""
        self._last = event.position()
        self._moved_px = 0.0
        self._context.viewing.set(active_pane=self.name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn (left), pan (middle or Shift), zoom (right)."""
        if self._scene is None or not event.buttons():
            return
        delta = event.position() - self._last
        self._last = event.position()
        self._moved_px += abs(delta.x()) + abs(delta.y())
        buttons = event.buttons()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if buttons & Qt.MouseButton.RightButton:
            self.change(lambda scene: scene.zoom(1.005 ** -delta.y()), moving=True)
        elif buttons & Qt.MouseButton.MiddleButton or shift:
            self.change(lambda scene: scene.pan(delta.x(), delta.y()), moving=True)
        else:
            self.change(lambda scene: scene.rotate(delta.x(), delta.y()), moving=True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click without a drag moves all planes to what was clicked."""
        if self._scene is None or self._moved_px > 3 or event.button() != Qt.MouseButton.LeftButton:
            return
        if self._drawing is not None:
            self._drawing.cancel()
        ratio = self.devicePixelRatioF()
        at = event.position()
        point = self._scene.pick((at.x() * ratio, at.y() * ratio))
        if point is not None:
            self._on_point((float(point[0]), float(point[1]), float(point[2])))

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Enlarge, or show all four again."""
        look = self._context.viewing.look
        self._context.viewing.set(enlarged="" if look.enlarged == self.name else self.name)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        if self._scene is not None:
            factor = 1.1 ** (event.angleDelta().y() / _NOTCH)
            self.change(lambda scene: scene.zoom(factor), moving=True)


_TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
