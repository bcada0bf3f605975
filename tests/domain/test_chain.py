"""Chains of enhancement steps, and the descriptions of methods."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.methods import Filter, Parameter
from viewer.errors import InputRefused

STEPS = st.builds(Step, st.sampled_from(["a", "b", "c"]), st.just((("x", 1.0),)), on=st.booleans())
CHAINS = st.lists(STEPS, min_size=1, max_size=5).map(lambda steps: Chain(tuple(steps)))


def test_steps_of_the_same_settings_are_equal_whatever_their_order() -> None:
    assert Step.of("clahe", {"b": 2, "a": 1}) == Step.of("clahe", {"a": 1, "b": 2})
    assert hash(Step.of("clahe", {"b": 2, "a": 1})) == hash(Step.of("clahe", {"a": 1, "b": 2}))
    assert Step.of("clahe").values() == {}


def test_one_setting_of_a_step_is_changed() -> None:
    step = Step.of("clahe", {"clip": 2.0, "tile": 4.0})
    assert step.with_value("clip", 3.0).values() == {"clip": 3.0, "tile": 4.0}
    assert step.with_value("new", True).values()["new"] is True
    assert step.values()["clip"] == 2.0


@given(CHAINS)
def test_only_steps_that_are_on_are_active(chain: Chain) -> None:
    assert all(step.on for step in chain.active.steps)
    assert len(chain.active.steps) == sum(step.on for step in chain.steps)
    assert chain.is_active == bool(chain.active.steps)


@given(CHAINS, st.data())
def test_steps_are_replaced_removed_and_moved_in_their_places(
    chain: Chain, data: st.DataObject
) -> None:
    n = len(chain.steps)
    index, to = (data.draw(st.integers(0, n - 1)) for _ in range(2))
    new = Step("new")
    assert chain.replaced(index, new).steps[index] == new
    assert len(chain.replaced(index, new).steps) == n
    assert chain.removed(index).steps == chain.steps[:index] + chain.steps[index + 1 :]
    moved = chain.moved(index, to)
    assert moved.steps[to] == chain.steps[index]
    assert moved.removed(to) == chain.removed(index)
    assert moved.moved(to, index) == chain


def test_the_settings_of_a_chain_can_be_written_as_json() -> None:
    step = Step.of("median", {"size": "3", "strength": 0.5, "n": 2, "sharp": False})
    assert json.loads(json.dumps(step.values())) == step.values()


# --- parameters ---


def _filter(*parameters: Parameter) -> Filter:
    def same(values: Any, _parameters: Any, _context: Any) -> Any:
        return values

    return Filter("f", "The filter", "p", "c", "s", parameters, same, lambda _p, _c: 0)


@pytest.mark.parametrize(
    ("parameter", "given_value", "expected"),
    [
        (Parameter("a", "A", "float", 1.0, 0.0, 2.0), 2, 2.0),
        (Parameter("a", "A", "float", 1.0, 0.0, 2.0), "1.5", 1.5),
        (Parameter("a", "A", "int", 1, 0, 5), 3.0, 3),
        (Parameter("a", "A", "bool", False), 1, True),
        (Parameter("a", "A", "choice", "x", choices=("x", "y")), "y", "y"),
    ],
)
def test_a_value_is_returned_in_the_parameters_type(
    parameter: Parameter, given_value: Setting, expected: Setting
) -> None:
    found = parameter.checked(given_value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", [-0.001, 2.001, float("nan"), float("inf"), "many"])
def test_a_number_out_of_range_is_refused_with_the_range(value: Setting) -> None:
    parameter = Parameter("sigma", "Sigma", "float", 1.0, 0.0, 2.0, unit="mm")
    with pytest.raises(InputRefused, match=r"Sigma must lie between 0 and 2 mm\."):
        parameter.checked(value)


def test_a_whole_number_is_not_cut_off() -> None:
    with pytest.raises(InputRefused, match="whole"):
        Parameter("n", "Number", "int", 1, 0, 5).checked(2.5)


def test_a_choice_that_is_none_is_refused() -> None:
    with pytest.raises(InputRefused, match="must be one of x, y"):
        Parameter("a", "A", "choice", "x", choices=("x", "y")).checked("z")


def test_missing_settings_take_their_defaults_and_unknown_ones_are_refused() -> None:
    filter_ = _filter(
        Parameter("a", "A", "float", 1.0, 0.0, 2.0), Parameter("b", "B", "bool", True)
    )
    assert filter_.checked({}) == filter_.defaults() == {"a": 1.0, "b": True}
    assert filter_.checked({"a": 0.5}) == {"a": 0.5, "b": True}
    with pytest.raises(InputRefused, match="no parameter called c"):
        filter_.checked({"c": 1})
    assert np.isfinite(filter_.reach_px({}, None))  # type: ignore[arg-type]
