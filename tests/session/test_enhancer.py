"""Live enhancement: exact in the end, never waited for, newest wins, kept within its bound."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.filters import Values, a_filter, adding
from viewer.domain.chain import Chain, Step
from viewer.domain.geometry import acquired_plane
from viewer.domain.methods import Filter, PlaneContext
from viewer.domain.volume import Volume
from viewer.imaging.enhancing import enhanced
from viewer.imaging.section import quantity_of, section
from viewer.jobs.runner import QueueBridge
from viewer.session.enhancer import Enhancer, Shown, Wish, place_of
from viewer.session.plane_cache import Computed, PlaneCache
from viewer.testing.builders import a_volume


def _failing(_values: Values, _parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    raise ValueError("no")


def _volume(size: int = 16) -> Volume:
    rng = np.random.default_rng(3)
    shape = (6, size, size)
    return a_volume(shape).with_values(rng.integers(-500, 500, shape)).build()


def _wish(picture: Volume, chain: Chain, k: int = 2) -> tuple[Any, Wish]:
    plane = acquired_plane(picture.grid, (64, 64), k)
    cut = section(picture, plane, native=True)
    return plane, Wish(picture, cut, chain, place_of(picture, plane, cut))


class _Live:
    """An enhancer with worker threads whose owner is the test."""

    def __init__(self, filters: Mapping[str, Filter]) -> None:
        self.bridge = QueueBridge()
        self.changes = 0
        self.failed: list[tuple[str, Step, str]] = []
        self.enhancer = Enhancer(
            filters,
            post=self.bridge.post,
            changed=self._changed,
            failed=lambda *told: self.failed.append(told),
        )

    def _changed(self) -> None:
        self.changes += 1

    def ask(self, picture: Volume, chain: Chain, k: int = 2) -> Shown:
        plane, wish = _wish(picture, chain, k)
        return self.enhancer.shown("axial", plane, wish)

    def until(self, met: Callable[[], bool]) -> None:
        while not met():
            assert self.bridge.pump(20.0), "nothing came"


def test_without_threads_the_exact_plane_is_there_at_once() -> None:
    picture, chain = _volume(), Chain((Step.of("add", {"add": 3.0}),))
    filters = {"add": a_filter(adding, "add")}
    plane, wish = _wish(picture, chain)
    shown = Enhancer(filters).shown("axial", plane, wish)
    expected = enhanced(
        quantity_of(wish.cut, picture), chain, filters, PlaneContext((1.0, 1.0), "[hnsf'U]")
    )
    assert shown.state == "exact"
    assert shown.values is not None
    assert np.array_equal(shown.values, expected)
    assert shown.histogram is not None
    assert shown.histogram.before.sum() == pytest.approx(1, abs=0.02)


def test_a_slow_chain_is_not_waited_for_and_comes_later() -> None:
    gate = threading.Event()

    def slow(values: Values, _p: object, _c: object) -> Values:
        assert gate.wait(20)
        return values * np.float32(2)

    live = _Live({"odd": a_filter(slow)})
    try:
        picture, chain = _volume(), Chain((Step("odd"),))
        first = live.ask(picture, chain)
        assert (first.values is None, first.state) == (True, "waiting")
        assert live.enhancer.is_busy
        gate.set()
        live.until(lambda: not live.enhancer.is_busy)
        assert live.changes >= 1
        assert live.ask(picture, chain).state == "exact"
    finally:
        gate.set()
        live.enhancer.close()


def test_while_a_slider_is_dragged_the_former_setting_stays_until_the_newest_is_there() -> None:
    gate = threading.Event()
    gate.set()
    ran: list[float] = []

    def slow(values: Values, parameters: Mapping[str, Any], _c: object) -> Values:
        assert gate.wait(20)
        ran.append(float(parameters["add"]))
        return np.asarray(values + np.float32(parameters["add"]))

    live = _Live({"odd": a_filter(slow)})
    try:
        picture = _volume()
        chains = [Chain((Step.of("odd", {"add": float(n)}),)) for n in range(8)]
        live.ask(picture, chains[0])
        live.until(lambda: not live.enhancer.is_busy)
        first = live.ask(picture, chains[0])
        assert first.state == "exact"
        gate.clear()
        for chain in chains[1:]:
            shown = live.ask(picture, chain)
            assert shown.state == "waiting"
            assert shown.values is first.values
        gate.set()
        live.until(lambda: live.ask(picture, chains[-1]).state == "exact")
        # Two threads had begun when the drag went on; the others were overtaken unseen.
        assert len(ran) <= 1 + 2 + 1
        assert 7.0 in ran
    finally:
        gate.set()
        live.enhancer.close()


def test_a_large_plane_is_shown_coarsely_first() -> None:
    sizes: list[tuple[int, ...]] = []
    gate = threading.Event()

    def slow(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
        sizes.append(values.shape)
        if values.shape[0] == 300:
            assert gate.wait(20)
            assert context.pixel_mm == (1.0, 1.0)
        else:
            assert context.pixel_mm == (2.0, 2.0)
        return np.asarray(values + np.float32(parameters["add"]))

    live = _Live({"odd": a_filter(slow)})
    try:
        picture, chain = _volume(300), Chain((Step.of("odd", {"add": 5.0}),))
        live.ask(picture, chain)
        live.until(lambda: live.ask(picture, chain).state == "coarse")
        coarse = live.ask(picture, chain).values
        assert coarse is not None
        assert coarse.shape == (300, 300)
        gate.set()
        live.until(lambda: live.ask(picture, chain).state == "exact")
        assert sizes == [(150, 150), (300, 300)]
    finally:
        gate.set()
        live.enhancer.close()


def test_the_planes_ahead_are_computed_in_the_direction_of_scrolling() -> None:
    live = _Live({"add": a_filter(adding, "add")})
    try:
        picture, chain = _volume(), Chain((Step("add"),))
        live.ask(picture, chain, 1)
        live.until(lambda: not live.enhancer.is_busy)
        live.ask(picture, chain, 2)
        _, ahead = _wish(picture, chain, 4)
        while live.enhancer.cache.get(ahead.key) is None:
            live.bridge.pump(0.01)
        _, behind = _wish(picture, chain, 0)
        assert live.enhancer.cache.get(behind.key) is None
        assert live.ask(picture, chain, 3).state == "exact"
    finally:
        live.enhancer.close()


def test_a_step_that_fails_is_left_out_and_said_and_the_others_stand() -> None:
    filters = {"add": a_filter(adding, "add"), "bad": a_filter(_failing, "bad")}
    live = _Live(filters)
    try:
        picture = _volume()
        chain = Chain((Step("bad"), Step.of("add", {"add": 2.0})))
        live.ask(picture, chain)
        live.until(lambda: bool(live.failed))
        key, step, reason = live.failed[0]
        assert (key, step.key) == (picture.key, "bad")
        assert "The bad one" in reason
        shown = live.ask(picture, chain)
        assert shown.values is not None
        assert np.array_equal(shown.values, picture.stored[2] + 2)
    finally:
        live.enhancer.close()


def test_a_change_of_the_last_step_computes_but_that() -> None:
    ran: list[str] = []

    def first(values: Values, _p: object, _c: object) -> Values:
        ran.append("first")
        return values * np.float32(2)

    enhancer = Enhancer({"one": a_filter(first, "one"), "add": a_filter(adding, "add")})
    picture = _volume()
    for add in (1.0, 2.0, 3.0):
        plane, wish = _wish(picture, Chain((Step("one"), Step.of("add", {"add": add}))))
        shown = enhancer.shown("axial", plane, wish)
        assert shown.values is not None
        assert np.array_equal(shown.values, picture.stored[2] * 2 + add)
    assert ran == ["first"]


def test_colour_is_filtered_in_its_luminance() -> None:
    picture = _volume()
    rgb = np.random.default_rng(1).integers(0, 256, (6, 16, 16, 3)).astype(np.uint8)
    colour = replace(picture, stored=rgb)
    plane, wish = _wish(colour, Chain((Step.of("add", {"add": 9.0}),)))
    shown = Enhancer({"add": a_filter(adding, "add")}).shown("axial", plane, wish)
    assert shown.values is not None
    assert shown.values == pytest.approx(rgb[2] @ [0.299, 0.587, 0.114] + 9, abs=1e-3)


def test_the_cache_lets_go_of_the_oldest_and_counts_its_bytes() -> None:
    cache = PlaneCache(limit_bytes=3 * 400)
    for n in range(5):
        cache.put(n, Computed(np.zeros((10, 10), np.float32), 0.0))
        cache.get(0)
    assert [cache.get(n) is not None for n in range(5)] == [True, False, False, True, True]
    assert cache.n_bytes == 3 * 400
    cache.put(4, Computed(np.zeros((5, 10), np.float32), 0.0))
    assert cache.n_bytes == 2 * 400 + 200
    cache.put("large", Computed(np.zeros((40, 40), np.float32), 0.0))
    assert cache.get("large") is not None
    assert cache.n_bytes == 40 * 40 * 4
    cache.put("small", Computed(np.zeros((10, 10), np.float32), 0.0))
    assert cache.get("large") is None
