"""Varied views of labelled tracer volumes: turned, scaled, mirrored, with prompts as readers give."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viewer.inference.volume_input import (
    CLICK_SIGMA_MM,
    box_of_indices,
    clicks_at_indices,
    tracer_channels,
)

_MOST_POINTS = 4000
_USUAL_MARGIN_MM = 20.0
_MARGINS_MM = (4.0, 32.0)

Floats = NDArray[np.float64]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Case:
    """A volume (2, k, j, i) of uptake and share of lesion, and the voxels (n, 3) of the lesion."""

    volume: Tensor
    lesion_kji: Floats

    @classmethod
    def of(cls, suv: NDArray[np.float32], mask: NDArray[np.uint8]) -> "Case":
        """Return the case of an uptake and of a mask as 0..255."""
        share = np.asarray(mask, dtype=np.float32) / np.float32(255)
        voxels = np.argwhere(share >= 0.5).astype(np.float64)
        stacked = np.stack((np.array(suv, dtype=np.float32), share))
        return cls(torch.from_numpy(stacked), voxels)


class TracerPatches:
    """Random patches of cases: a third without a prompt, half with a box, the rest with clicks.

    Deterministic for a seed.
    """

    def __init__(self, cases: list[Case], plan: Mapping[str, Any]) -> None:
        self._cases = cases
        self._random = np.random.default_rng(int(plan["seed"]))
        k, j, i = (int(n) for n in plan["patch_kji"])
        self._patch: Shape = (k, j, i)
        self._spacing_mm = float(plan["spacing_mm"])
        self._order: list[int] = []

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Return inputs (n, 4, k, j, i) and targets (n, 1, k, j, i) in 0..1."""
        pairs = [self._one() for _ in range(n)]
        inputs, targets = zip(*pairs, strict=True)
        return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(targets))

    def _one(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if not self._order:
            self._order = self._random.permutation(len(self._cases)).tolist()
        case = self._cases[self._order.pop()]
        matrix, centre = self._placement(case)
        suv, share = _sampled(case.volume, matrix, centre, self._patch)
        middle = (np.array(self._patch) - 1) / 2
        lesion = (case.lesion_kji - centre) @ np.linalg.inv(matrix).T + middle
        suv, share = self._cut(suv, share, lesion)
        suv = self._varied(suv, share)
        box, clicks = self._prompt(lesion)
        return tracer_channels(suv, box, clicks), share[None]

    def _placement(self, case: Case) -> tuple[Floats, Floats]:
        """Return the matrix and the centre that take a patch's index to the case's."""
        draw = self._random
        angles = draw.normal(0.0, 0.15, 3)
        turn = _rotation(angles)
        scale = np.exp(draw.normal(0.0, 0.12)) * np.exp(draw.normal(0.0, 0.06, 3))
        flip = np.where(draw.random(3) < 0.5, -1.0, 1.0)
        matrix = turn * (scale * flip)[None, :]
        shape = np.array(case.volume.shape[1:], dtype=np.float64)
        if draw.random() < 0.85 and len(case.lesion_kji):
            low, high = case.lesion_kji.min(axis=0), case.lesion_kji.max(axis=0)
            centre = (low + high) / 2 + draw.uniform(-0.5, 0.5, 3) * (high - low + 12)
        else:
            centre = draw.uniform(0.15, 0.85, 3) * shape
        return matrix, centre

    def _cut(
        self, suv: NDArray[np.float32], share: NDArray[np.float32], lesion: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Empty what lies beyond planes near the lesion, so that rims of crops teach nothing."""
        if self._random.random() > 0.4 or not len(lesion):
            return suv, share
        reach = 60.0 / self._spacing_mm
        low = lesion.min(axis=0) - self._random.uniform(0.5, reach, 3)
        high = lesion.max(axis=0) + self._random.uniform(0.5, reach, 3)
        kept = box_of_indices(self._patch, low, high)
        return suv * kept, share * kept

    def _varied(self, suv: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the uptake under another dose, contrast, blur and noise."""
        draw = self._random
        if draw.random() < 0.3:
            suv = suv * (1 + share * (np.exp(draw.normal(0.0, 0.3)) - 1)).astype(np.float32)
        if draw.random() < 0.25:
            blurred = torch.nn.functional.avg_pool3d(torch.from_numpy(suv)[None], 3, 1, 1)[
                0
            ].numpy()
            suv = suv + np.float32(draw.uniform(0.3, 1.0)) * (blurred - suv)
        gain = np.float32(np.exp(draw.normal(0.0, 0.2)))
        power = np.float32(np.exp(draw.normal(0.0, 0.08)))
        noise = draw.standard_normal(suv.shape, dtype=np.float32) * np.float32(draw.random() * 0.12)
        return np.asarray(np.maximum(suv, 0.0) ** power * gain * (1 + noise), dtype=np.float32)

    def _prompt(self, lesion: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the channels of a box and of clicks, in the patch's own indices."""
        nothing = np.zeros(self._patch, dtype=np.float32)
        draw = self._random
        kind = draw.random()
        if kind < 0.3 or not len(lesion):
            return nothing, nothing
        box, clicks = nothing, nothing
        if kind < 0.8:
            margin = np.full((2, 3), _USUAL_MARGIN_MM)
            if draw.random() < 0.6:
                margin = draw.uniform(*_MARGINS_MM, (2, 3))
            low = lesion.min(axis=0) - margin[0] / self._spacing_mm
            high = lesion.max(axis=0) + margin[1] / self._spacing_mm
            box = box_of_indices(self._patch, low, high)
        if kind >= 0.75:
            points = lesion[draw.integers(0, len(lesion), int(draw.integers(1, 4)))]
            # A reader aims at the middle more often than at the rim.
            points = points + (lesion.mean(axis=0) - points) * draw.random((len(points), 1))
            sigma = np.full(3, CLICK_SIGMA_MM / self._spacing_mm)
            clicks = clicks_at_indices(self._patch, points, sigma)
        return box, clicks


def _rotation(angles: Floats) -> Floats:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def _sampled(
    volume: Tensor, matrix: Floats, centre: Floats, patch: Shape
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both channels at ``matrix @ (index - middle) + centre``; 0 outside the volume."""
    middle = (np.array(patch) - 1) / 2
    steps = [torch.arange(n, dtype=torch.float32) for n in patch]
    index = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)
    at = (index - torch.tensor(middle, dtype=torch.float32)) @ torch.tensor(
        matrix.T, dtype=torch.float32
    ) + torch.tensor(centre, dtype=torch.float32)
    size = torch.tensor(volume.shape[1:], dtype=torch.float32)
    normal = (2 * at / (size - 1).clamp(min=1) - 1).flip(-1)[None]
    found = torch.nn.functional.grid_sample(volume[None], normal, align_corners=True)[0].numpy()
    return found[0], found[1]
