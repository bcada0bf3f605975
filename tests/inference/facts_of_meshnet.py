"""Run in a process of its own, since it imports torch; prints what a MeshNet folder gives as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253 - runs in a process of its own

from viewer.inference.tfjs import read_meshnet
from viewer.inference.worker.architectures import built


def _reference(folder: Path, grey: torch.Tensor) -> torch.Tensor:
    """Compute the stack by convolving with kernels straight from the files, layer by layer."""
    table = json.loads((folder / "model.json").read_text())
    data = b"".join((folder / name).read_bytes() for name in table["weightsManifest"][0]["paths"])
    values = np.frombuffer(data, dtype="<f4")
    now, at = grey, 0
    layers = table["modelTopology"]["model_config"]["config"]["layers"]
    kinds = {"relu": torch.relu, "elu": torch.nn.functional.elu}
    for layer in layers[1:]:
        config = layer["config"]
        if layer["class_name"] == "Activation":
            now = kinds[config["activation"]](now)
            continue
        side, dilation = config["kernel_size"][0], config["dilation_rate"][0]
        shape = (side, side, side, now.shape[1], config["filters"])
        n = int(np.prod(shape))
        kernel = torch.tensor(values[at : at + n].reshape(shape)).permute(4, 3, 0, 1, 2)
        bias = torch.tensor(values[at + n : at + n + shape[-1]])
        at += n + shape[-1]
        now = torch.nn.functional.conv3d(
            now, kernel, bias, padding=dilation * (side // 2), dilation=dilation
        )
    assert at == len(values)
    return now


def main() -> None:
    """Print parameters, agreement and the share of each class in the middle of a head."""
    folder, image = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    found = read_meshnet(folder)
    network = built("meshnet", found.options).eval()
    network.load_state_dict({k: torch.from_numpy(v) for k, v in found.weights.items()})
    facts: dict[str, object] = {
        "n_parameters": sum(p.numel() for p in network.parameters()),
        "outputs": found.options["outputs"],
    }
    import nibabel

    nifti: Any = nibabel.nifti1
    values = np.asarray(nifti.load(image).dataobj, dtype=np.float32)
    part = torch.from_numpy(values[88:168, 72:152, 88:168] / 255)[None, None]
    with torch.inference_mode():
        logits = network(part)
        if not found.options["normed"]:
            facts["max_abs"] = float((logits - _reference(folder, part)).abs().max())
    classes = logits[0].argmax(dim=0).numpy()
    facts["shares"] = (
        np.bincount(classes.ravel(), minlength=logits.shape[1]) / classes.size
    ).tolist()
    inner = values[88:168, 72:152, 88:168]
    facts["grey"] = [
        float(inner[classes == n].mean()) if (classes == n).any() else 0.0
        for n in range(logits.shape[1])
    ]
    print(json.dumps(facts))  # noqa: T201


main()
