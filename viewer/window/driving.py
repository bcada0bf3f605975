"""Drives a window from a program: waits for what happens, without sleeping."""

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer

from viewer.errors import OutOfResources
from viewer.window.start import Program

_POLL_MS = 10


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Let the event loop run until ``condition`` holds.

    It may hold and be over again before the loop has ended (one job begins the next): the wait
    then goes on.

    Raises
    ------
    OutOfResources
        It took longer than ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    loop = QEventLoop()
    timer = QTimer()
    timer.setInterval(_POLL_MS)

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            loop.quit()

    timer.timeout.connect(look)
    timer.start()
    while not condition() and time.monotonic() <= deadline:
        loop.exec()
    timer.stop()
    if not condition():
        raise OutOfResources(f"{what} took longer than {timeout_s:.0f} s.")


def wait_for_jobs(program: Program, timeout_s: float, what: str) -> None:
    """Let the event loop run until no job is active, and everything has been told."""
    wait_until(lambda: not program.jobs.active, timeout_s, what)
    # What the last jobs posted may have begun new ones (a decoded volume begins its 3-D view).
    settle()
    wait_until(lambda: not program.jobs.active, timeout_s, what)
    settle()


def settle() -> None:
    """Run everything that waits in the event loop, timers of zero length included."""
    loop = QEventLoop()
    QTimer.singleShot(0, loop.quit)
    loop.exec()
    loop.processEvents()
