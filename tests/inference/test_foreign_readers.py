"""What is read of networks from elsewhere, what is asked, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.foreign_folders import (
    a_bundle,
    an_nnunet_folder,
    dataset,
    inference,
    metadata,
    plans,
)
from viewer.errors import Damaged, InputRefused, Unsupported, ViewerError
from viewer.inference.foreign import QUESTIONS, card_of, scaling_of
from viewer.inference.foreign_readers import read_foreign


def test_an_nnunet_folder_says_everything(tmp_path: Path) -> None:
    foreign = read_foreign(an_nnunet_folder(tmp_path))
    assert foreign.missing == ()
    card = card_of(foreign)
    assert card.key == "dataset001_toy"
    assert card.modality == "CT"
    assert card.classes == ("background", "liver", "spleen")
    # The plans list slices first; a card lists towards L, P, H.
    assert card.spacing_ijk_mm == (1.0, 2.0, 3.0)
    assert card.tile_kji == (8, 16, 32)
    options = dict(card.options)
    assert options["features"] == "2 3 4"
    assert options["kernels"] == "1x3x3 3x3x3 3x3x3"
    # Clipped to the percentiles, then less the mean and by the deviation.
    assert (card.window_low, card.window_high) == (-900.0, 600.0)
    assert options["shift"] == pytest.approx((-900 - 50) / 100)
    assert options["scale"] == pytest.approx(1500 / 100)


def test_transposed_plans_are_turned_back(tmp_path: Path) -> None:
    table = plans()
    table["transpose_forward"] = [2, 0, 1]
    card = card_of(read_foreign(an_nnunet_folder(tmp_path, table)))
    assert dict(card.options)["axes"] == "LSP"
    assert card.spacing_ijk_mm == (3.0, 1.0, 2.0)
    assert card.tile_kji == (16, 32, 8)


def test_plans_of_the_older_form_are_read_alike(tmp_path: Path) -> None:
    table = plans()
    made = table["configurations"]["3d_fullres"]
    arch = made.pop("architecture")["arch_kwargs"]
    made |= {
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 2, "unet_max_num_features": 3,
        "n_conv_per_stage_encoder": [2, 1, 2], "n_conv_per_stage_decoder": [1, 2],
        "pool_op_kernel_sizes": arch["strides"], "conv_kernel_sizes": arch["kernel_sizes"],
    }  # fmt: skip
    options = dict(card_of(read_foreign(an_nnunet_folder(tmp_path, table))).options)
    assert options["features"] == "2 3 3"
    assert options["strides"] == "1x1x1 1x2x2 2x2x2"


def test_a_bundle_says_what_it_does(tmp_path: Path) -> None:
    foreign = read_foreign(a_bundle(tmp_path))
    assert foreign.missing == ()
    assert "CropForegroundd" in foreign.notes[0]
    card = card_of(foreign)
    # Its axes lead R, A, S, its lists run along them; a card's along L, P, H, a tile's k, j, i.
    assert card.spacing_ijk_mm == (1.0, 2.0, 3.0)
    assert card.tile_kji == (8, 16, 32)
    options = dict(card.options)
    assert options["axes"] == "RAS"
    assert (options["scale"], options["shift"]) == (2.0, -1.0)
    assert options["residual_units"] == 2
    assert "not measured here" in card.trained_on


def test_what_a_bundle_leaves_open_is_asked_one_by_one(tmp_path: Path) -> None:
    config = inference()
    config["preprocessing"]["transforms"] = [{"_target_": "LoadImaged"}]
    foreign = read_foreign(a_bundle(tmp_path, config=config))
    assert [q.key for q in foreign.missing] == ["spacing", "tile", "scaling", "axes"]
    with pytest.raises(InputRefused, match="--spacing, --tile, --scaling, --axes"):
        card_of(foreign)
    answers = {"spacing": "1 1 1", "tile": "8 16 16", "scaling": "percentiles", "axes": "RAS"}
    card = card_of(foreign.answered(answers))
    assert card.scaling == "percentiles"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("key", "../evil"), ("key", "A b"), ("spacing", "1 1"), ("spacing", "0 1 1"),
        ("spacing", "nan 1 1"), ("tile", "8 8 99999"), ("tile", "8.5 8 8"), ("axes", "RAL"),
        ("axes", "ras"), ("scaling", "5 1"), ("scaling", "import os"), ("classes", "one"),
        ("classes", "a, a"), ("classes", "a,,b"), ("ends", "softmax"), ("title", "two\nlines"),
        ("nothing", "x"), ("licence", "x" * 5000),
    ],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_refused(tmp_path: Path, key: str, text: str) -> None:
    foreign = read_foreign(an_nnunet_folder(tmp_path))
    with pytest.raises(InputRefused):
        foreign.answered({key: text})


def test_every_question_shows_an_answer_that_would_do(tmp_path: Path) -> None:
    foreign = read_foreign(a_bundle(tmp_path))
    for question in QUESTIONS.values():
        assert foreign.answered({question.key: question.example}).known[question.key]


def test_ways_of_scaling_are_told_apart() -> None:
    assert scaling_of("-175 250") == ("window", (-175.0, 250.0), {})
    assert scaling_of("0 200 to -1 1") == ("window", (0.0, 200.0), {"scale": 2.0, "shift": -1.0})
    assert scaling_of("nonzero") == ("standard", (0.0, 1.0), {"nonzero": 1})


def _made(table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = table["configurations"]["3d_fullres"]
    return found


_PLANS: dict[str, tuple[Callable[[dict[str, Any]], object], type[ViewerError]]] = {
    "another family": (
        lambda t: _made(t)["architecture"].update(network_class_name="os.system"), Unsupported,
    ),
    "another norm": (
        lambda t: _made(t)["architecture"]["arch_kwargs"].update(norm_op="builtins.eval"), Unsupported,
    ),
    "a cascade": (lambda t: _made(t).update(previous_stage="3d_lowres"), Unsupported),
    "another normalisation": (
        lambda t: _made(t).update(normalization_schemes=["Mine"]), Unsupported,
    ),
    "no configurations": (lambda t: t.pop("configurations"), Damaged),
    "strides of text": (
        lambda t: _made(t)["architecture"]["arch_kwargs"].update(strides=["a"]), Damaged,
    ),
    "itself as parent": (lambda t: _made(t).update(inherits_from="3d_fullres"), Damaged),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in _PLANS if n != "itself as parent"])
def test_plans_that_cannot_be_followed_are_refused(tmp_path: Path, name: str) -> None:
    spoil, error = _PLANS[name]
    table = plans()
    spoil(table)
    with pytest.raises(error):
        read_foreign(an_nnunet_folder(tmp_path, table))


def test_plans_that_inherit_from_themselves_come_to_an_end(tmp_path: Path) -> None:
    table = plans()
    _made(table)["inherits_from"] = "3d_fullres"
    assert read_foreign(an_nnunet_folder(tmp_path, table)).architecture == "nnunet"


@pytest.mark.parametrize(
    "changed",
    [
        {"channel_names": {"0": "T1", "1": "FLAIR"}},
        {"labels": {"background": 0, "whole": [1, 2]}},
        {"labels": {"background": 0, "a": 2}},
        {"labels": "all"},
    ],
)
def test_data_sets_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(InputRefused):
        read_foreign(an_nnunet_folder(tmp_path, about={**dataset(), **changed}))


def test_nothing_that_a_bundle_would_evaluate_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"$__import__('os').system('touch {mark}')"
    config = inference()
    config["network_def"]["channels"] = code
    with pytest.raises(Unsupported, match="nothing of it is run"):
        read_foreign(a_bundle(tmp_path, config=config))
    config = inference()
    config["pixdim"] = code
    config["inferer"] = code
    asked = read_foreign(a_bundle(tmp_path, config=config)).missing
    assert [q.key for q in asked] == ["spacing", "tile"]
    assert not mark.exists()


def test_bundles_that_cannot_be_followed_are_refused(tmp_path: Path) -> None:
    config = inference()
    config["network_def"]["_target_"] = "monai.networks.nets.SwinUNETR"
    with pytest.raises(Unsupported, match="SwinUNETR"):
        read_foreign(a_bundle(tmp_path, config=config))
    config = inference()
    config["postprocessing"] = {"transforms": [{"_target_": "Activationsd", "sigmoid": True}]}
    with pytest.raises(Unsupported, match="overlap"):
        read_foreign(a_bundle(tmp_path, config=config))
    about = metadata()
    about["network_data_format"]["inputs"]["image"]["num_channels"] = 4
    with pytest.raises(Unsupported, match="4 series"):
        read_foreign(a_bundle(tmp_path, about))
    with pytest.raises(Damaged):
        read_foreign(a_bundle(tmp_path, {"name": "x"}))


def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(plans()))
    inner = tmp_path / "inner"
    inner.mkdir()
    folder = an_nnunet_folder(inner)
    (folder / "plans.json").unlink()
    (folder / "plans.json").symlink_to(secret)
    with pytest.raises(InputRefused, match="outside itself"):
        read_foreign(folder)
    with pytest.raises(InputRefused, match="A fold is a number"):
        read_foreign(an_nnunet_folder(tmp_path), fold="../../x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.onnx", b""),
        ("model.onnx", b"\x0a\x02hi"),
        ("bundle.zip", b"PK"),
        ("network.pkl", b"\x80\x04."),
        ("plans.txt", b""),
    ],
)
def test_files_that_hold_no_network_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputRefused):
        read_foreign(path)


def test_descriptions_of_any_size_or_depth_are_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = an_nnunet_folder(tmp_path)
    for text in ("[" * 100_000, "[]", "{", " " * ((1 << 23) + 1)):
        (folder / "plans.json").write_text(text)
        with pytest.raises(InputRefused):
            read_foreign(folder)


def test_a_state_dict_alone_is_asked_for_its_architecture(tmp_path: Path) -> None:
    path = tmp_path / "chest_net.safetensors"
    path.write_bytes(b"")
    foreign = read_foreign(path)
    assert next(q.key for q in foreign.missing) == "architecture"
    answers = {"architecture": "resnet18", "modality": "CR", "classes": "normal, pneumonia",
               "tile": "224 224", "picture": "imagenet"}  # fmt: skip
    card = card_of(foreign.answered(answers))
    assert card.tile_kji == (1, 224, 224)
    assert card.kind == "classification of an image"
    assert np.isclose(card.option("uncalibrated", 0), 1)
