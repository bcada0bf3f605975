"""The networks of nnU-Net v2, rebuilt from the numbers in its plans.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z; the residual encoder: Isensee et al. 2024, arXiv
2404.09556. Parts are named as in its checkpoints, so their numbers fit; no code of it is imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from viewer.errors import Damaged
from viewer.inference.worker.option_lists import choice, numbers, tuples
from viewer.inference.worker.volume_networks import count

_SLOPE = 0.01
Size = tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """How one network of the family is made; each list has an entry a stage, finest first."""

    n_axes: int
    channels: int
    outputs: int
    features: Size
    kernels: tuple[Size, ...]
    strides: tuple[Size, ...]
    blocks: Size
    blocks_up: Size
    has_bias: bool
    is_residual: bool

    @property
    def convolution(self) -> type[nn.Conv2d] | type[nn.Conv3d]:
        """The convolution along its axes."""
        return nn.Conv2d if self.n_axes == 2 else nn.Conv3d


class _Unit(nn.Module):
    """Convolution, instance norm and (unless told not to) a leaky ReLU."""

    def __init__(  # noqa: PLR0913 - what a convolution has
        self,
        shape: Shape,
        before: int,
        after: int,
        kernel: Size,
        stride: Size,
        *,
        bias: bool,
        bends: bool = True,
    ) -> None:
        super().__init__()
        padding = tuple((n - 1) // 2 for n in kernel)
        # Which convolution it is, and so how long its tuples are, is known at run time alone.
        self.conv: nn.Module = shape.convolution(
            before,
            after,
            kernel,  # type: ignore[arg-type]
            stride,  # type: ignore[arg-type]
            padding=padding,  # type: ignore[arg-type]
            bias=bias,
        )
        norm = nn.InstanceNorm2d if shape.n_axes == 2 else nn.InstanceNorm3d
        self.norm = norm(after, eps=1e-5, affine=True)
        self.bends = bends

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        normed: Tensor = self.norm(self.conv(now))
        return nn.functional.leaky_relu(normed, _SLOPE) if self.bends else normed


class _Stack(nn.Module):
    """Convolutions one after the other, the first with the stride."""

    def __init__(
        self, shape: Shape, before: int, after: int, kernel: Size, stride: Size, n: int
    ) -> None:
        super().__init__()
        plain = (1,) * shape.n_axes
        units = [_Unit(shape, before, after, kernel, stride, bias=shape.has_bias)]
        units += [
            _Unit(shape, after, after, kernel, plain, bias=shape.has_bias) for _ in range(n - 1)
        ]
        self.convs = nn.Sequential(*units)

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        found: Tensor = self.convs(now)
        return found


class _Residual(nn.Module):
    """Two convolutions and a way around them: averaging where it strides, 1 x 1 where it widens."""

    def __init__(self, shape: Shape, before: int, after: int, kernel: Size, stride: Size) -> None:
        super().__init__()
        plain = (1,) * shape.n_axes
        self.conv1 = _Unit(shape, before, after, kernel, stride, bias=shape.has_bias)
        self.conv2 = _Unit(shape, after, after, kernel, plain, bias=shape.has_bias, bends=False)
        around: list[nn.Module] = []
        if any(n > 1 for n in stride):
            pool = nn.AvgPool2d if shape.n_axes == 2 else nn.AvgPool3d
            around.append(pool(stride, stride))  # type: ignore[arg-type]
        if before != after:
            around.append(_Unit(shape, before, after, plain, plain, bias=False, bends=False))
        self.skip = nn.Sequential(*around)

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        inner: Tensor = self.conv2(self.conv1(now))
        return nn.functional.leaky_relu(inner + self.skip(now), _SLOPE)


class _Residuals(nn.Module):
    def __init__(
        self, shape: Shape, before: int, after: int, kernel: Size, stride: Size, n: int
    ) -> None:
        super().__init__()
        plain = (1,) * shape.n_axes
        blocks = [_Residual(shape, before, after, kernel, stride)]
        blocks += [_Residual(shape, after, after, kernel, plain) for _ in range(n - 1)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        found: Tensor = self.blocks(now)
        return found


class _Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        before = shape.channels
        if shape.is_residual:
            plain = (1,) * shape.n_axes
            self.stem = _Stack(shape, before, shape.features[0], shape.kernels[0], plain, 1)
            before = shape.features[0]
        stages: list[nn.Module] = []
        for after, kernel, stride, n in zip(
            shape.features, shape.kernels, shape.strides, shape.blocks, strict=True
        ):
            if shape.is_residual:
                stages.append(_Residuals(shape, before, after, kernel, stride, n))
            else:
                # In a checkpoint each plain stage is a list of one.
                stages.append(nn.Sequential(_Stack(shape, before, after, kernel, stride, n)))
            before = after
        self.stages = nn.Sequential(*stages)
        self.is_residual = shape.is_residual

    def forward(self, seen: Tensor) -> list[Tensor]:
        """Return the features of each stage, finest first."""
        now: Tensor = self.stem(seen) if self.is_residual else seen
        kept = []
        for stage in self.stages:
            now = stage(now)
            kept.append(now)
        return kept


class _Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        up = nn.ConvTranspose2d if shape.n_axes == 2 else nn.ConvTranspose3d
        plain = (1,) * shape.n_axes
        transposed: list[nn.Module] = []
        stages, heads = [], []
        for n, (coarse, fine) in enumerate(pairwise(reversed(shape.features)), start=1):
            stride = shape.strides[-n]
            transposed.append(up(coarse, fine, stride, stride, bias=shape.has_bias))  # type: ignore[arg-type]
            kernel = shape.kernels[-n - 1]
            stages.append(_Stack(shape, 2 * fine, fine, kernel, plain, shape.blocks_up[n - 1]))
            heads.append(shape.convolution(fine, shape.outputs, 1))
        self.transpconvs = nn.ModuleList(transposed)
        self.stages = nn.ModuleList(stages)
        # All but the last served training alone; they are kept, so that a checkpoint fits whole.
        self.seg_layers = nn.ModuleList(heads)

    def forward(self, kept: list[Tensor]) -> Tensor:
        """Return logits at full resolution."""
        now = kept[-1]
        for n, (up, stage) in enumerate(zip(self.transpconvs, self.stages, strict=True), start=2):
            now = stage(torch.cat((up(now), kept[-n]), dim=1))
        logits: Tensor = self.seg_layers[-1](now)
        return logits


class NnUNet(nn.Module):
    """(n, channels, [k,] j, i) -> logits (n, outputs, [k,] j, i); sides divide by the strides."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = _Encoder(shape)
        self.decoder = _Decoder(shape)

    def forward(self, seen: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.decoder(self.encoder(seen))
        return logits


def nnunet(options: Mapping[str, Any]) -> nn.Module:
    """Return the network that a card's options describe.

    Raises
    ------
    Damaged
        An option makes no sense, or two do not fit together.
    """
    n_axes = count(options, "axes_n", 3, 3)
    shape = Shape(
        n_axes=n_axes,
        channels=count(options, "channels", 1, 64),
        outputs=count(options, "outputs", 2, 256),
        features=numbers(options, "features", "8 16 32"),
        kernels=tuples(options, "kernels", "3 3 3", n_axes),
        strides=tuples(options, "strides", "1 2 2", n_axes),
        blocks=numbers(options, "blocks", "1 1 1"),
        blocks_up=numbers(options, "blocks_up", "1 1"),
        has_bias=bool(int(options.get("bias", 1))),
        is_residual=choice(options, "encoder", ("plain", "residual")) == "residual",
    )
    n = len(shape.features)
    if n_axes not in (2, 3) or n < 2 or len(shape.blocks_up) != n - 1:
        raise Damaged("The network's card describes stages that do not fit together.")
    if not len(shape.kernels) == len(shape.strides) == len(shape.blocks) == n:
        raise Damaged("The network's card describes stages that do not fit together.")
    if any(side % 2 == 0 for kernel in shape.kernels for side in kernel):
        raise Damaged("The network's card names kernels with an even side.")
    return NnUNet(shape)
