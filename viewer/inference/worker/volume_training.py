"""The training of promptable networks on tracer uptake."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from viewer.inference.worker.architectures import built
from viewer.inference.worker.pace import Pace
from viewer.inference.worker.torch_predictor import hook_every_layer, saved_weights
from viewer.inference.worker.training import averaged, schedule
from viewer.inference.worker.volume_augment import Case, TracerPatches

_WARM_UP = 0.05

Report = Callable[[float, str], None]


def train_tracer(
    plan: Mapping[str, Any],
    cases: list[Case],
    report: Report,
    check: Callable[[], None],
    keep: Callable[[nn.Module, int], None] | None = None,
) -> tuple[bytes, list[float]]:
    """Return the trained weights (safetensors), averaged along the way, and the loss.

    With the option ``members`` of 2 or more, the averaged network is kept at equal parts of the time
    and all of them are asked together: what one unlearns, the other still knows (after Huang et al.
    2017, arXiv 1704.00109; here without restarts of the rate).

    Parameters
    ----------
    plan
        ``architecture``, ``options``, ``patch_kji``, ``spacing_mm``, ``batch``, ``steps``,
        ``learning_rate``, ``averaging`` (the part of the weights' mean that is kept a step),
        ``seed``, ``time_limit_s``.
    keep
        Called with the averaged network and the step every so often.
    """
    torch.manual_seed(int(plan["seed"]))
    n_members = int(plan["options"].get("members", 1))
    network = built(str(plan["architecture"]), {**dict(plan["options"]), "members": 1})
    hook_every_layer(network, check)
    patches = TracerPatches(cases, plan)
    average = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
            float(plan["averaging"])
        ),
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=1.0, weight_decay=1e-3)
    losses: list[float] = []
    started_s = time.monotonic()
    steps, limit_s = int(plan["steps"]), float(plan["time_limit_s"])
    pace = Pace(torch.set_num_threads)
    snapshots: list[bytes] = []
    network.train()
    for step in range(steps):
        share = max(step / steps, (time.monotonic() - started_s) / limit_s)
        if share >= 1.0:
            break
        if share >= (len(snapshots) + 1) / n_members:
            snapshots.append(saved_weights(average.module))
        for group in optimiser.param_groups:
            group["lr"] = float(plan["learning_rate"]) * schedule(share)
        inputs, targets = patches.draw(int(plan["batch"]))
        with pace.measured():
            losses.append(_step(network, optimiser, inputs, targets))
        # The first weights are far from the last: the average begins once the rate falls.
        if share < 2 * _WARM_UP:
            average.n_averaged.zero_()
        average.update_parameters(network)
        report(share, f"step {step + 1} of {steps}, loss {np.mean(losses[-50:]):.3f}")
        if keep is not None:
            keep(average.module, step)
    snapshots.append(saved_weights(average.module.eval()))
    return ensemble_of(snapshots), averaged(losses)


def ensemble_of(snapshots: list[bytes]) -> bytes:
    """Return one safetensors file of the members of an ensemble, or the one network as it is."""
    from safetensors.torch import load, save

    if len(snapshots) == 1:
        return snapshots[0]
    states = [load(one) for one in snapshots]
    data: bytes = save(
        {f"members.{n}.{name}": t for n, state in enumerate(states) for name, t in state.items()}
    )
    return data


def _step(
    network: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor
) -> float:
    optimiser.zero_grad()
    loss = volume_loss(network(inputs), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def volume_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return cross-entropy plus soft Dice of each patch (Milletari 2016, arXiv 1606.04797)."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets)
    probability = torch.sigmoid(logits)
    axes = tuple(range(1, logits.ndim))
    overlap = 2 * (probability * targets).sum(axes) + 50.0
    size = probability.sum(axes) + targets.sum(axes) + 50.0
    return entropy + (1 - overlap / size).mean()
