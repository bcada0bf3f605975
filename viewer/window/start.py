"""Makes the application, the context and the window; used by the program, the demo and tests."""

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from viewer.actions.context import Context, Notice
from viewer.domain.finding import Finding
from viewer.domain.wording import counted
from viewer.errors import DISCLAIMER
from viewer.extensions.discover import late_extensions, load_extensions
from viewer.inference.cards import load_cards
from viewer.jobs.runner import Runner
from viewer.places import data_folder
from viewer.session.journal import Journal
from viewer.session.pictures import Pictures
from viewer.session.recovery import recover, tidy, unfinished
from viewer.session.session import Session
from viewer.session.viewing import Viewing
from viewer.window.bridge import Bridge
from viewer.window.door import WindowDoor
from viewer.window.main import MainWindow
from viewer.window.theme import apply_theme

_SIZE_PX = (1600, 1000)
# How long a job may hold the interpreter while the window waits for it. Python's own 5 ms, paid at
# every step of a frame, makes a window feel stuck while headers are read.
_SWITCH_S = 0.0005


def make_app(arguments: Sequence[str] = ()) -> QApplication:
    """Return the application in its theme; without a display it draws off-screen."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    sys.setswitchinterval(_SWITCH_S)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication([*arguments])
    app.setApplicationName("Negatoscope")
    apply_theme(app)
    return app


def sessions_folder() -> Path:
    """Return the folder of the journals."""
    folder = data_folder() / "sessions"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


class Program:
    """One running window with everything behind it. ``close`` ends all of it."""

    def __init__(self, session: Session | None = None) -> None:
        self.door = WindowDoor()
        self._window: MainWindow | None = None
        self.bridge = Bridge(self._fault)
        self.session = session or Session(Journal.create(sessions_folder()))
        self.session.on_fault = self._fault_from_anywhere
        self._extensions = cache(load_extensions)  # plug-ins bring what no first picture needs
        self.jobs = Runner(self.bridge.post, changed=self._jobs_changed)
        self.context = Context(
            session=self.session,
            viewing=Viewing(),
            pictures=Pictures(),
            jobs=self.jobs,
            extensions=late_extensions(self._extensions),
            door=self.door,
            cards=load_cards(),
            quit=self._quit,
            library_path=data_folder() / "library.sqlite",
        )
        self.window = MainWindow(self.context)
        self._window = self.window
        self.door.window = self.window
        self.window.resize(*_SIZE_PX)
        self._tell(self.session.findings)

    def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.door.tell(Notice("warning", f"{finding.text} {finding.remedy}".strip()))

    def warm(self) -> None:
        """Load what no first picture needs: plug-ins, and the worker of the networks."""
        self._tell(self._extensions().findings)
        self.context.warm()

    def _fault(self, error: Exception) -> None:
        self.context.tell_fault(error)

    def _fault_from_anywhere(self, error: Exception) -> None:
        self.bridge.post(lambda: self._fault(error))

    def _jobs_changed(self) -> None:
        if self._window is not None:
            self._window.jobs_changed()

    def _quit(self) -> None:
        self.window.close()
        QApplication.quit()

    def restore(self) -> None:
        """Open again what a recovered session had open, and look where one looked."""
        from viewer.actions.workspace import restore

        restore(self.context)

    def close(self, *, clean: bool = True) -> None:
        """Stop jobs and worker, close window and journal."""
        self.context.close()
        self.window.close()
        self.bridge.close()
        self.session.close(clean=clean)


def offered_session() -> Path | None:
    """Return the newest session that was not closed, None if there is none."""
    found = unfinished(sessions_folder())
    return found[0] if found else None


def run_window(paths: Sequence[str], *, demo: bool = False) -> int:
    """Open the window on ``paths``; return the exit code."""
    app = make_app(sys.argv[:1])
    left = offered_session()
    program = Program(recover(left) if left is not None and not paths else None)
    program.window.show()
    tidy(sessions_folder())
    door = program.door
    door.tell(Notice("done", DISCLAIMER))
    if left is not None and not paths:
        n = len(program.session.history)
        door.tell(
            Notice(
                "warning",
                "The last session was not closed; it is back, "
                f"with {counted(n, 'step')} that can be undone.",
            )
        )
        program.restore()
    elif paths:
        program.window.performing.perform("file.open_paths", paths=tuple(paths))
    elif demo:
        program.window.performing.perform("file.demo")
    QTimer.singleShot(1500, program.window, program.warm)
    code = app.exec()
    program.close()
    return int(code)
