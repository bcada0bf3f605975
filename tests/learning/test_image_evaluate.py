"""Figures of image networks against scikit-learn and closed forms."""

import numpy as np
import pytest

from tests.inference.image_cards import an_image_card
from viewer.inference.image_scores import mean_logits, member_logits, softmax
from viewer.learning.image_evaluate import (
    auc,
    auc_interval,
    calibrated,
    class_figures,
    expected_error,
    fitted_calibration,
    mask_figures,
    with_ranges,
)


def made(n: int, sharpness: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return answers (n, 5) whose true log-odds are the logits over ``sharpness``, and labels."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, n)
    labels = (random.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    logits = odds * sharpness
    zero = np.zeros(n)
    return np.stack([zero, logits, zero, logits, zero], axis=1).astype(np.float32), labels


def test_the_area_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(1)
    scores = np.round(random.normal(size=200), 1)  # with ties
    labels = random.random(200) < 0.3
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert np.isnan(auc(scores, np.ones(200, dtype=bool)))


def test_the_interval_of_grouped_pictures_is_wider() -> None:
    answers, labels = made(120, 1.0)
    scores, positive = answers[:, 1].astype(np.float64), labels == 1
    alone = auc_interval(scores, positive, np.arange(120))
    repeated = auc_interval(np.tile(scores, 4), np.tile(positive, 4), np.arange(480))
    grouped = auc_interval(np.tile(scores, 4), np.tile(positive, 4), np.tile(np.arange(120), 4))
    assert alone[0] < auc(scores, positive) < alone[1]
    assert grouped[1] - grouped[0] > 1.5 * (repeated[1] - repeated[0])


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_the_temperature_undoes_what_sharpened_the_logits(sharpness: float) -> None:
    answers, labels = made(2000, sharpness)
    logits = mean_logits(member_logits(answers, 2))
    found = fitted_calibration(logits, labels, equal_odds=False)
    assert found.temperature == pytest.approx(sharpness, rel=0.15)
    assert abs(found.shifts[1]) < 0.25
    card = calibrated(an_image_card(), answers, labels, equal_odds=False)
    assert expected_error(card, answers, labels) < 0.03


def test_scores_are_never_made_surer_than_the_network_is() -> None:
    answers, labels = made(2000, 0.5)
    logits = mean_logits(member_logits(answers, 2))
    assert fitted_calibration(logits, labels, equal_odds=False).temperature == 1.0


def test_equal_odds_take_the_frequency_out() -> None:
    answers, labels = made(4000, 1.0)
    rare = (labels == 0) | (np.arange(4000) % 5 == 0)
    logits = mean_logits(member_logits(answers[rare], 2))
    as_seen = fitted_calibration(logits, labels[rare], equal_odds=False)
    equal = fitted_calibration(logits, labels[rare], equal_odds=True)
    assert as_seen.shifts[1] == pytest.approx(-np.log(5), abs=0.35)
    assert abs(equal.shifts[1]) < 0.25


def test_figures_of_three_classes_name_what_they_compare() -> None:
    card = an_image_card(classes=("benign", "malignant", "normal"))
    random = np.random.default_rng(2)
    labels = np.arange(60) % 3
    logits = random.normal(0, 0.5, (60, 3))
    logits[np.arange(60), labels] += 3
    answers = np.concatenate((logits, logits, np.zeros((60, 1))), axis=1).astype(np.float32)
    found = {f.name: f for f in class_figures(card, answers, labels, np.arange(60))}
    wanted = float((softmax(logits).argmax(axis=1) == labels).mean())
    assert found["Accuracy, 3 classes"].value == pytest.approx(wanted)
    assert found["AUC, malignant against benign"].n_cases == 40
    assert found["Sensitivity, malignant against benign"].n_cases == 20


def test_dice_counts_inside_the_field_alone() -> None:
    truth = np.zeros((1, 8, 8), dtype=bool)
    truth[0, 2:6, 2:6] = True
    found = truth.copy()
    found[0, 0] = True  # outside the field
    field = np.ones((1, 8, 8), dtype=bool)
    field[0, 0] = False
    assert mask_figures(found, truth, field)[0].value == 1.0
    assert mask_figures(found, truth, np.ones((1, 8, 8), dtype=bool))[0].value == pytest.approx(
        32 / 40
    )


def test_training_pictures_lie_within_their_own_ranges() -> None:
    from viewer.inference.image_scores import warnings_of

    greys = np.random.default_rng(8).random((30, 16, 16)).astype(np.float32) * np.float32(0.5)
    card = with_ranges(an_image_card(), greys)
    assert not any(warnings_of(one, 0.0, card) for one in greys)
    assert warnings_of(greys[0] + np.float32(0.5), 0.0, card)
