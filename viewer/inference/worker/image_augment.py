"""Pictures as they might also have come: moved, turned, brighter, noisier, blurred."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

_BLUR_REACH = 3  # pixels of the kernel on each side


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures are changed, each by an amount drawn anew.

    ``shift`` in parts of a side, ``turn_deg``, ``scale`` and ``stretch`` as +- parts of 1, ``flip_rows``
    and ``flip_columns`` as probabilities; ``brightness`` and ``noise`` in the unit of the picture's
    values, ``contrast`` and ``gamma`` as +- parts of 1, ``blur_px`` the largest standard deviation,
    ``erase`` the probability of a grey rectangle, ``mix`` the parameter of mix-up's beta
    distribution (Zhang et al. 2018, arXiv 1710.09412), 0 for none.
    """

    shift: float = 0.0
    turn_deg: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    flip_rows: float = 0.0
    flip_columns: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    blur_px: float = 0.0
    erase: float = 0.0
    mix: float = 0.0

    @staticmethod
    def from_table(table: Mapping[str, Any]) -> "Augmentation":
        """Return the amounts named in ``table``; TypeError for a name that is not known."""
        known = {field.name for field in fields(Augmentation)}
        unknown = set(table) - known
        if unknown:
            raise TypeError(f"no such augmentation: {sorted(unknown)}")
        return Augmentation(**{name: float(value) for name, value in table.items()})


def _between(n: int, amount: float, random: torch.Generator) -> Tensor:
    """Return ``n`` numbers, evenly spread over -amount..amount."""
    return (torch.rand(n, generator=random) * 2 - 1) * amount


def placed(
    pictures: Tensor, masks: Tensor | None, how: Augmentation, random: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Return pictures (n, c, rows, columns) and masks moved alike; beyond the rim it is repeated."""
    n = len(pictures)
    angle = torch.deg2rad(_between(n, how.turn_deg, random))
    flips = [
        1 - 2 * (torch.rand(n, generator=random) < chance).float()
        for chance in (how.flip_columns, how.flip_rows)
    ]
    size = torch.exp(_between(n, how.scale, random))
    stretch = torch.exp(_between(n, how.stretch, random))
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = (
        torch.stack((cosine * size * stretch, -sine * size, _between(n, how.shift * 2, random)), 1),
        torch.stack((sine * size, cosine * size / stretch, _between(n, how.shift * 2, random)), 1),
    )
    affine = torch.stack((rows[0] * flips[0][:, None], rows[1] * flips[1][:, None]), dim=1)
    where = nn.functional.affine_grid(affine, list(pictures.shape), align_corners=False)

    def moved(values: Tensor) -> Tensor:
        return nn.functional.grid_sample(
            values, where, mode="bilinear", padding_mode="border", align_corners=False
        )

    return moved(pictures), None if masks is None else (moved(masks) > 0.5).float()


def shaded(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Return pictures (n, c, rows, columns) with other brightness, contrast, blur and noise.

    All channels of a picture change alike; values are expected near 0, of standard deviation near 1
    (gamma then bends them around their middle).
    """
    n = len(pictures)

    def each(amount: float) -> Tensor:
        return _between(n, amount, random)[:, None, None, None]

    now = pictures
    if how.gamma:
        low, high = now.amin(dim=(1, 2, 3), keepdim=True), now.amax(dim=(1, 2, 3), keepdim=True)
        span = (high - low).clamp_min(1e-6)
        now = ((now - low) / span).clamp(0, 1) ** torch.exp(each(how.gamma)) * span + low
    now = now * torch.exp(each(how.contrast)) + each(how.brightness)
    if how.blur_px:
        now = _blurred(now, how.blur_px, random)
    if how.noise:
        strength = torch.rand(n, generator=random)[:, None, None, None] * how.noise
        now = now + strength * torch.randn(now.shape, generator=random)
    return _erased(now, how.erase, random) if how.erase else now


def _blurred(pictures: Tensor, most_px: float, random: torch.Generator) -> Tensor:
    """Return each picture blurred by its own Gaussian of up to ``most_px``; half of them not at all."""
    n, channels = pictures.shape[:2]
    drawn = torch.rand(n, generator=random) * 2 - 1
    sigma = drawn.clamp_min(0.05) * most_px
    at = torch.arange(-_BLUR_REACH, _BLUR_REACH + 1, dtype=torch.float32)
    line = torch.exp(-0.5 * (at[None] / sigma[:, None]) ** 2)
    line = (line / line.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = pictures.reshape(1, n * channels, *pictures.shape[2:])
    reach = _BLUR_REACH
    padded = nn.functional.pad(flat, (reach, reach, reach, reach), mode="replicate")
    across = nn.functional.conv2d(padded, line[:, None, None, :], groups=n * channels)
    both = nn.functional.conv2d(across, line[:, None, :, None], groups=n * channels)
    return both.reshape(pictures.shape)


def _erased(pictures: Tensor, chance: float, random: torch.Generator) -> Tensor:
    """Return pictures of which some lack a rectangle (Zhong et al. 2020, arXiv 1708.04896)."""
    n, _, rows, columns = pictures.shape
    chosen = torch.rand(n, generator=random) < chance
    side = torch.rand(n, 2, generator=random) * 0.3 + 0.1
    corner = torch.rand(n, 2, generator=random) * (1 - side)
    row = torch.arange(rows)[None, :, None] / rows
    column = torch.arange(columns)[None, None, :] / columns
    inside = (row >= corner[:, 0, None, None]) & (row < (corner + side)[:, 0, None, None])
    inside = (
        inside & (column >= corner[:, 1, None, None]) & (column < (corner + side)[:, 1, None, None])
    )
    inside = inside & chosen[:, None, None]
    return torch.where(inside[:, None], pictures.mean(dim=(2, 3), keepdim=True), pictures)


def mixed(
    pictures: Tensor, targets: Tensor, how: Augmentation, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return pictures and their targets (n, classes), each blended with another one's."""
    if not how.mix:
        return pictures, targets
    seed = int(torch.randint(1 << 31, (1,), generator=random))
    import numpy as np

    share = torch.tensor(
        np.random.default_rng(seed).beta(how.mix, how.mix, len(pictures)), dtype=torch.float32
    )
    share = torch.maximum(share, 1 - share)
    other = torch.randperm(len(pictures), generator=random)
    keep = share[:, None]
    at = keep[:, :, None, None]
    return (
        at * pictures + (1 - at) * pictures[other],
        keep * targets + (1 - keep) * targets[other],
    )
