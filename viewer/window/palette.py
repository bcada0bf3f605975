"""The palette: type a few letters, press Return."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.context import Context
from viewer.window.controls import label, row_of
from viewer.window.menus import Entry, entries, key_text
from viewer.window.performing import Performing

_WIDTH_PX = 560
_ROWS = 12


def matches(text: str, words: str) -> bool:
    """Return whether every word of ``words`` occurs in ``text``, in any order."""
    low = text.casefold()
    return all(word in low for word in words.casefold().split())


class Palette(QDialog):
    """Lists every action; what cannot be done now is shown dim, with the reason."""

    def __init__(self, parent: QWidget, context: Context, performing: Performing) -> None:
        super().__init__(parent, Qt.WindowType.FramelessWindowHint | Qt.WindowType.Dialog)
        self._context, self._performing = context, performing
        self._entries = list(entries(context))
        self.setFixedWidth(_WIDTH_PX)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 8)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Find an action")
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setFixedHeight(_ROWS * 26)
        self.list.itemActivated.connect(lambda _item: self._trigger())
        self.list.itemClicked.connect(lambda _item: self._trigger())
        self._help = label("", "dim")
        self._help.setWordWrap(True)
        self.list.currentItemChanged.connect(lambda *_: self._show_help())
        column.addWidget(self.line)
        column.addWidget(self.list)
        column.addLayout(row_of(self._help))
        self._fill("")

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Let arrows move in the list while the text is being typed."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = max(0, min(self.list.count() - 1, self.list.currentRow() + step))
                self.list.setCurrentRow(row)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._trigger()
                return True
        return False

    def _fill(self, words: str) -> None:
        self.list.clear()
        for entry in self._entries:
            if not matches(f"{entry.action.group} {entry.title}", words):
                continue
            keys = f"    {key_text(entry.keys[0])}" if entry.keys else ""
            item = QListWidgetItem(f"{entry.title}{keys}")
            item.setData(Qt.ItemDataRole.UserRole, entry)
            if entry.action.enabled(self._context):
                item.setForeground(self.palette().placeholderText())
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._show_help()

    def _chosen(self) -> Entry | None:
        rows = self.list.selectedItems()
        found: object = rows[0].data(Qt.ItemDataRole.UserRole) if rows else None
        return found if isinstance(found, Entry) else None

    def _show_help(self) -> None:
        entry = self._chosen()
        if entry is not None:
            self._help.setText(entry.action.enabled(self._context) or entry.action.help)
        else:
            self._help.setText("No action has these words.")

    def _trigger(self) -> None:
        entry = self._chosen()
        if entry is None or entry.action.enabled(self._context):
            return
        self.accept()
        self._performing.perform(entry.action.id, **entry.parameters)
