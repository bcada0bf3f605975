"""How often values occur before and after a chain, drawn small in the panel."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from viewer.session.plane_cache import Histogram
from viewer.window import theme

_HEIGHT_PX = 58
_TEXT_PX = 13


class HistogramView(QWidget):
    """Grey: before; the accent's colour: after. The scale is linear, the highest bin cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT_PX)
        self.histogram: Histogram | None = None
        self._unit = ""
        self.setAccessibleName("Histogram before and after")
        self.setToolTip("Values of the shown plane: grey before, coloured after the chain")

    def show_histogram(self, histogram: Histogram | None, unit: str) -> None:
        """Draw another one; None hides it."""
        self.setVisible(histogram is not None)
        if histogram is not self.histogram or unit != self._unit:
            self.histogram, self._unit = histogram, unit
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw both curves and the ends of the scale."""
        found = self.histogram
        if found is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(0.5, 0.5, self.width() - 1.0, self.height() - 1.0 - _TEXT_PX)
        painter.fillRect(area, QColor(theme.PANE))
        # A peak of air or of the background would press everything else flat.
        shares = np.concatenate([found.before, found.after])
        top = max(float(np.percentile(shares, 97)) * 1.3, float(shares.max()) * 0.05, 1e-9)
        for values, colour, filled in (
            (found.before, theme.DIM, True),
            (found.after, theme.ACCENT, False),
        ):
            path = _curve(values / top, area)
            if filled:
                shade = QColor(colour)
                shade.setAlphaF(0.35)
                painter.fillPath(path, shade)
            else:
                painter.setPen(QPen(QColor(colour), 1.3))
                painter.drawPath(path)
        painter.setPen(QColor(theme.DIM))
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        below = QRectF(0, area.bottom() + 1, self.width(), _TEXT_PX)
        low, high = f"{found.edges[0]:.4g}", f"{found.edges[-1]:.4g} {self._unit}".rstrip()
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, high)
        painter.end()


def _curve(shares: np.ndarray[tuple[int], np.dtype[np.float64]], area: QRectF) -> QPainterPath:
    """Return the outline of the bins; bins above 1 are cut off."""
    width = area.width() / len(shares)
    path = QPainterPath(QPointF(area.left(), area.bottom()))
    for n, share in enumerate(shares.tolist()):
        y = area.bottom() - min(share, 1.0) * area.height()
        path.lineTo(area.left() + n * width, y)
        path.lineTo(area.left() + (n + 1) * width, y)
    path.lineTo(area.right(), area.bottom())
    path.closeSubpath()
    return path
