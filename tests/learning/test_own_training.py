"""Training on cases of one's own: read from every layout, interrupted, and gone on with."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.test_supervisor import needs_torch
from tests.learning.own_files import (
    ball_case,
    write_decathlon,
    write_nifti,
    write_pairs,
    write_recipe,
)
from viewer.errors import Damaged, InputRefused
from viewer.inference.cards import load_card
from viewer.jobs.job import Ticket
from viewer.learning.own_recipe import load_own_recipe
from viewer.learning.own_sets import case_places, own_sample, parts_of, read_case
from viewer.learning.trainers import train_recipe


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("training")
    done = subprocess.run(
        [sys.executable, "-m", "tests.learning.facts_of_own_training", str(folder)],
        capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@needs_torch
def test_killed_three_times_it_gives_the_same_as_in_one_go(facts: dict[str, Any]) -> None:
    assert facts["same"]
    assert facts["differs"]
    # Killed after steps 3, 4 and 8, of which every second is kept.
    assert facts["goes_on"] == [2, 4, 8]
    assert facts["last"] == 9
    assert facts["repeats"]


@needs_torch
def test_the_beginning_of_another_training_is_not_gone_on_with(facts: dict[str, Any]) -> None:
    assert facts["clash"].startswith("Conflict: This folder holds the beginning of another")
    assert facts["damaged"] == "Damaged"


@needs_torch
def test_the_loss_tells_right_from_undecided(facts: dict[str, Any]) -> None:
    undecided, right = facts["loss"]
    # Of three equal logits, the cross-entropy is log 3.
    assert undecided > np.log(3)
    assert right < 0.5


@pytest.mark.parametrize("layout", ["pairs", "decathlon", "nnunet", "folders"])
def test_every_layout_gives_the_same_case(tmp_path: Path, layout: str) -> None:
    values, labels = ball_case(0)
    if layout == "pairs":
        write_pairs(tmp_path, 1)
    elif layout == "decathlon":
        write_decathlon(tmp_path)
    elif layout == "nnunet":
        (tmp_path / "dataset.json").write_text(json.dumps({"numTraining": 1}))
        write_nifti(values, tmp_path / "imagesTr" / "a_0000.nii.gz")
        write_nifti(labels, tmp_path / "labelsTr" / "a.nii.gz")
    else:
        write_nifti(values, tmp_path / "one" / "scan.nii.gz")
        write_nifti(labels, tmp_path / "one" / "scan_seg.nii.gz")
    place = case_places(tmp_path)[0]
    card = load_own_recipe(write_recipe(tmp_path)).card
    case = read_case(place, card)
    np.testing.assert_array_equal(case.labels, labels.transpose(2, 1, 0))
    sample = own_sample(case, card)
    # The grid is the card's already: what is seen is the window's share of the values.
    expected = np.clip((values.transpose(2, 1, 0) + 100.0) / 400.0, 0, 1)
    np.testing.assert_allclose(sample["seen"], expected, atol=1e-6)
    np.testing.assert_array_equal(sample["labels"], labels.transpose(2, 1, 0))


def test_a_list_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_pairs(tmp_path, 1)
    entry = {"image": "../case0.nii.gz", "label": "../case0.seg.nii.gz"}
    (data / "dataset.json").write_text(json.dumps({"training": [entry]}))
    with pytest.raises(InputRefused, match="outside itself"):
        case_places(data)
    (data / "dataset.json").write_text(json.dumps({"training": [{"image": "a"}]}))
    with pytest.raises(Damaged):
        case_places(data)


def test_what_is_no_case_is_refused_by_its_name(tmp_path: Path) -> None:
    card = load_own_recipe(write_recipe(tmp_path / "recipe")).card
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputRefused, match="no case with labels"):
        case_places(empty)
    write_pairs(empty, 1)
    write_nifti(np.zeros((18, 16, 14), dtype=np.uint8), empty / "case0.seg.nii.gz")
    with pytest.raises(InputRefused, match="case0"):
        read_case(case_places(empty)[0], card)
    (empty / "case0.seg.nii.gz").write_bytes(b"no labels")
    with pytest.raises(InputRefused, match="case0"):
        read_case(case_places(empty)[0], card)


def test_no_case_is_both_trained_and_validated_on() -> None:
    names = [f"c{n}" for n in range(11)]
    training, kept = parts_of(names, 0.2, 1)
    assert len(kept) == 2
    assert sorted(training + kept) == sorted(names)
    assert parts_of(list(reversed(names)), 0.2, 1) == (training, kept)
    assert len(parts_of(["a", "b"], 0.99, 1)[0]) == 1
    with pytest.raises(InputRefused):
        parts_of(["a"], 0.2, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patch_kji", "[9, 16, 16]"), ("outputs", "2"), ("classes", '["a"]'), ("task", '"classify"'),
        ("scaling", '"tracer"'), ("steps", "0"), ("threads", "-1"), ("keep_every", "0"),
    ],
)  # fmt: skip
def test_recipes_that_make_no_sense_are_refused(tmp_path: Path, name: str, value: str) -> None:
    path = write_recipe(tmp_path, **({} if name == "scaling" else {name: value}))
    if name == "scaling":
        text = path.read_text().replace('task = "segment"', f'task = "segment"\nscaling = {value}')
        path.write_text(text)
    with pytest.raises(InputRefused):
        load_own_recipe(path)


@needs_torch
def test_from_cases_to_a_card_and_the_curve_beside_it(tmp_path: Path) -> None:
    data, out = write_pairs(tmp_path / "data"), tmp_path / "out"
    found = train_recipe(write_recipe(tmp_path), data, out, Ticket())
    assert sorted(found["trained_on"] + found["validated_on"]) == ["case0", "case1", "case2"]
    card = load_card(out)
    assert card.onnx_sha256
    assert card.trained_on == "2 cases of one's own."
    assert {f.name for f in card.figures} == {"Dice, soft", "Dice, hard"}
    # Of a single case, nothing is known of how it varies.
    assert all((f.low, f.high, f.n_cases) == (0.0, 1.0, 1) for f in card.figures)
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    assert [one["step"] for one in lines] == [1, 2, 3, 4, 5, 6]
    assert not (out / "training.safetensors").exists()
