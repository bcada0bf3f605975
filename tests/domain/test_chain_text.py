"""Chains written as text: what is read back is what was written, and faults name themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.chain import Chain, Step
from viewer.domain.chain_text import (
    chain_text,
    chain_title,
    checked_chain,
    filter_document,
    parse_chain,
)
from viewer.domain.methods import Filter, Parameter
from viewer.errors import InputRefused


def _filter(key: str, *parameters: Parameter) -> Filter:
    return Filter(
        key=key,
        title=f"The {key}",
        purpose="p",
        caution="c",
        source="s",
        parameters=parameters,
        function=lambda values, _p, _c: values,
        reach_px=lambda _p, _c: 0,
    )


FILTERS = {
    "smooth": _filter(
        "smooth",
        Parameter("radius_mm", "Radius", "float", 1.0, 0.1, 10.0, 0.1, "mm"),
        Parameter("n", "Rounds", "int", 2, 1, 9),
        Parameter("fast", "Fast", "bool", False),
        Parameter("edge", "Edge", "choice", "near", choices=("near", "far")),
    ),
    "plain": _filter("plain"),
}
STEPS = st.one_of(
    st.builds(
        lambda r, n, fast, edge, on: Step(
            "smooth",
            Step.of("", {"radius_mm": r, "n": n, "fast": fast, "edge": edge}).parameters,
            on,
        ),
        st.floats(0.1, 10.0),
        st.integers(1, 9),
        st.booleans(),
        st.sampled_from(["near", "far"]),
        st.booleans(),
    ),
    st.builds(lambda on: Step("plain", (), on), st.booleans()),
)


@given(st.lists(STEPS, min_size=1, max_size=4))
def test_what_is_written_is_read_back_to_the_last_digit(steps: list[Step]) -> None:
    chain = Chain(tuple(steps))
    assert parse_chain(chain_text(chain), FILTERS) == chain


def test_spaces_defaults_and_words_for_yes_are_understood() -> None:
    chain = parse_chain(" smooth: radius_mm = 2 , fast=Yes ; !plain ;", FILTERS)
    assert chain.steps[0].values() == {"radius_mm": 2.0, "n": 2, "fast": True, "edge": "near"}
    assert [step.on for step in chain.steps] == [True, False]
    assert chain_title(chain, FILTERS) == "The smooth"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no filter"),
        (" ; ;", "holds no filter"),
        ("blur", "no filter called blur. Choose one of: plain, smooth"),
        ("smooth:radius_mm=11", "Radius must lie between 0.1 and 10 mm"),
        ("smooth:radius_mm=nan", "Radius must lie between 0.1 and 10 mm"),
        ("smooth:radius_mm=wide", "Radius must lie between 0.1 and 10 mm"),
        ("smooth:n=2.5", "Rounds must be a whole number"),
        ("smooth:edge=middle", "Edge must be one of near, far"),
        ("smooth:fast=perhaps", "Fast must be yes or no"),
        ("smooth:depth=1", "no parameter called depth"),
        ("smooth:n", "name=value"),
        ("smooth:=1", "name=value"),
        ("smooth:n=1,n=2", "twice"),
        ("smooth,n=1", "begins with the key"),
        ("../x", "begins with the key"),
        (";".join(["plain"] * 33), "at most 32 steps"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_chain(text, FILTERS)
    assert said in caught.value.sentence()


def test_a_stored_chain_is_checked_like_a_written_one() -> None:
    assert checked_chain(Chain((Step("plain", on=False),)), FILTERS).steps[0].on is False
    with pytest.raises(InputRefused, match="Radius"):
        checked_chain(Chain((Step.of("smooth", {"radius_mm": 99.0}),)), FILTERS)


def test_a_description_tells_ranges_choices_and_units() -> None:
    document = filter_document(FILTERS["smooth"])
    radius, rounds, fast, edge = document["parameters"]
    assert (radius["low"], radius["high"], radius["unit"]) == (0.1, 10.0, "mm")
    assert rounds["kind"] == "int"
    assert "low" not in fast
    assert edge["choices"] == ["near", "far"]
