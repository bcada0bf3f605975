"""3-D networks of several channels or classes: a U-Net, and the same without its bridges (FCN)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from viewer.errors import Damaged

_MOST_CHANNELS, _MOST_CLASSES = 64, 256


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(after),
        nn.LeakyReLU(0.01, inplace=True),
    )


class VolumeUNet(nn.Module):
    """A 3-D U-Net: (n, channels, k, j, i) -> logits (n, outputs, k, j, i).

    Sides divide by 2 to the number of levels less one. Batch normalisation, so that the answer does
    not depend on where the tiles were cut. Without ``has_bridges`` it is a fully convolutional
    network: what the way down saw in fine detail does not reach the way up.
    """

    def __init__(
        self, channels: int, outputs: int, widths: tuple[int, ...], *, has_bridges: bool = True
    ) -> None:
        super().__init__()
        self.has_bridges = has_bridges
        self.entry = _convolution(channels, widths[0])
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(a, b, stride=2), _convolution(b, b)) for a, b in pairs
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in reversed(pairs))
        factor = 2 if has_bridges else 1
        self.merge = nn.ModuleList(_convolution(factor * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv3d(widths[0], outputs, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """Return logits (n, outputs, k, j, i)."""
        now: Tensor = self.entry(seen)
        kept = []
        for down in self.down:
            kept.append(now)
            now = down(now)
        for up, merge in zip(self.up, self.merge, strict=True):
            beside = kept.pop()
            now = up(now)
            now = merge(torch.cat((now, beside), dim=1) if self.has_bridges else now)
        logits: Tensor = self.head(now)
        return logits


class VolumeEnsemble(nn.Module):
    """Networks of the same form whose logits are averaged."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, seen: Tensor) -> Tensor:
        """Return the mean of the members' logits."""
        total: Tensor = self.members[0](seen)
        for member in list(self.members)[1:]:
            total = total + member(seen)
        return total / len(self.members)


def volume_unet(options: Mapping[str, Any], widths: tuple[int, ...]) -> nn.Module:
    """Return the U-Net (or FCN: ``bridges`` = 0) that a card's options describe.

    Raises
    ------
    Damaged
        An option makes no sense.
    """
    channels = count(options, "channels", 1, _MOST_CHANNELS)
    outputs = count(options, "outputs", 1, _MOST_CLASSES)
    members = count(options, "members", 1, 8)
    bridges = bool(int(options.get("bridges", 1)))
    made: list[nn.Module] = [
        VolumeUNet(channels, outputs, widths, has_bridges=bridges) for _ in range(members)
    ]
    return made[0] if members == 1 else VolumeEnsemble(made)


def count(options: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """Return the whole number from 1 to ``most`` that an option gives.

    Raises
    ------
    Damaged
        It is none.
    """
    value = options.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise Damaged(f"The network's card names {name} that make no sense.")
    return value
