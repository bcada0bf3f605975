"""TensorFlow.js networks: real ones beside the checkout, and hostile ones made here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.errors import Damaged, InputRefused, Unsupported, ViewerError
from viewer.inference.tfjs import read_meshnet

# What the files hold, counted by hand from model.json: kernels and biases.
_PARAMETERS = {"model5_gw_ae": 5_598, "model11_gw_ae": 23_290, "model30chan18cls": 196_038,
               "mindgrab": 146_237}  # fmt: skip


def _conv(name: str, before: str, filters: int, dilation: int, side: int = 3) -> dict[str, Any]:
    return {
        "class_name": "Conv3D",
        "name": name,
        "inbound_nodes": [[[before, 0, 0, {}]]],
        "config": {
            "filters": filters, "kernel_size": [side] * 3, "strides": [1, 1, 1],
            "padding": "same", "data_format": "channels_last", "dilation_rate": [dilation] * 3,
            "groups": 1, "activation": "linear", "use_bias": True,
        },
    }  # fmt: skip


def _table() -> dict[str, Any]:
    layers = [
        {"class_name": "InputLayer", "name": "input", "inbound_nodes": [], "config": {}},
        _conv("a", "input", 2, 1),
        {"class_name": "Activation", "name": "b", "inbound_nodes": [[["a", 0, 0, {}]]],
         "config": {"activation": "elu"}},
        _conv("c", "b", 2, 4),
        {"class_name": "Activation", "name": "d", "inbound_nodes": [[["c", 0, 0, {}]]],
         "config": {"activation": "elu"}},
        _conv("output", "d", 3, 1, side=1),
    ]  # fmt: skip
    shapes = [("a/kernel", [3, 3, 3, 1, 2]), ("a/bias", [2]), ("c/kernel", [3, 3, 3, 2, 2]),
              ("c/bias", [2]), ("output/kernel", [1, 1, 1, 2, 3]), ("output/bias", [3])]  # fmt: skip
    weights = [{"name": n, "shape": s, "dtype": "float32"} for n, s in shapes]
    return {
        "format": "layers-model",
        "modelTopology": {"model_config": {"config": {"layers": layers}}},
        "weightsManifest": [{"paths": ["w.bin"], "weights": weights}],
    }


_COUNT = 54 + 2 + 108 + 2 + 6 + 3


def _written(folder: Path, table: object, n_numbers: int = _COUNT) -> Path:
    (folder / "model.json").write_text(json.dumps(table))
    np.arange(n_numbers, dtype="<f4").tofile(folder / "w.bin")
    return folder


def test_a_stack_is_read_number_by_number(tmp_path: Path) -> None:
    found = read_meshnet(_written(tmp_path, _table()))
    assert found.options == {
        "width": 2, "dilations": "1 4", "activation": "elu", "bias": 1, "normed": 0, "outputs": 3,
    }  # fmt: skip
    assert found.n_parameters == _COUNT
    first = np.arange(54).reshape(3, 3, 3, 1, 2)
    assert found.weights["layers.0.weight"][1, 0, 2, 0, 1] == first[2, 0, 1, 0, 1]
    np.testing.assert_array_equal(found.weights["layers.0.bias"], [54, 55])
    np.testing.assert_array_equal(found.weights["head.bias"], [172, 173, 174])


def _layer(table: dict[str, Any], n: int) -> dict[str, Any]:
    layer: dict[str, Any] = table["modelTopology"]["model_config"]["config"]["layers"][n]
    return layer


def _first_weight(table: dict[str, Any]) -> dict[str, Any]:
    weight: dict[str, Any] = table["weightsManifest"][0]["weights"][0]
    return weight


_SPOILERS: dict[str, tuple[Callable[[dict[str, Any]], object], type[ViewerError]]] = {
    "lambda layer": (lambda t: _layer(t, 2).update(class_name="Lambda"), Unsupported),
    "a branch": (lambda t: _layer(t, 3).update(inbound_nodes=[[["a", 0, 0, {}]]]), Unsupported),
    "a stride": (lambda t: _layer(t, 1)["config"].update(strides=[2, 2, 2]), Unsupported),
    "another activation": (
        lambda t: _layer(t, 2)["config"].update(activation="__import__"),
        Unsupported,
    ),
    "a path outside": (lambda t: t["weightsManifest"][0].update(paths=["../w.bin"]), InputRefused),
    "a missing file": (lambda t: t["weightsManifest"][0].update(paths=["v.bin"]), InputRefused),
    "a negative side": (lambda t: _first_weight(t).update(shape=[-3, 3, 3, 1, 2]), Damaged),
    "a huge side": (lambda t: _first_weight(t).update(shape=[3, 3, 3, 1, 10**15]), Damaged),
    "another shape": (lambda t: _first_weight(t).update(shape=[3, 3, 3, 2, 1]), Damaged),
    "quantised": (lambda t: _first_weight(t).update(quantization={"dtype": "uint8"}), Unsupported),
    "no topology": (lambda t: t.pop("modelTopology"), Damaged),
    "another format": (lambda t: t.update(format="graph-model"), Unsupported),
    "a million filters": (lambda t: _layer(t, 1)["config"].update(filters=10**6), Damaged),
}


@pytest.mark.parametrize("name", list(_SPOILERS))
def test_what_is_no_plain_stack_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    spoil, error = _SPOILERS[name]
    table = _table()
    spoil(table)
    with pytest.raises(error):
        read_meshnet(_written(tmp_path, table))


@pytest.mark.parametrize("n_numbers", [0, _COUNT - 1, _COUNT + 1])
def test_numbers_that_are_too_few_or_too_many_are_refused(tmp_path: Path, n_numbers: int) -> None:
    with pytest.raises(Damaged):
        read_meshnet(_written(tmp_path, _table(), n_numbers))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[1]", '"text"', "null"])
def test_what_is_no_description_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises((Damaged, Unsupported)):
        read_meshnet(tmp_path)


@pytest.mark.parametrize("key", list(_PARAMETERS))
def test_the_real_networks_have_their_parameters(shared_data: Path, key: str) -> None:
    assert read_meshnet(shared_data / "models/brainchop" / key).n_parameters == _PARAMETERS[key]


def test_a_real_network_computes_what_its_files_say_and_knows_white_from_grey(
    shared_data: Path,
) -> None:
    folder = shared_data / "models/brainchop"
    script = Path(__file__).with_name("facts_of_meshnet.py")
    command = [
        sys.executable,
        str(script),
        str(folder / "model5_gw_ae"),
        str(folder / "t1_crop.nii.gz"),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env=environment
    )
    facts = json.loads(answer.stdout)
    assert facts["n_parameters"] == _PARAMETERS["model5_gw_ae"]
    assert facts["outputs"] == 3
    assert facts["max_abs"] < 1e-3
    assert min(facts["shares"][1:]) > 0.1, "both kinds of brain lie in the middle of a head"
    assert max(facts["grey"][1:]) > min(facts["grey"][1:]) + 10, "white is lighter in T1"
