"""How many threads to compute with, when others want the processor too."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SHORTEST_S = 0.1
_CONTENDED = 0.7  # share of the threads' time that they were really given
_SLOWER = 1.1  # a thread less made it slower: it was needed
_TRY_AGAIN = 40


def most_threads() -> int:
    """Return how many threads this process was given."""
    return max(1, int(os.environ.get("OMP_NUM_THREADS", "1")))


class Pace:
    """Gives up a thread when the cores are contended and it is faster so; tries again now and then.

    Threads meet after every layer: one that waits for its core keeps all others waiting. On two
    contended cores a training step cost five times the processor time with two threads than with one.

    Parameters
    ----------
    set_threads
        Called with the number of threads to use from now on.
    """

    def __init__(self, set_threads: Callable[[int], None]) -> None:
        self._set = set_threads
        self._most = self._now = most_threads()
        self._since = 0
        self._before_s: float | None = None  # the tile that made us give up a thread
        self._least = 1
        self.reset()

    @property
    def n_threads(self) -> int:
        """How many threads the next tile gets."""
        return self._now

    def reset(self) -> None:
        """Start again with all threads."""
        self._since = 0
        self._before_s = None
        self._least = 1
        self._use(self._most)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Watch one tile or step."""
        wall_s, used_s = time.monotonic(), time.process_time()
        yield
        self.judge(time.monotonic() - wall_s, time.process_time() - used_s)

    def judge(self, wall_s: float, used_s: float) -> None:
        """Change the number of threads for the next tile, if this one was starved."""
        self._since += 1
        if self._before_s is not None and wall_s > _SLOWER * self._before_s:
            self._before_s, self._since, self._least = None, 0, self._now + 1
            self._use(self._now + 1)
            return
        self._before_s = None
        starved = used_s < _CONTENDED * wall_s * self._now
        if self._now > self._least and wall_s > _SHORTEST_S and starved:
            self._since, self._before_s = 0, wall_s
            self._use(self._now - 1)
        elif self._since >= _TRY_AGAIN:
            self.reset()

    def _use(self, n_threads: int) -> None:
        self._now = n_threads
        self._set(n_threads)


def cpu_text(n_threads: int) -> str:
    """Return "CPU, 2 threads"."""
    return f"CPU, {n_threads} thread{'s' if n_threads > 1 else ''}"
