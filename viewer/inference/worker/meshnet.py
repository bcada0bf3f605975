"""MeshNet: a stack of dilated convolutions at full resolution (Fedorov et al. 2017, 1612.00940)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from viewer.errors import Damaged
from viewer.inference.worker.volume_networks import count

_MOST_LAYERS, _FURTHEST, _MOST_WIDTH = 64, 64, 512


class MeshNet(nn.Module):
    """(n, 1, k, j, i) -> logits (n, outputs, k, j, i), of any size.

    With ``normed``, each channel's answer has mean 0 and deviation 1 over the whole tile: such a
    network must see a head in one tile, else its answer depends on the cut.
    """

    def __init__(
        self,
        width: int,
        dilations: tuple[int, ...],
        outputs: int,
        activation: str,
        *,
        has_bias: bool,
        is_normed: bool,
    ) -> None:
        super().__init__()
        befores = [1, *[width] * (len(dilations) - 1)]
        self.layers = nn.ModuleList(
            nn.Conv3d(before, width, 3, padding=d, dilation=d, bias=has_bias)
            for before, d in zip(befores, dilations, strict=True)
        )
        self.norm = nn.InstanceNorm3d(width) if is_normed else nn.Identity()
        self.activation = {"relu": nn.ReLU, "elu": nn.ELU, "gelu": nn.GELU}[activation]()
        self.head = nn.Conv3d(width, outputs, 1)

    def forward(self, grey: Tensor) -> Tensor:
        """Return logits (n, outputs, k, j, i)."""
        now = grey
        for layer in self.layers:
            now = self.activation(self.norm(layer(now)))
        logits: Tensor = self.head(now)
        return logits


def meshnet(options: Mapping[str, Any]) -> nn.Module:
    """Return the MeshNet that a card's options describe.

    Raises
    ------
    Damaged
        An option makes no sense.
    """
    try:
        dilations = tuple(int(n) for n in str(options.get("dilations", "1 2 4 8 4 2 1")).split())
    except ValueError as error:
        raise Damaged("The network's card names dilations that are no numbers.") from error
    activation = str(options.get("activation", "relu"))
    sensible = all(1 <= n <= _FURTHEST for n in dilations) and 1 <= len(dilations) <= _MOST_LAYERS
    if not sensible or activation not in ("relu", "elu", "gelu"):
        raise Damaged("The network's card describes layers that make no sense.")
    return MeshNet(
        count(options, "width", 5, _MOST_WIDTH),
        dilations,
        count(options, "outputs", 3, 256),
        activation,
        has_bias=bool(int(options.get("bias", 1))),
        is_normed=bool(int(options.get("normed", 0))),
    )
