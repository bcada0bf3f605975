"""The shipped networks of three families on a generated study that none was trained on."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from viewer.imaging.agreement import dice
from viewer.inference.cards import load_cards, verified_forms
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.worker.onnx_predictor import OnnxPredictor
from viewer.learning.compare_networks import FAMILIES
from viewer.learning.recipe import load_recipe
from viewer.learning.studies import picture_of
from viewer.phantom.chest import PhantomStudy, make_sample
from viewer.resources import resource

_UNSEEN = 20006  # five lesions that all three see: a known answer, no measure of how good they are


class _Never:
    """Nobody cancels."""

    def check(self) -> None:
        """Go on."""

    def interrupting(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        """Never call ``stop``."""
        del stop
        return nullcontext()


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_sample(_UNSEEN, shape_kji=(48, 80, 80), max_lesions=5)


@pytest.mark.parametrize("key", FAMILIES)
def test_each_family_finds_most_of_what_is_there(key: str, study: PhantomStudy) -> None:
    card, folder = load_cards()[key]
    predictor = OnnxPredictor(verified_forms(folder, card)["onnx"], _Never())
    found = find(Scan.of(picture_of(study)), card, predictor, lambda _f, _t: None)
    assert dice(found.labels > 0, study.labels > 0) > 0.75


@pytest.mark.parametrize("key", FAMILIES)
def test_no_family_was_trained_on_what_it_is_tested_on(key: str) -> None:
    seeds = load_recipe(resource("networks", key, "recipe.toml")).seeds
    assert not seeds.train[0] <= _UNSEEN < seeds.train[1]
