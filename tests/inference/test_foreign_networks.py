"""Networks from elsewhere: rebuilt as their own packages build them, and never run when hostile."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.inference.test_supervisor import needs_torch

pytestmark = needs_torch


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("foreign")
    done = subprocess.run(
        [sys.executable, "-m", "tests.inference.facts_of_foreign", str(folder)],
        capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_rebuilt_networks_answer_as_the_packages_that_define_them(facts: dict[str, Any]) -> None:
    assert len(facts["apart"]) == 5
    assert max(facts["apart"].values()) < 1e-4


def test_classifiers_have_as_many_parameters_as_published(facts: dict[str, Any]) -> None:
    published = {"resnet18": 11_689_512, "resnet50": 25_557_032, "densenet121": 7_978_856}
    assert facts["parameters"] == published


def test_nothing_in_a_file_of_weights_is_run(facts: dict[str, Any]) -> None:
    said = facts["hostile"]
    assert said["mark"] == "False"
    for name in ("code", "code in a list", "a whole module"):
        assert said[name].startswith("InputRefused: The weights hold something"), name
    assert "bare pickle" in said["old form"]
    assert said["no tensors"] == "Damaged: The file holds no state dict."
    assert "not finite" in said["not finite"]


def test_bombs_are_refused_before_they_unpack(facts: dict[str, Any]) -> None:
    said = facts["hostile"]
    assert "far too many numbers" in said["a trillion numbers"]
    assert "far more than they are" in said["zip bomb"]
    assert said["cut short"].startswith("InputRefused")


@pytest.mark.parametrize("name", ["prints", "reads a file"])
def test_torchscript_with_side_effects_is_not_loaded(facts: dict[str, Any], name: str) -> None:
    assert "does more than arithmetic" in facts["hostile"][name]


def test_torchscript_says_the_same_once_it_is_onnx(facts: dict[str, Any]) -> None:
    assert facts["script"] < 1e-5


def test_a_whole_checkpoint_fits_whatever_it_holds_twice(facts: dict[str, Any]) -> None:
    said = facts["checkpoint"]
    assert said["equal"]
    assert said["n_left"] == 0
    assert said["mirrors"] == [0, 1, 2]
    assert said["wrapped"]


def test_weights_that_do_not_fit_are_named(facts: dict[str, Any]) -> None:
    said = facts["checkpoint"]
    assert "should be" in said["wrong shape"]
    assert "is missing" in said["missing"]
    assert "more has no place" in said["left over"]
