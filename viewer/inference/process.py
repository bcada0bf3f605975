"""One worker process: its start, its pipes, its end."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import viewer
from viewer import places
from viewer.errors import BackendLost, ViewerError
from viewer.inference.messages import Message, receive, send
from viewer.inference.probe import n_cores

_LOST = "The inference process ended unexpectedly."
_AGAIN = "Run the network again; the process has been restarted."
_UNMAPPED = (
    "2000000000"  # bytes; glibc keeps activations instead of unmapping each (measured: 0.54)
)
_STOP_S = 2.0

WAKE = Message({"kind": "wake"})


def lost(what: str = _LOST) -> BackendLost:
    """Return the one error for a worker that went away."""
    return BackendLost(what, remedy=_AGAIN)


def _environment(gpu: str) -> dict[str, str]:
    """Return the worker's environment; the allocator's settings must be there before it starts.

    This program's folder comes first: another copy of it on the person's path is another version,
    whose messages may mean something else.
    """
    root = str(Path(viewer.__file__).resolve().parents[1])
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, *paths]),
        "OMP_NUM_THREADS": str(n_cores()),
        "MALLOC_MMAP_THRESHOLD_": _UNMAPPED,
        "MALLOC_TRIM_THRESHOLD_": _UNMAPPED,
        **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
    }


class WorkerProcess:
    """Starts at once; ``ready`` is set when it has said what it can do.

    Parameters
    ----------
    on_state
        Called with "ready" and "lost", from another thread.
    gpu
        The one graphics card that it may see, as CUDA names it; "" leaves it all there is.
    """

    def __init__(self, on_state: Callable[[str], None], *, gpu: str = "") -> None:
        self.ready: Mapping[str, Any] | None = None
        self.known_weights: set[str] = set()
        self._on_state = on_state
        self._incoming: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._stopping = False
        # -P: the folder that the program was started in must not lend it modules.
        command = [sys.executable, "-P", "-m", "viewer.inference.worker"]
        with (places.state_folder() / "inference.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own Python
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(gpu),
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="inference", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can still answer."""
        return not self._ended.is_set() and self._process.poll() is None

    def send(self, header: Mapping[str, Any], blobs: Sequence[bytes | memoryview] = ()) -> None:
        """Send a message.

        Raises
        ------
        BackendLost
            The process is gone.
        """
        assert self._process.stdin is not None  # noqa: S101 - made with PIPE
        try:
            send(self._process.stdin, header, blobs)
        except (OSError, ValueError) as error:
            raise lost() from error

    def wake(self) -> None:
        """Let whoever waits in ``next`` return."""
        self._incoming.put(WAKE)

    def next(self, timeout_s: float) -> Message | None:
        """Return the next message, None if none came in time.

        Raises
        ------
        BackendLost
            The process has ended.
        """
        try:
            message = self._incoming.get(timeout=max(timeout_s, 0.001))
        except queue.Empty:
            return None
        if message is None:
            self._incoming.put(None)
            raise lost()
        return message

    def kill(self) -> None:
        """End the process at once and wait until it is gone."""
        self._stopping = True
        self._process.kill()
        self._close()

    def stop(self) -> None:
        """Close its orders, which ends it; kill it if it does not go."""
        self._stopping = True
        assert self._process.stdin is not None  # noqa: S101 - made with PIPE
        try:
            self._process.stdin.close()
            self._process.wait(_STOP_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
        self._close()

    def _close(self) -> None:
        self._process.wait()
        self._reader.join(_STOP_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # unsent bytes for a process that is gone

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - made with PIPE
        try:
            while (message := receive(self._process.stdout)) is not None:
                if message.kind == "ready":
                    self.ready = message.header
                    self._on_state("ready")
                self._incoming.put(message)
        except (ViewerError, OSError, ValueError):
            self._process.kill()
        self._ended.set()
        self._incoming.put(None)
        if not self._stopping:
            self._on_state("lost")
