"""From answers of an ensemble to probabilities with intervals and warnings."""

import numpy as np
import pytest

from tests.inference.image_cards import an_image_card
from viewer.errors import Damaged
from viewer.inference.image_scores import (
    mean_logits,
    member_logits,
    odds_against_rest,
    probabilities,
    scores_of,
    softmax,
    statistics_of,
    warnings_of,
)


def answers(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_members_that_agree_give_their_own_probability() -> None:
    found, low, high = probabilities(answers([0.0, 2.0, 0.0, 2.0, 1.0]), an_image_card())
    assert found[0, 1] == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-6)
    assert found.sum() == pytest.approx(1.0)
    assert low[0] == pytest.approx(found[0])
    assert high[0] == pytest.approx(found[0])


def test_disagreement_and_a_poor_calibration_widen_the_interval() -> None:
    _, low, high = probabilities(answers([0.0, 1.0, 0.0, 3.0, 1.0]), an_image_card())
    spread = np.sqrt(2.0)  # of the log-odds 1 and 3, by two members
    assert low[0, 1] == pytest.approx(1 / (1 + np.exp(-(2 - 1.96 * spread))), abs=1e-3)
    card = an_image_card(options={"calibration_deviation": 1.0})
    _, lower, higher = probabilities(answers([0.0, 1.0, 0.0, 3.0, 1.0]), card)
    assert lower[0, 1] < low[0, 1] < high[0, 1] < higher[0, 1]


def test_temperature_and_shift_do_what_they_say() -> None:
    card = an_image_card(options={"temperature": 2.0, "shift_1": 0.5})
    found, _, _ = probabilities(answers([0.0, 2.0, 0.0, 2.0, 1.0]), card)
    assert found[0, 1] == pytest.approx(1 / (1 + np.exp(-1.5)), abs=1e-6)


def test_odds_of_three_classes_are_those_of_their_probabilities() -> None:
    logits = np.random.default_rng(2).normal(size=(5, 3))
    p = softmax(logits)
    assert np.allclose(odds_against_rest(logits), np.log(p / (1 - p)))


def test_members_count_as_probabilities_not_as_raw_logits() -> None:
    # Adding a constant to all logits of a member says nothing else.
    first = member_logits(answers([0.0, 2.0, 5.0, 4.0, 1.0]), 2)
    second = member_logits(answers([9.0, 11.0, 5.0, 4.0, 1.0]), 2)
    assert np.allclose(mean_logits(first), mean_logits(second), atol=1e-5)


@pytest.mark.parametrize("row", [[1.0], [0.0, 1.0], [0.0, 1.0, 2.0, 3.0], [0.0, np.nan, 1.0]])
def test_answers_that_do_not_fit_the_card_are_refused(row: list[float]) -> None:
    with pytest.raises(Damaged):
        member_logits(answers(row), 2)


def test_a_picture_far_away_is_warned_of() -> None:
    card = an_image_card(options={"distance_limit": 5.0})
    grey = np.zeros((16, 16), dtype=np.float32)
    near, far = scores_of([grey, grey], answers([0, 1, 0, 1, 4.9], [0, 1, 0, 1, 5.1]), card)
    assert near.warnings == ()
    assert "unlike" in far.warnings[0]
    assert far.best.name == "ill"


def test_a_statistic_beyond_the_training_set_is_named() -> None:
    card = an_image_card(options={"mean_low": 0.2, "mean_high": 0.6, "deviation_high": 9.0})
    assert not warnings_of(np.full((16, 16), 0.5, dtype=np.float32), 1.0, card)
    (text,) = warnings_of(np.full((16, 16), 0.9, dtype=np.float32), 1.0, card)
    assert "brightness" in text
    assert "contrast" not in text


def test_statistics_of_known_pictures() -> None:
    ramp = np.repeat(np.linspace(0, 1, 16, dtype=np.float32)[None], 16, axis=0)
    mean, deviation, roughness, rim, symmetry = statistics_of(ramp)
    assert mean == pytest.approx(0.5, abs=1e-6)
    assert deviation == pytest.approx(float(ramp.std()), abs=1e-6)
    assert roughness == pytest.approx(1 / 15 / float(ramp.std()), rel=1e-4)
    assert rim == pytest.approx(0.0, abs=1e-6)
    assert symmetry == pytest.approx(-1.0, abs=1e-5)  # its mirror image is its opposite


def test_a_picture_of_the_training_sets_own_size_needs_no_remark() -> None:
    from tests.inference.image_answers import SupervisorOf
    from viewer.inference.image_jobs import GreyImage, classify_images
    from viewer.jobs.job import Ticket

    card = an_image_card(options={"usual_side": 40})
    images = [
        GreyImage(f"{side}", np.random.default_rng(1).random((side, side)).astype(np.float32))
        for side in (16, 40, 60)
    ]
    supervisor = SupervisorOf(answers(*[[0.0, 1.0, 0.0, 1.0, 0.0]] * 3))
    found = classify_images(supervisor, images, card, Ticket())  # type: ignore[arg-type]
    assert [len(one.scores.warnings) for one in found] == [0, 0, 1]
    assert "60 x 60" in found[2].scores.warnings[0]
    assert supervisor.shapes == [(3, 16, 16)]


def test_an_answer_of_another_length_is_not_believed() -> None:
    from tests.inference.image_answers import SupervisorOf
    from viewer.errors import BackendLost
    from viewer.inference.image_jobs import GreyImage, classify_images
    from viewer.jobs.job import Ticket

    image = GreyImage("one", np.zeros((16, 16), dtype=np.float32))
    supervisor = SupervisorOf(answers([0.0, 1.0, 0.0, 1.0, 0.0]))
    with pytest.raises(BackendLost):
        classify_images(supervisor, [image, image], an_image_card(), Ticket())  # type: ignore[arg-type]
