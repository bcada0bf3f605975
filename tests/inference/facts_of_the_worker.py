"""Run in a process of its own, since it imports torch; prints facts as JSON."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace

os.environ["OMP_NUM_THREADS"] = "3"

import numpy as np
import torch  # noqa: TID253 - runs in a process of its own

from tests.inference.cards_for_tests import a_card
from viewer.errors import Damaged
from viewer.inference.predictor import DeviceLost, NoRoom
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


class _Card:
    """A graphics card as a predictor sees it, played by the processor."""

    place = torch.device("cpu")

    def __init__(self, free_bytes: int) -> None:
        self._free = free_bytes
        self.n_emptied = 0

    def name(self) -> str:
        return "Played GPU"

    def free_bytes(self) -> int:
        return self._free

    def peak_bytes(self, run: Callable[[], object]) -> int:
        run()
        return 32**3 * 1000  # 1000 bytes for each voxel of the tile that is tried

    def empty(self) -> None:
        self.n_emptied += 1


def _graphics() -> dict[str, object]:
    weights = saved_weights(built("unet3d", {"widths": "4 8"}))
    card = replace(a_card(), tile_kji=(16, 16, 16))
    large = replace(card, tile_kji=(64, 64, 64))
    played = _Card(60_000_000)
    predictor = TorchPredictor(card, weights, lambda: None, graphics=played)
    suited = predictor.suited(large)
    original, shown = predictor.network.forward, []

    def forward(batch: torch.Tensor) -> torch.Tensor:
        shown.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError
        result: torch.Tensor = original(batch)
        return result

    predictor.network.forward = forward
    batch = np.random.default_rng(1).random((4, 1, 16, 16, 16), dtype=np.float32)
    whole = predictor.predict(batch)

    def fail(_batch: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError

    predictor.network.forward = fail
    try:
        predictor.predict(batch)
        out = ""
    except NoRoom:
        out = "NoRoom"

    def vanish(_batch: torch.Tensor) -> torch.Tensor:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    predictor.network.forward = vanish
    try:
        predictor.predict(batch)
        gone = ""
    except DeviceLost:
        gone = "DeviceLost"
    return {
        "device": predictor.device,
        "precision": predictor.precision,
        "suited": list(suited.tile_kji),
        "batches": shown,
        "shape": list(whole.shape),
        "no_room": out,
        "gone": gone,
        "emptied": played.n_emptied,
    }


def _loss() -> dict[str, float]:
    target = torch.zeros(1, 1, 4, 4, 4)
    target[..., :2] = 1
    sure = (target * 2 - 1) * 20
    return {"right": float(patch_loss(sure, target)), "wrong": float(patch_loss(-sure, target))}


def main() -> None:
    """Print all facts."""
    facts = {
        "graphics": _graphics(),
        **_shapes(),
        **_weights(),
        "refused": _widths(),
        "pace": _pace(),
        "loss": _loss(),
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
