"""The way of a flat picture through the worker's sequence, with predictors known by heart."""

import numpy as np
import pytest

from tests.inference.cards_for_tests import silent
from tests.inference.image_cards import GreenPredictor, a_fundus, an_image_card, inner
from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.imaging.agreement import dice
from viewer.inference.image_pipeline import class_answers, picture_probability, vessels


def a_vessel_card(**options: float) -> NetworkCard:
    return an_image_card(
        task="segment", tile_kji=(1, 64, 64), classes=("background", "vessel"), options=options
    )


def test_vessels_come_back_on_the_pictures_own_grid() -> None:
    colour, lines = a_fundus(100, 120)
    found = vessels(colour, a_vessel_card(field_px=92), GreenPredictor(-0.5), silent)
    assert found.mask.shape == (100, 120)
    assert found.notes == ()
    assert dice(inner(found.mask), inner(lines)) > 0.95


@pytest.mark.parametrize("times", [2, 3])
def test_a_larger_picture_is_scaled_for_the_network_and_back(times: int) -> None:
    colour, lines = a_fundus(100 * times, 120 * times, 4 * times)
    predictor = GreenPredictor(-0.5)
    found = vessels(colour, a_vessel_card(field_px=92), predictor, silent)
    assert found.mask.shape == (100 * times, 120 * times)
    assert "scaled" in found.notes[0]
    assert dice(inner(found.mask), inner(lines)) > 0.9
    small = GreenPredictor(-0.5)
    vessels(a_fundus(100, 120)[0], a_vessel_card(field_px=92), small, silent)
    assert len(predictor.shapes) == len(small.shapes)


def test_a_picture_without_a_bright_field_is_refused() -> None:
    with pytest.raises(InputRefused, match="field"):
        vessels(np.zeros((40, 40, 3), dtype=np.uint8), a_vessel_card(), GreenPredictor(), silent)


def test_tiles_and_mirrors_change_nothing_where_a_pixel_stands_for_itself() -> None:
    channels = np.random.default_rng(3).normal(size=(4, 90, 70)).astype(np.float32)
    plain = picture_probability(channels, a_vessel_card(), GreenPredictor(), silent)
    predictor = GreenPredictor()
    turned = picture_probability(channels, a_vessel_card(flips=1), predictor, silent)
    assert np.allclose(plain, turned, atol=1e-5)
    assert np.allclose(plain, 1 / (1 + np.exp(20 * channels[0])), atol=1e-5)
    assert len(predictor.shapes) == 4 * 4  # tiles of 64 on 90 x 70, each in four ways


class Means:
    """Answers with the mean and the number of pixels, so the order of pictures can be seen."""

    device = "test"

    def predict(self, batch: np.ndarray) -> np.ndarray:
        return np.stack([batch.sum(axis=(1, 2, 3)), batch[:, 0, 0, 0]], axis=1).astype(np.float32)


def test_answers_come_in_the_order_of_the_pictures() -> None:
    greys = np.random.default_rng(4).random((70, 16, 16)).astype(np.float32)
    found = class_answers(greys, an_image_card(), Means(), silent)
    wanted = [(one[0, 0] - one.mean()) / one.std() for one in greys]
    assert found.shape == (70, 2)
    assert np.allclose(found[:, 1], wanted, atol=1e-4)
