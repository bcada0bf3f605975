"""How many threads to compute with, when others want the processor too."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_SHORTEST_S = 0.1
_CONTENDED = 0.7  # share of the threads' time that they were really given
_TRY_AGAIN = 40


class Pace:
    """Gives up a thread when the cores are contended, and tries again now and then.

    Threads meet after every layer: one that waits for its core keeps all others waiting. On two
    contended cores a training step cost five times the processor time with two threads than with one.
    """

    def __init__(self) -> None:
        self._most = max(1, int(os.environ.get("OMP_NUM_THREADS", "1")))
        self._since = 0
        self.reset()

    def reset(self) -> None:
        """Start again with all threads."""
        self._since = 0
        torch.set_num_threads(self._most)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Watch one tile or step."""
        wall_s, used_s = time.monotonic(), time.process_time()
        yield
        self.judge(time.monotonic() - wall_s, time.process_time() - used_s)

    def judge(self, wall_s: float, used_s: float) -> None:
        """Change the number of threads for the next tile, if this one was starved."""
        n_threads = torch.get_num_threads()
        self._since += 1
        starved = used_s < _CONTENDED * wall_s * n_threads
        if n_threads > 1 and wall_s > _SHORTEST_S and starved:
            self._since = 0
            torch.set_num_threads(n_threads - 1)
        elif self._since >= _TRY_AGAIN:
            self.reset()
