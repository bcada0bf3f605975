"""A page of plain text, as reports are shown: what comes out of a file is never markup."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from viewer.window.controls import label, row_of

_SIZE_PX = (820, 680)


class TextPage(QDialog):
    """One text, scrolled; it can be selected and copied. Esc closes it."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        one_line = " ".join(title.split())
        self.setWindowTitle(one_line)
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.addWidget(label(one_line, "name"))
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        column.addWidget(self.text, 1)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        column.addLayout(row_of(None, close))
