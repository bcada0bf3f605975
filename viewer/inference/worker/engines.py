"""Which engine computes a network: the fastest that is there, can read it, and was not ruled out."""

import sys
from collections.abc import Callable, Mapping

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged, Unsupported
from viewer.inference import probe
from viewer.inference.backend import Backend, local_engines
from viewer.inference.predictor import Engine
from viewer.inference.worker.orders import Interruptions

Forms = Mapping[str, bytes]

_TITLES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "torch"}


def engine_for(
    card: NetworkCard, forms: Forms, backend: Backend, interruptions: Interruptions
) -> tuple[Engine, tuple[str, ...]]:
    """Return the engine, and sentences about those that should have done it and could not.

    Raises
    ------
    Unsupported
        None is there that can compute this network as was asked.
    Damaged
        The only one that was asked for, or is left, cannot read it.
    """
    if not backend.is_local:
        from viewer.inference.worker.remote_predictor import RemotePredictor

        remote = RemotePredictor(card, backend, interruptions)
        return remote, remote.notes
    there = probe.engines()
    has_cuda = probe.torch_has_cuda() and bool(probe.cuda_devices())
    names = local_engines(backend, tuple(forms), there, has_cuda=has_cuda)
    notes: list[str] = []
    for name in names:
        try:
            return _made(name, card, forms, backend, interruptions), tuple(notes)
        except (Damaged, ImportError) as error:
            if name == names[-1] and isinstance(error, Damaged):
                raise
            sys.stderr.write(f"{name}: {error}\n")
            notes.append(f"{_TITLES[name]} cannot run {card.title}; another engine did.")
    raise _nothing(card, forms, backend, there)


def _made(
    name: str, card: NetworkCard, forms: Forms, backend: Backend, interruptions: Interruptions
) -> Engine:
    makers: dict[str, Callable[..., Engine]] = {
        "openvino": _openvino,
        "onnxruntime": _onnxruntime,
        "torch": _torch,
    }
    return makers[name](card, forms, backend, interruptions)


def _openvino(
    card: NetworkCard, forms: Forms, backend: Backend, interruptions: Interruptions
) -> Engine:
    from viewer.inference.worker.openvino_predictor import OpenVinoPredictor

    del card
    precision = "float32" if backend.precision == "auto" else backend.precision
    return OpenVinoPredictor(forms["onnx"], interruptions, precision)


def _onnxruntime(
    card: NetworkCard, forms: Forms, backend: Backend, interruptions: Interruptions
) -> Engine:
    from viewer.inference.worker.onnx_predictor import OnnxPredictor

    del card, backend
    return OnnxPredictor(forms["onnx"], interruptions)


def _torch(
    card: NetworkCard, forms: Forms, backend: Backend, interruptions: Interruptions
) -> Engine:
    import torch

    from viewer.inference.worker.torch_predictor import Cuda, TorchPredictor

    has_cuda = torch.cuda.is_available()
    if backend.device == "cuda" and not has_cuda:
        raise Unsupported(
            "There is no CUDA device that torch could use here.",
            remedy="Choose the processor (--device cpu), or install torch for CUDA and its driver.",
        )
    graphics = Cuda() if has_cuda and backend.device != "cpu" else None
    return TorchPredictor(
        card,
        forms["safetensors"],
        interruptions.check,
        graphics=graphics,
        precision=backend.precision,
    )


def _nothing(
    card: NetworkCard, forms: Forms, backend: Backend, there: Mapping[str, str]
) -> Unsupported:
    """Return the sentence that says why no engine is left."""
    wanted = backend.engine if backend.engine != "auto" else "torch"
    if backend.device == "cuda" and wanted == "torch" and "torch" in there:
        wanted = "openvino" if backend.engine == "openvino" else "torch"
    if wanted not in there:
        return Unsupported(
            f"Networks cannot run: {wanted} is not installed.",
            remedy=f"Install {wanted} (negatoscope backends says how).",
        )
    if wanted != "torch" and "onnx" not in forms:
        return Unsupported(
            f"{card.title} has no ONNX form, which {_TITLES[wanted]} reads.",
            remedy="Leave the choice of the engine to the program.",
        )
    return Unsupported(
        f"{_TITLES[wanted]} cannot compute {card.title} on the device that was asked for.",
        remedy="Leave the choice of the engine and of the device to the program.",
    )
