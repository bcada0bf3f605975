"""Figures of merit against closed forms; what is not defined is NaN."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.imaging.agreement import (
    Confusion,
    bootstrap_interval,
    dice,
    iou,
    lesion_matches,
    wilson_interval,
)

Mask = NDArray[np.bool_]
MASKS = arrays(np.bool_, (3, 4, 5))


@given(MASKS, MASKS)
def test_counts_and_overlaps_are_those_of_sets(found: Mask, truth: Mask) -> None:
    a = {tuple(p) for p in np.argwhere(found).tolist()}
    b = {tuple(p) for p in np.argwhere(truth).tolist()}
    counts = Confusion.of(found, truth)
    assert (counts.tp, counts.fp, counts.fn) == (len(a & b), len(a - b), len(b - a))
    assert counts.tn == 60 - len(a | b)
    assert counts.accuracy == pytest.approx((60 - len(a ^ b)) / 60)
    if a | b:
        assert dice(found, truth) == pytest.approx(2 * len(a & b) / (len(a) + len(b)))
        assert iou(found, truth) == pytest.approx(len(a & b) / len(a | b))
        assert dice(found, truth) == dice(truth, found)
        jaccard = iou(found, truth)
        assert dice(found, truth) == pytest.approx(2 * jaccard / (1 + jaccard))


def test_the_four_shares_of_a_known_table() -> None:
    table = Confusion(tp=8, fp=2, fn=4, tn=86)
    assert table.sensitivity == pytest.approx(8 / 12)
    assert table.specificity == pytest.approx(86 / 88)
    assert table.precision == pytest.approx(0.8)
    assert table.accuracy == pytest.approx(0.94)
    assert table.dice == pytest.approx(16 / 22)
    assert table.iou == pytest.approx(8 / 14)


def test_what_no_case_decides_is_not_a_number() -> None:
    nothing = np.zeros((2, 2), dtype=bool)
    everything = ~nothing
    assert isnan(dice(nothing, nothing))
    assert isnan(iou(nothing, nothing))
    assert isnan(Confusion.of(everything, nothing).sensitivity)
    assert isnan(Confusion.of(nothing, everything).precision)
    assert isnan(Confusion.of(nothing, everything).specificity)
    assert isnan(Confusion(0, 0, 0, 0).accuracy)


def test_perfect_and_hopeless_results_are_one_and_zero() -> None:
    mask = np.array([True, False, True])
    assert (dice(mask, mask), iou(mask, mask)) == (1.0, 1.0)
    assert (dice(mask, ~mask), iou(mask, ~mask)) == (0.0, 0.0)


def test_masks_of_different_shapes_are_not_compared() -> None:
    with pytest.raises(InputRefused):
        dice(np.ones((3, 1), dtype=bool), np.ones((1, 3), dtype=bool))
    with pytest.raises(InputRefused):
        lesion_matches(np.ones((3, 1), dtype=np.uint8), np.ones((1, 3), dtype=np.uint8))


def test_lesions_are_hit_missed_or_false() -> None:
    truth = np.array([1, 1, 0, 2, 2, 0, 3, 0, 0], dtype=np.uint8)
    found = np.array([0, 7, 0, 0, 0, 0, 8, 8, 9], dtype=np.uint8)
    matches = lesion_matches(found, truth)
    assert (matches.hit, matches.missed, matches.false) == ((1, 3), (2,), (9,))


def test_one_finding_may_hit_two_lesions() -> None:
    truth = np.array([1, 0, 2], dtype=np.uint8)
    found = np.array([5, 5, 5], dtype=np.uint8)
    matches = lesion_matches(found, truth)
    assert (matches.hit, matches.missed, matches.false) == ((1, 2), (), ())


def test_without_lesions_nothing_is_hit() -> None:
    nothing = np.zeros((2, 3), dtype=np.uint8)
    matches = lesion_matches(nothing, nothing)
    assert (matches.hit, matches.missed, matches.false) == ((), (), ())
    assert lesion_matches(nothing, nothing + 1).missed == (1,)
    assert lesion_matches(nothing + 1, nothing).false == (1,)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_has_its_published_values(
    successes: int, n: int, low: float, high: float
) -> None:
    found = wilson_interval(successes, n)
    assert found == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_wilsons_interval_holds_the_share_and_mirrors(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1
    other = wilson_interval(n - successes, n)
    assert other == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilsons_interval_needs_cases_and_a_share() -> None:
    assert all(isnan(v) for v in wilson_interval(0, 0))
    for successes, n in ((3, 2), (-1, 2), (1, 0)):
        with pytest.raises(InputRefused):
            wilson_interval(successes, n)


def test_the_bootstrap_is_repeatable_and_near_the_normal_interval() -> None:
    values = np.random.default_rng(2).normal(10, 2, 200)
    low, high = bootstrap_interval(values, seed=4)
    assert (low, high) == bootstrap_interval(values, seed=4)
    assert (low, high) != bootstrap_interval(values, seed=5)
    error = 1.96 * values.std() / np.sqrt(200)
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.06)


def test_the_bootstrap_leaves_out_what_is_not_defined() -> None:
    assert bootstrap_interval([0.5, nan, 0.5]) == (0.5, 0.5)
    assert all(isnan(v) for v in bootstrap_interval([nan, nan]))
    assert all(isnan(v) for v in bootstrap_interval([]))
