"""Run in a process of its own, since it imports torch; prints facts about networks from elsewhere."""

import collections
import json
import os
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # noqa: TID253 - runs in a process of its own
from safetensors import safe_open
from torch import nn  # noqa: TID253

from viewer.errors import ViewerError
from viewer.inference.worker.architectures import built
from viewer.inference.worker.foreign_weights import fitted, read_state, scripted_onnx

_FILES = Path(__file__).parent / "foreign"
_MADE = {
    "nn_plain": "nnunet",
    "nn_residual": "nnunet",
    "monai_unet_res": "monai_unet",
    "monai_unet_plain": "monai_unet",
    "segresnet": "segresnet",
}


def _content(name: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    with safe_open(_FILES / f"{name}.safetensors", "pt") as file:
        options = json.loads(file.metadata()["options"])
        return options, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def _apart() -> dict[str, float]:
    """Return how far each rebuilt network is from the package that defines it."""
    found = {}
    for name, architecture in _MADE.items():
        options, tensors = _content(name)
        network = built(architecture, options).eval()
        state = {key[2:]: value for key, value in tensors.items() if key.startswith("w.")}
        network.load_state_dict(state, strict=True)
        with torch.inference_mode():
            found[name] = float((network(tensors["x"]) - tensors["y"]).abs().max())
    return found


class _Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except ViewerError as error:
        return f"{type(error).__name__}: {error.what}"
    return "taken"


class _Writes(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("hello", x.shape)  # noqa: T201 - the side effect
        return x * 2


class _Reads(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/hostname", size=4, dtype=torch.uint8).sum()


def _hostile(folder: Path) -> dict[str, str]:
    mark, path = folder / "mark", folder / "w.pt"
    found = {}

    def of(name: str, content: object, **more: Any) -> None:
        torch.save(content, path, **more)
        found[name] = _refusal(lambda: read_state(path))

    of("code", {"a": _Runs(mark)})
    of("code in a list", [_Runs(mark)])
    of("old form", {"a": torch.zeros(2)}, _use_new_zipfile_serialization=False)
    of("a whole module", nn.Linear(2, 2))
    of("no tensors", {"a": 1})
    of("not finite", {"a": torch.tensor([float("nan")])})
    of("a trillion numbers", {"a": torch.zeros(1).expand(1_000_000, 1_000_000)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 50_000_000)
    found["zip bomb"] = _refusal(lambda: read_state(path))
    path.write_bytes(b"PK\x03\x04 cut short")
    found["cut short"] = _refusal(lambda: read_state(path))
    for name, module in (("prints", _Writes()), ("reads a file", _Reads())):
        torch.jit.script(module).save(path)  # type: ignore[no-untyped-call]
        found[name] = _refusal(lambda: scripted_onnx(path, (1, 1, 8, 8), {0: "n"}))
    found["mark"] = str(mark.exists())
    return found


def _checkpoint(folder: Path) -> dict[str, object]:
    """Return what a whole checkpoint of nnU-Net, with its diary and its doubles, is read as."""
    import numpy as np

    options, tensors = _content("nn_plain")
    state = {key[2:]: value for key, value in tensors.items() if key.startswith("w.")}
    doubles = {f"decoder.{n}": v for n, v in state.items() if n.startswith("encoder.")}
    doubles |= {n.replace(".conv.", ".all_modules.0."): v for n, v in state.items()}
    whole = {
        "network_weights": collections.OrderedDict({**doubles, **state}),
        "logging": {"ema": [np.float64(0.5)], "n": np.int64(3)},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    path = folder / "checkpoint_final.pth"
    torch.save(whole, path)
    read, facts = read_state(path)
    network = built("nnunet", options)
    fits = fitted(read, network)
    equal = all(torch.equal(fits[name], state[name]) for name in state)
    one = next(iter(state))
    wrong = {**read, one: read[one][:1]}
    return {
        "equal": equal,
        "n_left": len(fits) - len(state),
        "mirrors": facts["mirrors"],
        "wrong shape": _refusal(lambda: fitted(wrong, network)),
        "missing": _refusal(lambda: fitted({}, network)),
        "left over": _refusal(lambda: fitted({**read, "more": read[one]}, network)),
        "wrapped": len(fitted({f"module.{n}": t for n, t in state.items()}, network)) == len(state),
    }


def _script(folder: Path) -> float:
    """Return how far a scripted network, run as the ONNX made of it, is from itself."""
    import onnxruntime

    torch.manual_seed(2)
    network = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 1)).eval()
    path = folder / "net.ts"
    torch.jit.script(network).save(path)  # type: ignore[no-untyped-call]
    data = scripted_onnx(path, (1, 1, 16, 16), {0: "n", 2: "j", 3: "i"})
    picture = torch.rand(2, 1, 24, 32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    answer = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: picture.numpy()})[0])
    with torch.inference_mode():
        return float((network(picture) - answer).abs().max())


def main() -> None:
    """Print the facts."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    parameters = {
        name: sum(
            p.numel() for p in built("torchvision", {"name": name, "classes": 1000}).parameters()
        )
        for name in ("resnet18", "resnet50", "densenet121")
    }
    facts = {
        "apart": _apart(),
        "hostile": _hostile(folder),
        "checkpoint": _checkpoint(folder),
        "script": _script(folder),
        "parameters": parameters,
    }
    print(json.dumps(facts))  # noqa: T201


main()
