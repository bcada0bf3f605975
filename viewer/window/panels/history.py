"""The history: every step by its name, and a way to each of them."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.wording import counted
from viewer.window import theme
from viewer.window.controls import heading, label
from viewer.window.performing import Performing

_ROW_PX = 22
_MOST_ROWS = 9


class HistoryPanel(QWidget):
    """Steps oldest first; what was undone is dim; a click, or Return, goes to a step."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._count = label("", "caption")
        self.steps = QListWidget()
        self.steps.setAccessibleName("History")
        self.steps.setUniformItemSizes(True)
        self.steps.itemClicked.connect(self._go)
        self.steps.itemActivated.connect(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(heading("History", self._count))
        column.addWidget(self.steps)
        self.refresh()

    def refresh(self) -> None:
        """List the steps again, if anybody sees them."""
        shown = self._context.viewing.look.history_shown
        self.setVisible(shown)
        if not shown:
            return
        session = self._context.session
        done, undone = session.history, session.undone
        size = session.history_bytes / 2**20
        self._count.setText(counted(len(done), "step") + (f" · {size:.0f} MB" if size >= 1 else ""))
        self.steps.clear()
        for n, name in enumerate(("before all that is listed", *done, *undone)):
            item = QListWidgetItem(name)
            item.setData(Qt.ItemDataRole.UserRole, n)
            item.setToolTip(name)
            item.setSizeHint(QSize(0, _ROW_PX))
            if n > len(done):
                item.setForeground(QBrush(QColor(theme.FAINT)))
            self.steps.addItem(item)
        self.steps.setCurrentRow(len(done))
        rows = min(self.steps.count(), _MOST_ROWS)
        self.steps.setFixedHeight(rows * _ROW_PX + 6)
        self.steps.scrollToItem(self.steps.item(len(done)))

    def _go(self, item: QListWidgetItem) -> None:
        step = int(item.data(Qt.ItemDataRole.UserRole))
        self._performing.perform("edit.go_to_step", step=step)
