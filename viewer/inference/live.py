"""A network that keeps up with frames at its own rate: the newest frame wins, others are left out.

Whoever shows frames puts them into a slot and goes on at once; nobody waits for the network.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from viewer.jobs.job import Ticket

Frame = TypeVar("Frame")
Answer = TypeVar("Answer")

_TURN_S = 0.2
_REMEMBERED = 20


class NewestFrame(Generic[Frame]):
    """Room for one frame, thread-safe: a newer one takes the place of one that nobody took."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: tuple[int, float, Frame] | None = None
        self._number = 0

    def put(self, frame: Frame) -> None:
        """Offer a frame that is shown now; returns at once."""
        with self._changed:
            self._number += 1
            self._waiting = (self._number, time.monotonic(), frame)
            self._changed.notify_all()

    def take(self, ticket: Ticket) -> tuple[int, float, Frame]:
        """Wait for a frame; return its number (from 1), when it was offered, and itself.

        Raises
        ------
        Cancelled
            ``ticket`` was cancelled meanwhile.
        """
        with self._changed:
            while self._waiting is None:
                ticket.check()
                self._changed.wait(_TURN_S)
            found, self._waiting = self._waiting, None
        ticket.check()
        return found


@dataclass(frozen=True)
class Live(Generic[Frame, Answer]):
    """One answer: about which frame, how late (seconds since it was shown), how many are left out.

    ``rate_hz`` is how many answers there were a second lately, 0 with fewer than two.
    """

    frame: Frame
    answer: Answer
    number: int
    latency_s: float
    n_left_out: int
    rate_hz: float

    @property
    def timing(self) -> str:
        """How late and how often, for a person."""
        often = f", {self.rate_hz:.1f} answers a second" if self.rate_hz else ""
        left_out = f", {self.n_left_out} frames left out" if self.n_left_out else ""
        return f"{self.latency_s * 1000:.0f} ms behind{often}{left_out}"


def follow(
    frames: NewestFrame[Frame],
    compute: Callable[[Frame], Answer],
    tell: Callable[[Live[Frame, Answer]], bool],
    ticket: Ticket,
) -> int:
    """Answer the newest frame again and again; return how many were answered.

    Ends when ``tell`` returns False, or with ``Cancelled``.
    """
    ended: deque[float] = deque(maxlen=_REMEMBERED)
    n_answered = 0
    while True:
        number, offered_s, frame = frames.take(ticket)
        answer = compute(frame)
        ticket.check()
        now_s = time.monotonic()
        ended.append(now_s)
        n_answered += 1
        span_s = ended[-1] - ended[0]
        rate = (len(ended) - 1) / span_s if len(ended) > 1 and span_s > 0 else 0.0
        live = Live(frame, answer, number, now_s - offered_s, number - n_answered, rate)
        if not tell(live):
            return n_answered
