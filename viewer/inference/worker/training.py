"""The training loop: mini-batches from prepared samples, Adam, a cosine schedule."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from viewer.inference.worker.architectures import built
from viewer.inference.worker.batches import Batches, LesionViews, Patches
from viewer.inference.worker.pace import Pace
from viewer.inference.worker.torch_predictor import device, hook_every_layer, saved_weights
from viewer.inference.worker.transfer import start_from

_WARM_UP = 0.05
_HISTORY_EVERY = 20


def train(
    plan: Mapping[str, Any], report: Callable[[float, str], None], check: Callable[[], None]
) -> tuple[bytes, list[float]]:
    """Return the trained weights (safetensors) and the loss, averaged over every 20 steps.

    Parameters
    ----------
    plan
        ``task``, ``architecture``, ``options``, ``samples`` (lent arrays), ``patch_kji``,
        ``batch``, ``steps``, ``learning_rate``, ``seed``, ``time_limit_s``.
    """
    torch.manual_seed(int(plan["seed"]))
    network = built(str(plan["architecture"]), dict(plan["options"])).to(device())
    start_from(network, plan)
    hook_every_layer(network, check)
    batches: Batches = (Patches if plan["task"] == "segment" else LesionViews)(plan)
    loss_of: Callable[[Tensor, Tensor], Tensor] = view_loss
    if plan["task"] == "segment":
        loss_of = partial(patch_loss, positive_weight=float(plan.get("positive_weight", 1.0)))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1.0, weight_decay=1e-4)
    losses: list[float] = []
    started_s = time.monotonic()
    steps, limit_s = int(plan["steps"]), float(plan["time_limit_s"])
    pace = Pace(torch.set_num_threads)
    network.train()
    for step in range(steps):
        share = max(step / steps, (time.monotonic() - started_s) / limit_s)
        if share >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = float(plan["learning_rate"]) * schedule(share)
        with pace.measured():
            losses.append(_step(network, optimiser, batches, loss_of))
        report(share, f"step {step + 1} of {steps}, loss {np.mean(losses[-50:]):.3f}")
    return saved_weights(network), averaged(losses)


def schedule(share: float) -> float:
    """Return the learning rate's factor: a short rise, then half a cosine down to 0."""
    if share < _WARM_UP:
        return max(share / _WARM_UP, 0.05)
    return 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP) / (1 - _WARM_UP)))


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Batches,
    loss_of: Callable[[Tensor, Tensor], Tensor],
) -> float:
    inputs, targets = (torch.from_numpy(array).to(device()) for array in batches.draw())
    optimiser.zero_grad()
    loss = loss_of(network(inputs), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def patch_loss(logits: Tensor, targets: Tensor, *, positive_weight: float = 1.0) -> Tensor:
    """Return cross-entropy plus soft Dice over the batch (Milletari 2016, arXiv 1606.04797).

    ``positive_weight`` is how many times a lesion's voxel counts in the cross-entropy: networks that
    see coarsely give up rare lesions without it.
    """
    entropy = nn.functional.binary_cross_entropy_with_logits(
        logits, targets, pos_weight=logits.new_tensor(positive_weight)
    )
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * targets).sum() + 1.0
    return entropy * 4 + 1 - overlap / (probability.sum() + targets.sum() + 1.0)


def view_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return cross-entropy with slightly softened targets, so that scores stay calibrated."""
    softened = targets * 0.96 + 0.02
    return nn.functional.binary_cross_entropy_with_logits(logits, softened)


def averaged(losses: list[float]) -> list[float]:
    """Return the mean loss of every 20 steps."""
    return [
        round(float(np.mean(losses[at : at + _HISTORY_EVERY])), 5)
        for at in range(0, len(losses), _HISTORY_EVERY)
    ]
