"""The 3-D pane: paints what the scene rendered, and turns the mouse into camera moves."""

from collections.abc import Callable

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
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer.actions.context import Context
from viewer.errors import ViewerError
from viewer.rendering.scene import Scene
from viewer.window import theme

_REST_MS = 160
_NOTCH = 120.0


class ScenePane(QWidget):
    """Volume, surfaces and live planes; coarse while moving, fine at rest."""

    name = "3d"

    def __init__(
        self, context: Context, on_point: Callable[[tuple[float, float, float]], None]
    ) -> None:
        super().__init__()
        self._context, self._on_point = context, on_point
        self.scene: Scene | None = None
        self.refusal = ""
        self._frame: NDArray[np.uint8] | None = None
        self._stale = True
        self._coarse = False
        self._last = QPointF()
        self._moved_px = 0.0
        self.message = ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(120, 100)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._to_rest)

    def need_scene(self) -> Scene | None:
        """Return the scene, made on first use; None where there is no OpenGL."""
        if self.scene is None and not self.refusal:
            ratio = self.devicePixelRatioF()
            size = (max(2, round(self.width() * ratio)), max(2, round(self.height() * ratio)))
            try:
                self.scene = Scene(size)
            except ViewerError as error:
                self.refusal = error.sentence()
        return self.scene

    def stale(self) -> None:
        """The scene has changed: render again with the next paint."""
        self._stale = True
        self.update()

    def moving(self) -> None:
        """The camera moves: a coarse frame now, a fine one at rest."""
        self._coarse = True
        self._rest.start()
        self.stale()

    def _to_rest(self) -> None:
        self._coarse = False
        self.stale()

    def close_scene(self) -> None:
        """Release VTK's window."""
        self._rest.stop()
        if self.scene is not None:
            self.scene.close()
            self.scene = None

    def frame(self) -> NDArray[np.uint8] | None:
        """Return the picture (h, w, 4) RGBA, rendered if it has to be."""
        if self._stale and self.scene is not None:
            self._frame = np.ascontiguousarray(
                self.scene.render("coarse" if self._coarse else "full")
            )
            self._stale = False
        return self._frame if self.scene is not None else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the frame, the pane's name and its hint."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PANE))
        frame = self.frame() if self.isVisible() else self._frame
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
        """Render at the new size."""
        super().resizeEvent(event)
        if self.scene is not None:
            ratio = self.devicePixelRatioF()
            size = (round(self.width() * ratio), round(self.height() * ratio))
            self.scene.resize((max(2, size[0]), max(2, size[1])))
            self.stale()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to turn, pan or zoom."""
        self._last = event.position()
        self._moved_px = 0.0
        self._context.viewing.set(active_pane=self.name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn (left), pan (middle or Shift), zoom (right)."""
        if self.scene is None or not event.buttons():
            return
        delta = event.position() - self._last
        self._last = event.position()
        self._moved_px += abs(delta.x()) + abs(delta.y())
        buttons = event.buttons()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if buttons & Qt.MouseButton.RightButton:
            self.scene.zoom(1.005 ** -delta.y())
        elif buttons & Qt.MouseButton.MiddleButton or shift:
            self.scene.pan(delta.x(), delta.y())
        else:
            self.scene.rotate(delta.x(), delta.y())
        self.moving()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click without a drag moves all planes to what was clicked."""
        if self.scene is None or self._moved_px > 3 or event.button() != Qt.MouseButton.LeftButton:
            return
        ratio = self.devicePixelRatioF()
        at = event.position()
        point = self.scene.pick((at.x() * ratio, at.y() * ratio))
        if point is not None:
            self._on_point((float(point[0]), float(point[1]), float(point[2])))

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Enlarge, or show all four again."""
        look = self._context.viewing.look
        self._context.viewing.set(enlarged="" if look.enlarged == self.name else self.name)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        if self.scene is not None:
            self.scene.zoom(1.1 ** (event.angleDelta().y() / _NOTCH))
            self.moving()


_TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
