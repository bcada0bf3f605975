"""What the supervisor asked for, and whether it still wants it."""

import os
import queue
import sys
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO

from viewer.errors import ViewerError
from viewer.inference.messages import Message, receive, send


class Stopped(BaseException):
    """Raised inside a job that the supervisor cancelled."""


class Orders:
    """Listens on its own thread, so that a cancel arrives while a layer is being computed."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._jobs: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._number = 0
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
                    self._cancelled.add(message.number)
                else:
                    self._jobs.put(message)
        except (ViewerError, OSError, ValueError) as error:
            sys.stderr.write(f"The worker cannot read its orders: {type(error).__name__}.\n")
        os._exit(0)
