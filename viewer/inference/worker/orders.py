"""What the supervisor asked for, and whether it still wants it."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol

from viewer.errors import ViewerError
from viewer.inference.messages import Message, receive, send


class Stopped(BaseException):
    """Raised inside a job that the supervisor cancelled."""


class Interruptions(Protocol):
    """How an engine learns that its tile is no longer wanted."""

    def check(self) -> None:
        """Raise if the job was cancelled."""
        ...

    def interrupting(self, stop: Callable[[], object]) -> Any:
        """Return a context in which ``stop`` is called, from another thread, on a cancel."""
        ...


class Orders:
    """Listens on its own thread, so that a cancel arrives while a layer is being computed."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._jobs: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._number = 0
        self._stop: Callable[[], object] | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def next_job(self) -> Message:
        """Wait for the next job and make it the current one."""
        message = self._jobs.get()
        self._number = message.number
        return message

    def check(self) -> None:
        """Raise ``Stopped`` if the current job was cancelled."""
        if self._number in self._cancelled:
            raise Stopped

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Iterator[None]:
        """Call ``stop`` from the listening thread if the current job is cancelled meanwhile.

        Whatever the engine then raises gives way to ``Stopped``.
        """
        with self._lock:
            self._stop = stop
        try:
            self.check()
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._stop = None
        self.check()

    def answer(self, kind: str, blobs: Sequence[bytes | memoryview] = (), **entries: Any) -> None:
        """Send a message that belongs to the current job."""
        send(self._outbox, {"kind": kind, "number": self._number, **entries}, blobs)

    def report(self, fraction: float, text: str) -> None:
        """Tell how far the current job is; stop it if it was cancelled."""
        self.check()
        self.answer("progress", fraction=fraction, text=text)

    def _listen(self) -> None:
        """Take orders until the other side is gone; then there is nothing to live for."""
        try:
            while (message := receive(self._inbox)) is not None:
                if message.kind == "cancel":
                    self._cancel(message.number)
                else:
                    self._jobs.put(message)
        except (ViewerError, OSError, ValueError) as error:
            sys.stderr.write(f"The worker cannot read its orders: {type(error).__name__}.\n")
        os._exit(0)

    def _cancel(self, number: int) -> None:
        with self._lock:
            self._cancelled.add(number)
            if number == self._number and self._stop is not None:
                self._stop()
