"""The way from patients to a card, on balls; the shipped network on patients, where they are."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.learning.lesion_files import write_patients, write_recipe
from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.domain.volume import ValueMap
from viewer.imaging.agreement import dice
from viewer.inference.cards import CARD, ONNX, load_card, load_cards, verified_forms
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.predictor import Predictor
from viewer.inference.worker.onnx_predictor import OnnxPredictor
from viewer.jobs.job import Ticket
from viewer.learning.lesion_evaluate import (
    LesionResult,
    lesion_box,
    lesion_click,
    lesion_figures,
    lesion_result,
)
from viewer.learning.lesion_sets import LabelledVolume, read_lesions, split_of
from viewer.learning.trainers import train_recipe

KEY = "pet_lesion"


def _ball_case() -> LabelledVolume:
    grid = Grid.from_axes((20, 22, 24), spacing_ijk_mm=(4, 4, 4))
    k, j, i = np.indices(grid.shape_kji)
    mask = (k - 9) ** 2 + (j - 10) ** 2 + (i - 11) ** 2 <= 16
    stored = np.where(mask, 8.0, 1.0).astype(np.float32)
    scan = Scan(stored, grid, ValueMap.identity(20, "{SUVbw}g/ml"), "PT")
    return LabelledVolume("ball", scan, mask.astype(np.uint8))


def test_the_box_is_20_mm_wider_than_the_lesion_and_the_click_in_its_middle() -> None:
    case = _ball_case()
    assert lesion_box(case).box_lps_mm == (8, 4, 0, 80, 76, 72)
    assert lesion_click(case).points_lps_mm == ((44, 40, 36),)


def test_dice_and_false_islands_are_counted_by_hand() -> None:
    case = _ball_case()

    def segmenter(_case: LabelledVolume, prompt: Prompt) -> NDArray[np.uint8]:
        labels = case.labels.copy()
        if prompt.is_empty:
            labels[0:3, 0:3, 0:3] = 1  # 27 voxels of 64 mm3: 1.7 ml
            labels[18, 20, 22] = 1  # too small to count
        return labels

    result = lesion_result(case, segmenter)
    assert (result.in_box, result.at_point, result.n_false) == (1.0, 1.0, 1)
    n = np.count_nonzero(case.labels)
    assert result.whole == pytest.approx(2 * n / (2 * n + 28))
    assert result.false_ml == pytest.approx(27 * 0.064)


def test_figures_hold_their_intervals() -> None:
    results = [LesionResult(str(n), 0.7 + n / 20, 0.6, 0.5, n % 2, 0.0) for n in range(5)]
    figures = lesion_figures(results)
    assert figures[0].value == pytest.approx(0.8)
    assert all(f.low <= f.value + 1e-9 and f.value <= f.high + 1e-9 for f in figures)
    assert figures[3].value == pytest.approx(0.4)


def test_a_recipe_on_patients_gives_a_card_with_figures_and_both_forms(tmp_path: Path) -> None:
    data, out = write_patients(tmp_path / "data"), tmp_path / "out"
    recipe = write_recipe(tmp_path)
    answer = train_recipe(recipe, data, out, Ticket())
    card = load_card(out)
    assert answer["weights_sha256"] == card.weights_sha256
    assert set(verified_forms(out, card)) == {"safetensors", "onnx"}
    assert [figure.n_cases for figure in card.figures] == [1, 1, 1, 1]
    assert (card.scaling, card.prompts) == ("tracer", ("box", "point"))
    assert sorted(p.name for p in out.iterdir()) == [
        CARD,
        ONNX,
        "recipe.toml",
        "weights.safetensors",
    ]


class _Never:
    """Nobody cancels."""

    def check(self) -> None:
        """Go on."""

    def interrupting(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        """Never call ``stop``."""
        del stop
        return nullcontext()


@pytest.fixture(scope="module")
def shipped() -> tuple[NetworkCard, Predictor]:
    """Return the shipped network in its ONNX form, and its card."""
    card, folder = load_cards()[KEY]
    return card, OnnxPredictor(verified_forms(folder, card)["onnx"], _Never())


def _silent(_fraction: float, _text: str) -> None:
    """Report to nobody."""


def test_the_shipped_network_outlines_a_ball_in_a_box_and_leaves_another_out(
    shipped: tuple[NetworkCard, Predictor],
) -> None:
    card, predictor = shipped
    grid = Grid.from_axes((48, 40, 40), spacing_ijk_mm=(5, 5, 5))
    k, j, i = np.indices(grid.shape_kji)
    body = (j - 20) ** 2 + (i - 20) ** 2 <= 18**2
    ball = (k - 24) ** 2 + (j - 20) ** 2 + (i - 15) ** 2 <= 25
    other = (k - 6) ** 2 + (j - 20) ** 2 + (i - 28) ** 2 <= 9
    stored = np.where(ball, 8.0, np.where(other, 20.0, np.where(body, 0.8, 0.05)))
    random = np.random.default_rng(1)
    noisy = (stored * (1 + random.normal(0, 0.1, stored.shape))).astype(np.float32)
    case = LabelledVolume(
        "ball",
        Scan(noisy, grid, ValueMap.identity(48, "{SUVbw}g/ml"), "PT"),
        ball.astype(np.uint8),
    )
    found = find(case.scan, replace(card, n_flips=1), predictor, _silent, lesion_box(case))
    assert dice(found.labels > 0, ball) > 0.75
    assert not (found.labels[other] > 0).any()


def test_the_shipped_card_says_of_its_validation_what_is_found_again(
    shared_data: Path, shipped: tuple[NetworkCard, Predictor]
) -> None:
    """Without the eight flips, for the sake of seconds: they add a hundredth or two."""
    card, predictor = shipped
    one_look = replace(card, n_flips=1)
    folder = shared_data / "training"
    names = split_of(folder / "splits.json", "sarcoma")["validation"]
    found = []
    for case in read_lesions(folder / "sarcoma", names, "PT"):
        labels = find(case.scan, one_look, predictor, _silent, lesion_box(case)).labels
        found.append(dice(labels > 0, case.labels > 0))
    stated = card.figures[0]
    assert stated.n_cases == len(found) == 7
    assert abs(np.mean(found) - stated.value) < 0.03
    assert np.mean(found) > 0.77, "k-means reaches 0.74"
