"""Run in a process of its own, since it imports torch; prints facts about 3-D training as JSON."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253 - runs in a process of its own
from numpy.typing import NDArray

from viewer.inference.worker.architectures import built
from viewer.inference.worker.instance_training import instance_targets, train_instances
from viewer.inference.worker.torch_predictor import load_weights, saved_weights
from viewer.inference.worker.training import patch_loss
from viewer.inference.worker.transfer import start_from
from viewer.inference.worker.volume_augment import Case, TracerPatches
from viewer.inference.worker.volume_training import train_tracer

_FOLDER = Path(tempfile.mkdtemp())


def _lent(array: NDArray[Any], name: str) -> dict[str, Any]:
    path = _FOLDER / name
    np.ascontiguousarray(array).tofile(path)
    return {"path": str(path), "shape": list(array.shape), "dtype": array.dtype.str}


def _plan(**more: Any) -> dict[str, Any]:
    return {
        "seed": 4, "patch_kji": [16, 16, 24], "spacing_mm": 5.0, "batch": 2, "steps": 3,
        "architecture": "volume_unet", "options": {"channels": 4, "widths": "4 8", "members": 2},
        "learning_rate": 1e-3, "averaging": 0.5, "time_limit_s": 60.0, **more,
    }  # fmt: skip


def _case() -> Case:
    k, j, i = np.indices((20, 22, 24))
    mask = (k - 9) ** 2 + (j - 10) ** 2 + (i - 11) ** 2 <= 9
    return Case.of(np.where(mask, 8.0, 1.0).astype(np.float32), (mask * 255).astype(np.uint8))


def _patches() -> dict[str, object]:
    inputs, targets = TracerPatches([_case()], _plan()).draw(60)
    again, _ = TracerPatches([_case()], _plan()).draw(60)
    boxed = [n for n in range(60) if inputs[n, 2].any()]
    clicked = [n for n in range(60) if inputs[n, 3].max() > 0.2]
    outside = [float((targets[n, 0] * (inputs[n, 2] == 0)).max()) for n in boxed]
    return {
        "deterministic": bool((inputs == again).all()),
        "range": [float(inputs.min()), float(inputs.max())],
        "n_boxed": len(boxed),
        "n_clicked": len(clicked),
        "n_free": 60 - len({*boxed, *clicked}),
        "most_lesion_outside_a_box": max(outside),
        "n_with_lesion": int((targets.amax(dim=(1, 2, 3, 4)) > 0.5).sum()),
    }


def _tracer() -> dict[str, object]:
    weights, history = train_tracer(_plan(), [_case()], lambda _f, _t: None, lambda: None)
    network = built("volume_unet", _plan()["options"]).eval()
    load_weights(network, weights)
    with torch.inference_mode():
        shape = list(network(torch.rand(1, 4, 16, 24, 8)).shape)
    return {"shape": shape, "n_losses": len(history)}


def _transfer() -> dict[str, object]:
    unet = built("unet3d", {"widths": "4 8 16"})
    fcn = built("volume_unet", {"widths": "4 8 16", "bridges": 0})
    data = np.frombuffer(saved_weights(unet), dtype=np.uint8)
    n = start_from(fcn, {"samples": [{"start": _lent(data, "start")}]})
    first, second = unet.state_dict(), fcn.state_dict()
    same = torch.equal(first["down.0.0.0.weight"], second["down.0.0.0.weight"])
    half = torch.equal(first["merge.0.0.weight"][:, :8], second["merge.0.0.weight"])
    alike = built("volume_unet", {"widths": "4 8 16"}).eval()
    start_from(alike, {"samples": [{"start": _lent(data, "start")}]})
    grey = torch.rand(1, 1, 16, 16, 16)
    with torch.inference_mode():
        apart = float((alike(grey) - unet.eval()(grey)).abs().max())
    return {"n_copied": n, "n_all": len(second), "same": same, "half": half, "max_abs": apart}


def _instances() -> dict[str, object]:
    numbers = np.zeros((16, 16, 16), dtype=np.float32)
    numbers[5:9, 6:11, 4:10] = 3
    numbers[0:3, 0:3, 0:3] = 1  # cut by the patch
    targets = instance_targets(numbers)
    at = np.unravel_index(int(targets[1].argmax()), numbers.shape)
    labels = _lent(np.pad(numbers.astype(np.uint8), 4), "labels")
    grey = _lent(np.full((24, 24, 24), 90, dtype=np.uint8), "grey")
    plan = _plan(
        options={"widths": "4 8", "outputs": 5},
        patch_kji=[16, 16, 16],
        samples=[{"grey": grey, "labels": labels}],
    )
    weights, _ = train_instances(plan, lambda _f, _t: None, lambda: None)
    return {
        "centre": [int(n) for n in at],
        "half_extents": (targets[2:5, at[0], at[1], at[2]] * 8).tolist(),
        "weight_of_the_cut_one": float(targets[5][1, 1, 1]),
        "n_bytes": len(weights),
    }


def _loss() -> dict[str, float]:
    targets = torch.zeros(1, 1, 8, 8, 8)
    targets[..., 4, 4, 4] = 1
    nothing = torch.full_like(targets, -6.0)
    return {
        "plain": float(patch_loss(nothing, targets)),
        "weighted": float(patch_loss(nothing, targets, positive_weight=10.0)),
    }


def main() -> None:
    """Print the facts."""
    torch.set_num_threads(1)
    facts = {
        "patches": _patches(), "tracer": _tracer(), "transfer": _transfer(),
        "instances": _instances(), "loss": _loss(),
    }  # fmt: skip
    print(json.dumps(facts))  # noqa: T201


main()
