"""A training as it goes: the loss of each step, drawn from the lines that it writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout, QWidget

from viewer.jobs.runner import Job
from viewer.learning.own_train import CURVE
from viewer.window import theme
from viewer.window.controls import label, row_of

_SIZE_PX = (680, 420)
_EVERY_MS = 500
_LEFT_PX, _BELOW_PX, _TEXT_PX = 52, 22, 11
_MOST_BYTES = 64 << 20
_SMOOTHED = 20  # steps


def curve_of(path: Path) -> list[tuple[int, float]]:
    """Return (step, loss) as the file has them so far; a step that was done again counts once."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    found: dict[int, float] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            found[int(entry["step"])] = float(entry["loss"])
        except (ValueError, KeyError, TypeError):
            continue  # a line that is being written, or says something else
    return sorted(found.items())


class CurveView(QWidget):
    """Grey: each step's loss; coloured: the mean of the last steps. The scale starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(200)
        self.setAccessibleName("Loss by step")
        self.points: list[tuple[int, float]] = []

    def show_points(self, points: list[tuple[int, float]]) -> None:
        """Draw other points."""
        if points != self.points:
            self.points = points
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the axes, the losses and their mean."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(_LEFT_PX, 8, self.width() - _LEFT_PX - 10.0, self.height() - _BELOW_PX - 12.0)
        painter.fillRect(area, QColor(theme.PANE))
        font = painter.font()
        font.setPixelSize(_TEXT_PX)
        painter.setFont(font)
        painter.setPen(QColor(theme.DIM))
        if not self.points:
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "No step yet")
            painter.end()
            return
        steps = np.array([step for step, _ in self.points], dtype=float)
        losses = np.array([loss for _, loss in self.points])
        top = max(float(np.percentile(losses, 99)), 1e-6) * 1.1
        last = max(float(steps[-1]), 2.0)
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            box = QRectF(0, y - 8, _LEFT_PX - 6.0, 16)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, f"{share * top:.3g}")
            painter.drawLine(QPointF(area.left() - 3, y), QPointF(area.left(), y))
        below = QRectF(area.left(), area.bottom() + 4, area.width(), _BELOW_PX)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "loss by step")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"step {int(steps[-1])}")

        def line(values: np.ndarray[Any, np.dtype[np.float64]]) -> QPolygonF:
            x = area.left() + (steps - 1) / (last - 1) * area.width()
            y = area.bottom() - np.clip(values / top, 0, 1) * area.height()
            return QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])

        painter.setPen(QPen(QColor(theme.DIM), 1.0))
        painter.drawPolyline(line(losses))
        painter.setPen(QPen(QColor(theme.ACCENT), 1.8))
        painter.drawPolyline(line(smoothed(losses)))
        painter.end()


def smoothed(
    values: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return at each step the mean of it and the (at most 19) before."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - _SMOOTHED, 0)
    return np.asarray((total[last] - total[first]) / (last - first))


class TrainingPage(QDialog):
    """Watches one training; closing the page leaves it running."""

    def __init__(self, parent: QWidget, folder: Path, job: Job[Mapping[str, Any]]) -> None:
        super().__init__(parent)
        self._path, self._job = folder / CURVE, job
        self.setWindowTitle(job.title)
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.addWidget(label(job.title, "name"))
        self.state = label("", "caption")
        column.addWidget(self.state)
        self.curve = CurveView()
        column.addWidget(self.curve, 1)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("What was kept stays; the same recipe goes on from there")
        self.stop.clicked.connect(job.cancel)
        close = QPushButton("Close")
        close.setToolTip("Training goes on")
        close.clicked.connect(self.accept)
        column.addLayout(row_of(self.stop, None, close))
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Look at the file and the job once more."""
        self.curve.show_points(curve_of(self._path))
        over = self._job.is_over
        self.state.setText("Ended." if over else self._job.progress.text or "Starting")
        self.stop.setEnabled(not over)
        if over:
            self._timer.stop()
