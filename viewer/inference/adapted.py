"""Networks from elsewhere behind the one interface: other axes, single slices, other ends.

What differs stands among the card's options, so that a card says all of it:

``axes``
    where the tensor's axes lead, as three letters ("RAS": first axis to the right); "SPL" if absent.
``flat``
    1: it reads pictures (channel, rows, columns), so a volume is shown to it slice by slice.
``ends``
    "probabilities" where it ends in a softmax or sigmoid; "logits" if absent.
``scale``, ``shift``
    what becomes of the window's 0..1 before the network sees it; 1 and 0 if absent.
``nonzero``
    1: mean and deviation of "standard" scaling are of the voxels that are not 0.
``whole_tile``
    1: a small scan is padded to the whole tile, as nnU-Net and MONAI do.
``divisor``
    what a tile's sides divide by; 8 if absent.
"""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.errors import Damaged
from viewer.inference.predictor import Predictor
from viewer.inference.tiling import Shape, tile_size

Floats = NDArray[np.float32]

OUR_AXES = "SPL"
_EXAMPLE_SIDE = 32
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}
_LEAST_PROBABILITY, _LEAST_DEVIATION = 1e-6, 1e-8


def axis_order(axes: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return which of our axes (k, j, i: S, P, L) each of the network's is, and which are reversed.

    Raises
    ------
    Damaged
        The letters are not one of each pair R/L, A/P, S/I.
    """
    order, reversed_axes = [], []
    for at, letter in enumerate(axes):
        if letter in OUR_AXES:
            order.append(OUR_AXES.index(letter))
        elif _OPPOSITE.get(letter, "") in OUR_AXES and letter in _OPPOSITE:
            order.append(OUR_AXES.index(_OPPOSITE[letter]))
            reversed_axes.append(at)
    if len(axes) != 3 or sorted(order) != [0, 1, 2]:
        raise Damaged(f"The network's card names axes that cannot be: {axes}.")
    first, second, third = order
    return (first, second, third), tuple(reversed_axes)


class Adapted:
    """A predictor on our axes around one on its own; see the module for the options."""

    def __init__(self, inner: Predictor, card: NetworkCard) -> None:
        options = dict(card.options)
        self._inner = inner
        self._is_flat = bool(options.get("flat", 0))
        self._order, self._reversed = axis_order(str(options.get("axes", OUR_AXES)))
        self._are_probabilities = options.get("ends", "logits") == "probabilities"

    @property
    def device(self) -> str:
        """Where it computes."""
        return self._inner.device

    def predict(self, batch: Floats) -> Floats:
        """Return logits of ``batch`` (n, channel, k, j, i), likewise."""
        order = (0, 1, *(axis + 2 for axis in self._order))
        flips = tuple(axis + 2 for axis in self._reversed)
        seen = np.flip(batch.transpose(order), flips)
        if self._is_flat:
            answer = self._inner.predict(np.ascontiguousarray(seen[:, :, 0]))[:, :, None]
        else:
            answer = self._inner.predict(np.ascontiguousarray(seen))
        if self._are_probabilities:
            answer = as_logits(answer)
        return np.ascontiguousarray(np.flip(answer, flips).transpose(np.argsort(order)))


def as_logits(probabilities: Floats) -> Floats:
    """Return logits (n, class, ...): log(p / (1 - p)) of a single class, else log p."""
    inside = np.clip(probabilities, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
    if probabilities.shape[1] == 1:
        return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float32)
    return np.asarray(np.log(inside), dtype=np.float32)


def adapted(predictor: Predictor, card: NetworkCard) -> Predictor:
    """Return ``predictor``, behind what the card's options say of it."""
    names = {name for name, _ in card.options}
    return Adapted(predictor, card) if names & {"axes", "flat", "ends"} else predictor


def own_tile(shape_kji: Shape, card: NetworkCard) -> Shape:
    """Return the tile for a volume of this shape: as large as needed, or always whole."""
    if card.option("whole_tile", 0):
        return card.tile_kji
    k, j, i = tile_size(shape_kji, card.tile_kji, int(card.option("divisor", 8)))
    return (1, j, i) if card.option("flat", 0) and card.tile_kji[0] == 1 else (k, j, i)


def example_side(card: NetworkCard) -> int:
    """Return the side of a small tile that the network takes, however often it halves."""
    # Twice what it divides by: the norm of a single voxel is refused by torch.
    return max(_EXAMPLE_SIDE, 2 * int(card.option("divisor", 8)))


def seen_spacing_ijk_mm(grid: Grid, card: NetworkCard) -> tuple[float, float, float]:
    """Return the spacing at which the network sees a scan: the card's, slices as they are if flat."""
    if not card.option("flat", 0):
        return card.spacing_ijk_mm
    along = [int(np.argmax(np.abs(grid.directions[:, axis]))) for axis in range(3)]
    slices = along.index(2) if 2 in along else 2
    left, back, _ = card.spacing_ijk_mm
    return left, back, grid.spacing_ijk_mm[slices]


def rescaled(grey: Floats, card: NetworkCard) -> Floats:
    """Return grey values 0..1 as ``scale`` and ``shift`` want them."""
    scale, shift = card.option("scale", 1.0), card.option("shift", 0.0)
    if scale == 1.0 and shift == 0.0:
        return grey
    return np.asarray(grey * np.float32(scale) + np.float32(shift), dtype=np.float32)


def standard(values: Floats, card: NetworkCard) -> Floats:
    """Return ``values`` with mean 0 and deviation 1; what is not finite becomes 0.

    With the option ``nonzero``, both are of the values that are not 0, which stay 0.
    """
    known = np.isfinite(values)
    if card.option("nonzero", 0):
        known &= values != 0
    inside = values[known].astype(np.float64)
    if not len(inside):
        return np.zeros(values.shape, dtype=np.float32)
    spread = max(float(inside.std()), _LEAST_DEVIATION)
    return np.asarray(np.where(known, (values - inside.mean()) / spread, 0.0), dtype=np.float32)
