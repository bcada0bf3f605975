"""Classifiers as torchvision names their parts, rebuilt: ResNets and DenseNets.

He et al. 2016, arXiv 1512.03385 (stride in the 3 x 3 convolution of a bottleneck); Huang et al. 2017,
arXiv 1608.06993. torchvision is not needed.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from viewer.inference.worker.option_lists import choice
from viewer.inference.worker.volume_networks import count

RESNETS = {
    "resnet18": ((2, 2, 2, 2), 1),
    "resnet34": ((3, 4, 6, 3), 1),
    "resnet50": ((3, 4, 6, 3), 4),
    "resnet101": ((3, 4, 23, 3), 4),
}
DENSENETS = {
    "densenet121": ((6, 12, 24, 16), 32, 64),
    "densenet169": ((6, 12, 32, 32), 32, 64),
    "densenet201": ((6, 12, 48, 32), 32, 64),
}
NAMES = (*RESNETS, *DENSENETS)
_MOST_CLASSES, _NARROW = 1000, 4


class _Block(nn.Module):
    """Two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 with ``wide`` times the channels; a way around."""

    def __init__(self, before: int, width: int, stride: int, wide: int) -> None:
        super().__init__()
        after = width * wide
        if wide == 1:
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        else:
            self.conv1 = nn.Conv2d(before, width, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.conv3 = nn.Conv2d(width, after, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(after)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        self._is_wide = wide != 1

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        around = now if self.downsample is None else self.downsample(now)
        inner = torch.relu(self.bn1(self.conv1(now)))
        inner = self.bn2(self.conv2(inner))
        if self._is_wide:
            inner = self.bn3(self.conv3(torch.relu(inner)))
        return torch.relu(inner + around)


class ResNet(nn.Module):
    """(n, 3, rows, columns) -> logits (n, classes)."""

    def __init__(self, channels: int, blocks: tuple[int, ...], wide: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for level, n in enumerate(blocks):
            width, stride = 64 * 2**level, 1 if level == 0 else 2
            made = [_Block(before, width, stride, wide)]
            before = width * wide
            made += [_Block(before, width, 1, wide) for _ in range(n - 1)]
            self.add_module(f"layer{level + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(before, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        now = torch.relu(self.bn1(self.conv1(pictures)))
        now = nn.functional.max_pool2d(now, 3, 2, 1)
        for level in range(1, 5):
            now = self.get_submodule(f"layer{level}")(now)
        logits: Tensor = self.fc(now.mean(dim=(2, 3)))
        return logits


class _Dense(nn.Module):
    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        inner = _NARROW * growth
        self.norm1, self.norm2 = nn.BatchNorm2d(before), nn.BatchNorm2d(inner)
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.conv2 = nn.Conv2d(inner, growth, 3, padding=1, bias=False)

    def forward(self, now: Tensor) -> Tensor:
        """Return what went in, and beside it ``growth`` channels more."""
        inner = self.conv1(torch.relu(self.norm1(now)))
        return torch.cat((now, self.conv2(torch.relu(self.norm2(inner)))), dim=1)


def _dense_features(
    channels: int, blocks: tuple[int, ...], growth: int, first: int
) -> tuple[nn.Sequential, int]:
    parts: list[tuple[str, nn.Module]] = [
        ("conv0", nn.Conv2d(channels, first, 7, 2, 3, bias=False)),
        ("norm0", nn.BatchNorm2d(first)),
        ("relu0", nn.ReLU()),
        ("pool0", nn.MaxPool2d(3, 2, 1)),
    ]
    width = first
    for at, n in enumerate(blocks, start=1):
        layers: list[tuple[str, nn.Module]] = [
            (f"denselayer{m + 1}", _Dense(width + m * growth, growth)) for m in range(n)
        ]
        parts.append((f"denseblock{at}", nn.Sequential(OrderedDict(layers))))
        width += n * growth
        if at < len(blocks):
            steps: list[tuple[str, nn.Module]] = [
                ("norm", nn.BatchNorm2d(width)),
                ("relu", nn.ReLU()),
                ("conv", nn.Conv2d(width, width // 2, 1, bias=False)),
                ("pool", nn.AvgPool2d(2, 2)),
            ]
            parts.append((f"transition{at}", nn.Sequential(OrderedDict(steps))))
            width //= 2
    parts.append(("norm5", nn.BatchNorm2d(width)))
    return nn.Sequential(OrderedDict(parts)), width


class DenseNet(nn.Module):
    """(n, 3, rows, columns) -> logits (n, classes)."""

    def __init__(self, channels: int, form: tuple[tuple[int, ...], int, int], classes: int) -> None:
        super().__init__()
        self.features, width = _dense_features(channels, *form)
        self.classifier = nn.Linear(width, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        features = torch.relu(self.features(pictures))
        logits: Tensor = self.classifier(features.mean(dim=(2, 3)))
        return logits


def torchvision_classifier(options: Mapping[str, Any]) -> nn.Module:
    """Return the classifier that a card's options name (``name``, ``channels``, ``classes``).

    Raises
    ------
    Damaged
        It is none that is known here.
    """
    name = choice(options, "name", NAMES)
    classes = count(options, "classes", 2, _MOST_CLASSES)
    channels = count(options, "channels", 3, 4)
    if name in RESNETS:
        return ResNet(channels, *RESNETS[name], classes)
    return DenseNet(channels, DENSENETS[name], classes)
