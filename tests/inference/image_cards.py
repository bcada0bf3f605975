"""Cards of image networks, and predictors that tests know by heart."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.inference.cards_for_tests import A_CARD
from viewer.domain.card import NetworkCard

AN_IMAGE_CARD = replace(
    A_CARD,
    key="toy_images",
    title="Toy classifier",
    task="classify",
    reads="image",
    architecture="image_cnn",
    modality="CR DX",
    tile_kji=(1, 16, 16),
    classes=("normal", "ill"),
    options=(("members", 2), ("temperature", 1.0), ("widths", "4 8")),
)


def an_image_card(**changes: Any) -> NetworkCard:
    """Return the toy classifier's card; ``options`` come beside those that it has."""
    options = {**dict(AN_IMAGE_CARD.options), **changes.pop("options", {})}
    return replace(AN_IMAGE_CARD, options=tuple(sorted(options.items())), **changes)


class GreenPredictor:
    """Sees a vessel wherever the first channel is below ``at``; remembers what it was shown."""

    device = "test"

    def __init__(self, at: float = 0.0) -> None:
        self.at = at
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits (n, 1, rows, columns)."""
        self.shapes.append(batch.shape)
        return np.asarray((self.at - batch[:, :1]) * 20, dtype=np.float32)


def a_fundus(
    rows: int, columns: int, width: int = 4
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a picture (rows, columns, 3) of a bright disc with dark lines, and the lines' mask."""
    y, x = np.mgrid[:rows, :columns]
    radius = 0.46 * min(rows, columns)
    disc = (y - rows / 2) ** 2 + (x - columns / 2) ** 2 < radius**2
    lines = disc & ((x % (width * 10)) < width)
    colour = np.zeros((rows, columns, 3), dtype=np.uint8)
    colour[disc] = (200, 120, 60)
    colour[lines] = (150, 60, 40)
    return colour, lines


def inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what of a mask lies well inside such a disc: its rim is dark without a vessel."""
    rows, columns = mask.shape
    y, x = np.mgrid[:rows, :columns]
    disc = (y - rows / 2) ** 2 + (x - columns / 2) ** 2 < (0.38 * min(rows, columns)) ** 2
    return np.asarray(mask & disc)
