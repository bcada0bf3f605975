"""Figures against closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.learning.evaluate import (
    Answer,
    StudyResult,
    calibration_half_width,
    classifier_figures,
    fitted_temperature,
    poisson_interval,
    segmenter_figures,
    true_number,
)


def _result(dice: float, n_true: int, n_hit: int, n_false: int) -> StudyResult:
    return StudyResult(1, dice, n_true, n_hit, n_false, 1.0)


def test_figures_of_a_segmenter_are_means_and_shares_over_studies() -> None:
    results = [_result(0.8, 4, 3, 1), _result(0.9, 4, 4, 0), _result(math.nan, 0, 0, 2)]
    dice, sensitivity, false = segmenter_figures(results)
    assert dice.value == pytest.approx(0.85)
    assert sensitivity.value == pytest.approx(7 / 8)
    assert false.value == pytest.approx(1.0)
    for figure in (dice, sensitivity, false):
        assert figure.low <= figure.value <= figure.high
        assert figure.n_cases == 3


def test_no_false_positive_seen_does_not_mean_none_to_come() -> None:
    low, high = poisson_interval(0)
    assert low == 0
    assert high == pytest.approx(-math.log(0.025))


def test_garwoods_limits_of_ten_are_the_published_ones() -> None:
    assert poisson_interval(10) == pytest.approx((4.795, 18.390), abs=1e-3)


def test_accuracy_counts_both_kinds() -> None:
    answers = [Answer(0.9, True), Answer(0.2, True), Answer(0.1, False), Answer(0.4, False)]
    accuracy, sensitivity, specificity = classifier_figures(answers, 12)
    assert (accuracy.value, sensitivity.value, specificity.value) == (0.75, 0.5, 1.0)
    assert accuracy.n_cases == 12


def _overconfident(n: int) -> list[Answer]:
    """Scores of 0.99 that are right in nine of ten."""
    return [Answer(0.99, k % 10 != 0) for k in range(n)] + [
        Answer(0.01, k % 10 == 0) for k in range(n)
    ]


def test_the_temperature_of_overconfident_scores_gives_the_share_that_is_right() -> None:
    temperature = fitted_temperature(_overconfident(500))
    logit = math.log(0.99 / 0.01) / temperature
    assert 1 / (1 + math.exp(-logit)) == pytest.approx(0.9, abs=0.01)


def test_scores_without_a_mistake_are_not_sharpened() -> None:
    assert fitted_temperature([Answer(0.9, True), Answer(0.1, False)] * 20) == 1.0


def test_overconfident_scores_get_a_wide_interval_and_reliable_ones_a_narrow_one() -> None:
    rng = np.random.default_rng(3)
    reliable = [Answer(p, bool(rng.random() < p)) for p in rng.random(4000)]
    assert calibration_half_width(reliable) < 0.06
    wrong = [Answer(0.95, bool(n % 2)) for n in range(400)]
    assert calibration_half_width(wrong) > 0.45


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_a_half_width_is_always_a_share(pairs: list[tuple[float, bool]]) -> None:
    answers = [Answer(score, spiculated) for score, spiculated in pairs]
    assert 0 <= calibration_half_width(answers) <= 1


def test_a_mask_belongs_to_the_lesion_it_covers_most_of() -> None:
    labels = np.array([[0, 1, 2, 2, 2]], dtype=np.uint8)
    assert true_number(np.array([[True, True, True, True, False]]), labels) == 2
    assert true_number(np.array([[True, False, False, False, False]]), labels) == 0
