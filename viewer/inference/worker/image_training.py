"""The training of networks on flat pictures: one member of an ensemble, or a 2-D U-Net."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.inference.worker.architectures import built
from viewer.inference.worker.image_augment import Augmentation, mixed, placed, shaded
from viewer.inference.worker.image_networks import ImageEnsemble, SmallResNet
from viewer.inference.worker.pace import Pace
from viewer.inference.worker.torch_predictor import hook_every_layer, saved_weights

_WARM_UP, _HISTORY_EVERY, _BATCH_OF_FEATURES = 0.05, 20, 64
_SHRINKAGE = 0.1  # of the covariance within classes towards its diagonal

Report = Callable[[float, str], None]
Draw = Callable[[], tuple[Tensor, Tensor]]


def train_images(
    plan: Mapping[str, Any],
    pictures: NDArray[np.float32],
    targets: NDArray[Any],
    report: Report,
    check: Callable[[], None],
) -> tuple[bytes, list[float]]:
    """Return the trained weights (safetensors) and the loss, averaged over every 20 steps.

    Parameters
    ----------
    plan
        ``task`` ("image_classes" or "image_mask"), ``architecture``, ``options``, ``batch``,
        ``steps``, ``learning_rate``, ``weight_decay``, ``averaging`` (of the weights: the part kept
        a step), ``smoothing`` (of the targets), ``seed``, ``time_limit_s``, ``augment``; for masks
        ``patch`` (the side in pixels).
    pictures
        (n, channels, rows, columns), as the network takes them.
    targets
        (n,) numbers of classes, or (n, rows, columns) masks.
    """
    seed = int(plan["seed"])
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    network = built(str(plan["architecture"]), dict(plan["options"]))
    hook_every_layer(network, check)
    of_classes = plan["task"] == "image_classes"
    draw = (
        _classes(plan, pictures, targets, random)
        if of_classes
        else _patches(plan, pictures, targets, random)
    )
    average = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
            float(plan["averaging"])
        ),
        use_buffers=True,
    )
    losses = _loop(plan, network, average, draw, report)
    final = average.module.eval()
    if of_classes:
        remember_features(final, pictures, targets)
    return saved_weights(final), losses


def _loop(
    plan: Mapping[str, Any],
    network: nn.Module,
    average: torch.optim.swa_utils.AveragedModel,
    draw: Draw,
    report: Report,
) -> list[float]:
    loss_of = class_loss(plan) if plan["task"] == "image_classes" else mask_loss
    optimiser = torch.optim.AdamW(_groups(network, float(plan["weight_decay"])), lr=1.0)
    started_s = time.monotonic()
    steps, limit_s = int(plan["steps"]), float(plan["time_limit_s"])
    losses: list[float] = []
    pace = Pace(torch.set_num_threads)
    network.train()
    for step in range(steps):
        share = max(step / steps, (time.monotonic() - started_s) / limit_s)
        if share >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = float(plan["learning_rate"]) * _schedule(share)
        with pace.measured():
            inputs, targets = draw()
            optimiser.zero_grad()
            loss = loss_of(network(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
        # The first weights are far from the last: the average begins once the rate falls.
        if share < 2 * _WARM_UP:
            average.n_averaged.zero_()
        average.update_parameters(network)
        losses.append(float(loss.detach()))
        report(share, f"step {step + 1} of {steps}, loss {np.mean(losses[-50:]):.3f}")
    return [
        round(float(np.mean(losses[at : at + _HISTORY_EVERY])), 5)
        for at in range(0, len(losses), _HISTORY_EVERY)
    ]


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Return the parameters in two groups: kernels decay, biases and scales do not."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _schedule(share: float) -> float:
    if share < _WARM_UP:
        return max(share / _WARM_UP, 0.05)
    return 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP) / (1 - _WARM_UP)))


def _classes(
    plan: Mapping[str, Any],
    pictures: NDArray[np.float32],
    labels: NDArray[Any],
    random: torch.Generator,
) -> Draw:
    """Return a source of batches in which every class comes equally often."""
    how = Augmentation.from_table(plan["augment"])
    numbers = torch.from_numpy(np.asarray(labels, dtype=np.int64))
    n_classes = int(plan["options"]["classes"])
    wholes = torch.from_numpy(pictures)
    weights = (1.0 / torch.bincount(numbers, minlength=n_classes).clamp_min(1).float())[numbers]

    def draw() -> tuple[Tensor, Tensor]:
        chosen = torch.multinomial(weights, int(plan["batch"]), replacement=True, generator=random)
        now, _ = placed(wholes[chosen], None, how, random)
        targets = nn.functional.one_hot(numbers[chosen], n_classes).float()
        return mixed(shaded(now, how, random), targets, how, random)

    return draw


def _patches(
    plan: Mapping[str, Any],
    pictures: NDArray[np.float32],
    masks: NDArray[Any],
    random: torch.Generator,
) -> Draw:
    """Return a source of patches from anywhere, turned by any angle."""
    how = Augmentation.from_table(plan["augment"])
    side = int(plan["patch"])
    wholes = torch.from_numpy(pictures)
    marks = torch.from_numpy(np.asarray(masks, dtype=np.float32))[:, None]
    rows, columns = wholes.shape[2:]

    def draw() -> tuple[Tensor, Tensor]:
        cuts = []
        for _ in range(int(plan["batch"])):
            at = int(torch.randint(len(wholes), (1,), generator=random))
            row = int(torch.randint(rows - side + 1, (1,), generator=random))
            column = int(torch.randint(columns - side + 1, (1,), generator=random))
            where = (at, slice(None), slice(row, row + side), slice(column, column + side))
            cuts.append((wholes[where], marks[where]))
        now, drawn = (torch.stack(part) for part in zip(*cuts, strict=True))
        moved, moved_marks = placed(now, drawn, how, random)
        assert moved_marks is not None  # noqa: S101  # for the type alone
        return shaded(moved, how, random), moved_marks

    return draw


def class_loss(plan: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return cross-entropy with softened targets (n, classes)."""
    smoothing = float(plan["smoothing"])

    def loss(answer: Tensor, targets: Tensor) -> Tensor:
        logits = answer[:, : targets.shape[1]]
        return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)

    return loss


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return cross-entropy plus soft Dice over the batch (Milletari 2016, arXiv 1606.04797)."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets)
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * targets).sum() + 1.0
    return entropy + 1 - overlap / (probability.sum() + targets.sum() + 1.0)


def remember_features(
    network: nn.Module, pictures: NDArray[np.float32], labels: NDArray[Any]
) -> None:
    """Fill the network's centres and whitening with the features of its training set."""
    assert isinstance(network, ImageEnsemble)  # noqa: S101  # for the type alone
    numbers = np.asarray(labels, dtype=np.int64)
    for at, member in enumerate(network.members):
        assert isinstance(member, SmallResNet)  # noqa: S101  # for the type alone
        with torch.inference_mode():
            parts = [
                member.features(torch.from_numpy(pictures[first : first + _BATCH_OF_FEATURES]))
                for first in range(0, len(pictures), _BATCH_OF_FEATURES)
            ]
        features = torch.cat(parts).double().numpy()
        centres, whitening = whitened(features, numbers, network.centre.shape[1])
        network.centre[at] = torch.from_numpy(centres).float()
        network.whitening[at] = torch.from_numpy(whitening).float()


def whitened(
    features: NDArray[np.float64], numbers: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return class centres (classes, d) and W (d, d): |(x - centre) W| is Mahalanobis' distance."""
    d = features.shape[1]
    centres = np.zeros((n_classes, d))
    for number in range(n_classes):
        members = features[numbers == number]
        centres[number] = members.mean(axis=0) if len(members) else features.mean(axis=0)
    within = features - centres[numbers]
    covariance = within.T @ within / max(len(features) - n_classes, 1)
    diagonal = np.diag(np.diag(covariance) + 1e-6)
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * diagonal
    values, vectors = np.linalg.eigh(shrunk)
    return centres, vectors / np.sqrt(np.maximum(values, 1e-8))
