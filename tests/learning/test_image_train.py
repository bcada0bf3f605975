"""From labelled pictures to networks that run, in small."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from tests.learning.small_images import squares, write_classes, write_image_recipe, write_masks
from viewer.__main__ import main
from viewer.errors import InputRefused
from viewer.inference.cards import CARD, ONNX, WEIGHTS, load_card, verify_weights
from viewer.jobs.job import Cancelled, Ticket
from viewer.learning.image_recipe import load_image_recipe
from viewer.learning.image_train import MEMBERS, merged
from viewer.learning.trainers import train_recipe

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@needs_torch
def test_pictures_become_a_classifier_that_the_command_line_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("NEGATOSCOPE_HOME", str(home))
    write_classes(tmp_path)
    out = home / "data" / "networks" / "squares"
    recipe = write_image_recipe(tmp_path, "chest_pneumonia")
    words = ["train", "--recipe", str(recipe), "--data", str(tmp_path), "--out", str(out)]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    card = load_card(out)
    assert verify_weights(out, card)
    assert sorted(path.name for path in out.iterdir()) == [CARD, ONNX, "recipe.toml", WEIGHTS]
    assert report["weights_sha256"] == card.weights_sha256
    assert np.isfinite(report["loss"][0]).all()
    assert len(report["loss"]) == 2
    assert {figure.name for figure in card.figures} >= {"Accuracy"}
    assert all(figure.low <= figure.value <= figure.high for figure in card.figures)
    for name in ("temperature", "shift_1", "distance_limit", "mean_low", "symmetry_high"):
        assert name in dict(card.options)


@needs_torch
def test_training_goes_on_with_the_members_that_are_there(tmp_path: Path) -> None:
    write_classes(tmp_path)
    recipe, out = write_image_recipe(tmp_path, "chest_pneumonia"), tmp_path / "network"
    ticket = Ticket()

    def stop_in_the_second(progress: object) -> None:
        text = str(getattr(progress, "text", ""))
        if text.startswith("member 2: step"):
            ticket.cancel()

    ticket = Ticket(stop_in_the_second)
    with pytest.raises(Cancelled):
        train_recipe(recipe, tmp_path, out, ticket)
    (kept,) = (out / MEMBERS).iterdir()
    assert not (out / CARD).exists()
    first = kept.read_bytes()
    report = train_recipe(recipe, tmp_path, out, Ticket())
    assert [bool(losses) for losses in report["loss"]] == [False, True]
    from safetensors.numpy import load

    whole, member = load((out / WEIGHTS).read_bytes()), load(first)
    name = "members.0.head.weight"
    assert np.array_equal(whole[name], member[name])
    assert not np.array_equal(whole["members.1.head.weight"], member[name])


@needs_torch
def test_pictures_with_masks_become_a_segmenter(tmp_path: Path) -> None:
    write_masks(tmp_path)
    out = tmp_path / "network"
    train_recipe(write_image_recipe(tmp_path, "retina_vessels"), tmp_path, out, Ticket())
    card = load_card(out)
    assert card.figures[0].name == "Dice"
    assert verify_weights(out, card)


def test_members_are_merged_in_their_order() -> None:
    from safetensors.numpy import load, save

    states = [
        {
            "members.0.w": np.full((2,), n, np.float32),
            "centre": np.full((1, 2, 3), n, np.float32),
        }
        for n in (3, 4)
    ]
    found = load(merged([save(state) for state in states]))
    assert found["members.1.w"].tolist() == [4, 4]
    assert found["centre"][:, 0, 0].tolist() == [3, 4]


def test_a_recipe_of_pictures_says_that_it_needs_data(tmp_path: Path) -> None:
    recipe = write_image_recipe(tmp_path, "chest_pneumonia")
    with pytest.raises(InputRefused, match="data"):
        train_recipe(recipe, None, tmp_path / "out", Ticket())
    with pytest.raises(InputRefused, match="squares"):
        train_recipe(recipe, tmp_path, tmp_path / "out", Ticket())


def test_a_trainer_that_is_not_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('trainer = "magic"', encoding="utf-8")
    with pytest.raises(InputRefused, match="magic"):
        train_recipe(path, tmp_path, tmp_path / "out", Ticket())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("steps = 4", "steps = 0"),
        ("averaging = 0.995", "averaging = 1.5"),
        ('reads = "image"', 'reads = "volume"'),
        ("batch = 8", "batches = 8"),
        ("[training]", "[training"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, before: str, after: str) -> None:
    path = write_image_recipe(tmp_path, "chest_pneumonia")
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(InputRefused):
        load_image_recipe(path)


def test_every_shipped_recipe_can_be_read() -> None:
    from viewer.resources import resource

    for key in ("chest_pneumonia", "breast_ultrasound", "retina_vessels"):
        recipe = load_image_recipe(resource("networks", key, "recipe.toml"))
        assert recipe.card.key == key
        assert recipe.card.unintended_use
        assert recipe.card.failure_cases


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from viewer.learning.image_sets import read_classes

    card = load_image_recipe(write_image_recipe(tmp_path, "chest_pneumonia")).card
    greys, labels = squares(8, 3)
    path = tmp_path / "bad.npz"
    good = {"train_images": greys, "train_labels": labels, "val_images": greys}
    for bad in (labels[:3], labels + 5, labels.astype(np.float32)):
        np.savez(path, val_labels=bad, **good)  # type: ignore[arg-type]
        with pytest.raises(InputRefused):
            read_classes(path, card, is_grouped=False)
    np.savez(path, **good)  # type: ignore[arg-type]
    with pytest.raises(InputRefused, match="val_labels"):
        read_classes(path, card, is_grouped=False)
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(InputRefused):
        read_classes(path, card, is_grouped=False)
