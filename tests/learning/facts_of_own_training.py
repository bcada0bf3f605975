"""Run in a process of its own, since it imports torch; prints facts about interrupted training."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253 - runs in a process of its own

from viewer.errors import ViewerError
from viewer.inference.worker.own_training import OwnPatches, class_loss, train_own

_STEPS = 9


class _Killed(BaseException):
    pass


def _cases() -> list[tuple[Any, Any]]:
    random = np.random.default_rng(1)
    made = []
    for n in range(3):
        labels = np.zeros((12, 14, 16), dtype=np.uint8)
        labels[3:7, 3 + n : 8, 4:9] = 1
        labels[8:11, 8:12, 9:14] = 2
        seen = np.choose(labels, [0.1, 0.5, 0.9]) + random.normal(0, 0.05, labels.shape)
        made.append((seen.astype(np.float32), labels))
    return made


def _plan(folder: Path, **more: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {
        "architecture": "volume_unet", "options": {"widths": "4 8", "outputs": 3},
        "patch_kji": [8, 8, 8], "batch": 2, "steps": _STEPS, "learning_rate": 0.02, "seed": 3,
        "time_limit_s": 60.0, "mirrors": True, "keep_every": 2, "threads": 1, "samples": [{}],
        "checkpoint": str(folder / "c.safetensors"), "curve": str(folder / "curve.jsonl"), **more,
    }  # fmt: skip


def _killed_at(step: int, folder: Path) -> None:
    def report(_fraction: float, text: str) -> None:
        if text.startswith(f"step {step} "):
            raise _Killed

    try:
        train_own(_plan(folder), _cases(), report, lambda: None)
    except _Killed:
        return


def _run(folder: Path, **more: Any) -> tuple[bytes, list[float]]:
    return train_own(_plan(folder, **more), _cases(), lambda _f, _t: None, lambda: None)


def main() -> None:
    """Print the facts."""
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    whole, losses = _run(folder / "whole")
    for step in (3, 4, 8):
        _killed_at(step, folder / "parts")
    again, losses_again = _run(folder / "parts")
    lines = [json.loads(one) for one in (folder / "parts" / "curve.jsonl").read_text().splitlines()]
    other, _ = _run(folder / "other", seed=4)
    _killed_at(3, folder / "clash")
    try:
        _run(folder / "clash", seed=4)
        clash = "taken"
    except ViewerError as error:
        clash = f"{type(error).__name__}: {error.what}"
    (folder / "clash" / "c.safetensors").write_bytes(b"12345678")
    try:
        _run(folder / "clash")
        damaged = "taken"
    except ViewerError as error:
        damaged = type(error).__name__
    patches = OwnPatches(_cases(), _plan(folder / "p"))
    first, second = patches.draw(5), patches.draw(5)
    logits = torch.zeros(1, 3, 4, 4, 4)
    truth = torch.ones(1, 4, 4, 4, dtype=torch.int64)
    right = logits.clone()
    right[:, 1] = 20.0
    facts = {
        "same": whole == again and losses == losses_again,
        "differs": whole != other,
        "goes_on": [one["step"] for one in lines if "goes_on" in one],
        "last": lines[-1]["step"],
        "clash": clash,
        "damaged": damaged,
        "repeats": bool(torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])),
        "shapes": [list(first[0].shape), list(first[1].shape)],
        "loss": [float(class_loss(logits, truth)), float(class_loss(right, truth))],
    }
    print(json.dumps(facts))  # noqa: T201


main()
