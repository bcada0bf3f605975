"""Weights that other programs saved, read without running anything of theirs.

A file of ``torch.save`` is a pickle in a zip. torch reads it with ``weights_only``: tensors, plain
values, and of all other types those that are listed here; whatever else it names is refused, not run.
What it would unpack to is counted before.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from viewer.errors import Damaged, InputRefused, Unsupported

MOST_BYTES = 1 << 30
_LARGEST_PICKLE, _MOST_MEMBERS, _MOST_RATIO = 1 << 26, 20_000, 200
_DEEPEST = 3
_INSIDE = ("network_weights", "state_dict", "model_state_dict", "model", "net", "weights")
# What TorchScript may not name: it could read, write or print, or call what is not arithmetic.
_SIDE_EFFECTS = re.compile(
    r"\b(from_file|save|load|print|warn|open|__import__|manual_seed|get_gradients|set_num_threads)\s*\("
    r"|ops\.(?!prim\b)(\w+)\.|\b(Future|fork|wait|rpc)\b"
)
_LEAD = ("module.", "_orig_mod.", "model.")
_REFUSED = "The weights hold something that is no number, and are not opened."
_AGAIN = "Save the network's state dict alone (torch.save(net.state_dict(), ...)) and import that."


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return name -> tensor (float32, contiguous), and what else a checkpoint of nnU-Net says.

    Raises
    ------
    InputRefused
        The pickle names anything but tensors and plain values, or would unpack to far too much.
    Damaged
        It cannot be read, or holds no tensors, or numbers that are not finite.
    """
    if path.suffix == ".safetensors":
        return _checked(_safetensors(path), path), {}
    refuse_bombs(path)
    try:
        with torch.serialization.safe_globals(_harmless()):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # It may fail in any way. The class of a refusal is of a module that is banned here, so it is
        # known by its name.
        if type(error).__name__ == "UnpicklingError":
            raise InputRefused(_REFUSED, where=path.name, remedy=_AGAIN) from error
        raise Damaged("The weights cannot be read.", where=path.name, remedy=_AGAIN) from error
    said = found if isinstance(found, dict) else {}
    mirrors = said.get("inference_allowed_mirroring_axes")
    facts = {"mirrors": [int(n) for n in mirrors]} if isinstance(mirrors, tuple | list) else {}
    if isinstance(said.get("trainer_name"), str):
        facts["trainer"] = said["trainer_name"]
    return _checked(_tensors(found, path), path), facts


def _harmless() -> list[Any]:
    """Return the types in which NumPy keeps single numbers: nnU-Net's diary holds such."""
    kinds = [np.float64, np.float32, np.int64, np.int32, np.bool_]
    scalar = np.float64(0.0).__reduce__()[0]
    return [
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),  # as NumPy before 2.0 called it
        np.dtype,
        *(type(np.dtype(kind)) for kind in kinds),
    ]


def refuse_bombs(path: Path) -> None:
    """Return if the archive is one of ``torch.save`` and unpacks to a sensible size.

    Raises
    ------
    InputRefused
        It is none, or would unpack to far more than it is.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputRefused("The weights are larger than 1 GiB.", where=path.name)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise InputRefused("The weights cannot be read.", where=path.name) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputRefused(
            "The weights are no archive of torch (a bare pickle is not opened).",
            where=path.name,
            remedy=_AGAIN,
        ) from error
    total = sum(one.file_size for one in members)
    squeezed = any(one.file_size > _MOST_RATIO * max(one.compress_size, 1) for one in members)
    large = any(one.file_size > _LARGEST_PICKLE for one in members if one.filename.endswith(".pkl"))
    if total > MOST_BYTES or len(members) > _MOST_MEMBERS or squeezed or large:
        raise InputRefused(
            "The weights would unpack to far more than they are, and are not opened.",
            where=path.name,
        )


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputRefused("The weights are larger than 1 GiB.", where=path.name)
        tensors: dict[str, Tensor] = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError) as error:
        raise Damaged("The weights cannot be read.", where=path.name) from error
    return tensors


def _tensors(found: Any, path: Path) -> dict[str, Tensor]:
    """Return the state dict in what was saved, which may lie in an entry of a known name."""
    for _ in range(_DEEPEST):
        if not isinstance(found, Mapping):
            break
        if found and all(isinstance(value, Tensor) for value in found.values()):
            return {str(name): value for name, value in found.items()}
        found = next((found[name] for name in _INSIDE if name in found), None)
    raise Damaged("The file holds no state dict.", where=path.name, remedy=_AGAIN)


def _checked(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    # A view may claim a trillion numbers over a store of one: count before anything is copied.
    if sum(one.numel() for one in tensors.values()) * 4 > MOST_BYTES:
        raise InputRefused("The weights claim far too many numbers.", where=path.name)
    found = {}
    for name, one in tensors.items():
        whole = one.to(torch.int64 if _is_count(one) else torch.float32).contiguous().clone()
        if not bool(torch.isfinite(whole).all()):
            raise Damaged("The weights hold numbers that are not finite.", where=path.name)
        found[name] = whole
    return found


def _is_count(tensor: Tensor) -> bool:
    return not tensor.dtype.is_floating_point


def fitted(tensors: Mapping[str, Tensor], network: torch.nn.Module) -> dict[str, Tensor]:
    """Return the tensors under the names that ``network`` has for them.

    What a wrapper put before each name is taken away, and what a checkpoint holds twice is left out
    once it is equal.

    Raises
    ------
    Damaged
        A tensor is missing, left over, or of another shape; the sentence names the first.
    """
    wanted = network.state_dict()
    best = max(
        (_renamed(tensors, lead) for lead in ("", *_LEAD)),
        key=lambda named: len(named.keys() & wanted.keys()),
    )
    for name in [n for n in best if n not in wanted]:
        if _is_double(name, best) or name.endswith("num_batches_tracked"):
            del best[name]
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):
            best.setdefault(name, torch.zeros_like(tensor))
        if name not in best:
            raise _misfit(f"{name} is missing")
        if best[name].shape != tensor.shape:
            have, want = list(best[name].shape), list(tensor.shape)
            raise _misfit(f"{name} is {have} and should be {want}")
    left = sorted(best.keys() - wanted.keys())
    if left:
        raise _misfit(f"{left[0]} has no place")
    return best


def _renamed(tensors: Mapping[str, Tensor], lead: str) -> dict[str, Tensor]:
    return {name.removeprefix(lead): tensor for name, tensor in tensors.items()}


def _is_double(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Return whether nnU-Net's checkpoint holds this under a second name (its modules share)."""
    other = name.removeprefix("decoder.") if name.startswith("decoder.encoder.") else name
    for part, real in ((".all_modules.0.", ".conv."), (".all_modules.1.", ".norm.")):
        other = other.replace(part, real)
    if other == name or other not in tensors:
        return False
    return torch.equal(tensors[name], tensors[other])


def _misfit(what: str) -> Damaged:
    return Damaged(
        f"The weights do not fit the network that was described: {what}.",
        remedy="Choose the architecture and the numbers that the weights were trained with.",
    )


def refuse_side_effects(path: Path) -> None:
    """Return if the TorchScript archive's code names nothing but arithmetic.

    Raises
    ------
    InputRefused
        It names something that reads, writes, prints, or is not torch's own; or it is a bomb.
    Unsupported
        It is no TorchScript.
    """
    refuse_bombs(path)
    with zipfile.ZipFile(path) as archive:
        sources = [one for one in archive.namelist() if "/code/" in one and one.endswith(".py")]
        if not sources:
            raise Unsupported("The file is no TorchScript.", where=path.name)
        for name in sources:
            try:
                text = archive.read(name).decode("utf-8")
            except (zipfile.BadZipFile, ValueError, OSError) as error:
                raise Damaged("The TorchScript is damaged.", where=path.name) from error
            found = _SIDE_EFFECTS.search(text)
            if found:
                raise InputRefused(
                    f"The TorchScript does more than arithmetic ({found[0].strip('( ')}), and is "
                    "not loaded.",
                    where=path.name,
                    remedy="Ask for the network as a state dict or as ONNX.",
                )


def scripted_onnx(path: Path, shape: tuple[int, ...], axes: Mapping[int, str]) -> bytes:
    """Return a TorchScript network as ONNX (opset 17), traced on noise of ``shape``.

    From then on the ONNX alone is used. Call it only where the person vouched for the source.

    Raises
    ------
    Unsupported
        It cannot be said in ONNX, or does not take such an input.
    """
    from viewer.inference.worker.forms import ENTRY, EXIT, OPSET, noise, without_script_functions

    refuse_side_effects(path)
    try:
        network = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        example = torch.from_numpy(noise(shape))
        file = io.BytesIO()
        with torch.inference_mode(), without_script_functions():
            rank = network(example).ndim
            answered = dict(axes) if rank == len(shape) else {0: "n"}
            torch.onnx.export(
                network,
                (example,),
                file,  # type: ignore[arg-type] # this exporter writes to files in memory too
                dynamo=False,
                opset_version=OPSET,
                input_names=[ENTRY],
                output_names=[EXIT],
                dynamic_axes={ENTRY: dict(axes), EXIT: answered},
            )
    except (RuntimeError, torch.onnx.OnnxExporterError, AttributeError, TypeError) as error:
        raise Unsupported(
            "The TorchScript cannot be brought into a form that is run here.",
            where=path.name,
            remedy="Ask for the network as a state dict or as ONNX.",
        ) from error
    return file.getvalue()
