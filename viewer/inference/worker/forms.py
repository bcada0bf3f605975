"""The ONNX form of a network, and whether it says the same as its weights in torch."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from viewer.domain.card import NetworkCard
from viewer.inference import probe
from viewer.inference.adapted import example_side
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.inference.predictor import Predictor
from viewer.inference.worker.architectures import built
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.torch_predictor import TorchPredictor, load_weights, n_channels

OPSET = 17
ENTRY, EXIT = "input", "output"
_SPATIAL = ("k", "j", "i")


def onnx_form(card: NetworkCard, weights: bytes) -> bytes:
    """Return the network as an ONNX file (opset 17, 32-bit floats), for tiles of all sizes.

    The number of samples and the sides are left open; a network that reads pictures gets two sides.

    Raises
    ------
    Damaged
        The weights do not fit the card.
    """
    network = built(card.architecture, dict(card.options))
    load_weights(network, weights)
    network.eval()
    example = example_input(network, card)
    axes = {0: "n", **dict(enumerate(_SPATIAL[-(example.ndim - 2) :], start=2))}
    with torch.inference_mode():
        rank = network(torch.from_numpy(example)).ndim
    answered = axes if rank == example.ndim else {0: "n"}
    file = io.BytesIO()
    with torch.inference_mode(), without_script_functions():
        torch.onnx.export(
            network,
            (torch.from_numpy(example),),
            file,  # type: ignore[arg-type] # this exporter writes to files in memory too
            dynamo=False,
            opset_version=OPSET,
            input_names=[ENTRY],
            output_names=[EXIT],
            dynamic_axes={ENTRY: axes, EXIT: answered},
        )
    refuse_unsafe_onnx(file.getvalue())
    return file.getvalue()


@contextmanager
def without_script_functions() -> Iterator[None]:
    """Leave out the exporter's last step, which needs the package ``onnx`` and does nothing here.

    It looks for functions written in onnxscript and adds their bodies; our networks have none. (A
    node that needed one would be refused by the engine that reads the file, and a test reads all.)
    """
    from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

    name = "_add_onnxscript_fn"
    original = getattr(onnx_proto_utils, name)
    setattr(onnx_proto_utils, name, lambda model, _opsets: model)
    try:
        yield
    finally:
        setattr(onnx_proto_utils, name, original)


def example_input(network: nn.Module, card: NetworkCard) -> NDArray[np.float32]:
    """Return a small input for ``network``: smooth noise in 0..1, the same each time."""
    is_flat = any(isinstance(module, nn.Conv2d) for module in network.modules())
    sides = [max(1, min(example_side(card), side)) for side in card.tile_kji]
    if card.task == "classify":
        sides = list(card.tile_kji)
    return noise((1, n_channels(network), *(sides[1:] if is_flat else sides)))


def noise(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return values in 0..1 that vary from voxel to voxel and over the whole."""
    random = np.random.default_rng(14)
    slow = np.ones(shape, dtype=np.float32)
    for axis, n in enumerate(shape[2:], start=2):
        wave = 0.5 + 0.5 * np.sin(np.arange(n) * (2 * np.pi / max(n, 8)) + axis)
        slow *= wave.reshape([-1 if at == axis else 1 for at in range(len(shape))])
    return np.asarray(0.7 * slow + 0.3 * random.random(shape, dtype=np.float32), dtype=np.float32)


def disagreement(
    batch: NDArray[np.float32], reference: Predictor, other: Predictor
) -> tuple[float, float]:
    """Return the largest absolute difference of logits, and the share of answers that change.

    An answer is the class with the highest logit; of one logit, its sign.
    """
    first, second = reference.predict(batch), other.predict(batch)
    if first.shape != second.shape:
        return float("inf"), 1.0
    if first.shape[1] == 1:
        changed = (first > 0) != (second > 0)
    else:
        changed = first.argmax(axis=1) != second.argmax(axis=1)
    return float(np.abs(first - second).max()), float(changed.mean())


def compared_forms(
    card: NetworkCard, weights: bytes, onnx: bytes | None, interruptions: Interruptions
) -> tuple[bytes, dict[str, dict[str, float]]]:
    """Return the ONNX form (made here where there is none), and engine -> its disagreement.

    "max_abs" is of logits, "changed" the share of answers that differ from torch's.
    """
    from viewer.inference.worker.onnx_predictor import OnnxPredictor
    from viewer.inference.worker.openvino_predictor import OpenVinoPredictor

    data = onnx_form(card, weights) if onnx is None else onnx
    reference = TorchPredictor(card, weights, interruptions.check)
    batch = example_input(reference.network, card)
    there = probe.engines()
    makers: dict[str, Callable[[], Predictor]] = {
        "openvino": lambda: OpenVinoPredictor(data, interruptions, "float32"),
        "onnxruntime": lambda: OnnxPredictor(data, interruptions),
    }
    found: dict[str, dict[str, float]] = {}
    for name in makers.keys() & there.keys():
        max_abs, changed = disagreement(batch, reference, makers[name]())
        found[name] = {"max_abs": max_abs, "changed": changed}
    return data, found
