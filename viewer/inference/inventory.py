"""What there is to compute with, what is missing, and how to get it."""

from typing import Any

from viewer.inference import probe
from viewer.inference.backend import Backend, local_engines

_FORMS = ("safetensors", "onnx")
_LOCAL = (
    ("openvino", "OpenVINO", "CPU", "ONNX", "pip install openvino==2026.4.1"),
    ("onnxruntime", "ONNX Runtime", "CPU", "ONNX", "pip install onnxruntime==1.32.0"),
    ("torch", "torch", "CPU, CUDA", "safetensors", "pip install torch==2.13.0"),
)
_PROTOCOLS = (
    ("grpc", "Open Inference Protocol over gRPC (NVIDIA Triton, KServe, OVMS, MLServer)", True),
    ("http", "Open Inference Protocol over HTTP", False),
    ("monailabel", "MONAI Label over HTTP", False),
)
_GET_CLIENT = "pip install tritonclient==2.73.0 grpcio==1.85.1 ml_dtypes==0.5.4"
_GET_CUDA = "install the vendor's driver, then torch for CUDA (pytorch.org/get-started)"


def inventory(backend: Backend | None = None) -> dict[str, Any]:
    """Return the document of ``negatoscope backends --json``; asks nobody outside this machine.

    ``engines``, ``cuda`` and ``protocols`` each say ``there``; where False, ``missing`` and ``get``
    say what is missing and how to get it. ``default`` is the engine that a network with both forms
    runs on, "" if none is there.
    """
    there = probe.engines()
    devices = probe.cuda_devices()
    has_cuda = probe.torch_has_cuda() and bool(devices)
    order = local_engines(backend or Backend(), _FORMS, there, has_cuda=has_cuda)
    return {
        "backend": (backend or Backend()).short,
        "default": order[0] if order else "",
        "cores": probe.n_cores(),
        "engines": [_engine(row, there) for row in _LOCAL],
        "cuda": _cuda(devices, there),
        "protocols": [_protocol(row) for row in _PROTOCOLS],
    }


def _engine(row: tuple[str, str, str, str, str], there: dict[str, str]) -> dict[str, Any]:
    key, title, devices, reads, get = row
    found: dict[str, Any] = {
        "engine": key,
        "title": title,
        "there": key in there,
        "version": there.get(key, ""),
        "devices": devices,
        "reads": reads,
    }
    if key not in there:
        found |= {"missing": f"{title} is not installed", "get": get}
    return found


def _cuda(devices: tuple[str, ...], there: dict[str, str]) -> dict[str, Any]:
    missing = ""
    if not devices:
        missing = "no CUDA device, or no driver for it"
    elif "torch" not in there:
        missing = "torch is not installed"
    elif not probe.torch_has_cuda():
        missing = "the installed torch computes on the processor alone"
    found: dict[str, Any] = {"there": not missing, "devices": list(devices)}
    return found | ({"missing": missing, "get": _GET_CUDA} if missing else {})


def _protocol(row: tuple[str, str, bool]) -> dict[str, Any]:
    scheme, title, needs_client = row
    lacking = [name for name in ("tritonclient", "grpcio") if name not in probe.clients()]
    is_there = not (needs_client and lacking)
    found: dict[str, Any] = {"scheme": scheme, "title": title, "there": is_there}
    if not is_there:
        found |= {"missing": f"{' and '.join(lacking)} not installed", "get": _GET_CLIENT}
    return found
