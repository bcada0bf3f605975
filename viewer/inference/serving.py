"""Networks as a model repository that NVIDIA Triton serves (and KServe, which starts Triton).

Layout and configuration: Triton's user guide, "Model Repository" and "Model Configuration". A server
that reads it gives the logits that the engines here give; what comes before and after stays here.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from viewer.domain.card import NetworkCard
from viewer.errors import Conflict, InputRefused, OutOfResources
from viewer.inference.cards import ONNX, Installed, verified_forms
from viewer.inference.onnx_form import ends_of_onnx
from viewer.resources import resource_root

BACKENDS = ("onnxruntime", "python")
_CONFIG, _VERSION = "config.pbtxt", "1"
_MODEL_PY = "model.py"
_MOST_AT_ONCE = 8
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server is to run networks.

    ``backend`` is Triton's: "onnxruntime" (a usual server has it), or "python" (a script that calls
    ONNX Runtime; stops inside a tile when a request is cancelled). ``gpus`` are device numbers, ()
    for the processor; ``count`` is how many copies run on each.
    """

    backend: str = "onnxruntime"
    gpus: tuple[int, ...] = ()
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse what no server understands."""
        if self.backend not in BACKENDS:
            raise InputRefused(
                f"Triton has no backend called {self.backend} for these networks.",
                remedy=f"Choose one of: {', '.join(BACKENDS)}.",
            )
        if not 1 <= self.count <= 64 or any(not 0 <= gpu < 64 for gpu in self.gpus):
            raise InputRefused("The number of copies or of a graphics card makes no sense.")


def write_repository(
    networks: Iterable[Installed], out: Path, serving: Serving, *, force: bool = False
) -> list[Path]:
    """Write each network into the model repository ``out``; return the folders that were written.

    Raises
    ------
    Conflict
        One of them is there already, and ``force`` is not given.
    InputRefused
        A network has no ONNX form, or its files are not those that its card names.
    OutOfResources
        The disk is full, or the folder cannot be written.
    """
    prepared = [(card, _onnx_of(card, folder)) for card, folder in networks]
    there = [card.key for card, _ in prepared if (out / card.key).exists()]
    if there and not force:
        raise Conflict(
            f"The repository has {', '.join(there)} already.", where=str(out), remedy="Add --force."
        )
    try:
        return [_written(card, onnx, out / card.key, serving) for card, onnx in prepared]
    except OSError as error:
        raise OutOfResources("The repository cannot be written.", where=str(out)) from error


def _onnx_of(card: NetworkCard, folder: Path) -> bytes:
    if not _NAME.fullmatch(card.key):
        raise InputRefused("A network's key is no name for a folder.", remedy="Change its card.")
    forms = verified_forms(folder, card)
    if "onnx" not in forms:
        raise InputRefused(
            f"{card.title} has no ONNX form, which the server reads.",
            remedy="Make it first: negatoscope networks export --for onnx.",
        )
    return forms["onnx"]


def _written(card: NetworkCard, onnx: bytes, folder: Path, serving: Serving) -> Path:
    version = folder / _VERSION
    version.mkdir(parents=True, exist_ok=True)
    (version / ONNX).write_bytes(onnx)
    script = version / _MODEL_PY
    if serving.backend == "python":
        source = resource_root() / "serving" / _MODEL_PY
        script.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    else:
        script.unlink(missing_ok=True)
    (folder / _CONFIG).write_text(configuration(card, onnx, serving), encoding="utf-8")
    return folder


def configuration(card: NetworkCard, onnx: bytes, serving: Serving) -> str:
    """Return ``config.pbtxt``: ends, copies, batching, a first run, and what weights these are."""
    entry, exit_ = ends_of_onnx(onnx)
    warm = [entry[1], *card.tile_kji[-(len(entry) - 2) :]]
    kind = f"KIND_GPU\n    gpus: {list(serving.gpus)}" if serving.gpus else "KIND_CPU"
    batching = "dynamic_batching { }\n" if serving.gpus else ""
    return f"""name: {_quoted(card.key)}
backend: {_quoted(serving.backend)}
max_batch_size: {_MOST_AT_ONCE}
input [ {{ name: "input" data_type: TYPE_FP32 dims: {list(entry[1:])} }} ]
output [ {{ name: "output" data_type: TYPE_FP32 dims: {list(exit_[1:])} }} ]
instance_group [
  {{
    count: {serving.count}
    kind: {kind}
  }}
]
{batching}model_warmup [
  {{
    name: "one tile"
    batch_size: 1
    inputs {{
      key: "input"
      value: {{ data_type: TYPE_FP32 dims: {warm} zero_data: true }}
    }}
  }}
]
parameters {{ key: "sha256" value: {{ string_value: {_quoted(card.weights_sha256)} }} }}
parameters {{ key: "version" value: {{ string_value: {_quoted(card.version)} }} }}
"""


def _quoted(text: str) -> str:
    """Return a string of protobuf's text format; JSON's escapes are among its own."""
    return json.dumps(text)
