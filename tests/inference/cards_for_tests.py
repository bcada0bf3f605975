"""Cards and predictors that tests know by heart."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import Figure, NetworkCard
from viewer.domain.quantity import Code

A_CARD = NetworkCard(
    key="toy",
    title="Toy network",
    version="0.1",
    task="segment",
    architecture="unet3d",
    options=(("widths", "4 8"),),
    weights_sha256="0" * 64,
    modality="CT",
    spacing_ijk_mm=(2.0, 2.0, 2.0),
    tile_kji=(16, 16, 16),
    window_low=-1000.0,
    window_high=600.0,
    n_classes=2,
    concept=Code("52988006", "SCT", "Lesion"),
    trained_on='balls, "drawn"\nby a test',
    intended_use="tests",
    limits="everything \\ all",
    licence="Apache-2.0",
    figures=(Figure("Dice", 0.9, 0.85, 0.95, 12), Figure("Sensitivity", 1.0, 0.9, 1.0, 12)),
    min_volume_mm3=10.0,
)


def a_card(**changes: Any) -> NetworkCard:
    """Return the toy card with some entries replaced."""
    return replace(A_CARD, **changes)


def silent(_fraction: float, _text: str) -> None:
    """Report to nobody."""


class ThresholdPredictor:
    """Sees a lesion wherever the grey is above ``at``; remembers the tiles it was shown."""

    device = "test"

    def __init__(self, at: float = 0.5, during: Callable[[], None] | None = None) -> None:
        self.at = at
        self.shapes: list[tuple[int, ...]] = []
        self._during = during

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits that cross 0 where the grey crosses ``at``."""
        self.shapes.append(batch.shape)
        if self._during is not None:
            self._during()
        return np.asarray((batch - self.at) * 100, dtype=np.float32)


class MassPredictor:
    """A classifier that answers with the mean grey, as a logit around 0.1."""

    device = "test"

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, 1)."""
        mass = batch[:, 0].mean(axis=(1, 2, 3))
        return np.asarray((mass - 0.1)[:, None] * 10, dtype=np.float32)
