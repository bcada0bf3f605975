"""Two networks that MONAI bundles name most, rebuilt: UNet and SegResNet.

UNet: Kerfoot et al. 2019, doi:10.1007/978-3-030-12029-0_40; SegResNet: Myronenko 2019, arXiv
1810.11654. Parts are named as MONAI names them, so that its state dicts fit; MONAI is not needed.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from viewer.errors import Damaged
from viewer.inference.worker.option_lists import choice, numbers
from viewer.inference.worker.volume_networks import count

NORMS = ("instance", "instance_affine", "batch", "group")
BENDS = ("prelu", "relu", "leakyrelu", "elu", "gelu")


class Parts:
    """Makes the layers of one network: of how many axes, how normed, how bent."""

    def __init__(self, options: Mapping[str, Any], norm: str, bend: str) -> None:
        self.n_axes = count(options, "axes_n", 3, 3)
        if self.n_axes not in (2, 3):
            raise Damaged("The network's card names axes that make no sense.")
        self._norm = choice(options, "norm_layer", (norm, *NORMS))
        self._bend = choice(options, "bend", (bend, *BENDS))
        self._groups = count(options, "groups", 8, 64)

    def convolution(self, before: int, after: int, side: int, **more: Any) -> nn.Module:
        """Return a convolution that keeps the size (divided by its stride)."""
        kind = nn.Conv2d if self.n_axes == 2 else nn.Conv3d
        return kind(before, after, side, padding=(side - 1) // 2, **more)

    def transposed(self, before: int, after: int, side: int, stride: int, bias: bool) -> nn.Module:
        """Return a transposed convolution that multiplies the size by ``stride``."""
        kind = nn.ConvTranspose2d if self.n_axes == 2 else nn.ConvTranspose3d
        around = (side - 1) // 2
        return kind(
            before, after, side, stride, padding=around, output_padding=stride - 1, bias=bias
        )

    def norm(self, n: int) -> nn.Module:
        """Return a normalisation of ``n`` channels."""
        if self._norm == "batch":
            return nn.BatchNorm2d(n) if self.n_axes == 2 else nn.BatchNorm3d(n)
        if self._norm == "group":
            if n % self._groups:
                raise Damaged("The network's card names groups that do not divide its channels.")
            return nn.GroupNorm(self._groups, n)
        affine = self._norm == "instance_affine"
        return (nn.InstanceNorm2d if self.n_axes == 2 else nn.InstanceNorm3d)(n, affine=affine)

    def bend(self) -> nn.Module:
        """Return what makes it more than linear."""
        kinds: dict[str, type[nn.Module]] = {
            "prelu": nn.PReLU, "relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "elu": nn.ELU,
            "gelu": nn.GELU,
        }  # fmt: skip
        return kinds[self._bend]()

    def unit(self, conv: nn.Module, n: int, *, alone: bool = False) -> nn.Sequential:
        """Return ``conv``, and after it norm and bend unless ``alone``."""
        parts: list[tuple[str, nn.Module]] = [("conv", conv)]
        if not alone:
            after = OrderedDict([("N", self.norm(n)), ("A", self.bend())])
            parts.append(("adn", nn.Sequential(after)))
        return nn.Sequential(OrderedDict(parts))


class _ResidualUnit(nn.Module):
    def __init__(  # noqa: PLR0913 - what such a unit has
        self,
        parts: Parts,
        before: int,
        after: int,
        side: int,
        stride: int,
        *,
        n: int,
        bias: bool,
        last_alone: bool = False,
    ) -> None:
        super().__init__()
        units: list[tuple[str, nn.Module]] = []
        for at in range(n):
            conv = parts.convolution(
                before if at == 0 else after,
                after,
                side,
                stride=stride if at == 0 else 1,
                bias=bias,
            )
            alone = last_alone and at == n - 1
            units.append((f"unit{at}", parts.unit(conv, after, alone=alone)))
        self.conv = nn.Sequential(OrderedDict(units))
        self.residual: nn.Module = nn.Identity()
        if stride != 1:
            self.residual = parts.convolution(before, after, side, stride=stride, bias=bias)
        elif before != after:
            self.residual = parts.convolution(before, after, 1, bias=bias)

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        inner: Tensor = self.conv(now)
        around: Tensor = self.residual(now)
        return inner + around


class _Beside(nn.Module):
    """Runs what is deeper, and lays its answer beside what went in."""

    def __init__(self, submodule: nn.Module) -> None:
        super().__init__()
        self.submodule = submodule

    def forward(self, now: Tensor) -> Tensor:
        """Return both, along the channels."""
        return torch.cat((now, self.submodule(now)), dim=1)


class MonaiUNet(nn.Module):
    """(n, channels, axes...) -> logits of the same size; sides divide by the strides' product."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self._parts = Parts(options, "instance", "prelu")
        self._side = count(options, "kernel", 3, 7)
        self._side_up = count(options, "kernel_up", 3, 7)
        self._n = int(options.get("residual_units", 0))
        self._bias = bool(int(options.get("bias", 1)))
        features = numbers(options, "features", "8 16 32")
        strides = numbers(options, "strides", "2 2")
        even = self._side % 2 == 0 or self._side_up % 2 == 0
        if len(features) < 2 or len(strides) != len(features) - 1 or even or not 0 <= self._n <= 8:
            raise Damaged("The network's card describes levels that do not fit together.")
        channels, outputs = count(options, "channels", 1, 64), count(options, "outputs", 2, 256)
        self.model = self._level(channels, outputs, features, strides, is_top=True)

    def _level(
        self,
        before: int,
        after: int,
        features: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        is_top: bool,
    ) -> nn.Sequential:
        here, stride = features[0], strides[0]
        if len(features) > 2:
            inner: nn.Module = self._level(here, here, features[1:], strides[1:], is_top=False)
            joined = 2 * here
        else:
            inner = self._down(here, features[1], 1)
            joined = here + features[1]
        down = self._down(before, here, stride)
        return nn.Sequential(down, _Beside(inner), self._up(joined, after, stride, is_top=is_top))

    def _down(self, before: int, after: int, stride: int) -> nn.Module:
        parts, side, bias = self._parts, self._side, self._bias
        if self._n:
            return _ResidualUnit(parts, before, after, side, stride, n=self._n, bias=bias)
        conv = parts.convolution(before, after, side, stride=stride, bias=bias)
        return parts.unit(conv, after)

    def _up(self, before: int, after: int, stride: int, *, is_top: bool) -> nn.Module:
        parts = self._parts
        conv = parts.transposed(before, after, self._side_up, stride, self._bias)
        unit = parts.unit(conv, after, alone=is_top and not self._n)
        if not self._n:
            return unit
        more = _ResidualUnit(
            parts, after, after, self._side, 1, n=1, bias=self._bias, last_alone=is_top
        )
        return nn.Sequential(unit, more)

    def forward(self, seen: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.model(seen)
        return logits


class _Block(nn.Module):
    """Norm, bend, convolution, twice, and a way around."""

    def __init__(self, parts: Parts, n: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = parts.norm(n), parts.norm(n)
        self.bend = parts.bend()
        self.conv1 = parts.unit(parts.convolution(n, n, 3, bias=False), n, alone=True)
        self.conv2 = parts.unit(parts.convolution(n, n, 3, bias=False), n, alone=True)

    def forward(self, now: Tensor) -> Tensor:
        """Return features."""
        inner = self.conv1(self.bend(self.norm1(now)))
        found: Tensor = self.conv2(self.bend(self.norm2(inner))) + now
        return found


class SegResNet(nn.Module):
    """(n, channels, axes...) -> logits of the same size; sides divide by 2 a level."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        parts = Parts(options, "group", "relu")
        first = count(options, "filters", 8, 512)
        down = numbers(options, "blocks", "1 2 2 4")
        up = numbers(options, "blocks_up", "1 1 1")
        if len(up) != len(down) - 1:
            raise Damaged("The network's card describes levels that do not fit together.")
        channels, outputs = count(options, "channels", 1, 64), count(options, "outputs", 2, 256)
        entry = parts.convolution(channels, first, 3, bias=False)
        self.convInit = parts.unit(entry, first, alone=True)
        self.down_layers = nn.ModuleList(
            self._stage(parts, first * 2**level, level, n) for level, n in enumerate(down)
        )
        fine = [first * 2 ** (len(up) - 1 - at) for at in range(len(up))]
        self.up_layers = nn.ModuleList(
            nn.Sequential(*(_Block(parts, width) for _ in range(n)))
            for width, n in zip(fine, up, strict=True)
        )
        self.up_samples = nn.ModuleList(
            nn.Sequential(
                parts.unit(parts.convolution(2 * width, width, 1, bias=False), width, alone=True)
            )
            for width in fine
        )
        head = parts.unit(parts.convolution(first, outputs, 1, bias=True), outputs, alone=True)
        self.conv_final = nn.Sequential(parts.norm(first), parts.bend(), head)
        self._how = "bilinear" if parts.n_axes == 2 else "trilinear"

    @staticmethod
    def _stage(parts: Parts, width: int, level: int, n: int) -> nn.Sequential:
        before: nn.Module = nn.Identity()
        if level:
            conv = parts.convolution(width // 2, width, 3, stride=2, bias=False)
            before = parts.unit(conv, width, alone=True)
        return nn.Sequential(before, *(_Block(parts, width) for _ in range(n)))

    def forward(self, seen: Tensor) -> Tensor:
        """Return logits."""
        now: Tensor = self.convInit(seen)
        kept = []
        for stage in self.down_layers:
            now = stage(now)
            kept.append(now)
        for at, (narrow, stage) in enumerate(
            zip(self.up_samples, self.up_layers, strict=True), start=2
        ):
            larger = nn.functional.interpolate(
                narrow(now), scale_factor=2.0, mode=self._how, align_corners=False
            )
            now = stage(larger + kept[-at])
        logits: Tensor = self.conv_final(now)
        return logits


def monai_unet(options: Mapping[str, Any]) -> nn.Module:
    """Return the UNet that a card's options describe."""
    return MonaiUNet(options)


def segresnet(options: Mapping[str, Any]) -> nn.Module:
    """Return the SegResNet that a card's options describe."""
    return SegResNet(options)
