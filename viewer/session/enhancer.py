"""Enhanced planes while one looks: on worker threads, coarse first, newest wins, kept for later.

Painting asks ``shown`` and never waits longer than a blink. What is not there yet comes through
``changed``, and the planes that scrolling will reach next are computed ahead.
"""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain, Step
from viewer.domain.geometry import Plane
from viewer.domain.methods import Filter, PlaneContext
from viewer.domain.volume import Picture
from viewer.imaging.enhancing import Enhanced, Plane2D, Steps, enhanced_as_far_as_possible
from viewer.imaging.luminance import brightness, channel_for
from viewer.imaging.section import Section, quantity_of, section
from viewer.jobs.job import Progress, Ticket
from viewer.jobs.runner import Outcomes, Post, Runner
from viewer.session.plane_cache import Computed, Histogram, PlaneCache

PATIENCE_S = 0.012  # a blink: within it the result comes without a frame of something else
_COARSE_PIXELS = 160 * 160  # what the slowest live filter does within 50 ms (algorithms.md 3)
_SLOW_MS = 40.0
_AHEAD = 2
_COARSE_DONE, _EXACT_DONE = 0.5, 1.0
_N_BINS = 64
_HISTOGRAM_SAMPLE = 16_384
_SHOWN_PERCENT = (0.1, 99.9)

State = Literal["exact", "coarse", "waiting"]


@dataclass(frozen=True, eq=False)
class Shown:
    """What there is of a plane now.

    ``values`` (h, w) None: nothing yet, the original is shown. ``waiting`` with values: they belong
    to the settings before. ``elapsed_ms`` is how long the exact plane took.
    """

    values: Plane2D | None
    state: State
    failures: tuple[tuple[Step, str], ...] = ()
    elapsed_ms: float = 0.0
    histogram: Histogram | None = None


@dataclass(frozen=True, eq=False)
class Wish:
    """A plane that is to be shown: its section, its chain, and the names it is kept under."""

    picture: Picture
    cut: Section
    chain: Chain
    place: Hashable

    @property
    def key(self) -> Hashable:
        """The name of the exact result."""
        return (self.place, self.chain.steps)


class Enhancer:
    """Computes planes for one session.

    Parameters
    ----------
    post
        Hands calls to the owner's thread; None: everything is computed at once, in ``shown``.
    changed
        Called on the owner's thread when a plane became ready.
    failed
        Called on the owner's thread with picture key, step and reason when a step failed.
    """

    def __init__(
        self,
        filters: Mapping[str, Filter],
        *,
        post: Post | None = None,
        changed: Callable[[], None] = lambda: None,
        failed: Callable[[str, Step, str], None] = lambda _key, _step, _reason: None,
    ) -> None:
        self.cache = PlaneCache()
        self._filters = filters
        self._runner = None if post is None else Runner(post, n_threads=2)
        self._changed, self._failed = changed, failed
        self._running: dict[str, Hashable] = {}
        self._last: dict[str, tuple[Hashable, Hashable]] = {}
        self._planes: dict[str, Plane] = {}
        self._speeds: dict[tuple[str, ...], float] = {}
        self.is_patient = False

    def close(self) -> None:
        """Stop the threads."""
        if self._runner is not None:
            self._runner.close()

    def use(self, filters: Mapping[str, Filter]) -> None:
        """Take other filters; nothing that the former ones gave is kept."""
        self._filters = filters
        self.cache.clear()

    @property
    def is_busy(self) -> bool:
        """Whether a plane that is shown is still being computed."""
        return bool(self._running)

    def shown(self, pane: str, plane: Plane, wish: Wish, *, may_look_ahead: bool = True) -> Shown:
        """Return what there is of ``wish`` in ``pane`` now, and have the rest computed."""
        known = self.cache.get(wish.key)
        if known is None and (self._runner is None or self.is_patient):
            known = self._compute(wish, Ticket())
            self.cache.put(wish.key, known)
            for step, reason in known.failures:
                self._failed(wish.picture.key, step, reason)
        if known is None:
            known = self._begin(pane, plane, wish, may_look_ahead=may_look_ahead)
        self._planes[pane] = plane
        if known is not None:
            self._last[pane] = (wish.place, wish.key)
            return _exact(known)
        coarse = self.cache.get(("coarse", wish.key))
        if coarse is not None:
            return Shown(coarse.values, "coarse", coarse.failures)
        place, key = self._last.get(pane, (None, None))
        before = self.cache.get(key) if place == wish.place else None
        if before is not None:
            return Shown(before.values, "waiting", before.failures)
        return Shown(None, "waiting")

    def _begin(
        self, pane: str, plane: Plane, wish: Wish, *, may_look_ahead: bool
    ) -> Computed | None:
        """Start the work unless it runs; return its result if that comes within a blink."""
        assert self._runner is not None  # noqa: S101 - the caller has looked
        if self._running.get(pane) == wish.key:
            return None
        self._running[pane] = wish.key
        step_mm = self._step(pane, plane) if may_look_ahead else 0.0
        ready = threading.Event()
        expected_ms = self._expected_ms(wish)
        self._runner.submit(
            partial(
                self._work, wish, plane, step_mm, ready, coarse_first=_is_slow(wish, expected_ms)
            ),
            Outcomes[None](
                failed=lambda _error: self._settle(pane, wish),
                progressed=partial(self._progressed, pane, wish),
                cancelled=lambda: self._settle(pane, wish),
            ),
            key=f"plane:{pane}",
        )
        if expected_ms is None or expected_ms < 2 * PATIENCE_S * 1000:
            ready.wait(PATIENCE_S)
        return self.cache.get(wish.key)

    def _work(
        self,
        wish: Wish,
        plane: Plane,
        step_mm: float,
        ready: threading.Event,
        ticket: Ticket,
        *,
        coarse_first: bool,
    ) -> None:
        """Compute a plane on a worker thread, and then those that scrolling will reach."""
        if coarse_first:
            self.cache.put(("coarse", wish.key), self._coarse(wish, ticket))
            ticket.report(_COARSE_DONE)
        self.cache.put(wish.key, self._compute(wish, ticket))
        ready.set()
        ticket.report(_EXACT_DONE)
        if step_mm:
            self._look_ahead(wish, plane, step_mm, ticket)

    def _progressed(self, pane: str, wish: Wish, progress: Progress) -> None:
        if progress.fraction == _EXACT_DONE:
            self._settle(pane, wish)
        else:
            self._changed()

    def _settle(self, pane: str, wish: Wish) -> None:
        """Let the pane be painted with what there is now."""
        if self._running.get(pane) == wish.key:
            del self._running[pane]
        self._tell_failures(wish)
        self._changed()

    def _tell_failures(self, wish: Wish) -> None:
        found = self.cache.get(wish.key)
        for step, reason in found.failures if found is not None else ():
            self._failed(wish.picture.key, step, reason)

    def _step(self, pane: str, plane: Plane) -> float:
        """Return how far the pane was scrolled since it was last painted, along its normal."""
        before = self._planes.get(pane)
        if before is None or float(before.normal @ plane.normal) < 1 - 1e-6:
            return 0.0
        return float((plane.origin_lps_mm - before.origin_lps_mm) @ plane.normal)

    def _look_ahead(self, wish: Wish, plane: Plane, step_mm: float, ticket: Ticket) -> None:
        """Compute the planes that come next if scrolling goes on as it went."""
        for n in range(1, _AHEAD + 1):
            ticket.check()
            there = plane.moved(step_mm * n)
            cut = section(wish.picture, there, native=True)
            if cut.coverage is not None and not (cut.coverage == 1).any():
                return
            ahead = replace(wish, cut=cut, place=place_of(wish.picture, there, cut))
            if self.cache.get(ahead.key) is None:
                self.cache.put(ahead.key, self._compute(ahead, ticket))

    def _expected_ms(self, wish: Wish) -> float | None:
        """Return how long the chain will take by what it took before; None if nobody knows."""
        speed = self._speeds.get(_keys(wish.chain))
        n_pixels = wish.cut.values.shape[0] * wish.cut.values.shape[1]
        return None if speed is None else speed * n_pixels

    def _context(self, wish: Wish) -> PlaneContext:
        unit = "1" if wish.picture.is_colour else wish.picture.quantity.unit
        return PlaneContext(wish.cut.pixel_mm, unit)

    def _values(self, wish: Wish) -> NDArray[np.float32]:
        if wish.picture.is_colour:
            return brightness(wish.cut.values, channel_for(wish.chain, self._filters))
        return quantity_of(wish.cut, wish.picture)

    def _compute(self, wish: Wish, ticket: Ticket) -> Computed:
        started = time.perf_counter()
        values = self._values(wish)
        found = self._enhanced(
            wish, values, self._context(wish), ticket, _Stages(self.cache, wish.place)
        )
        elapsed_ms = (time.perf_counter() - started) * 1000
        keys, speed = _keys(wish.chain), elapsed_ms / max(values.size, 1)
        # A step that was kept makes one run fast; the chain is as slow as it was at its slowest.
        self._speeds[keys] = max(speed, 0.8 * self._speeds.get(keys, 0.0))
        histogram = _histogram(values, found.values)
        return Computed(found.values, elapsed_ms, found.failures, histogram=histogram)

    def _coarse(self, wish: Wish, ticket: Ticket) -> Computed:
        """Return the plane of every n-th pixel, stretched: what the reader sees at once."""
        values = self._values(wish)
        n = int(np.ceil(np.sqrt(values.size / _COARSE_PIXELS)))
        rows, columns = (
            np.minimum(np.arange(-(-size // n)) * n + n // 2, size - 1) for size in values.shape
        )
        few = np.ascontiguousarray(values[np.ix_(rows, columns)])
        context = self._context(wish)
        row_mm, column_mm = context.pixel_mm
        found = self._enhanced(
            wish, few, replace(context, pixel_mm=(row_mm * n, column_mm * n)), ticket, None
        )
        height, width = values.shape
        size = (few.shape[1] * n, few.shape[0] * n)
        wide = np.asarray(cv2.resize(found.values, size, interpolation=cv2.INTER_LINEAR))
        part = wide[:height, :width]
        # Stretching spreads what is not a number; those pixels are shown as they were.
        whole = np.where(np.isfinite(part) & np.isfinite(values), part, values)
        return Computed(whole, 0.0, found.failures, is_coarse=True)

    def _enhanced(
        self,
        wish: Wish,
        values: NDArray[np.float32],
        context: PlaneContext,
        ticket: Ticket,
        stages: "_Stages | None",
    ) -> Enhanced:
        return enhanced_as_far_as_possible(
            values, wish.chain, self._filters, context, check=ticket.check, stages=stages
        )


class _Stages:
    """What the first steps of a chain gave in one plane."""

    def __init__(self, cache: PlaneCache, place: Hashable) -> None:
        self._cache, self._place = cache, place

    def recall(self, steps: Steps) -> Plane2D | None:
        found = self._cache.get(("stage", self._place, steps))
        return None if found is None else found.values

    def keep(self, steps: Steps, values: Plane2D) -> None:
        self._cache.put(("stage", self._place, steps), Computed(values, 0.0))


def place_of(picture: Picture, plane: Plane, cut: Section, *extra: Hashable) -> Hashable:
    """Return the name of a plane of a picture, whatever its zoom: where it lies, and what is read."""
    depth = round(float(plane.origin_lps_mm @ plane.normal), 4)
    axes = (plane.right.tobytes(), plane.down.tobytes())
    is_whole = cut.coverage is None or not (cut.coverage == 2).any()
    read = -1 if is_whole else int(picture.loaded_k.sum())
    return (picture.key, axes, depth, read, *extra)


def _is_slow(wish: Wish, expected_ms: float | None) -> bool:
    """Whether a coarse picture should come first: it takes long, or nobody knows."""
    n_pixels = wish.cut.values.shape[0] * wish.cut.values.shape[1]
    return n_pixels > 2 * _COARSE_PIXELS and (expected_ms is None or expected_ms > _SLOW_MS)


def _keys(chain: Chain) -> tuple[str, ...]:
    return tuple(step.key for step in chain.active.steps)


def _exact(known: Computed) -> Shown:
    return Shown(known.values, "exact", known.failures, known.elapsed_ms, known.histogram)


def _histogram(before: Plane2D, after: Plane2D) -> Histogram | None:
    """Return both histograms over the range that 99.8 % of all values lie in; of a sample."""
    every = max(1, int(np.sqrt(before.size / _HISTOGRAM_SAMPLE)))
    one, two = (v[::every, ::every].ravel() for v in (before, after))
    one, two = one[np.isfinite(one)], two[np.isfinite(two)]
    if not one.size or not two.size:
        return None
    ends = np.percentile(np.concatenate([one, two]), _SHOWN_PERCENT).astype(np.float64)
    low, high = float(ends[0]), float(ends[1])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _N_BINS + 1)
    counts = [np.histogram(v, edges)[0] / v.size for v in (one, two)]
    return Histogram(edges, counts[0], counts[1])
