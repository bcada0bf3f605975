"""The whole way from a recipe to a network that runs, in small."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.learning.small import write_small_recipe
from viewer.errors import InputRefused
from viewer.inference.cards import CARD, ONNX, WEIGHTS, load_card, verify_weights
from viewer.jobs.job import Cancelled, Progress, Ticket
from viewer.learning.parts import part
from viewer.learning.train import train

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@needs_torch
@pytest.mark.parametrize("task", ["segment", "classify"])
def test_a_recipe_becomes_a_card_with_weights_and_figures(tmp_path: Path, task: str) -> None:
    out = tmp_path / "network"
    told: list[float] = []
    ticket = Ticket(lambda p: told.append(p.fraction) if p.fraction is not None else None)
    report = train(write_small_recipe(tmp_path, task), out, ticket)
    card = load_card(out)
    assert verify_weights(out, card)
    assert report["weights_sha256"] == card.weights_sha256
    assert report["network"] == card.key
    assert {figure.n_cases for figure in card.figures} == {2}
    assert sorted(path.name for path in out.iterdir()) == [CARD, ONNX, "recipe.toml", WEIGHTS]
    assert np.isfinite(report["loss"]).all()
    assert told[-1] <= 1.0
    if task == "classify":
        assert 0 < card.calibration_half_width <= 1
        assert float(dict(card.options)["temperature"]) >= 1


def test_training_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "network"
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        train(write_small_recipe(tmp_path, "segment"), out, ticket)
    assert not list(out.iterdir())


def test_training_on_studies_of_one_kind_is_refused(tmp_path: Path) -> None:
    recipe = write_small_recipe(tmp_path, "classify")
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(
        text.replace("train = [114, 116]", "train = [115, 116]").replace(
            "max_lesions = 24", "max_lesions = 1"
        ),
        encoding="utf-8",
    )
    with pytest.raises(InputRefused, match="both kinds"):
        train(recipe, tmp_path / "network", Ticket())


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(InputRefused, match="not a folder"):
        train(write_small_recipe(tmp_path, "segment"), tmp_path / "taken", Ticket())


def test_a_part_reports_its_share_and_is_cancelled_with_the_whole() -> None:
    told: list[Progress] = []
    whole = Ticket(told.append)
    half = part(whole, 0.5, 1.0, "second half")
    half.report(0.5, "here")
    assert told[-1].fraction == pytest.approx(0.75)
    assert told[-1].text == "second half: here"
    whole.cancel()
    assert half.is_cancelled
