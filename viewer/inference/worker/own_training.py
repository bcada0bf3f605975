"""Training on cases of one's own: interrupted at any step, it goes on as if it had not been.

What a step sees depends on its number and the seed alone, never on what came before; weights, Adam's
moments and the losses are written down every so often, as plain numbers (safetensors).
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.errors import Conflict, Damaged
from viewer.inference.worker.architectures import built
from viewer.inference.worker.torch_predictor import device, hook_every_layer, saved_weights
from viewer.inference.worker.training import averaged, schedule
from viewer.inference.worker.transfer import start_from
from viewer.inference.worker.volume_training import volume_loss

_AT_LABEL = 0.6  # share of patches whose middle lies on something that is labelled
_CONTRAST, _BRIGHTNESS, _NOISE = 0.1, 0.05, 0.03  # deviations, of what the network sees
_DECAY, _STEEPEST, _SMOOTH = 1e-4, 5.0, 1.0

Report = Callable[[float, str], None]
Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


class OwnPatches:
    """Patches of cases: what the network sees (k, j, i) and the classes there."""

    def __init__(self, cases: Sequence[tuple[Floats, Labels]], plan: Mapping[str, Any]) -> None:
        self._patch = tuple(int(n) for n in plan["patch_kji"])
        self._batch, self._seed = int(plan["batch"]), int(plan["seed"])
        self._mirrors = bool(plan["mirrors"])
        self._cases = [_padded(seen, labels, self._patch) for seen, labels in cases]
        self._places = [
            [np.argwhere(labels == n) for n in np.unique(labels) if n] for _, labels in self._cases
        ]

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return what is seen (n, 1, k, j, i) and the classes (n, k, j, i) of step number ``step``."""
        random = np.random.default_rng((self._seed, step))
        pairs = [self._one(random) for _ in range(self._batch)]
        seen = np.stack([one for one, _ in pairs])[:, None]
        labels = np.stack([one for _, one in pairs]).astype(np.int64)
        return torch.from_numpy(seen), torch.from_numpy(labels)

    def _one(self, random: np.random.Generator) -> tuple[Floats, Labels]:
        at = int(random.integers(len(self._cases)))
        seen, labels = self._cases[at]
        places = self._places[at]
        middle = random.integers(0, seen.shape)
        if places and random.random() < _AT_LABEL:
            of_class = places[int(random.integers(len(places)))]
            middle = of_class[int(random.integers(len(of_class)))]
            middle = middle + random.integers(-2, 3, 3)
        room = np.array(seen.shape) - np.array(self._patch)
        first = np.clip(middle - np.array(self._patch) // 2, 0, room)
        block = tuple(slice(int(a), int(a) + n) for a, n in zip(first, self._patch, strict=True))
        part, classes = seen[block], labels[block]
        if self._mirrors:
            axes = tuple(axis for axis in range(3) if random.random() < 0.5)
            part, classes = np.flip(part, axes), np.flip(classes, axes)
        gain, shift = 1 + random.normal(0, _CONTRAST), random.normal(0, _BRIGHTNESS)
        noise = random.normal(0, random.random() * _NOISE, part.shape)
        return (part * gain + shift + noise).astype(np.float32), classes.copy()


def _padded(seen: Floats, labels: Labels, patch: Sequence[int]) -> tuple[Floats, Labels]:
    missing = [(0, max(0, n - have)) for n, have in zip(patch, seen.shape, strict=True)]
    return np.pad(seen, missing), np.pad(labels, missing)


def class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Return cross-entropy plus soft Dice of what is not background (arXiv 1606.04797).

    A network of one output takes every class for one thing.
    """
    if logits.shape[1] == 1:
        return volume_loss(logits, (classes > 0).float()[:, None])
    entropy = nn.functional.cross_entropy(logits, classes)
    shares = torch.softmax(logits, dim=1)[:, 1:]
    truth = nn.functional.one_hot(classes, logits.shape[1]).movedim(-1, 1)[:, 1:].float()
    axes = (0, *range(2, logits.ndim))
    overlap = 2 * (shares * truth).sum(axes) + _SMOOTH
    return entropy + (1 - overlap / (shares.sum(axes) + truth.sum(axes) + _SMOOTH)).mean()


def train_own(
    plan: Mapping[str, Any],
    cases: Sequence[tuple[Floats, Labels]],
    report: Report,
    check: Callable[[], None],
) -> tuple[bytes, list[float]]:
    """Return the trained weights (safetensors) and the loss of every 20 steps.

    Parameters
    ----------
    plan
        ``architecture``, ``options``, ``patch_kji``, ``batch``, ``steps``, ``learning_rate``,
        ``seed``, ``time_limit_s``, ``mirrors``; ``checkpoint`` is the file to go on from and to keep,
        ``keep_every`` how often, ``curve`` the file to which each step adds a line of JSON.

    Raises
    ------
    Conflict
        The checkpoint is one of another training.
    Damaged
        It cannot be read.
    """
    torch.manual_seed(int(plan["seed"]))
    torch.set_num_threads(int(plan.get("threads", 0)) or torch.get_num_threads())
    network = built(str(plan["architecture"]), dict(plan["options"])).to(device())
    start_from(network, plan)
    hook_every_layer(network, check)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1.0, weight_decay=_DECAY)
    checkpoint = Path(str(plan["checkpoint"]))
    mark = fingerprint(plan, cases)
    first, losses = _gone_on(checkpoint, mark, network, optimiser)
    patches = OwnPatches(cases, plan)
    steps, every = int(plan["steps"]), max(1, int(plan["keep_every"]))
    ends_s = time.monotonic() + float(plan["time_limit_s"])
    network.train()
    with Path(str(plan["curve"])).open("a", encoding="utf-8") as curve:
        if first:
            curve.write(json.dumps({"step": first, "goes_on": True}) + "\n")
        for step in range(first, steps):
            if time.monotonic() > ends_s:
                break
            for group in optimiser.param_groups:
                group["lr"] = float(plan["learning_rate"]) * schedule(step / steps)
            losses.append(_step(network, optimiser, patches.draw(step)))
            curve.write(json.dumps({"step": step + 1, "of": steps, "loss": losses[-1]}) + "\n")
            curve.flush()
            if (step + 1) % every == 0 or step + 1 == steps:
                _keep(checkpoint, mark, network, optimiser, losses)
            report((step + 1) / steps, f"step {step + 1} of {steps}, loss {losses[-1]:.3f}")
    return saved_weights(network.eval()), averaged(losses)


def fingerprint(plan: Mapping[str, Any], cases: Sequence[tuple[Floats, Labels]]) -> str:
    """Return what tells one training from another: its numbers and its cases, not where it lies."""
    names = ("architecture", "options", "patch_kji", "batch", "steps", "learning_rate", "seed",
             "mirrors")  # fmt: skip
    digest = hashlib.sha256(json.dumps({n: plan[n] for n in names}, sort_keys=True).encode())
    for seen, labels in cases:
        digest.update(np.ascontiguousarray(seen).tobytes())
        digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()


def _step(
    network: nn.Module, optimiser: torch.optim.Optimizer, drawn: tuple[Tensor, Tensor]
) -> float:
    seen, classes = (one.to(device()) for one in drawn)
    optimiser.zero_grad()
    loss = class_loss(network(seen), classes)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), _STEEPEST)
    optimiser.step()
    return float(loss.detach())


def _keep(
    path: Path, mark: str, network: nn.Module, optimiser: torch.optim.Optimizer, losses: list[float]
) -> None:
    """Write weights, moments and losses; whole, or what was there before stays."""
    from safetensors.torch import save_file

    tensors = {f"w.{n}": t.detach().cpu() for n, t in network.state_dict().items()}
    for at, parameter in enumerate(network.parameters()):
        for name, value in optimiser.state[parameter].items():
            tensors[f"o.{at}.{name}"] = value.detach().cpu()
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
    temporary = path.with_name(f"{path.name}.new")
    save_file({n: t.contiguous().clone() for n, t in tensors.items()}, temporary, {"mark": mark})
    os.replace(temporary, path)  # noqa: PTH105 - one step, whatever is there


def _gone_on(
    path: Path, mark: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, list[float]]:
    """Return the step to go on with and the losses so far; 0 and none where nothing was kept."""
    if not path.is_file():
        return 0, []
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            theirs = (file.metadata() or {}).get("mark")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if theirs != mark:
            raise Conflict(
                "This folder holds the beginning of another training.",
                where=path.name,
                remedy="Train into another folder, or take that file away.",
            )
        weights = {n[2:]: t for n, t in tensors.items() if n.startswith("w.")}
        network.load_state_dict(weights, strict=True)
        for at, parameter in enumerate(network.parameters()):
            lead = f"o.{at}."
            optimiser.state[parameter] = {
                n.removeprefix(lead): t.to(parameter.device) if t.ndim else t
                for n, t in tensors.items()
                if n.startswith(lead)
            }
        losses = [float(one) for one in tensors["losses"]]
    except (SafetensorError, RuntimeError, KeyError, OSError) as error:
        raise Damaged(
            "What was kept of the training cannot be read.",
            where=path.name,
            remedy="Take that file away and begin again.",
        ) from error
    return len(losses), losses
