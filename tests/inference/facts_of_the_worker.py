"""Run in a process of its own, since it imports torch; prints facts as JSON."""

import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "3"

import numpy as np
import torch  # noqa: TID253 - runs in a process of its own

from tests.inference.cards_for_tests import a_card
from viewer.errors import Damaged
from viewer.inference.worker.architectures import ARCHITECTURES, built
from viewer.inference.worker.pace import Pace
from viewer.inference.worker.torch_predictor import TorchPredictor, load_weights, saved_weights
from viewer.inference.worker.training import patch_loss


def _shapes() -> dict[str, object]:
    unet = built("unet3d", {}).eval()
    cnn = built("lesion_cnn", {}).eval()
    with torch.inference_mode():
        grey = torch.rand(1, 1, 32, 32, 48)
        unet_shape = list(unet(grey).shape)
        cnn_shape = list(cnn(torch.rand(3, 1, 28, 28, 28)).shape)
    return {
        "unet_shape": unet_shape,
        "cnn_shape": cnn_shape,
        "parameters": {
            key: sum(p.numel() for p in one.build({}).parameters())
            for key, one in ARCHITECTURES.items()
        },
    }


def _weights() -> dict[str, object]:
    torch.manual_seed(1)
    first = built("unet3d", {"widths": "4 8"})
    data = saved_weights(first)
    second = built("unet3d", {"widths": "4 8"})
    load_weights(second, data)
    same = all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    calls: list[int] = []
    predictor = TorchPredictor(a_card(), data, lambda: calls.append(1))
    one = predictor.predict(np.zeros((1, 1, 16, 16, 16), dtype=np.float32))
    two = predictor.predict(np.zeros((1, 1, 16, 16, 16), dtype=np.float32))
    return {
        "round_trip": same,
        "repeats": bool(np.array_equal(one, two)),
        "checks_per_tile": len(calls) // 2,
    }


def _widths() -> list[str]:
    refused = []
    for widths in ("", "8", "8 x", "8 -1", "8 9999", "1 1 1 1 1 1 1"):
        try:
            built("unet3d", {"widths": widths})
        except Damaged:
            refused.append(widths)
    return refused


def _pace() -> list[int]:
    pace = Pace(torch.set_num_threads)
    seen = [torch.get_num_threads()]
    for wall_s, used_s in ((1.0, 2.9), (1.0, 1.0), (0.01, 0.001), (1.0, 0.5), (1.0, 0.1)):
        pace.judge(wall_s, used_s)
        seen.append(torch.get_num_threads())
    pace.reset()
    return [*seen, torch.get_num_threads()]


def _loss() -> dict[str, float]:
    target = torch.zeros(1, 1, 4, 4, 4)
    target[..., :2] = 1
    sure = (target * 2 - 1) * 20
    return {"right": float(patch_loss(sure, target)), "wrong": float(patch_loss(-sure, target))}


def main() -> None:
    """Print all facts."""
    facts = {**_shapes(), **_weights(), "refused": _widths(), "pace": _pace(), "loss": _loss()}
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
