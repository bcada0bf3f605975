"""Running a chain of filters: what is not defined stays so, and a bad filter names itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.filters import Values, a_filter, adding
from viewer.domain.chain import Chain, Step
from viewer.domain.methods import PlaneContext
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.extensions.discover import load_extensions
from viewer.imaging.enhancing import enhanced, enhanced_volume
from viewer.jobs.job import Cancelled, Ticket
from viewer.testing.builders import a_volume

CONTEXT = PlaneContext((0.7, 0.7), "[hnsf'U]")
FILTERS = load_extensions().filters
# One image holds no time to average over; every other filter works on a plane.
PLANAR = sorted(set(FILTERS) - {"temporal_mean"})
KEEPING = ("clahe", "gaussian", "median", "unsharp", "bilateral", "nlm")  # what is constant stays
NOISE = np.random.default_rng(1).normal(40, 20, (31, 37)).astype(np.float32)


def _doubling(values: Values, _parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    return np.asarray(values * np.float32(2))


def _run(function: Any, values: Values = NOISE) -> Values:
    return enhanced(values, Chain((Step("odd"),)), {"odd": a_filter(function)}, CONTEXT)


def test_steps_are_applied_in_their_order() -> None:
    filters = {"add": a_filter(adding, "add"), "double": a_filter(_doubling, "double")}
    values = np.full((2, 3), 5, dtype=np.float32)
    first = Chain((Step.of("add", {"add": 3.0}), Step("double")))
    assert (enhanced(values, first, filters, CONTEXT) == 16).all()
    assert (enhanced(values, first.moved(0, 1), filters, CONTEXT) == 13).all()


def test_a_step_without_parameters_takes_the_defaults() -> None:
    assert np.allclose(_run(adding), NOISE + 1)


def test_an_empty_chain_returns_a_copy() -> None:
    found = enhanced(NOISE, Chain(), {}, CONTEXT)
    assert np.array_equal(found, NOISE)
    assert not np.shares_memory(found, NOISE)


def test_a_step_that_is_off_does_nothing_even_if_it_is_unknown_or_broken() -> None:
    chain = Chain((Step("unknown", on=False), Step("odd", (("add", 99.0),), on=False)))
    assert np.array_equal(enhanced(NOISE, chain, {"odd": a_filter(adding)}, CONTEXT), NOISE)


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(ViewerError, match="no filter called nothing"):
        enhanced(NOISE, Chain((Step("nothing"),)), FILTERS, CONTEXT)


def test_the_picture_that_came_in_is_not_changed() -> None:
    def spoil(values: Values, _p: object, _c: object) -> Values:
        values[...] = 7
        return values

    before = NOISE.copy()
    assert (_run(spoil) == 7).all()
    assert np.array_equal(NOISE, before)


@pytest.mark.parametrize("key", PLANAR)
def test_what_is_not_a_number_stays_and_does_not_spread(key: str) -> None:
    values = NOISE + np.float32(200)  # some filters are for intensities, which are not negative
    values[3:6, 4:9] = np.nan
    values[20, 20] = np.inf
    found = enhanced(values, Chain((Step(key),)), FILTERS, CONTEXT)
    assert np.array_equal(np.isnan(found), ~np.isfinite(values))
    assert np.isfinite(found[np.isfinite(values)]).all()


@pytest.mark.parametrize("key", PLANAR)
def test_a_picture_without_any_number_stays_without(key: str) -> None:
    found = enhanced(np.full_like(NOISE, np.nan), Chain((Step(key),)), FILTERS, CONTEXT)
    assert np.isnan(found).all()


@given(st.floats(-3000, 30000, width=32), st.permutations(KEEPING))
def test_a_constant_picture_survives_every_chain(value: float, keys: list[str]) -> None:
    values = np.full((12, 9), value, dtype=np.float32)
    found = enhanced(values, Chain(tuple(Step(key) for key in keys)), FILTERS, CONTEXT)
    assert found == pytest.approx(values, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "returned",
    [
        NOISE[1:],
        NOISE.T,
        NOISE[..., None],
        np.full_like(NOISE, np.nan),
        np.where(NOISE[4, 4] == NOISE, np.float32(np.inf), NOISE),
        np.full(NOISE.shape, 1e300),
        None,
        3.0,
    ],
    ids=["cut", "turned", "deep", "nan", "inf", "too large", "nothing", "a number"],
)
def test_a_filter_that_returns_no_usable_picture_is_named(returned: Any) -> None:
    with pytest.raises(ViewerError) as caught:
        _run(lambda _v, _p, _c: returned)
    assert caught.value.where == "The odd one"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "error", [ValueError("x"), ZeroDivisionError(), KeyError("k"), MemoryError()]
)
def test_a_filter_that_raises_is_named(error: Exception) -> None:
    def fail(_v: object, _p: object, _c: object) -> Values:
        raise error

    with pytest.raises(ViewerError, match=type(error).__name__) as caught:
        _run(fail)
    assert caught.value.where == "The odd one"
    assert caught.value.__cause__ is error


def test_a_filters_own_sentence_is_kept() -> None:
    def fail(_v: object, _p: object, _c: object) -> Values:
        raise Unsupported("Only CT is understood.")

    with pytest.raises(Unsupported, match="Only CT"):
        _run(fail)


def test_a_cancelled_filter_is_no_failure() -> None:
    def stop(_v: object, _p: object, _c: object) -> Values:
        raise Cancelled

    with pytest.raises(Cancelled):
        _run(stop)


@pytest.mark.parametrize("parameters", [{"add": 11.0}, {"add": float("nan")}, {"subtract": 1.0}])
def test_settings_out_of_range_are_refused_and_the_filter_named(
    parameters: dict[str, float],
) -> None:
    with pytest.raises(InputRefused) as caught:
        enhanced(NOISE, Chain((Step.of("odd", parameters),)), {"odd": a_filter(adding)}, CONTEXT)
    assert caught.value.where == "The odd one"


def test_doubles_that_fit_become_float32() -> None:
    found = _run(lambda values, _p, _c: values.astype(np.float64) * 2)
    assert found.dtype == np.float32
    assert np.allclose(found, NOISE * 2)


def _whole(values: Values, parameters: Mapping[str, Any], context: Any, asked: Any) -> Values:
    assert context.spacing_kji_mm == (3.0, 0.8, 0.7)
    asked.check()
    asked.report(0.5, "half")
    return np.asarray(np.roll(values, 1, axis=0) * np.float32(parameters["add"]))


def test_a_volume_is_filtered_plane_by_plane_and_whole_where_that_is_asked_for() -> None:
    rng = np.random.default_rng(2)
    shape = (5, 7, 6)
    picture = (
        a_volume(shape, spacing_ijk_mm=(0.7, 0.8, 3.0))
        .with_values(rng.integers(-300, 300, shape))
        .build()
    )
    filters = {
        "add": a_filter(adding, "add"),
        "deep": replace(a_filter(_doubling, "deep"), volume_function=_whole),
    }
    chain = Chain((Step.of("add", {"add": 3.0}), Step.of("deep", {"add": 4.0}), Step("add")))
    told: list[float] = []
    ticket = Ticket(lambda progress: told.append(progress.fraction or 0.0))
    values = picture.stored.astype(np.float32)
    flat = enhanced_volume(picture, chain, filters, ticket)
    assert np.array_equal(flat, (values + 3) * 2 + 1)
    whole = enhanced_volume(picture, chain, filters, ticket, whole=True)
    assert np.array_equal(whole, np.roll(values + 3, 1, axis=0) * 4 + 1)
    assert told[-1] == pytest.approx(1)
    assert np.array_equal(picture.stored, values)


def test_a_volume_is_refused_by_its_reason() -> None:
    picture = a_volume((3, 4, 5)).build()
    chain = Chain((Step("odd"),))
    colour = replace(picture, stored=np.zeros((3, 4, 5, 3), np.uint8))
    with pytest.raises(InputRefused, match="colour"):
        enhanced_volume(colour, chain, {}, Ticket())
    half = replace(picture, loaded_k=np.array([True, False, True]))
    with pytest.raises(InputRefused, match="read yet"):
        enhanced_volume(half, chain, {}, Ticket())
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        enhanced_volume(picture, chain, {"odd": a_filter(adding)}, ticket)
