"""The training of the instance network: mask, centre and size of each lesion in a patch."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.inference.instances import EXTENT_VOXELS
from viewer.inference.worker.architectures import built
from viewer.inference.worker.batches import Patches
from viewer.inference.worker.pace import Pace
from viewer.inference.worker.torch_predictor import device, hook_every_layer, saved_weights
from viewer.inference.worker.training import averaged, patch_loss, schedule
from viewer.inference.worker.transfer import start_from

_CENTRE_SIGMA_VOXELS = 1.5
_RIM_VOXELS = 1
_RARE_LOGIT = -4.0

Mask = NDArray[np.float32]


class InstancePatches(Patches):
    """Patches as for a mask, with the lesions' numbers as target."""

    def target_of(self, labels: NDArray[np.uint8]) -> Mask:
        """Return the numbers themselves, where a mask would only say lesion or not."""
        return np.asarray(labels, dtype=np.float32)


def train_instances(
    plan: Mapping[str, Any], report: Callable[[float, str], None], check: Callable[[], None]
) -> tuple[bytes, list[float]]:
    """Return the trained weights (safetensors) and the loss, averaged over every 20 steps.

    ``plan`` is that of a segmenter.
    """
    torch.manual_seed(int(plan["seed"]))
    network = built(str(plan["architecture"]), dict(plan["options"])).to(device())
    _start_rare(network)
    start_from(network, plan)
    hook_every_layer(network, check)
    patches = InstancePatches(plan)
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
        grey, numbers = patches.draw()
        targets = np.stack([instance_targets(one[0]) for one in numbers])
        with pace.measured():
            losses.append(_step(network, optimiser, grey, targets))
        report(share, f"step {step + 1} of {steps}, loss {np.mean(losses[-50:]):.3f}")
    return saved_weights(network), averaged(losses)


def _start_rare(network: nn.Module) -> None:
    """Let mask and centre begin from "rare": from one half, the many empty voxels drown the rest."""
    head = [module for module in network.modules() if isinstance(module, nn.Conv3d)][-1]
    if head.bias is not None:
        with torch.no_grad():
            head.bias[:2] = _RARE_LOGIT


def _step(network: nn.Module, optimiser: torch.optim.Optimizer, grey: Mask, targets: Mask) -> float:
    optimiser.zero_grad()
    loss = instance_loss(
        network(torch.from_numpy(grey).to(device())), torch.from_numpy(targets).to(device())
    )
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach())


def instance_targets(numbers: Mask) -> Mask:
    """Return (6, k, j, i) from lesion numbers (k, j, i): mask, centre, half-extents (3), weight.

    The weight of the centre map is 0 in lesions that the patch cuts: their centre is not known.
    """
    shape = numbers.shape
    found = np.zeros((6, *shape), dtype=np.float32)
    found[0] = numbers > 0
    found[5] = 1.0
    for number in np.unique(numbers[numbers > 0]):
        voxels = np.argwhere(numbers == number)
        low, high = voxels.min(axis=0), voxels.max(axis=0)
        if (low < _RIM_VOXELS).any() or (high >= np.array(shape) - _RIM_VOXELS).any():
            found[5][numbers == number] = 0.0
            continue
        centre = (low + high) / 2
        half = np.maximum((high - low + 1) / 2, 1.0)
        axes = [
            np.exp(-0.5 * ((np.arange(n) - c) / _CENTRE_SIGMA_VOXELS) ** 2)
            for n, c in zip(shape, np.rint(centre), strict=True)
        ]
        bump = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
        np.maximum(found[1], bump, out=found[1])
        near = bump > 0.3
        found[2:5, near] = (half / EXTENT_VOXELS)[:, None]
    return found


def instance_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mask's loss, the centre map's focal loss and the sizes' absolute error.

    The focal loss is that of Zhou et al. 2019, arXiv 1904.07850, equation 1.
    """
    mask = patch_loss(outputs[:, :1], targets[:, :1])
    heat, weight = targets[:, 1], targets[:, 5]
    chance = torch.sigmoid(outputs[:, 1]).clamp(1e-4, 1 - 1e-4)
    is_peak = (heat > 0.99).float()
    hit = is_peak * (1 - chance) ** 2 * torch.log(chance)
    miss = (1 - is_peak) * (1 - heat) ** 4 * chance**2 * torch.log(1 - chance) * weight
    n_peaks = is_peak.sum().clamp(min=1.0)
    centres = -(hit + miss).sum() / n_peaks
    at_centre = (targets[:, 2:5].sum(dim=1, keepdim=True) > 0).float()
    apart = (outputs[:, 2:5] - targets[:, 2:5]).abs() * at_centre
    sizes = apart.sum() / (3 * at_centre.sum()).clamp(min=1.0)
    return mask + 0.3 * centres + sizes
