"""Pages of help, made from the tables that the program itself works by."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from viewer import __version__
from viewer.actions.context import Context
from viewer.actions.registry import actions
from viewer.errors import DISCLAIMER
from viewer.window.controls import label, row_of
from viewer.window.filter_page import filter_page
from viewer.window.menus import entries, key_text
from viewer.window.method_page import method_page
from viewer.window.panels.finding import card_text

_SIZE_PX = (720, 620)
MOUSE = (
    ("Left drag", "the tool in hand (at rest: window; right widens, up brightens)"),
    ("Shift + left", "put the cross-hair; all panes follow"),
    ("Middle drag", "pan"),
    ("Right drag", "zoom; a right click opens the menu"),
    ("Wheel", "one image a notch, towards you = the next; no looping"),
    ("Ctrl + wheel", "zoom about the pointer"),
    ("Shift + wheel", "size of the brush"),
    ("Method in hand", "click or scribble = inside, with Shift = outside; Alt+Return applies"),
    ("Right edge", "the strip: drag to scroll; ticks are images with findings, hover to read them"),
    ("Double click", "one pane alone, or all four again; closes a polygon"),
    ("Alt + click", "contour: takes a corner away; a press on the edge sets a new one"),
    ("Alt + drag", "free-hand: cuts the loop off; scissors: cuts what lies outside the loop"),
    ("Nudge", "press inside a segment and push its edge out, or outside and push it in"),
    ("Hold O", "the original instead of the enhanced picture"),
    ("Drag the split line", "original left, enhanced right (S switches it on)"),
    ("Esc", "drop what is half done, go back to windowing"),
    ("Ctrl + K", "find an action by name"),
)
_SESSIONS = (
    "Every edit is in a journal on disk within a second, and can be undone (Ctrl+Z). After a crash "
    "the next start without a path restores the session by itself and says so; a start with a path "
    "begins a new session, and the other waits. A session that was closed is not restored. A "
    "workspace (Ctrl+S) is a copy of the session with its whole history and the look; opening it "
    "(Ctrl+Shift+W) goes on in another copy, so the saved file stays as it is. Images are never "
    "copied: a workspace names where they lie."
)
_WHERE = (
    "Networks run in a process of their own on this computer, with the fastest engine that is right "
    "(OpenVINO in 32-bit floats; ONNX Runtime or torch where it is missing; torch on a CUDA card), or "
    "on a server: Where networks run, in the menu Networks. A server gets pixels and geometry alone. "
    "The engine, its precision and the device are kept with each result."
)
_OWN = (
    "Networks of your own: Networks… (Ctrl+Shift+N) brings in MONAI bundles, nnU-Net v2 result folders, "
    "torchvision classifiers, ONNX, TorchScript (only if you trust its source) and TensorFlow.js "
    "MeshNets. It reads what is there, asks one question at a time for what is missing, checks that the "
    "weights are numbers alone, fit and answer sensibly, pins them by SHA-256, and runs the network on "
    "the open study. What its makers measured is not repeated as a figure: nothing was measured here. "
    "Verify compares files and engines again; Take away can be undone. Networks of several series, "
    "overlapping classes and cascades are refused. Keep this case for training adds the shown volume and "
    "its corrected segments to a folder, under a name that says nothing of the patient; Train a network "
    "learns from such a folder (or Decathlon, nnU-Net, DICOM with SEG) by a recipe (docs/training.md), "
    "shows the loss of each step, and goes on where it was stopped. Follow the shown frames scores cine "
    "or ultrasound as it is shown, at the network's own rate: the newest frame wins, the display never "
    "waits, and the bar below says how far behind the score is; negatoscope live does so with pictures "
    "as they arrive in a folder."
)
_SURE = (
    "How far to trust a result. Explain (Alt+G) colours what a score of an image rests on: Grad-CAM, "
    "integrated gradients or occlusion. It is an explanation, not a segmentation: it shows what the "
    "network used, which may be a letter or a caliper mark, and a sensible map proves nothing. Run a "
    "network and show its doubt draws, in bits from 0 to 1, where a mask hangs on how the scan is "
    "mirrored; Alt+N goes to the next doubtful place, also where nothing was drawn. The intervals of "
    "volume and diameter are the lowest and highest of those views, no confidence intervals. Alt+H "
    "hides both. A picture or scan unlike the training data is told of before its result is shown; no "
    "such warning is no proof that it is alike."
)
_REVIEW = (
    "What a network found is its own version, and nothing changes that. A finding is unreviewed until "
    "you accept it (Ctrl+Return), reject it (Ctrl+Backspace), or change it in a copy (Ctrl+E); to have "
    "made the copy is no verdict. Shift+J goes to the next open finding; all of it can be undone. In a "
    "copy, Shift+D shows what you added and removed, with Dice, the change of volume, and how far the "
    "surfaces lie apart (mean and 95th percentile). Open findings are not exported, but by Unreviewed, "
    "and labelled so in the menu Export: the file then calls each of them UNREVIEWED. NIfTI, RTSTRUCT, "
    ".seg.nrrd and surfaces have no place for the word, and are refused. Files that negatoscope segment "
    "makes have no reader: SEG and JSON say UNREVIEWED."
)
Page = Callable[[Context], QWidget]


class HelpPage(QDialog):
    """One page, scrolled; Esc closes it."""

    def __init__(self, parent: QWidget, context: Context, name: str) -> None:
        super().__init__(parent)
        title, page = _PAGES[name]
        self.setWindowTitle(title)
        self.resize(*_SIZE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.addWidget(label(title, "name"))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page(context))
        column.addWidget(area, 1)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        column.addLayout(row_of(label(DISCLAIMER, "caption"), None, close))


def _table(groups: list[tuple[str, list[tuple[str, str, str]]]]) -> QWidget:
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setContentsMargins(0, 6, 8, 6)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(2, 1)
    row = 0
    for heading, lines in groups:
        grid.addWidget(label(heading, "heading"), row, 0, 1, 3)
        row += 1
        for keys, title, text in lines:
            words = label(text, "dim")
            words.setWordWrap(True)
            for column, widget in enumerate((label(keys, "strong"), label(title), words)):
                grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignTop)
            row += 1
    grid.setRowStretch(row, 1)
    return inside


def _keys(context: Context) -> QWidget:
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for entry in entries(context):
        keys = ", ".join(key_text(key) for key in entry.keys)
        first_line = entry.action.help.split("\n")[0]
        groups.setdefault(entry.action.group, []).append((keys, entry.title, first_line))
    mouse = [("Mouse", [(what, text, "") for what, text in MOUSE])]
    return _table([*mouse, *groups.items()])


def _networks(context: Context) -> QWidget:
    inside = QWidget()
    column = QVBoxLayout(inside)
    where = label(_WHERE, "caption")
    where.setWordWrap(True)
    column.addWidget(where)
    review = label(_REVIEW, "caption")
    review.setWordWrap(True)
    column.addWidget(review)
    own = label(_OWN, "caption")
    own.setWordWrap(True)
    sure = label(_SURE, "caption")
    sure.setWordWrap(True)
    column.addWidget(sure)
    column.addWidget(own)
    for card, _folder in context.cards.values():
        more = [f"Not for: {card.unintended_use}"] if card.unintended_use else []
        more += [f"Fails: {case}" for case in card.failure_cases]
        more += [f"Data: {card.data_licence}"] if card.data_licence else []
        told = "\n".join((card_text(card), *more, card.trained_on, f"Licence: {card.licence}"))
        text = QLabel(told)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(text)
    if not context.cards:
        column.addWidget(label("No network is installed.", "dim"))
    column.addStretch(1)
    return inside


def _about(_context: Context) -> QWidget:
    text = label(
        f"Negatoscope {__version__}\n\n{DISCLAIMER}\n\n"
        f"{_SESSIONS}\n\n"
        f"{len(actions())} actions. Licence: Apache-2.0. The typeface is Inter (SIL OFL 1.1).\n"
        "The libraries it stands on, with their licences, are listed in THIRD_PARTY.md."
    )
    text.setWordWrap(True)
    text.setAlignment(Qt.AlignmentFlag.AlignTop)
    return text


_PAGES: dict[str, tuple[str, Page]] = {
    "keys": ("Keys and mouse", _keys),
    "networks": ("Networks", _networks),
    "filters": ("Filters and presets", filter_page),
    "methods": ("Segmentation by method and by hand", method_page),
    "about": ("About Negatoscope", _about),
}
