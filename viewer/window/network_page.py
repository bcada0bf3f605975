"""The networks that are installed: a list, the card of the chosen one, and what can be done with it."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.context import Context
from viewer.domain.card import NetworkCard
from viewer.errors import DISCLAIMER
from viewer.inference.managing import is_own, origin_of, removed_keys
from viewer.window.controls import clear_layout, label, row_of, rule
from viewer.window.performing import Performing

_SIZE_PX = (980, 660)
_LIST_PX, _ROW_PX = 300, 44
_AGAIN = "Press again to take it away"


class NetworkPage(QDialog):
    """Follows the installed networks; Esc closes it."""

    def __init__(self, parent: QWidget, context: Context, performing: Performing) -> None:
        super().__init__(parent)
        self._context, self._performing = context, performing
        self.setWindowTitle("Networks")
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(10)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        self.list = QListWidget()
        self.list.setFixedWidth(_LIST_PX)
        self.list.currentItemChanged.connect(lambda *_: self._show())
        middle.addWidget(self.list)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self._card = QVBoxLayout(inside)
        self._card.setContentsMargins(0, 0, 8, 0)
        self._card.setSpacing(4)
        area.setWidget(inside)
        middle.addWidget(area, 1)
        column.addLayout(middle, 1)
        column.addWidget(rule())
        column.addLayout(self._buttons())
        column.addWidget(label(DISCLAIMER, "caption"))
        self.fill()

    def _buttons(self) -> QHBoxLayout:
        self._verify = self._button("Verify", "Check its files and that all engines agree (V)")
        self._verify.clicked.connect(lambda: self._do("ai.verify"))
        self._remove = self._button("Take away", "Networks of your own alone; can be undone (Del)")
        self._remove.clicked.connect(self._take_away)
        self._restore = self._button("Put back", "The network that was taken away last")
        self._restore.clicked.connect(self._put_back)
        file = self._button("Bring in a file…", "ONNX, TorchScript, or a classifier's weights")
        file.clicked.connect(lambda: self._performing.perform("ai.bring_in"))
        folder = self._button("Bring in a folder…", "MONAI bundle, nnU-Net v2, TensorFlow.js")
        folder.clicked.connect(lambda: self._performing.perform("ai.bring_in_folder"))
        close = self._button("Close", "Esc")
        close.clicked.connect(self.accept)
        return row_of(self._verify, self._remove, self._restore, None, file, folder, close)

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def fill(self) -> None:
        """List the networks as they are now, and stay where one was."""
        key = self.chosen()
        self.list.clear()
        for name, (card, folder) in sorted(
            self._context.cards.items(), key=lambda row: (_is_own(row[1][1]), row[1][0].title)
        ):
            item = QListWidgetItem(f"{card.title}\n{card.kind}, {_where(folder)}")
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setSizeHint(QSize(0, _ROW_PX))
            self.list.addItem(item)
            if name == key:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self._restore.setEnabled(bool(removed_keys()))
        self._show()

    def chosen(self) -> str:
        """Return the key of the current row, "" without one."""
        row = self.list.currentRow()
        return str(self.list.item(row).data(Qt.ItemDataRole.UserRole)) if row >= 0 else ""

    def choose(self, key: str) -> None:
        """Go to a network."""
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == key:
                self.list.setCurrentRow(row)

    def _show(self) -> None:
        clear_layout(self._card)
        key = self.chosen()
        there = key in self._context.cards
        self._verify.setEnabled(there)
        self._remove.setText("Take away")
        self._remove.setEnabled(there and _is_own(self._context.cards[key][1]))
        if not there:
            self._card.addWidget(label("No network is installed.", "dim"))
            return
        card, folder = self._context.cards[key]
        self._card.addWidget(_wrapped(card.title, "name"))
        self._card.addWidget(_wrapped(f"{card.kind}, version {card.version}", "caption"))
        for title, text in card_lines(card, folder):
            self._card.addSpacing(8)
            self._card.addWidget(label(title, "heading"))
            self._card.addWidget(_wrapped(text))
        self._card.addStretch(1)

    def _do(self, verb: str) -> None:
        if self.chosen():
            self._performing.perform(verb, key=self.chosen())

    def _take_away(self) -> None:
        if self._remove.text() != _AGAIN:
            self._remove.setText(_AGAIN)
            return
        self._do("ai.remove_network")
        self.fill()

    def _put_back(self) -> None:
        for key in removed_keys()[:1]:
            self._performing.perform("ai.restore_network", key=key)
        self.fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """V verifies, Del takes away."""
        if event.key() == Qt.Key.Key_V:
            self._do("ai.verify")
        elif event.key() == Qt.Key.Key_Delete and self._remove.isEnabled():
            self._take_away()
        else:
            super().keyPressEvent(event)


def _is_own(folder: Path) -> bool:
    return bool(folder.parts) and is_own(folder)


def _where(folder: Path) -> str:
    return "your own" if _is_own(folder) else ("shipped" if folder.parts else "on a server")


def _wrapped(text: str, name: str = "") -> QWidget:
    found = label(text, name)
    found.setWordWrap(True)
    found.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return found


def card_lines(card: NetworkCard, folder: Path) -> list[tuple[str, str]]:
    """Return a card as headings and texts, in the order in which a clinician needs them."""
    figures = "\n".join(
        f"{f.name}: {f.value:.3g} (95 % interval {f.low:.3g} to {f.high:.3g}, n = {f.n_cases})"
        for f in card.figures
    )
    names = ", ".join(card.classes) if card.classes else card.concept.meaning
    spacing = " x ".join(f"{mm:g}" for mm in card.spacing_ijk_mm)
    sees = f"{card.modality or 'any modality'}; {names}"
    if card.reads == "volume":
        sees += f"; at {spacing} mm"
    lines = [
        ("For", card.intended_use),
        ("Not for", card.unintended_use),
        ("Measured", figures or "Nothing was measured here."),
        ("Limits", card.limits),
        ("Known to fail", "\n".join(f"– {case}" for case in card.failure_cases)),
        ("Reads, and tells apart", sees),
        ("Learned from", card.trained_on),
        ("Licence", f"{card.licence}\nData: {card.data_licence or 'not stated'}"),
        ("Where from", f"{origin_of(folder)}\n{folder}" if folder.parts else "A server"),
        ("Weights (SHA-256)", card.weights_sha256 or "on the server"),
    ]
    return [(title, text) for title, text in lines if text.strip()]
