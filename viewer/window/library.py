"""The library: studies that were opened before, searched as one types."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.context import Context
from viewer.actions.library import library_of
from viewer.jobs.runner import Outcomes
from viewer.library.index import KnownStudy
from viewer.rendering.corners import readable_date, readable_name
from viewer.window import theme
from viewer.window.controls import label, row_of
from viewer.window.performing import Performing

_SIZE_PX = (980, 560)
_COLUMNS = ("Patient", "Number", "Date", "Kind", "Study", "Images", "Where")
_WIDTHS_PX = (190, 110, 96, 66, 200, 70)
_ROW_PX = 34
_MOST = 200
_FOOT = "Enter opens.  Del forgets: the files stay.  Esc closes."
_AGAIN = "Press Del again to forget this study. Its files stay where they are."


class LibraryDialog(QDialog):
    """A list of studies; every word that is typed narrows it."""

    def __init__(self, parent: QWidget, context: Context, performing: Performing) -> None:
        super().__init__(parent)
        self._context, self._performing = context, performing
        self._asked = ""
        self.setWindowTitle("Library")
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Name, number, date, modality, description")
        self.line.textChanged.connect(self.fill)
        self.line.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(len(_COLUMNS))
        self.list.setHeaderLabels(_COLUMNS)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setIconSize(QSize(_ROW_PX - 4, _ROW_PX - 4))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for at, width in enumerate(_WIDTHS_PX):
            self.list.setColumnWidth(at, width)
        header = self.list.header()
        header.setSectionResizeMode(len(_COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.list.itemActivated.connect(lambda *_: self.open_chosen())
        self.list.currentItemChanged.connect(lambda *_: self._rest())
        self._count = label("", "caption")
        self._foot = label(_FOOT, "dim")
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        column.addLayout(row_of(self._foot, None, self._count))
        self.fill()
        self._look()

    def _look(self) -> None:
        """Look whether the places are still there, without holding the list up."""
        library = library_of(self._context)
        if library is not None:
            # The dialog may be closed by then; newest wins, and a closed one is not told.
            self._job = self._context.jobs.submit(
                lambda _ticket: library.look(),
                Outcomes(done=lambda _n: self.fill(), failed=self._context.tell_fault),
                key="library:look",
            )
            self.finished.connect(lambda _code: self._job.cancel())

    def fill(self, _text: str = "") -> None:
        """List what has all the typed words."""
        library = library_of(self._context)
        if library is None:
            return
        self.list.clear()
        found = library.search(self.line.text(), _MOST)
        for study in found:
            self.list.addTopLevelItem(_row(study))
        self._go_to(0)
        total = library.n_studies()
        more = f"the first {_MOST} of " if len(found) == _MOST else ""
        self._count.setText(f"{len(found)} shown, {more}{total} known")
        self._rest()

    def _go_to(self, row: int) -> None:
        item = self.list.topLevelItem(row)
        if item is not None:
            self.list.setCurrentItem(item)

    def _rest(self) -> None:
        self._asked = ""
        chosen = self.chosen()
        missing = chosen is not None and chosen.is_missing
        self._foot.setText("The files are not there any more.  Del forgets." if missing else _FOOT)

    def chosen(self) -> KnownStudy | None:
        """Return the study of the current row."""
        item = self.list.currentItem()
        found: object = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return found if isinstance(found, KnownStudy) else None

    def open_chosen(self) -> None:
        """Open the study where it lies, and close the list."""
        study = self.chosen()
        if study is None or study.is_missing:
            return
        self.accept()
        self._performing.perform("file.open_paths", paths=study.places[:1])

    def _forget_chosen(self) -> None:
        study = self.chosen()
        if study is None:
            return
        if self._asked != study.key:
            self._asked = study.key
            self._foot.setText(_AGAIN)
            return
        self._performing.perform("library.forget", key=study.key)
        self.fill()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Let keys move in the list, open and forget while the words are being typed."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        step = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_PageUp: -10,
        }.get(Qt.Key(event.key()))
        if step is not None:
            count = self.list.topLevelItemCount()
            now = self.list.currentItem()
            row = (self.list.indexOfTopLevelItem(now) if now is not None else 0) + step
            self._go_to(max(0, min(count - 1, row)))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_chosen()
            return True
        if event.key() == Qt.Key.Key_Delete and not self.line.hasSelectedText():
            at_end = self.line.cursorPosition() == len(self.line.text())
            if at_end:
                self._forget_chosen()
            return at_end
        return False


def _row(study: KnownStudy) -> QTreeWidgetItem:
    where = (study.places or study.missing or ("",))[0]
    item = QTreeWidgetItem(
        [
            readable_name(study.patient.name) or "—",
            study.patient.id,
            readable_date(study.study.date),
            " ".join(study.modalities),
            study.study.description,
            str(study.n_images),
            f"missing: {where}" if study.is_missing else where,
        ]
    )
    item.setData(0, Qt.ItemDataRole.UserRole, study)
    item.setSizeHint(0, QSize(0, _ROW_PX))
    item.setTextAlignment(5, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(6, "\n".join((*study.places, *study.missing)))
    if study.thumbnail is not None:
        picture = QPixmap()
        picture.loadFromData(study.thumbnail)
        item.setIcon(0, QIcon(picture))
    if study.is_missing:
        for at in range(len(_COLUMNS)):
            item.setForeground(at, QBrush(QColor(theme.DIM)))
    return item
