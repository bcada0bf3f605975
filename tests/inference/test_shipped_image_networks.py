"""The shipped networks on flat pictures: whole, stable, and as good as their cards say."""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.image_cards import a_fundus, inner
from viewer.domain.card import NetworkCard
from viewer.imaging.agreement import dice
from viewer.inference.cards import load_card, verify_weights
from viewer.inference.image_jobs import GreyImage, classify_images
from viewer.inference.image_scores import probabilities
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.image_evaluate import auc, pair_score
from viewer.learning.image_sets import read_classes, read_png
from viewer.resources import resource

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)
KEYS = ("chest_pneumonia", "breast_ultrasound", "retina_vessels")


def card_of(key: str) -> NetworkCard:
    return load_card(resource("networks", key, "card.toml").parent)


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    found = Supervisor()
    yield found
    found.close()


def answers_of(supervisor: Supervisor, card: NetworkCard, greys: np.ndarray) -> np.ndarray:
    answer = supervisor.ask("classify_images", {"pictures": greys}, card, Ticket())
    return np.frombuffer(answer.blobs[0], dtype=np.float32).reshape(answer.header["shape"])


@pytest.mark.parametrize("key", KEYS)
def test_weights_are_those_of_the_card_and_small(key: str) -> None:
    folder = resource("networks", key, "card.toml").parent
    data = verify_weights(folder, load_card(folder))
    assert len(data) < 5_000_000
    assert hashlib.sha256(data).hexdigest() == load_card(folder).weights_sha256


def figure(card: NetworkCard, start: str) -> Any:
    return next(f for f in card.figures if f.name.startswith(start))


def test_noise_is_not_taken_for_a_film(supervisor: Supervisor) -> None:
    card = card_of("chest_pneumonia")
    random = np.random.default_rng(1)
    noise = [GreyImage(f"{n}", random.random((28, 28)).astype(np.float32)) for n in range(3)]
    found = classify_images(supervisor, noise, card, Ticket())
    again = classify_images(supervisor, noise, card, Ticket())
    assert found == again
    assert all(one.scores.warnings for one in found)


def test_lines_in_a_disc_are_vessels(supervisor: Supervisor) -> None:
    card = card_of("retina_vessels")
    colour, lines = a_fundus(584, 565, 5)
    answer = supervisor.ask("segment_image", {"picture": colour}, card, Ticket())
    mask = np.frombuffer(answer.blobs[0], dtype=np.uint8).reshape(584, 565) > 0
    assert dice(inner(mask), inner(lines)) > 0.8
    assert answer.header["notes"] == []


@pytest.mark.parametrize(
    ("key", "path", "area", "accuracy"),
    [
        ("chest_pneumonia", "chest_xray_28/pneumonia.npz", 0.994, 0.969),
        ("breast_ultrasound", "breast_ultrasound/breast_ultrasound_160.npz", 0.80, 0.78),
    ],
)
def test_classifiers_beat_the_classical_ones_as_their_cards_say(
    key: str, path: str, area: float, accuracy: float, supervisor: Supervisor, shared_data: Path
) -> None:
    card = card_of(key)
    _, validation = read_classes(shared_data / "training" / path, card, is_grouped=False)
    answers = answers_of(supervisor, card, validation.greys)
    values, low, high = probabilities(answers, card)
    right = float((values.argmax(axis=1) == validation.targets).mean())
    assert right == pytest.approx(figure(card, "Accuracy").value, abs=0.006)
    pair = validation.targets < 2
    score, positive = pair_score(answers, card)[pair], validation.targets[pair] == 1
    found = auc(score, positive)
    assert found == pytest.approx(figure(card, "AUC").value, abs=0.002)
    assert found > area
    assert float(((score > 0) == positive).mean()) > accuracy
    assert ((low <= values) & (values <= high)).all()
    assert (answers[:, -1] > card.option("distance_limit", 0)).mean() <= 0.03


def test_vessels_are_found_as_the_card_says(supervisor: Supervisor, shared_data: Path) -> None:
    card = card_of("retina_vessels")
    folder = shared_data / "training" / "retina_vessels"
    found = []
    for number in ("37", "40"):
        colour = read_png(folder / f"{number}_image.png", "RGB")
        truth = read_png(folder / f"{number}_vessels.png", "L") > 0
        field = read_png(folder / f"{number}_field.png", "L") > 0
        answer = supervisor.ask("segment_image", {"picture": colour}, card, Ticket())
        mask = np.frombuffer(answer.blobs[0], dtype=np.uint8).reshape(truth.shape) > 0
        found.append(dice(mask & field, truth & field))
    stated = figure(card, "Dice")
    assert np.mean(found) > 0.79
    assert abs(float(np.mean(found)) - stated.value) < 0.03
