"""Networks on flat pictures: small residual CNNs that classify, and a 2-D U-Net."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from viewer.errors import Damaged

_MOST_MEMBERS, _MOST_CLASSES, _MOST_CHANNELS = 16, 64, 16


def counted(options: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """Return the count called ``name`` from a card's options, 1..``most``.

    Raises
    ------
    Damaged
        It is no such count.
    """
    try:
        count = int(options.get(name, default))
    except ValueError as error:
        raise Damaged(f"The network's card names {name} that are no number.") from error
    if not 1 <= count <= most:
        raise Damaged(f"The network's card names {name} that make no sense.")
    return count


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    """Two convolutions and a way around them (He et al. 2016, arXiv 1603.05027, after-addition)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(before, after, stride)
        self.second = nn.Sequential(
            nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
        )
        self.around: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.around = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )

    def forward(self, now: Tensor) -> Tensor:
        """Return features, (rows, columns) divided by the stride."""
        inner: Tensor = self.second(self.first(now))
        outer: Tensor = self.around(now)
        return torch.relu(inner + outer)


class SmallResNet(nn.Module):
    """A residual CNN: (n, channels, rows, columns) -> logits (n, classes).

    Its last features are averaged and their maxima taken, so any picture size is accepted.
    """

    def __init__(
        self, channels: int, widths: tuple[int, ...], classes: int, dropout: float, stem: int
    ) -> None:
        super().__init__()
        self.entry = _convolution(channels, widths[0], stem)
        layers: list[nn.Module] = [_Residual(widths[0], widths[0], 1)]
        for before, after in pairwise(widths):
            layers.append(_Residual(before, after, 2))
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], classes)

    def maps(self, pictures: Tensor) -> Tensor:
        """Return the last feature maps (n, width, rows, columns)."""
        maps: Tensor = self.body(self.entry(pictures))
        return maps

    def features(self, pictures: Tensor) -> Tensor:
        """Return mean and maximum of the last feature maps (n, 2 width)."""
        return pooled(self.maps(pictures))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        logits: Tensor = self.head(self.dropout(self.features(pictures)))
        return logits


def pooled(maps: Tensor) -> Tensor:
    """Return mean and maximum over rows and columns of (n, width, rows, columns)."""
    return torch.cat((maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))), dim=1)


class ImageEnsemble(nn.Module):
    """Several such CNNs and how far a picture lies from what they were trained on.

    Answers (n, members * classes + 1): each member's logits, then the distance: the mean over the
    members of the Mahalanobis distance between the pooled features and the nearest class of the
    training set (Lee et al. 2018, arXiv 1807.03888), on features whitened with the covariance
    within the classes. ``centre`` and ``whitening`` are filled once training has ended.
    """

    centre: Tensor
    whitening: Tensor

    def __init__(self, members: list[SmallResNet], classes: int, features: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        n = len(members)
        self.register_buffer("centre", torch.zeros(n, classes, features))
        self.register_buffer("whitening", torch.zeros(n, features, features))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (n, members * classes + 1)."""
        logits: list[Tensor] = []
        distances: list[Tensor] = []
        for at, member in enumerate(self.members):
            assert isinstance(member, SmallResNet)  # noqa: S101  # for the type alone
            features = member.features(pictures)
            logits.append(member.head(member.dropout(features)))
            # Detached: it is no part of the training, and a root has no slope at 0.
            apart = (features.detach()[:, None] - self.centre[at]) @ self.whitening[at]
            distances.append((apart * apart).sum(dim=2).amin(dim=1).sqrt())
        distance = torch.stack(distances, dim=1).mean(dim=1, keepdim=True)
        return torch.cat((*logits, distance), dim=1)


class UNet2d(nn.Module):
    """A plain 2-D U-Net: (n, channels, rows, columns) -> logits (n, 1, rows, columns).

    Sides divide by 2 to the number of levels less one. Batch normalisation for the same reason as
    in the 3-D one: an answer does not depend on where the tiles were cut.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        first = widths[0]
        self.entry = nn.Sequential(_convolution(channels, first), _convolution(first, first))
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(a, b, 2), _convolution(b, b)) for a, b in pairs
        )
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(
            nn.Sequential(_convolution(2 * a, a), _convolution(a, a)) for a, _ in reversed(pairs)
        )
        self.head = nn.Conv2d(first, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits (n, 1, rows, columns)."""
        now: Tensor = self.entry(pictures)
        kept = []
        for down in self.down:
            kept.append(now)
            now = down(now)
        now = self.dropout(now)
        for up, merge in zip(self.up, self.merge, strict=True):
            now = merge(torch.cat((up(now), kept.pop()), dim=1))
        logits: Tensor = self.head(now)
        return logits


def image_ensemble(options: Mapping[str, Any], widths: tuple[int, ...]) -> ImageEnsemble:
    """Return the CNNs that a card's options describe, with random weights."""
    classes = counted(options, "classes", 2, _MOST_CLASSES)
    channels = counted(options, "channels", 1, _MOST_CHANNELS)
    stem = counted(options, "stem_stride", 1, 4)
    members = [
        SmallResNet(channels, widths, classes, float(options.get("dropout", 0.3)), stem)
        for _ in range(counted(options, "members", 1, _MOST_MEMBERS))
    ]
    return ImageEnsemble(members, classes, 2 * widths[-1])


def unet2d(options: Mapping[str, Any], widths: tuple[int, ...]) -> UNet2d:
    """Return the 2-D U-Net that a card's options describe, with random weights."""
    channels = counted(options, "channels", 1, _MOST_CHANNELS)
    return UNet2d(channels, widths, float(options.get("dropout", 0.0)))
