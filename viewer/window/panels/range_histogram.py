"""How often values occur in the picture, with the thresholds in it: drag them."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from viewer.domain.chain import Setting
from viewer.domain.volume import Picture
from viewer.imaging.value_chain import full_window
from viewer.window import theme

_HEIGHT_PX = 72
_TEXT_PX = 13
_BINS = 160
_MOST_SLICES = 24  # a histogram for the eye needs no more
_GRAB_PX = 8.0
_ENDS = ("low", "high", "weak", "strong")


class RangeHistogram(QWidget):
    """The values of the picture on a scale of square roots; what is taken stands in colour."""

    def __init__(self, change: Callable[[str, Setting], None]) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT_PX)
        self.setAccessibleName("Histogram with thresholds")
        self.setToolTip("Values of the picture (heights as square roots); drag a threshold")
        self._change = change
        self._key: object = None
        self._shares: NDArray[np.float64] = np.zeros(0)
        self._low, self._high, self._unit = 0.0, 1.0, ""
        self._ends: dict[str, float] = {}
        self._held = ""

    def follow(self, picture: Picture, values: Mapping[str, Setting]) -> None:
        """Take another picture or other thresholds."""
        self._ends = {name: float(values[name]) for name in _ENDS if name in values}
        key = (picture.key, bool(picture.loaded_k.all()))
        if key != self._key:
            self._key = key
            window = full_window(picture)
            self._low = window.center - window.width / 2
            self._high = window.center + window.width / 2
            self._unit = picture.quantity.name or ""
            self._shares = histogram_of(picture, (self._low, self._high))
        self.update()

    def _x(self, value: float) -> float:
        span = max(self._high - self._low, 1e-9)
        return min(max((value - self._low) / span, 0.0), 1.0) * (self.width() - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the nearest threshold."""
        x = event.position().x()
        gaps = {name: abs(self._x(value) - x) for name, value in self._ends.items()}
        nearest = min(gaps, key=lambda name: gaps[name], default="")
        self._held = nearest if nearest and gaps[nearest] <= _GRAB_PX else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it; it stays on its side of the other one."""
        if not self._held:
            return
        share = min(max(event.position().x() / max(self.width() - 1, 1), 0.0), 1.0)
        value = self._low + share * (self._high - self._low)
        above = self._ends.get("low" if self._held == "high" else "weak", -np.inf)
        below = self._ends.get("high" if self._held == "low" else "strong", np.inf)
        upper = self._held in ("high", "strong")
        value = max(value, above) if upper else min(value, below)
        self._change(self._held, value)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._held = ""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the curve, what is taken of it, and the thresholds."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(0.5, 0.5, self.width() - 1.0, self.height() - 1.0 - _TEXT_PX)
        painter.fillRect(area, QColor(theme.PANE))
        path = self._curve(area)
        grey = QColor(theme.DIM)
        grey.setAlphaF(0.4)
        painter.fillPath(path, grey)
        first = self._x(self._ends.get("low", self._ends.get("weak", self._low)))
        last = self._x(self._ends.get("high", self._high))
        painter.save()
        painter.setClipRect(QRectF(first, area.top(), max(last - first, 1.0), area.height()))
        painter.fillPath(path, QColor(theme.ACCENT))
        painter.restore()
        painter.setPen(QPen(QColor(theme.ACCENT), 1.5))
        for value in self._ends.values():
            x = self._x(value)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(QColor(theme.DIM))
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        below = QRectF(0, area.bottom() + 1, self.width(), _TEXT_PX)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{self._low:.4g}")
        high = f"{self._high:.4g} {self._unit}".rstrip()
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, high)
        painter.end()

    def _curve(self, area: QRectF) -> QPainterPath:
        path = QPainterPath(QPointF(area.left(), area.bottom()))
        width = area.width() / max(len(self._shares), 1)
        for n, share in enumerate(self._shares.tolist()):
            y = area.bottom() - share * (area.height() - 2)
            path.lineTo(area.left() + n * width, y)
            path.lineTo(area.left() + (n + 1) * width, y)
        path.lineTo(area.right(), area.bottom())
        path.closeSubpath()
        return path


def histogram_of(picture: Picture, ends: tuple[float, float]) -> NDArray[np.float64]:
    """Return square roots of how often values of up to 24 read slices occur; the most is 1."""
    there = np.flatnonzero(picture.loaded_k)
    counts = np.zeros(_BINS)
    step = max(1, len(there) // _MOST_SLICES)
    for k in there[::step][:_MOST_SLICES].tolist():
        stored = picture.stored[k]
        values = picture.quantity.slice_values(stored, k)[~picture.quantity.is_padding(stored)]
        counts += np.histogram(values, bins=_BINS, range=ends)[0]
    roots = np.sqrt(counts)
    return np.asarray(roots / max(float(roots.max()), 1e-9))
