"""Threads that run jobs; results come back on the caller's thread through a bridge."""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from viewer.jobs.job import Cancelled, Progress, Ticket

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]


class QueueBridge:
    """A bridge for programs without an event loop: results wait until ``pump`` is called."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def post(self, call: Callable[[], None]) -> None:
        """Keep ``call`` for the owner's thread; may be called from any thread."""
        self._calls.put(call)

    def pump(self, timeout_s: float | None = 0.0) -> bool:
        """Run one waiting call; return whether there was one within ``timeout_s`` (None: wait)."""
        try:
            call = (
                self._calls.get(timeout=timeout_s) if timeout_s != 0.0 else self._calls.get_nowait()
            )
        except queue.Empty:
            return False
        call()
        return True


@dataclass(eq=False)
class Job(Generic[T]):
    """One submitted piece of work, as its owner sees it (on the owner's thread)."""

    title: str
    key: str
    ticket: Ticket
    number: int
    progress: Progress = field(default_factory=lambda: Progress(0.0))
    is_over: bool = False

    def cancel(self) -> None:
        """Ask the work to stop; ``on_cancelled`` follows."""
        self.ticket.cancel()


@dataclass(frozen=True)
class Outcomes(Generic[T]):
    """Whom to tell on the owner's thread. A job whose key was taken over tells nobody any more."""

    done: Callable[[T], None] | None = None
    failed: Callable[[Exception], None] | None = None
    progressed: Callable[[Progress], None] | None = None
    cancelled: Callable[[], None] | None = None


class Runner:
    """Runs functions on worker threads; per key the newest wins.

    Parameters
    ----------
    post
        Hands a call to the owner's thread (``QueueBridge.post``, or the window's bridge).
    n_threads
        How many jobs run at the same time.
    changed
        Called on the owner's thread whenever the list ``active`` or a progress changed.
    """

    def __init__(
        self, post: Post, *, n_threads: int = 4, changed: Callable[[], None] | None = None
    ) -> None:
        self._post = post
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="job")
        self._numbers = itertools.count(1)
        self._newest: dict[str, Job[Any]] = {}
        self._active: list[Job[Any]] = []
        self._lock = threading.Lock()
        self._changed = changed
        self._closed = False

    @property
    def active(self) -> tuple[Job[Any], ...]:
        """Jobs that run or wait, oldest first."""
        with self._lock:
            return tuple(self._active)

    def submit(
        self,
        function: Callable[[Ticket], T],
        outcomes: Outcomes[T] | None = None,
        *,
        key: str = "",
        title: str = "",
    ) -> Job[T]:
        """Run ``function(ticket)`` on a worker thread.

        A job with a non-empty ``key`` cancels and replaces the one before it under the same key:
        the older one's result is dropped, also when it comes later. A ``title`` makes it visible
        in the list of running jobs. After ``close`` the job that comes back is over.
        """
        told = outcomes or Outcomes[T]()
        job: Job[T] = Job(title, key, Ticket(), next(self._numbers))
        job.ticket = Ticket(lambda progress: self._post(lambda: self._tell(job, told, progress)))
        with self._lock:
            if self._closed:
                job.ticket.cancel()
                job.is_over = True
                return job
            older = self._newest.get(key) if key else None
            if key:
                self._newest[key] = job
            self._active.append(job)
            # Inside the lock: closing in between would refuse it, and it would wait for ever.
            self._pool.submit(self._run, function, job, told)
        if older is not None:
            older.cancel()
        self._notify()
        return job

    def cancel(self, key: str) -> None:
        """Ask the newest job under ``key`` to stop, if there is one."""
        with self._lock:
            job = self._newest.get(key)
        if job is not None:
            job.cancel()

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for job in self.active:
            job.cancel()

    def close(self) -> None:
        """Cancel everything and wait until the threads have ended.

        Each job ends as cancelled, also one that has not begun; later ones are not taken.
        """
        with self._lock:
            self._closed = True
        self.cancel_all()
        self._pool.shutdown(wait=True)

    def _run(self, function: Callable[[Ticket], T], job: Job[T], told: Outcomes[T]) -> None:
        try:
            job.ticket.check()
            result = function(job.ticket)
        except Cancelled:
            self._post(lambda: self._finish(job, told.cancelled))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border to a job's owner
            failure = error if isinstance(error, Exception) else RuntimeError("The job exited.")
            self._post(lambda: self._finish(job, told.failed and (lambda: told.failed(failure))))
        else:
            self._post(lambda: self._finish(job, told.done and (lambda: told.done(result))))

    def _is_newest(self, job: Job[Any]) -> bool:
        return not job.key or self._newest.get(job.key) is job

    def _tell(self, job: Job[Any], told: Outcomes[Any], progress: Progress) -> None:
        job.progress = progress
        if told.progressed is not None and self._is_newest(job) and not job.is_over:
            told.progressed(progress)
        self._notify()

    def _finish(self, job: Job[Any], call: Callable[[], None] | None) -> None:
        newest = self._is_newest(job)
        with self._lock:
            job.is_over = True
            if job in self._active:
                self._active.remove(job)
            if newest and job.key:
                del self._newest[job.key]
        self._notify()
        if call is not None and newest:
            call()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed()
