"""Networks on other axes, of single slices, with other ends: behind the one interface."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.cards_for_tests import a_card, silent
from viewer.errors import Damaged
from viewer.inference.adapted import (
    Adapted,
    adapted,
    as_logits,
    axis_order,
    own_tile,
    rescaled,
    standard,
)
from viewer.inference.handover import Scan
from viewer.inference.image_input import prepared
from viewer.inference.image_pipeline import class_answers
from viewer.inference.image_scores import probabilities
from viewer.inference.pipeline import find
from viewer.testing.builders import a_volume


class _Remembers:
    """Answers twice what it sees, and remembers it."""

    device = "test"

    def __init__(self) -> None:
        self.seen: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen = batch
        return np.concatenate((batch, batch * 2), axis=1)


_LETTERS = ["".join(p) for trio in itertools.product("RL", "AP", "SI")
            for p in itertools.permutations(trio)]  # fmt: skip


@pytest.mark.parametrize("axes", _LETTERS)
def test_whatever_the_axes_the_answer_lies_where_the_input_lay(axes: str) -> None:
    batch = np.random.default_rng(1).random((1, 1, 2, 3, 4), dtype=np.float32)
    inner = _Remembers()
    answer = Adapted(inner, a_card(options=(("axes", axes),))).predict(batch)
    np.testing.assert_array_equal(answer, np.concatenate((batch, batch * 2), axis=1))
    sides = {"S": 2, "I": 2, "P": 3, "A": 3, "L": 4, "R": 4}
    assert inner.seen.shape[2:] == tuple(sides[letter] for letter in axes)


def test_ras_means_that_the_first_axis_leads_to_the_right() -> None:
    batch = np.zeros((1, 1, 2, 3, 4), dtype=np.float32)
    batch[0, 0, 1, 0, 3] = 1.0  # the top, the front, the left
    inner = _Remembers()
    Adapted(inner, a_card(options=(("axes", "RAS"),))).predict(batch)
    # i grows to the left, so right-ward it comes first; j to the back; k to the head.
    assert inner.seen[0, 0, 0, 2, 1] == 1.0


@pytest.mark.parametrize("axes", ["", "RA", "RAR", "SPX", "RASP", "RL "])
def test_axes_that_cannot_be_are_refused(axes: str) -> None:
    with pytest.raises(Damaged):
        axis_order(axes)


def test_a_network_of_pictures_sees_a_slice_at_a_time() -> None:
    card = a_card(options=(("flat", 1),), tile_kji=(1, 16, 16))
    inner = _Remembers()
    answer = adapted(inner, card).predict(np.ones((1, 1, 1, 16, 24), dtype=np.float32))
    assert inner.seen.shape == (1, 1, 16, 24)
    assert answer.shape == (1, 2, 1, 16, 24)
    assert own_tile((9, 100, 100), card) == (1, 16, 16)


def test_probabilities_become_logits_that_say_the_same() -> None:
    p = np.array([[0.1, 0.9], [0.5, 0.5], [0.0, 1.0]], dtype=np.float32)
    logits = as_logits(p)
    powers = np.exp(logits)
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), p, atol=2e-6)
    one = as_logits(p[:, 1:])
    np.testing.assert_allclose(1 / (1 + np.exp(-one)), p[:, 1:], atol=2e-6)


def test_scales_follow_their_formulas() -> None:
    card = a_card(options=(("scale", 15.0), ("shift", -9.5)))
    np.testing.assert_allclose(rescaled(np.array([0, 1], dtype=np.float32), card), [-9.5, 5.5])
    values = np.array([0, 0, 2, 4, np.nan], dtype=np.float32)
    plain = standard(values, a_card(options=()))
    known = np.array([0, 0, 2, 4])
    np.testing.assert_allclose(plain[:4], (known - known.mean()) / known.std(), rtol=1e-6)
    masked = standard(values, a_card(options=(("nonzero", 1),)))
    np.testing.assert_allclose(masked, [0, 0, -1, 1, 0], atol=1e-6)
    assert not standard(np.array([np.nan], dtype=np.float32), card).any()


def test_a_small_scan_is_padded_where_the_network_wants_its_whole_tile() -> None:
    assert own_tile((5, 9, 200), a_card(tile_kji=(16, 32, 64))) == (8, 16, 64)
    whole = a_card(options=(("whole_tile", 1),), tile_kji=(16, 32, 64))
    assert own_tile((5, 9, 200), whole) == (16, 32, 64)
    halves = a_card(options=(("divisor", 32),), tile_kji=(64, 64, 64))
    assert own_tile((5, 33, 200), halves) == (32, 64, 64)


class _BrightSlices:
    """A network of pictures: bright is what is above a half; remembers the shapes it saw."""

    device = "test"

    def __init__(self) -> None:
        self.shapes: set[tuple[int, ...]] = set()

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shapes.add(batch.shape)
        return np.asarray((batch - 0.5) * 100, dtype=np.float32)


def test_a_network_of_pictures_goes_through_a_volume_of_thick_slices() -> None:
    volume = a_volume((3, 20, 24), spacing_ijk_mm=(2, 2, 9), value_hu=-900).build()
    volume.stored[1, 4:12, 6:18] = 500
    card = a_card(options=(("flat", 1),), tile_kji=(1, 16, 16), min_volume_mm3=0.0)
    inner = _BrightSlices()
    found = find(Scan.of(volume), card, inner, silent)
    assert inner.shapes == {(1, 1, 16, 16)}
    np.testing.assert_array_equal(found.labels > 0, volume.stored > 0)
    assert found.notes == ()


def test_pictures_reach_a_network_from_elsewhere_on_its_scale() -> None:
    greys = np.random.default_rng(2).random((2, 8, 8), dtype=np.float32)
    options = (("picture", "imagenet"), ("channels", 3))
    card = a_card(reads="image", task="classify", tile_kji=(1, 8, 8), options=options)
    seen = prepared(greys, card)
    # The means and deviations that torchvision documents for its weights.
    means, deviations = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    for n, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
        np.testing.assert_allclose(seen[:, n], (greys - mean) / deviation, rtol=1e-5, atol=1e-6)
    plain = replace(card, options=(("picture", "as they are"),))
    np.testing.assert_array_equal(prepared(greys, plain)[:, 0], greys)


class _Classes:
    device = "test"

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(np.array([[0.2, 0.8]], dtype=np.float32), (len(batch), 1))


def test_a_classifier_that_nobody_calibrated_claims_no_interval() -> None:
    options = (("calibration_deviation", 1000.0), ("ends", "probabilities"), ("uncalibrated", 1))
    card = a_card(reads="image", task="classify", tile_kji=(1, 8, 8), options=options,
                  classes=("a", "b"))  # fmt: skip
    answers = class_answers(np.zeros((1, 8, 8), dtype=np.float32), card, _Classes(), silent)
    values, lows, highs = probabilities(answers, card)
    np.testing.assert_allclose(values, [[0.2, 0.8]], atol=1e-5)
    assert (lows < 1e-100).all()
    assert (highs == 1).all()
