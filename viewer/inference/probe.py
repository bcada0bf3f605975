"""What this machine has to compute with: asked cheaply, without importing an engine."""

import ctypes
import importlib.metadata
import importlib.util
import os
import sys

_DISTRIBUTIONS = {"openvino": "openvino", "onnxruntime": "onnxruntime", "torch": "torch"}
_CLIENTS = {"tritonclient": "tritonclient", "grpcio": "grpcio"}
_NAME_BYTES = 256


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def engines() -> dict[str, str]:
    """Return engine -> version for those that are installed."""
    return _versions(_DISTRIBUTIONS)


def clients() -> dict[str, str]:
    """Return library -> version for those that speak with servers."""
    return _versions(_CLIENTS)


def _versions(distributions: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, distribution in distributions.items():
        module = {"grpcio": "grpc"}.get(name, name)
        if importlib.util.find_spec(module) is None:
            continue
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown version"
    return found


def cuda_devices() -> tuple[str, ...]:
    """Return the names of the CUDA devices, as their driver tells them; () without a driver.

    Asks the driver's own library (CUDA driver API: cuInit, cuDeviceGetCount, cuDeviceGetName): to
    import torch for this would cost a second and 250 MB on all machines without one.
    """
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return ()
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return ()
    return tuple(_name(driver, number) for number in range(count.value))


def cuda_ids() -> tuple[str, ...]:
    """Return what CUDA_VISIBLE_DEVICES must say to show each device alone; () where torch has none."""
    if not torch_has_cuda():
        return ()
    n_devices = len(cuda_devices())
    named = [one.strip() for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    if any(named):
        return tuple(named[:n_devices])
    return tuple(str(number) for number in range(n_devices))


def _name(driver: ctypes.CDLL, number: int) -> str:
    handle = ctypes.c_int(0)
    text = ctypes.create_string_buffer(_NAME_BYTES)
    if driver.cuDeviceGet(ctypes.byref(handle), number) != 0:
        return f"CUDA device {number}"
    if driver.cuDeviceGetName(text, _NAME_BYTES, handle) != 0:
        return f"CUDA device {number}"
    return text.value.decode("utf-8", "replace")


def torch_has_cuda() -> bool:
    """Return whether the installed torch could use a CUDA device, from its version's name."""
    version = engines().get("torch", "")
    return bool(version) and not version.endswith("+cpu")
