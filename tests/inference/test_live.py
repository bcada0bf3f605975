"""A network that follows frames: the newest wins, nobody waits, and how late it is is known."""

import threading

import pytest

from viewer.inference.live import Live, NewestFrame, follow
from viewer.jobs.job import Cancelled, Ticket


def test_frames_that_nobody_took_are_left_out() -> None:
    frames: NewestFrame[str] = NewestFrame()
    for name in ("a", "b", "c"):
        frames.put(name)
    told: list[Live[str, str]] = []

    def compute(frame: str) -> str:
        if frame == "c":  # while it computes, two more come
            frames.put("d")
            frames.put("e")
        return frame.upper()

    def tell(live: Live[str, str]) -> bool:
        told.append(live)
        return live.frame != "e"

    assert follow(frames, compute, tell, Ticket()) == 2
    assert [one.answer for one in told] == ["C", "E"]
    assert [one.number for one in told] == [3, 5]
    assert [one.n_left_out for one in told] == [2, 3]
    assert all(one.latency_s >= 0 for one in told)
    assert told[0].rate_hz == 0.0
    assert told[1].rate_hz > 0.0
    assert "3 frames left out" in told[1].timing


def test_offering_a_frame_never_waits_for_the_network() -> None:
    frames: NewestFrame[int] = NewestFrame()
    computing, may_end = threading.Event(), threading.Event()

    def compute(frame: int) -> int:
        computing.set()
        assert may_end.wait(10)
        return frame

    ticket, seen = Ticket(), list[int]()

    def tell(live: Live[int, int]) -> bool:
        seen.append(live.answer)
        return live.answer < 99

    thread = threading.Thread(target=lambda: follow(frames, compute, tell, ticket))
    thread.start()
    frames.put(0)
    assert computing.wait(10)
    for n in range(1, 100):  # all of them, while the network is busy with the first
        frames.put(n)
    assert seen == []
    may_end.set()
    thread.join(10)
    assert seen == [0, 99]


def test_a_cancel_ends_the_waiting() -> None:
    ticket, frames = Ticket(), NewestFrame[int]()
    ticket.cancel()
    with pytest.raises(Cancelled):
        frames.take(ticket)
