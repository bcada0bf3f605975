"""The main window: bars above and below, panels left and right, the panes between."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from viewer.actions.context import Context, Notice
from viewer.actions.registry import actions
from viewer.session.presentation import Presenter
from viewer.session.session import Change
from viewer.session.viewing import Look
from viewer.window import theme
from viewer.window.controls import rule
from viewer.window.hands import Hands
from viewer.window.layout import PaneGrid
from viewer.window.live import LiveEnhancement
from viewer.window.menus import install_keys
from viewer.window.notices import NoticeBar
from viewer.window.pane import SlicePane
from viewer.window.panels.enhance import EnhancePanel
from viewer.window.panels.finding import FindingPanel
from viewer.window.panels.history import HistoryPanel
from viewer.window.panels.method import MethodPanel
from viewer.window.panels.results import ResultsPanel
from viewer.window.panels.segments import SegmentPanel
from viewer.window.panels.study import StudyPanel
from viewer.window.performing import Performing
from viewer.window.scene_pane import ScenePane
from viewer.window.status import StatusBar
from viewer.window.three_d import ThreeD
from viewer.window.top import TopBar

SLICE_PANES = ("axial", "sagittal", "coronal", "acquired")
# What is drawn again when session or picture change, by the names of the attributes.
_FOLLOWERS = (
    "top",
    "status",
    "study",
    "enhance",
    "segments",
    "method",
    "finding",
    "results",
    "history",
)
_CLOCK_MS = 1000
_SMALLEST_PX = (640, 420)


class MainWindow(QMainWindow):
    """Shows one context. It listens to session, look, pictures and jobs, and repaints."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._has_pictures = False
        self.performing = Performing(context)
        self.live = LiveEnhancement(context, self.performing, self._enhanced)
        self.presenter = Presenter(
            context.session, context.viewing, context.extensions.filters, self.live.enhancer
        )
        self.presenter.told = lambda: self._later("enhance")
        self.setWindowTitle("Negatoscope")
        self.setAcceptDrops(True)
        self.setMinimumSize(*_SMALLEST_PX)
        self.hands = Hands(context, self._repaint_slices)
        slices = {
            name: SlicePane(name, context, self.performing, self.presenter, self.hands)
            for name in SLICE_PANES
        }
        twin = SlicePane("axial", context, self.performing, self.presenter, self.hands, twin=True)
        self.grid = PaneGrid(slices, ScenePane(context, self._go_to), twin)
        self.notices = NoticeBar()
        self.top = TopBar(context, self.performing)
        self.top.on_find(self.open_palette)
        self.status = StatusBar(context)
        self.study = StudyPanel(context, self.performing)
        self.enhance = EnhancePanel(context, self.performing, self.presenter, self.live)
        self.segments = SegmentPanel(context, self.performing)
        self.method = MethodPanel(context, self.performing)
        self.finding = FindingPanel(context, self.performing)
        self.results = ResultsPanel(context, self.performing, self.segments.figures)
        self.history = HistoryPanel(context, self.performing)
        self.three_d = ThreeD(context, self.grid.scene)
        self._right = self._right_panel()
        self._assemble()
        self._shortcuts: list[QShortcut] = []
        self._install_keys()
        self._waiting: set[str] = set()
        self._kept_look: Look | None = None
        self._disconnects: list[Callable[[], None]] = []
        self._listen()
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._tick)
        self._clock.start()
        slices["axial"].setFocus()

    # --- assembling ------------------------------------------------------------------------

    def _right_panel(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(10)
        for panel in (self.enhance, self.segments, self.method, self.finding, self.results):
            column.addWidget(panel)
            if panel is not self.results:
                column.addWidget(rule())
        column.addWidget(self.history)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        area.setFixedWidth(theme.RIGHT_PX)
        area.setObjectName("panel")
        inside.setObjectName("panel")
        inside.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        return area

    def _assemble(self) -> None:
        root = QWidget()
        root.setObjectName("root")
        column = QVBoxLayout(root)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        middle = QHBoxLayout()
        middle.setSpacing(1)
        middle.addWidget(self.study)
        middle.addWidget(self.grid, 1)
        middle.addWidget(self._right)
        column.addWidget(self.top)
        column.addWidget(rule())
        column.addWidget(self.notices)
        column.addLayout(middle, 1)
        column.addWidget(rule())
        column.addWidget(self.status)
        self.setCentralWidget(root)

    def _install_keys(self) -> None:
        self._shortcuts = install_keys(self, self.context, self.performing)
        for key, call in (
            ("Ctrl+K", self.open_palette),
            ("Esc", self.escape),
        ):
            shortcut = QShortcut(key, self)
            shortcut.activated.connect(call)
            self._shortcuts.append(shortcut)

    def _listen(self) -> None:
        context = self.context
        context.session.changed.connect(self._session_changed)
        context.viewing.changed.connect(self._look_changed)
        context.pictures.changed.connect(self._pictures_changed)
        self._disconnects = [
            partial(context.viewing.changed.disconnect, self._look_changed),
            partial(context.pictures.changed.disconnect, self._pictures_changed),
        ]

    def _tick(self) -> None:
        """Keep where one looks (it is restored, never undone), and the clock of the status bar."""
        look = self.context.viewing.look
        if look.picture_key and look is not self._kept_look:
            self._kept_look = look
            self.context.session.keep("look", look)
        self.status.refresh()

    # --- following -------------------------------------------------------------------------

    def _later(self, *names: str) -> None:
        """Refresh panels once, after everything that belongs together has happened."""
        if not self._waiting:
            QTimer.singleShot(0, self, self._refresh_waiting)
        self._waiting.update(names)

    def _refresh_waiting(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for name in waiting:
            getattr(self, name).refresh()
        if "enhance" in waiting:
            self.enhance.show_result()

    def refresh_now(self) -> None:
        """Bring everything up to date at once (for captures and tests)."""
        self._waiting.update(_FOLLOWERS)
        self._refresh_waiting()
        self.three_d.refresh_now()
        self._repaint_slices()

    def _session_changed(self, change: Change) -> None:
        if change.labels_changed:
            for uid in change.segmentation_uids or {change.segmentation_uid}:
                self.segments.figures.forget(uid)
            self.method.labels_changed()
        self._forget_gone()
        self._later(*_FOLLOWERS)
        self._repaint_slices()
        self.three_d.segments_changed()

    def _forget_gone(self) -> None:
        """Undo may take away what was chosen."""
        look = self.context.viewing.look
        layer = self.context.segmentation
        if look.segmentation_uid and layer is None:
            self.context.viewing.set(segmentation_uid="", segment_number=0)

    def _look_changed(self, names: frozenset[str]) -> None:
        for fields, follow in self._followers():
            if names & fields:
                follow()
        self._repaint_slices()

    def _followers(self) -> tuple[tuple[frozenset[str], Callable[[], None]], ...]:
        """Return which part of the window follows which fields of the look."""
        look = self.context.viewing.look
        return (
            (
                frozenset({"enlarged", "picture_key", "planes", "compare", "active_pane"}),
                lambda: self.grid.follow(look),
            ),
            (frozenset({"compare", "picture_key"}), lambda: self.live.follow(look)),
            (frozenset({"compare"}), lambda: self._later("enhance")),
            (frozenset({"panels_shown"}), self._fold),
            (frozenset({"draft"}), lambda: self._later("method")),
            (frozenset({"over"}), lambda: self._later("finding")),
            (frozenset({"history_shown"}), lambda: self._later("history")),
            (frozenset({"tool"}), lambda: self.hands.choose(look.tool)),
            (frozenset({"tool"}), lambda: self._later("top")),
            (frozenset({"picture_key", "corners"}), lambda: self._later(*_FOLLOWERS)),
            (
                frozenset({"segmentation_uid", "segment_number"}),
                lambda: self._later("segments", "finding"),
            ),
            (frozenset({"selected_uid"}), lambda: self._later("results")),
            (frozenset({"picture_key"}), self.three_d.picture_changed),
            (frozenset({"planes"}), self.three_d.planes_changed),
            (frozenset({"segments_shown"}), self.three_d.segments_changed),
            (frozenset({"active_pane"}), self.grid.scene.update),
        )

    def _pictures_changed(self, key: str) -> None:
        had, self._has_pictures = self._has_pictures, bool(self.context.pictures.sources)
        if had and not self._has_pictures:
            self.notices.clear()  # they spoke of a study that was closed
            self.presenter.forget()
        if key:
            self.three_d.picture_changed()
            self._later("status", "study")
        else:
            self._later("study", "status")
        self._repaint_slices()

    def jobs_changed(self) -> None:
        """Jobs came, went or moved on."""
        self._later("status")
        self._repaint_slices_if_loading()

    def _repaint_slices_if_loading(self) -> None:
        picture = self.context.picture
        if picture is not None and not bool(np.all(picture.loaded_k)):
            self._repaint_slices()

    def _repaint_slices(self) -> None:
        self.grid.update_slices()

    def _enhanced(self) -> None:
        """A plane became ready."""
        self._later("enhance")
        self._repaint_slices()

    def _go_to(self, point_lps_mm: tuple[float, float, float]) -> None:
        self.performing.perform("view.go_to", point_lps_mm=point_lps_mm)

    def tell(self, notice: Notice) -> None:
        """Say what went well in the bar below, and what did not above the picture."""
        if notice.kind == "done":
            self.status.say(notice)
        else:
            self.notices.show_notice(notice)

    # --- the person ------------------------------------------------------------------------

    def open_palette(self) -> None:
        """Open the palette in the upper middle."""
        from viewer.window.palette import Palette

        palette = Palette(self, self.context, self.performing)
        at = self.mapToGlobal(self.rect().topLeft())
        palette.move(at.x() + (self.width() - palette.width()) // 2, at.y() + theme.TOP_PX + 8)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.open()

    def escape(self) -> None:
        """Drop what is half done; from rest, go back to windowing."""
        if self.context.viewing.draft is not None:
            self.performing.perform("method.cancel")
        elif not self.hands.cancel():
            if self.context.viewing.look.tool != "window":
                self.context.viewing.set(tool="window")
            else:
                self.context.viewing.set(selected_uid="", enlarged="")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hold O: the original."""
        if event.key() == Qt.Key.Key_O and not event.isAutoRepeat() and not event.modifiers():
            self._original(on=True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let O go: the enhanced picture."""
        if event.key() == Qt.Key.Key_O and not event.isAutoRepeat():
            self._original(on=False)
            return
        super().keyReleaseEvent(event)

    def _original(self, *, on: bool) -> None:
        if isinstance(self.focusWidget(), QLineEdit):
            return
        if actions()["enhance.original"].enabled(self.context):
            self.context.viewing.set(original=False)
        else:
            self.performing.perform("enhance.original", on=on)

    def changeEvent(self, event: QEvent) -> None:
        """A window that loses the keyboard never hears the key's release."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.context.viewing.set(original=False)
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the panels first when the window is narrow."""
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        shown = self.context.viewing.look.panels_shown
        wide = self.width() >= theme.FOLD_BELOW_PX
        self.study.setVisible(shown and wide)
        self.top.fold(self.width())
        self._right.setVisible(shown and (wide or self.width() >= theme.FOLD_BELOW_PX - 280))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        self.performing.perform("file.open_paths", paths=[Path(u.toLocalFile()) for u in urls])
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Release VTK, and let no listener outlive the widgets."""
        self._clock.stop()
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects = []
        self.context.session.changed.disconnect(self._session_changed)
        self.three_d.close()
        self.live.close()
        super().closeEvent(event)
