"""What a running piece of work knows about itself."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


class Cancelled(BaseException):
    """Raised inside a job that was cancelled.

    A ``BaseException``, so that ``except Exception`` in a method does not swallow it by accident.
    """


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``fraction`` 0..1 (None: unknown), a text, seconds left (None: unknown).

    ``part`` is what there is of the result by now, None where the job shows nothing on the way.
    """

    fraction: float | None
    text: str = ""
    remaining_s: float | None = None
    part: object = None


class Ticket:
    """Handed to a running function: it checks for cancellation and reports progress here."""

    def __init__(self, report: Callable[[Progress], None] | None = None) -> None:
        self._cancelled = threading.Event()
        self._report = report
        self._started_s = time.monotonic()
        self._on_cancel: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked this job to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if the job was cancelled; call it per tile or slice."""
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the job to stop, and tell those who wait inside something else."""
        with self._lock:
            if self._cancelled.is_set():
                return
            self._cancelled.set()
            callbacks = tuple(self._on_cancel)
        for callback in callbacks:
            callback()

    def when_cancelled(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on cancellation, at once if that was already asked."""
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    def report(self, fraction: float | None, text: str = "", part: object = None) -> None:
        """Tell how far the work is; the time left is estimated from the fraction."""
        if self._report is None:
            return
        remaining = None
        if fraction is not None and fraction > 0.02:
            elapsed = time.monotonic() - self._started_s
            remaining = elapsed * (1 - fraction) / fraction
        self._report(Progress(fraction, text, remaining, part))
