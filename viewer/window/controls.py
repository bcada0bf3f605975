"""Small widgets that Qt does not bring, drawn by the theme's tokens."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from viewer.domain.segmentation import Rgb
from viewer.window import theme


def label(text: str = "", name: str = "", *, tip: str = "") -> QLabel:
    """Return a plain-text label in one of the theme's roles (dim, caption, heading, ...)."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)  # texts from files are never markup
    if name:
        widget.setObjectName(name)
    if tip:
        widget.setToolTip(tip)
    return widget


class ElidedLabel(QLabel):
    """A label that cuts its text with an ellipsis and tells the whole on hover."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(name)
        self._whole = text
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setToolTip(text)

    def sizeHint(self) -> QSize:
        """Ask for the whole text's width."""
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._whole), metrics.height() + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        text = metrics.elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().windowText().color())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(self.rect(), flags, text)
        painter.end()


class Switch(QAbstractButton):
    """An on/off switch."""

    def __init__(self, *, on: bool, tip: str = "") -> None:
        super().__init__()
        self.setCheckable(True)
        self.setChecked(on)
        self.setFixedSize(26, 14)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw track and knob."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isChecked()
        track = QColor(theme.ACCENT if on else theme.LINE)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.TEXT), 1))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(track)
        painter.drawRoundedRect(QRectF(0.5, 0.5, 25, 13), 6.5, 6.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#071214" if on else theme.DIM))
        painter.drawEllipse(QPointF(19 if on else 7, 7), 4.5, 4.5)
        painter.end()


class ColourDot(QAbstractButton):
    """A segment's colour; hollow when the segment is hidden."""

    def __init__(self, rgb: Rgb, *, filled: bool, tip: str) -> None:
        super().__init__()
        self._rgb = rgb
        self._filled = filled
        self.setFixedSize(18, 20)
        self.setToolTip(tip)
        self.setAccessibleName(tip)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a small square, as the legend of a picture does."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(*self._rgb)
        painter.setPen(QPen(colour, 1.4))
        painter.setBrush(colour if self._filled else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(4, 5, 10, 10), 2, 2)
        painter.end()


class ValueSlider(QWidget):
    """A named slider with its value and unit; ``moved`` gets the value while it is dragged."""

    _STEPS = 400

    def __init__(
        self,
        title: str,
        value: float,
        low: float,
        high: float,
        text: Callable[[float], str],
    ) -> None:
        super().__init__()
        self._low, self._high, self._text = low, high, text
        self.moved: Callable[[float], None] | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, self._STEPS)
        self.slider.setAccessibleName(title)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.number = label(text(value))
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.number.setFixedWidth(62)
        caption = label(title, "dim")
        caption.setFixedWidth(84)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (caption, self.slider, self.number):
            row.addWidget(widget, 1 if widget is self.slider else 0)
        self.set_value(value)
        self.slider.valueChanged.connect(self._changed)

    def set_value(self, value: float) -> None:
        """Show ``value`` without telling anybody."""
        span = self._high - self._low
        self.slider.blockSignals(True)
        self.slider.setValue(round((value - self._low) / span * self._STEPS) if span else 0)
        self.slider.blockSignals(False)
        self.number.setText(self._text(value))

    def _changed(self, at: int) -> None:
        value = self._low + (self._high - self._low) * at / self._STEPS
        self.number.setText(self._text(value))
        if self.moved is not None:
            self.moved(value)


class Card(QFrame):
    """A raised box with a column of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(10, 7, 10, 8)
        self.column.setSpacing(5)


class ClickableFrame(QFrame):
    """A frame that calls ``clicked`` on a left click, Return or Space."""

    def __init__(self) -> None:
        super().__init__()
        self.clicked: Callable[[], None] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Click."""
        if event.button() == Qt.MouseButton.LeftButton and self.clicked is not None:
            self.clicked()


def rule() -> QFrame:
    """Return a thin line."""
    frame = QFrame()
    frame.setObjectName("line")
    frame.setFixedHeight(1)
    return frame


def row_of(*widgets: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Return a row; None stands for a stretch."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row


def heading(text: str, right: QWidget | None = None) -> QHBoxLayout:
    """Return a section's heading, with something at its right end."""
    return row_of(label(text, "heading"), None, right or label())


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a column or row, and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        if inner is not None:
            clear_layout(inner)
            inner.deleteLater()
