"""Brings the results of worker threads to the window's thread."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class Bridge(QObject):
    """``post`` may be called from any thread; the call runs on the thread that owns the bridge."""

    _posted = Signal(object)

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        super().__init__()
        self._on_fault = on_fault
        self._open = True
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """Run ``call`` on the window's thread, soon."""
        self._posted.emit(call)

    def close(self) -> None:
        """Let later calls fall: their widgets are gone."""
        self._open = False

    def _run(self, call: Callable[[], None]) -> None:
        if not self._open:
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the border: a fault never closes the window
            self._on_fault(error)
