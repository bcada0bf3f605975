"""The window as a door: dialogs, notices, and pictures of what is painted."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from viewer.actions.context import Notice
from viewer.errors import InputRefused
from viewer.jobs.runner import Job

if TYPE_CHECKING:
    from viewer.inference.foreign import Foreign
    from viewer.window.main import MainWindow


class WindowDoor:
    """What actions may ask of the window. ``window`` is set once it was made."""

    def __init__(self) -> None:
        self.window: MainWindow | None = None
        self.notices: list[Notice] = []

    def ask_open(self, title: str, *, folder: bool) -> tuple[Path, ...]:
        """Ask for files or one folder."""
        options = QFileDialog.Option.DontUseNativeDialog
        if folder:
            chosen = QFileDialog.getExistingDirectory(self.window, title, "", options)
            return (Path(chosen),) if chosen else ()
        names, _ = QFileDialog.getOpenFileNames(self.window, title, "", "", options=options)
        return tuple(Path(name) for name in names)

    def ask_save(self, title: str, suggestion: str) -> Path | None:
        """Ask where to save; the dialog asks before it replaces a file."""
        options = QFileDialog.Option.DontUseNativeDialog
        name, _ = QFileDialog.getSaveFileName(self.window, title, suggestion, "", options=options)
        return Path(name) if name else None

    def ask_text(self, title: str, text: str, now: str) -> str | None:
        """Ask for a line of text."""
        words, chosen = QInputDialog.getText(self.window, title, text, text=now)
        return words if chosen else None

    def ask_number(self, title: str, text: str) -> float | None:
        """Ask for a number above 0."""
        number, chosen = QInputDialog.getDouble(
            self.window, title, text, 10.0, 0.01, 10_000.0, decimals=2
        )
        return number if chosen else None

    def tell(self, notice: Notice) -> None:
        """Show a notice in the window's bar."""
        self.notices.append(notice)
        if self.window is not None:
            self.window.tell(notice)

    def show_page(self, name: str) -> None:
        """Open a page of help."""
        if self.window is not None:
            from viewer.window.help import HelpPage

            HelpPage(self.window, self.window.context, name).open()

    def show_text(self, title: str, text: str) -> None:
        """Open a page of plain text."""
        if self.window is not None:
            from viewer.window.text_page import TextPage

            TextPage(self.window, title, text).open()

    def show_library(self) -> None:
        """Open the list of known studies."""
        if self.window is not None:
            from viewer.window.library import LibraryDialog

            LibraryDialog(self.window, self.window.context, self.window.performing).open()

    def show_networks(self) -> None:
        """Open the list of networks."""
        if self.window is not None:
            from viewer.window.network_page import NetworkPage

            NetworkPage(self.window, self.window.context, self.window.performing).open()

    def networks_changed(self) -> None:
        """Bring the list of networks and the panel that runs them up to date."""
        if self.window is not None:
            from viewer.window.network_page import NetworkPage

            for page in self.window.findChildren(NetworkPage):
                page.fill()
            self.window.finding.refresh()

    def show_training(self, folder: Path, job: Job[Mapping[str, Any]]) -> None:
        """Open the page of a training."""
        if self.window is not None:
            from viewer.window.training_page import TrainingPage

            TrainingPage(self.window, folder, job).open()

    def guide_import(self, foreign: "Foreign") -> None:
        """Open the guided import."""
        if self.window is not None:
            from viewer.window.network_import import ImportGuide

            ImportGuide(self.window, foreign, self.window.performing).open()

    def painted(self) -> Event:
        """Return an event that is set once all that was changed so far is on the screen.

        Changes are painted when the events at hand are through; timers come after them.
        """
        event = Event()
        if self.window is None:
            event.set()
        else:
            # A zero delay would not do: Qt queues it as an event, and paints after those.
            QTimer.singleShot(1, event.set)
        return event

    def capture(self, pane: str) -> bytes:
        """Return what a pane, or the whole "window", shows now, as PNG."""
        if self.window is None:
            raise InputRefused("There is no window to picture.")
        widget: QWidget | None = (
            self.window if pane == "window" else self.window.grid.panes().get(pane)
        )
        if widget is None:
            raise InputRefused(f"There is no pane called {pane}.")
        from viewer.painting.offscreen import png_bytes

        # What is kept for good shows the exact result, never a coarse or a former one.
        enhancer = self.window.live.enhancer
        enhancer.is_patient = True
        try:
            return png_bytes(widget.grab().toImage())
        finally:
            enhancer.is_patient = False
