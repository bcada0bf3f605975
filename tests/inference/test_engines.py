"""Engines as they are, gathered in a process of their own: here torch and OpenVINO stay out."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.inference.facts_of_engines"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_openvino_tells_nobody_that_it_is_used(facts: dict[str, Any]) -> None:
    assert facts["telemetry"]["is_off"]
    assert facts["telemetry"]["loaded"] == ["openvino_telemetry"]
    assert facts["telemetry"]["by"].endswith("stub")


def test_all_engines_say_what_torch_says(facts: dict[str, Any]) -> None:
    assert set(facts["answers"]) == {"openvino", "onnxruntime", "torch"}
    for name, one in facts["answers"].items():
        assert one["max_abs"] < 1e-3, name
        assert one["changed"] < 1e-4, name
        assert one["precision"] == "float32", name
        assert one["device"].startswith("CPU, "), name
        assert one["other_shape"] == [2, 1, 16, 24, 8], "one network for all tiles"
    titles = [one["title"].split()[0] for one in facts["answers"].values()]
    assert titles == ["OpenVINO", "ONNX", "torch"]


def test_the_two_forms_of_each_shipped_network_say_the_same(facts: dict[str, Any]) -> None:
    assert {"lesions", "lesion_shape"} <= set(facts["shipped"])
    for key, engines in facts["shipped"].items():
        assert set(engines) == {"openvino", "onnxruntime"}
        for name, one in engines.items():
            assert one["max_abs"] < 1e-3, (key, name)
            assert one["changed"] < 1e-4, (key, name)


def test_what_was_computed_in_is_told_and_not_what_was_asked_for(facts: dict[str, Any]) -> None:
    found = facts["bfloat16"]
    assert found["precision"] == ("bfloat16" if found["processor_has_it"] else "float32")


def test_a_cancel_ends_a_tile_in_the_middle_and_the_next_one_runs(facts: dict[str, Any]) -> None:
    for name, found in facts["cancelled"].items():
        assert found["raised"], f"{name} was not interrupted"
        assert found["next"] == [1, 1, 16, 16, 16]


def test_what_cannot_run_is_refused_in_a_sentence(facts: dict[str, Any]) -> None:
    refusals = facts["refusals"]
    assert refusals["cuda"].startswith("Unsupported: There is no CUDA device")
    assert "has no ONNX form, which OpenVINO reads" in refusals["no form"]
    assert refusals["broken"].startswith("Damaged")
    assert refusals["broken too"].startswith("Damaged")


def test_an_engine_that_cannot_read_a_network_gives_way_to_the_next_and_says_so(
    facts: dict[str, Any],
) -> None:
    assert facts["next"]["title"].startswith("torch")
    assert facts["next"]["notes"][0].startswith("OpenVINO cannot run")


def test_tiles_are_timed_beside_torch_and_the_pipeline() -> None:
    """The figures of ``negatoscope bench``: that they are there, not what they are."""
    from viewer.inference.cards import load_cards
    from viewer.inference.supervisor import Supervisor
    from viewer.jobs.job import Ticket

    cards = load_cards()
    supervisor = Supervisor(cards=cards)
    try:
        found = supervisor.tile_times(cards["lesions"][0], (16, 96, 96), 1, Ticket())
    finally:
        supervisor.close()
    assert found["engine"].startswith("OpenVINO")
    assert found["n_tiles"] >= 1
    for name in ("tile_ms", "torch_tile_ms", "tile_cpu_ms", "pipeline_tile_ms", "whole_s"):
        assert found[name] > 0, name
    assert found["pipeline_ratio"] >= 1
    assert found["whole_ratio"] >= found["pipeline_ratio"]
