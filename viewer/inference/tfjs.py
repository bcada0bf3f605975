"""Networks as TensorFlow.js keeps them: a layer list in JSON and the numbers in binary files.

Reads dilated stacks of 3-D convolutions (MeshNet: Fedorov et al. 2017, arXiv 1612.00940), of the
format "layers-model" (tensorflow/tfjs, tfjs-core io types). Nothing is executed: the JSON is looked
through, the numbers are copied, and what is not such a stack is refused.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, InputRefused, Unsupported

ACTIVATIONS = ("relu", "elu", "gelu")
_LARGEST_JSON, _LARGEST_WEIGHTS = 1 << 22, 1 << 28
_MOST_LAYERS, _MOST_CHANNELS, _FURTHEST = 200, 512, 64
_NORMED = "_gn"  # as the exporter of these networks marks a convolution whose answer is normalised


@dataclass(frozen=True)
class MeshNet:
    """A stack of convolutions: how each looks, and its numbers as the program's own module has them.

    ``options`` go into a card (architecture "meshnet"); ``weights`` are name -> array, kernels as
    (after, before, k, j, i).
    """

    options: dict[str, int | float | str]
    weights: dict[str, NDArray[np.float32]]

    @property
    def n_parameters(self) -> int:
        """How many numbers there are."""
        return sum(array.size for array in self.weights.values())


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    filters: int
    side: int
    dilation: int
    has_bias: bool
    activation: str

    @property
    def is_normed(self) -> bool:
        return self.name.endswith(_NORMED)


def read_meshnet(folder: Path) -> MeshNet:
    """Return the network in ``folder`` (``model.json`` and the files that it names).

    Raises
    ------
    InputRefused, Damaged
        A file is not there, too large, or holds less than the list says.
    Unsupported
        It is a network, but no plain stack of 3-D convolutions.
    """
    table = _json(folder / "model.json")
    try:
        layers = _layers(table["modelTopology"]["model_config"]["config"]["layers"])
        arrays = _arrays(table["weightsManifest"], folder)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Damaged(
            "The description of the network lacks an entry.", where=str(folder)
        ) from error
    return _checked(layers, arrays, folder)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise Damaged("The description of the network is far too large.", where=str(path))
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused("There is no model.json to read.", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise Damaged("The description of the network is no JSON.", where=str(path)) from error
    if not isinstance(table, dict) or table.get("format") != "layers-model":
        raise Unsupported("This is no TensorFlow.js network made of layers.", where=str(path))
    return table


def _layers(entries: Any) -> list[_Layer]:
    """Return the convolutions in order, each with the activation that follows it."""
    if not isinstance(entries, list) or not 2 <= len(entries) <= _MOST_LAYERS:
        raise Unsupported("The network has no layers, or far too many.")
    found: list[_Layer] = []
    for before, entry in pairwise(entries):
        if [node[0] for node in entry["inbound_nodes"][0]] != [before["name"]]:
            raise Unsupported("The network's layers are no plain chain.")
        kind, config = entry["class_name"], entry["config"]
        if kind == "Conv3D":
            found.append(_convolution(entry["name"], config))
        elif kind == "Activation" and found and not found[-1].activation:
            last = found.pop()
            found.append(
                _Layer(last.name, last.filters, last.side, last.dilation, last.has_bias,
                       _activation(config["activation"]))
            )  # fmt: skip
        else:
            raise Unsupported(f"The network has a layer of a kind that is not read: {kind}.")
    if entries[0]["class_name"] != "InputLayer" or not found:
        raise Unsupported("The network does not begin with an input.")
    return found


def _convolution(name: str, config: Mapping[str, Any]) -> _Layer:
    sides, dilations = set(config["kernel_size"]), set(config["dilation_rate"])
    plain = (
        set(config["strides"]) == {1}
        and config["padding"] == "same"
        and config["data_format"] == "channels_last"
        and config.get("groups", 1) == 1
        and config["activation"] == "linear"
        and len(sides) == len(dilations) == 1
    )
    side, dilation, filters = sides.pop(), dilations.pop(), config["filters"]
    sound = all(isinstance(n, int) for n in (side, dilation, filters))
    if not plain or not sound or side not in (1, 3):
        raise Unsupported("A convolution of the network is of a kind that is not read.")
    if not (1 <= dilation <= _FURTHEST and 1 <= filters <= _MOST_CHANNELS):
        raise Damaged("A convolution of the network makes no sense.")
    return _Layer(str(name), filters, side, dilation, bool(config["use_bias"]), "")


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise Unsupported(f"The network has an activation that is not read: {name}.")
    return str(name)


def _arrays(manifest: list[Mapping[str, Any]], folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return name -> array; each group's files are one string of bytes."""
    found: dict[str, NDArray[np.float32]] = {}
    for group in manifest:
        data = b"".join(_bytes(folder, str(name)) for name in group["paths"])
        at = 0
        for entry in group["weights"]:
            if entry["dtype"] != "float32" or "quantization" in entry:
                raise Unsupported("The network's numbers are not plain 32-bit floats.")
            shape = tuple(int(n) for n in entry["shape"])
            if any(n < 1 for n in shape) or math.prod(shape) * 4 > len(data) - at:
                raise Damaged("The file of the network's numbers is too short.", where=str(folder))
            n_bytes = math.prod(shape) * 4
            values = np.frombuffer(data[at : at + n_bytes], dtype="<f4").reshape(shape)
            found[str(entry["name"])] = values.astype(np.float32)
            at += n_bytes
        if at != len(data):
            raise Damaged("The file of the network's numbers is too long.", where=str(folder))
    return found


def _bytes(folder: Path, name: str) -> bytes:
    """Return the file ``name`` of the folder itself; a path to elsewhere is refused."""
    if Path(name).name != name or name in ("", ".", ".."):
        raise InputRefused("The network names a file outside its folder.", where=str(folder))
    path = folder / name
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST_WEIGHTS:
            raise InputRefused("The file of the network's numbers is refused.", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise InputRefused("The network's numbers cannot be read.", where=str(path)) from error


def _checked(layers: list[_Layer], arrays: dict[str, NDArray[np.float32]], folder: Path) -> MeshNet:
    *inner, last = layers
    weights: dict[str, NDArray[np.float32]] = {}
    before = 1
    for n, layer in enumerate(layers):
        kernel = arrays.pop(f"{layer.name}/kernel", None)
        expected = (*[layer.side] * 3, before, layer.filters)
        if kernel is None or kernel.shape != expected or not np.isfinite(kernel).all():
            raise Damaged("A convolution's numbers do not fit it.", where=str(folder))
        name = "head" if layer is last else f"layers.{n}"
        weights[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(4, 3, 0, 1, 2))
        if layer.has_bias:
            bias = arrays.pop(f"{layer.name}/bias", None)
            if bias is None or bias.shape != (layer.filters,) or not np.isfinite(bias).all():
                raise Damaged("A convolution's numbers do not fit it.", where=str(folder))
            weights[f"{name}.bias"] = bias
        before = layer.filters
    kinds = {(one.filters, one.side, one.has_bias, one.activation, one.is_normed) for one in inner}
    if arrays or len(kinds) != 1 or last.side != 1 or last.activation or not last.has_bias:
        raise Unsupported("The network is no stack of equal convolutions.", where=str(folder))
    width, side, has_bias, activation, is_normed = kinds.pop()
    if side != 3 or not activation:
        raise Unsupported("The network is no stack of equal convolutions.", where=str(folder))
    options: dict[str, int | float | str] = {
        "width": width,
        "dilations": " ".join(str(one.dilation) for one in inner),
        "activation": activation,
        "bias": int(has_bias),
        "normed": int(is_normed),
        "outputs": last.filters,
    }
    return MeshNet(options, weights)
