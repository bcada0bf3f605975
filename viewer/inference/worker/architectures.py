"""The architectures that a card may name; their weights come apart from them, as numbers."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from viewer.domain.methods import Architecture
from viewer.errors import Damaged
from viewer.inference.worker.image_networks import image_ensemble, unet2d
from viewer.inference.worker.meshnet import meshnet
from viewer.inference.worker.monai_networks import monai_unet, segresnet
from viewer.inference.worker.nnunet_networks import nnunet
from viewer.inference.worker.providers import provided
from viewer.inference.worker.torchvision_networks import torchvision_classifier
from viewer.inference.worker.volume_networks import volume_unet

_HIGHEST_WIDTH, _MOST_LEVELS = 512, 6
_RARE_LOGIT = -4.0


def widths_of(options: Mapping[str, Any], default: str) -> tuple[int, ...]:
    """Return the channels of each level from the option ``widths`` ("8 24 48 96").

    Raises
    ------
    Damaged
        They are no sensible list of counts.
    """
    try:
        widths = tuple(int(n) for n in str(options.get("widths", default)).split())
    except ValueError as error:
        raise Damaged("The network's card names widths that are no numbers.") from error
    sensible = all(1 <= n <= _HIGHEST_WIDTH for n in widths)
    if not 2 <= len(widths) <= _MOST_LEVELS or not sensible:
        raise Damaged("The network's card names widths that make no sense.")
    return widths


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(after),
        nn.LeakyReLU(0.01, inplace=True),
    )


class UNet3d(nn.Module):
    """A plain 3-D U-Net: (n, 1, k, j, i) -> logits of the same size; sides divide by 8.

    Batch normalisation, since its statistics are fixed after training: the answer at a voxel then
    depends on its neighbourhood alone, not on where the tiles were cut. (Instance normalisation
    would see every tile on its own scale.)
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        first = widths[0]
        # One layer at full resolution each way: it costs as much as all the coarser ones together.
        self.entry = _convolution(1, first)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(a, b, stride=2), _convolution(b, b)) for a, b in pairs
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(_convolution(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv3d(first, 1, 1)
        # Lesions are rare: start from there instead of from one half.
        nn.init.constant_(self.head.bias, _RARE_LOGIT)  # type: ignore[arg-type]

    def forward(self, grey: Tensor) -> Tensor:
        """Return logits (n, 1, k, j, i)."""
        now: Tensor = self.entry(grey)
        kept = []
        for down in self.down:
            kept.append(now)
            now = down(now)
        for up, merge in zip(self.up, self.merge, strict=True):
            now = merge(torch.cat((up(now), kept.pop()), dim=1))
        logits: Tensor = self.head(now)
        return logits


class LesionCnn(nn.Module):
    """A small 3-D CNN: (n, 1, k, j, i), the grey around a lesion, -> logits (n, 1)."""

    def __init__(self, widths: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(1, widths[0])]
        for before, after in pairwise(widths):
            layers += [_convolution(before, after, stride=2), _convolution(after, after)]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, view: Tensor) -> Tensor:
        """Return logits (n, 1)."""
        features: Tensor = self.features(view)
        pooled = torch.cat((features.mean(dim=(2, 3, 4)), features.amax(dim=(2, 3, 4))), dim=1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


ARCHITECTURES: dict[str, Architecture] = {
    one.key: one
    for one in (
        Architecture(
            "unet3d",
            "3-D U-Net",
            "Cicek et al. 2016, arXiv 1606.06650; strided convolutions, batch normalisation",
            lambda options: UNet3d(widths_of(options, "8 24 48 96")),
        ),
        Architecture(
            "lesion_cnn",
            "CNN on a lesion's box",
            "VGG-like (Simonyan and Zisserman 2015, arXiv 1409.1556) in 3-D",
            lambda options: LesionCnn(
                widths_of(options, "8 16 32 48"), float(options.get("dropout", 0.2))
            ),
        ),
        Architecture(
            "image_cnn",
            "Small residual CNNs on a picture",
            "He et al. 2016, arXiv 1512.03385; distance of features: Lee et al. 2018, 1807.03888",
            lambda options: image_ensemble(options, widths_of(options, "16 32 64")),
        ),
        Architecture(
            "unet2d",
            "2-D U-Net",
            "Ronneberger et al. 2015, arXiv 1505.04597; strided convolutions, batch normalisation",
            lambda options: unet2d(options, widths_of(options, "16 32 64")),
        ),
        Architecture(
            "volume_unet",
            "3-D U-Net of several channels or classes",
            "Cicek et al. 2016, arXiv 1606.06650; bridges = 0: FCN, Long et al. 2015, 1411.4038",
            lambda options: volume_unet(options, widths_of(options, "8 16 32 64")),
        ),
        Architecture("meshnet", "MeshNet", "Fedorov et al. 2017, arXiv 1612.00940", meshnet),
        Architecture(
            "nnunet",
            "nnU-Net v2, plain or residual encoder",
            "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z; 2024, arXiv 2404.09556",
            nnunet,
        ),
        Architecture(
            "monai_unet",
            "UNet as MONAI builds it",
            "Kerfoot et al. 2019, doi:10.1007/978-3-030-12029-0_40",
            monai_unet,
        ),
        Architecture("segresnet", "SegResNet", "Myronenko 2019, arXiv 1810.11654", segresnet),
        Architecture(
            "torchvision",
            "ResNet or DenseNet as torchvision names its parts",
            "He et al. 2016, arXiv 1512.03385; Huang et al. 2017, arXiv 1608.06993",
            torchvision_classifier,
        ),
    )
}


def built(key: str, options: Mapping[str, Any]) -> nn.Module:
    """Return the network called ``key`` with random weights.

    Raises
    ------
    Damaged
        There is no such architecture.
    """
    found = ARCHITECTURES.get(key) or provided(key)
    if found is None:
        raise Damaged(
            f"The card names an architecture that is not known here: {key}.",
            remedy="Update Negatoscope, or install the network again.",
        )
    module: nn.Module = found.build(options)
    return module
