"""Jobs: results on the owner's thread, newest wins, every job ends."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from viewer.errors import InputRefused
from viewer.jobs.job import Cancelled, Progress, Ticket
from viewer.jobs.runner import Job, Outcomes, QueueBridge, Runner

PATIENCE_S = 10.0


class Desk:
    """A runner with its owner's bridge, and a record of all that was told."""

    def __init__(self, n_threads: int = 2) -> None:
        self.bridge = QueueBridge()
        self.n_changes = 0
        self.runner = Runner(self.bridge.post, n_threads=n_threads, changed=self._count)
        self.told: list[tuple[str, object]] = []
        self.gate = threading.Event()
        self.owner = threading.get_ident()

    def _count(self) -> None:
        self.n_changes += 1

    def outcomes(self, name: str) -> Outcomes[object]:
        def tell(what: str) -> Callable[..., None]:
            def note(*values: object) -> None:
                assert threading.get_ident() == self.owner
                self.told.append((f"{name} {what}", values[0] if values else None))

            return note

        return Outcomes(tell("done"), tell("failed"), tell("progressed"), tell("cancelled"))

    def submit(
        self, function: Callable[[Ticket], object], name: str = "job", key: str = ""
    ) -> Job[object]:
        return self.runner.submit(function, self.outcomes(name), key=key, title=name)

    def waits(self, ticket: Ticket) -> str:
        """Work until the gate opens or somebody cancels."""
        ticket.when_cancelled(self.gate.set)
        assert self.gate.wait(PATIENCE_S)
        ticket.check()
        return "waited"

    def settle(self, *jobs: Job[object]) -> None:
        """Pump until all these jobs (or all there are) are over."""
        until = time.monotonic() + PATIENCE_S
        while any(not job.is_over for job in (jobs or self.runner.active)):
            self.bridge.pump(0.2)
            assert time.monotonic() < until, "a job never ended"

    @property
    def names(self) -> list[str]:
        return [what for what, _ in self.told]


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.gate.set()
    desk.runner.close()


def test_a_result_comes_back_on_the_owners_thread(desk: Desk) -> None:
    worker: list[int] = []

    def work(_ticket: Ticket) -> int:
        worker.append(threading.get_ident())
        return 42

    desk.settle(desk.submit(work))
    assert desk.told == [("job done", 42)]
    assert worker != [desk.owner]


def test_nothing_is_told_before_the_owner_pumps(desk: Desk) -> None:
    job = desk.submit(lambda _ticket: 1)
    desk.runner.close()
    assert desk.told == []
    assert not job.is_over
    desk.settle(job)
    assert job.is_over


def test_a_result_of_none_is_told_too(desk: Desk) -> None:
    desk.settle(desk.submit(lambda _ticket: None))
    assert desk.told == [("job done", None)]


def test_a_failure_is_told_and_the_runner_goes_on(desk: Desk) -> None:
    error = InputRefused("The file is empty.")

    def fail(_ticket: Ticket) -> None:
        raise error

    desk.settle(desk.submit(fail))
    desk.settle(desk.submit(lambda _ticket: 1, "next"))
    assert desk.told == [("job failed", error), ("next done", 1)]


def test_a_job_that_exits_has_failed(desk: Desk) -> None:
    def leave(_ticket: Ticket) -> None:
        raise SystemExit(3)

    job = desk.submit(leave)
    desk.settle(job)
    assert desk.names == ["job failed"]
    assert isinstance(desk.told[0][1], RuntimeError)
    assert desk.runner.active == ()


def test_a_cancelled_job_stops_at_its_next_check(desk: Desk) -> None:
    job = desk.submit(desk.waits)
    job.cancel()
    desk.settle(job)
    assert desk.names == ["job cancelled"]


def test_except_exception_does_not_swallow_a_cancellation(desk: Desk) -> None:
    def stubborn(ticket: Ticket) -> str:
        try:
            desk.waits(ticket)
        except Exception:  # noqa: BLE001 - what careless methods do
            return "swallowed"
        return "went on"

    job = desk.submit(stubborn)
    job.cancel()
    desk.settle(job)
    assert desk.names == ["job cancelled"]


def test_a_job_that_is_cancelled_before_it_begins_never_runs() -> None:
    desk = Desk(n_threads=1)
    ran: list[int] = []
    first = desk.submit(desk.waits, "first")
    second = desk.submit(lambda _ticket: ran.append(1), "second")
    second.cancel()
    desk.gate.set()
    desk.settle(first, second)
    desk.runner.close()
    assert ran == []
    assert desk.names == ["first done", "second cancelled"]


def test_under_one_key_the_newest_wins(desk: Desk) -> None:
    older = desk.submit(desk.waits, "older", key="pane")
    newer = desk.submit(lambda _ticket: "new", "newer", key="pane")
    desk.settle(older, newer)
    assert older.ticket.is_cancelled
    assert desk.told == [("newer done", "new")]


def test_an_older_result_that_comes_later_is_dropped(desk: Desk) -> None:
    ended = threading.Event()

    def deaf(_ticket: Ticket) -> str:
        assert desk.gate.wait(PATIENCE_S)
        return "old"

    older = desk.submit(deaf, "older", key="pane")
    newer = desk.submit(lambda _ticket: ended.set(), "newer", key="pane")
    assert ended.wait(PATIENCE_S)
    desk.settle(newer)
    desk.gate.set()
    desk.settle(older)
    assert desk.names == ["newer done"]


def test_an_older_failure_is_dropped_as_well(desk: Desk) -> None:
    def fails_late(_ticket: Ticket) -> None:
        assert desk.gate.wait(PATIENCE_S)
        raise ValueError

    older = desk.submit(fails_late, "older", key="pane")
    newer = desk.submit(lambda _ticket: desk.gate.set(), "newer", key="pane")
    desk.settle(older, newer)
    assert desk.names == ["newer done"]


def test_of_many_only_the_last_is_told(desk: Desk) -> None:
    jobs = [desk.submit(lambda _ticket, n=n: n, f"{n}", key="pane") for n in range(30)]  # type: ignore[misc]
    desk.settle(*jobs)
    assert desk.told == [("29 done", 29)]


def test_other_keys_and_no_key_disturb_nobody(desk: Desk) -> None:
    jobs = [
        desk.submit(lambda _ticket: 1, name, key=name.strip("12")) for name in ("a", "b", "1", "2")
    ]
    desk.settle(*jobs)
    assert sorted(desk.names) == ["1 done", "2 done", "a done", "b done"]


def test_a_key_is_free_again_after_its_job_has_ended(desk: Desk) -> None:
    for name in ("first", "second"):
        desk.settle(desk.submit(lambda _ticket: 1, name, key="pane"))
    assert desk.names == ["first done", "second done"]


def test_the_list_of_active_jobs_holds_those_that_run_or_wait(desk: Desk) -> None:
    jobs = [desk.submit(desk.waits, f"{n}") for n in range(4)]
    assert [job.title for job in desk.runner.active] == ["0", "1", "2", "3"]
    desk.gate.set()
    desk.settle(*jobs)
    assert desk.runner.active == ()
    assert desk.n_changes >= 8


def test_progress_is_told_while_the_job_runs(desk: Desk) -> None:
    def work(ticket: Ticket) -> None:
        ticket.report(0.25, "a quarter")
        ticket.report(None, "who knows")

    job = desk.submit(work)
    desk.settle(job)
    first, second = (value for what, value in desk.told if what == "job progressed")
    assert isinstance(first, Progress)
    assert isinstance(second, Progress)
    assert (first.fraction, first.text) == (0.25, "a quarter")
    assert first.remaining_s is not None
    assert (second.fraction, second.text, second.remaining_s) == (None, "who knows", None)
    assert job.progress == second
    assert desk.names[-1] == "job done"


def test_progress_of_a_job_that_was_taken_over_is_not_told(desk: Desk) -> None:
    def reports(ticket: Ticket) -> None:
        assert desk.gate.wait(PATIENCE_S)
        ticket.report(0.5, "old news")

    older = desk.submit(reports, "older", key="pane")
    newer = desk.submit(lambda _ticket: desk.gate.set(), "newer", key="pane")
    desk.settle(older, newer)
    assert desk.names == ["newer done"]


def test_a_listener_that_fails_leaves_no_job_behind(desk: Desk) -> None:
    def break_down(_value: object) -> None:
        raise RuntimeError("listener")

    job: Job[object] = desk.runner.submit(lambda _ticket: 1, Outcomes(done=break_down))
    with pytest.raises(RuntimeError, match="listener"):
        desk.settle(job)
    assert job.is_over
    assert desk.runner.active == ()


def test_cancel_all_stops_everything(desk: Desk) -> None:
    jobs = [desk.submit(desk.waits, f"{n}") for n in range(4)]
    desk.runner.cancel_all()
    desk.settle(*jobs)
    assert sorted(desk.names) == ["0 cancelled", "1 cancelled", "2 cancelled", "3 cancelled"]


def test_closing_waits_for_the_threads_and_ends_every_job() -> None:
    before = set(threading.enumerate())
    desk = Desk(n_threads=1)
    jobs = [desk.submit(desk.waits, f"{n}") for n in range(3)]
    assert set(threading.enumerate()) - before
    desk.runner.close()
    assert not set(threading.enumerate()) - before
    desk.settle(*jobs)
    assert desk.names == ["0 cancelled", "1 cancelled", "2 cancelled"]
    assert desk.runner.active == ()


def test_after_closing_nothing_runs_any_more(desk: Desk) -> None:
    desk.runner.close()
    ran: list[int] = []
    job = desk.submit(lambda _ticket: ran.append(1))
    assert job.is_over
    assert job.ticket.is_cancelled
    assert not desk.bridge.pump(0.05)
    assert ran == []


def test_a_runner_may_be_closed_twice_and_says_so_once(desk: Desk) -> None:
    started = threading.Event()

    def work(ticket: Ticket) -> int:
        started.set()
        while True:
            ticket.check()

    job = desk.submit(work, "x")
    assert started.wait(PATIENCE_S)
    desk.runner.close()
    desk.runner.close()
    desk.settle(job)
    assert desk.names == ["x cancelled"]
    assert desk.runner.active == ()


def test_jobs_may_be_submitted_from_many_threads_while_the_runner_closes() -> None:
    desk = Desk(n_threads=2)
    jobs: list[Job[object]] = []
    start = threading.Barrier(5)

    def press() -> None:
        start.wait(PATIENCE_S)
        for n in range(40):
            jobs.append(desk.submit(lambda _ticket: 1, f"{n}"))  # noqa: PERF401 - one by one

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait(PATIENCE_S)
    desk.runner.close()
    for thread in threads:
        thread.join(PATIENCE_S)
    desk.settle(*jobs)
    assert len(jobs) == 160
    assert all(job.is_over for job in jobs)


# --- tickets and bridges ---


def test_a_ticket_raises_once_it_is_cancelled() -> None:
    ticket = Ticket()
    ticket.check()
    ticket.cancel()
    assert ticket.is_cancelled
    with pytest.raises(Cancelled):
        ticket.check()


def test_those_who_wait_elsewhere_are_told_of_a_cancellation_once() -> None:
    ticket = Ticket()
    calls: list[str] = []
    ticket.when_cancelled(lambda: calls.append("before"))
    ticket.cancel()
    ticket.cancel()
    ticket.when_cancelled(lambda: calls.append("after"))
    assert calls == ["before", "after"]


def test_a_ticket_without_a_listener_reports_into_the_void() -> None:
    heard: list[Progress] = []
    Ticket(heard.append).report(0.5, "somebody listens")
    Ticket().report(0.5, "nobody listens")
    assert [progress.text for progress in heard] == ["somebody listens"]


def test_the_time_left_is_estimated_from_the_fraction() -> None:
    heard: list[Progress] = []
    ticket = Ticket(heard.append)
    ticket._started_s = time.monotonic() - 3.0
    ticket.report(0.75)
    ticket.report(0.01)
    assert heard[0].remaining_s == pytest.approx(1.0, abs=0.2)
    assert heard[1].remaining_s is None  # too early to say


def test_an_empty_bridge_has_nothing_to_run() -> None:
    bridge = QueueBridge()
    assert not bridge.pump()
    assert not bridge.pump(0.01)
    bridge.post(lambda: None)
    assert bridge.pump()
    assert not bridge.pump()
