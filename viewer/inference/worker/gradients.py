"""Explanations that need gradients: Grad-CAM and integrated gradients, with torch.

Both explain the mean over the members of an ensemble of a class's log-odds against all others, the
scale on which the probability is calibrated.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from viewer.inference.worker.image_networks import ImageEnsemble

Floats = NDArray[np.float32]
Report = Callable[[float, str], None]

_STEPS = 64  # of the path, at the nodes of Gauss and Legendre
_BATCH = 8


def log_odds(answers: Tensor, number: int, n_classes: int) -> Tensor:
    """Return the mean log-odds (n,) of class ``number`` in answers (n, members * classes [+ 1])."""
    n_members = max(answers.shape[1] // n_classes, 1)
    logits = answers[:, : n_members * n_classes].reshape(len(answers), n_members, n_classes)
    others = torch.cat((logits[..., :number], logits[..., number + 1 :]), dim=2)
    return (logits[..., number] - torch.logsumexp(others, dim=2)).mean(dim=1)


def grad_cam(network: nn.Module, seen: Floats, number: int, n_classes: int) -> Floats:
    """Return the Grad-CAM (rows, columns) of class ``number``, >= 0.

    Selvaraju et al. 2017 (doi:10.1109/ICCV.2017.74), equations 1 and 2: the last feature maps,
    weighted with the mean of their gradients, added over maps and members, negatives cut off,
    brought to the picture's size linearly.

    Parameters
    ----------
    seen
        The picture as the network takes it (1, channel, rows, columns).
    """
    with torch.enable_grad():
        picture = _on_device(network, seen)
        maps, answers = _with_maps(network, picture)
        score = log_odds(answers, number, n_classes).sum()
        slopes = torch.autograd.grad(score, maps)
    total = torch.zeros((1, 1, 1, 1), device=picture.device)
    for one, slope in zip(maps, slopes, strict=True):
        total = total + (slope.mean(dim=(2, 3), keepdim=True) * one.detach()).sum(1, keepdim=True)
    size = (seen.shape[2], seen.shape[3])
    whole = functional.interpolate(torch.relu(total), size=size, mode="bilinear")
    return np.asarray(whole[0, 0].cpu().numpy(), dtype=np.float32)


def integrated_gradients(
    network: nn.Module, seen: Floats, number: int, n_classes: int, report: Report
) -> tuple[Floats, float]:
    """Return how much each pixel adds (rows, columns), and the share that does not add up.

    Sundararajan et al. 2017 (arXiv 1703.01365), from a picture of one grey (0 after the network's
    own normalisation): the pixel times the mean gradient along the straight path, by Gauss-Legendre
    quadrature. The map adds up to the difference of both log-odds; what is missing of that, as a
    share of it, comes second.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_STEPS)
    nodes, weights = (nodes + 1) / 2, weights / 2
    picture = _on_device(network, seen)
    total = torch.zeros_like(picture, dtype=torch.float64)
    for first in range(0, _STEPS, _BATCH):
        report(first / _STEPS, f"step {first + 1} of {_STEPS}")
        part = slice(first, first + _BATCH)
        shares, weight = (
            torch.from_numpy(values[part]).to(picture.device)[:, None, None, None]
            for values in (nodes, weights)
        )
        with torch.enable_grad():
            path = (picture * shares.float()).requires_grad_()
            score = log_odds(network(path), number, n_classes).sum()
            (slope,) = torch.autograd.grad(score, path)
        total += (slope.double() * weight).sum(dim=0, keepdim=True)
    found = (total * picture)[0].sum(dim=0)
    with torch.no_grad():
        ends = log_odds(network(torch.cat((torch.zeros_like(picture), picture))), number, n_classes)
    change = float(ends[1] - ends[0])
    gap = 1 - float(found.sum()) / change if abs(change) > 1e-6 else 0.0
    return np.asarray(found.float().cpu().numpy(), dtype=np.float32), gap


def _on_device(network: nn.Module, seen: Floats) -> Tensor:
    place = next(network.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(seen)).to(place)


def _with_maps(network: nn.Module, picture: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the last feature maps (of each member), and the answers that follow from them."""
    kept: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _inputs: object, output: object) -> None:
        # A map of one cell has no place.
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] > 1:
            kept.pop(name, None)
            kept[name] = output

    handles = [
        module.register_forward_hook(partial(keep, name)) for name, module in _watched(network)
    ]
    try:
        answers: Tensor = network(picture.clone().requires_grad_())
    finally:
        for handle in handles:
            handle.remove()
    if isinstance(network, ImageEnsemble):
        return list(kept.values()), answers
    return [kept[list(kept)[-1]]], answers


def _watched(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return whose outputs may be the last maps: a member's body, or any module of another's."""
    named = dict(network.named_modules())
    if isinstance(network, ImageEnsemble):
        names = [f"members.{n}.body" for n in range(len(network.members))]
        return [(name, named[name]) for name in names]
    return [(name, module) for name, module in named.items() if name]
