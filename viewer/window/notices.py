"""Notices: one sentence above the picture, with details to unfold; they never block.

What went well is said quietly in the bar below (``window.status``), so that panes do not jump.
"""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Notice
from viewer.window.controls import clear_layout, label

_AT_MOST = 3


class NoticeBar(QWidget):
    """Shows the newest warnings and faults; they stay until they are dismissed."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.notices: list[Notice] = []
        self.history: list[Notice] = []
        self.hide()

    def show_notice(self, notice: Notice) -> None:
        """Add a notice."""
        self.history.append(notice)
        self.notices = [*self.notices, notice][-_AT_MOST:]
        self._draw()

    def clear(self) -> None:
        """Take all notices away; the history keeps them."""
        self.notices = []
        self._draw()

    def dismiss(self, notice: Notice) -> None:
        """Take a notice away."""
        self.notices = [n for n in self.notices if n is not notice]
        self._draw()

    def _draw(self) -> None:
        clear_layout(self._column)
        for notice in self.notices:
            self._column.addWidget(self._row(notice))
        self.setVisible(bool(self.notices))

    def _row(self, notice: Notice) -> QFrame:
        frame = QFrame()
        frame.setObjectName("notice")
        column = QVBoxLayout(frame)
        column.setContentsMargins(12, 5, 8, 5)
        row = QHBoxLayout()
        mark = label("●", "warning")
        text = label(notice.text)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(mark)
        row.addWidget(text, 1)
        if notice.details:
            row.addWidget(self._details_button(notice, column))
        away = QPushButton("×")
        away.setObjectName("quiet")
        away.setFixedSize(22, 20)
        away.setToolTip("Dismiss")
        away.clicked.connect(lambda: self.dismiss(notice))
        row.addWidget(away)
        column.addLayout(row)
        return frame

    def _details_button(self, notice: Notice, column: QVBoxLayout) -> QPushButton:
        button = QPushButton("Details")
        button.setObjectName("quiet")
        details = label(notice.details, "dim")
        details.setWordWrap(True)
        details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        details.hide()
        QTimer.singleShot(0, button, lambda: column.addWidget(details))
        button.clicked.connect(lambda: details.setVisible(not details.isVisible()))
        return button
