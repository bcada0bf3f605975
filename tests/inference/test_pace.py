"""How many threads a tile gets, and how a cancel finds the engine at work."""

import io
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.inference.messages import send
from viewer.inference.worker.orders import Orders, Stopped
from viewer.inference.worker.pace import Pace, cpu_text

_TIMES = st.floats(0.0, 30.0)


@pytest.fixture(autouse=True)
def _four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")


def test_a_thread_less_that_made_it_slower_comes_back_for_good() -> None:
    used: list[int] = []
    pace = Pace(used.append)
    pace.judge(1.0, 2.0)  # starved: 2 of 4 seconds
    assert pace.n_threads == 3
    pace.judge(1.3, 2.0)  # slower with three
    assert pace.n_threads == 4
    pace.judge(1.0, 2.0)
    assert pace.n_threads == 4, "it was tried, and four are faster"
    pace.reset()
    pace.judge(1.0, 2.0)
    assert used == [4, 3, 4, 4, 3]


def test_a_thread_less_that_made_it_faster_stays_away() -> None:
    pace = Pace(lambda _n: None)
    pace.judge(1.0, 2.0)
    pace.judge(0.8, 2.3)
    assert pace.n_threads == 3


@given(st.lists(st.tuples(_TIMES, _TIMES), max_size=120))
def test_there_is_always_a_thread_and_never_more_than_were_given(
    tiles: list[tuple[float, float]],
) -> None:
    used: list[int] = []
    pace = Pace(used.append)
    for wall_s, used_s in tiles:
        pace.judge(wall_s, used_s)
        assert pace.n_threads == used[-1]
    assert set(used) <= {1, 2, 3, 4}


def test_threads_are_counted_in_words() -> None:
    assert (cpu_text(1), cpu_text(2)) == ("CPU, 1 thread", "CPU, 2 threads")


class _Pipe(io.RawIOBase):
    """The worker's inbox, filled by the test; never at its end, which would end the process."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._more = threading.Condition()

    def put(self, **header: Any) -> None:
        buffer = io.BytesIO()
        send(buffer, header)
        with self._more:
            self._data += buffer.getvalue()
            self._more.notify_all()

    def read(self, size: int = -1) -> bytes:
        with self._more:
            self._more.wait_for(lambda: len(self._data) >= size)
            data = bytes(self._data[:size])
            del self._data[:size]
            return data


def _orders(pipe: _Pipe) -> Orders:
    return Orders(pipe, io.BytesIO())  # type: ignore[arg-type]


def test_a_cancel_stops_the_engine_from_another_thread() -> None:
    pipe, stopped = _Pipe(), threading.Event()
    orders = _orders(pipe)
    pipe.put(kind="segment", number=7)
    assert orders.next_job().number == 7
    with pytest.raises(Stopped), orders.interrupting(stopped.set):  # noqa: PT012
        pipe.put(kind="cancel", number=7)
        stopped.wait(20)
        raise RuntimeError("what an engine says when it is stopped")
    assert stopped.is_set()


def test_a_cancel_of_another_job_stops_nothing_and_errors_stay_errors() -> None:
    pipe, stopped = _Pipe(), threading.Event()
    orders = _orders(pipe)
    pipe.put(kind="segment", number=7)
    orders.next_job()
    at_work = orders.interrupting(stopped.set)
    with pytest.raises(RuntimeError, match="a real fault"), at_work:  # noqa: PT012
        pipe.put(kind="cancel", number=6)
        raise RuntimeError("a real fault")
    assert not stopped.is_set()
    pipe.put(kind="cancel", number=7)
    pipe.put(kind="segment", number=8)
    orders.next_job()
    with orders.interrupting(stopped.set):
        pass
    assert not stopped.is_set(), "the cancel of a job that is over is not the next one's"


def test_a_job_cancelled_before_the_engine_starts_does_not_start_it() -> None:
    pipe = _Pipe()
    orders = _orders(pipe)
    pipe.put(kind="segment", number=1)
    orders.next_job()
    pipe.put(kind="cancel", number=1)
    pipe.put(kind="segment", number=2)
    first = threading.Event()
    while True:  # until the listener has read the cancel
        try:
            orders.check()
        except Stopped:
            break
        first.wait(0.005)
    with pytest.raises(Stopped), orders.interrupting(first.set):
        pytest.fail("the engine was started")
