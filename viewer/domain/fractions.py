"""How much each voxel of a segment belongs to it, as it was found or read, kept beside the mask.

The mask says what belongs; the fractions say how sure a method was, or how much of a voxel is
covered. Hands change masks alone, so the two may part: where a mask was changed since, a voxel
counts as whole or as nothing, and everywhere else as what was found.
"""

import zlib
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, InputRefused

FractionKind = Literal["PROBABILITY", "OCCUPANCY"]
Levels = NDArray[np.uint8]
MOST_BYTES = 16 * 2**20  # packed; an edit that renames the segment carries them too
WHOLE = 255  # SEG keeps 8 bits (PS3.3 C.8.20.2.3): finer steps would be lost in the file
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Fractions:
    """Levels 0 to ``maximum`` in a block (k, j, i) of the segmentation's grid; outside of it 0.

    From ``at_least`` (in levels, need not be whole) on a voxel belongs to the segment. ``packed`` is
    the block as a zlib stream, so that equality is by value.
    """

    start_kji: tuple[int, int, int]
    shape_kji: tuple[int, int, int]
    packed: bytes
    at_least: float
    maximum: int = WHOLE
    kind: FractionKind = "PROBABILITY"

    def __post_init__(self) -> None:
        """Refuse what is no range of levels."""
        if not 1 <= self.maximum <= WHOLE or not 0.0 <= self.at_least <= self.maximum:
            raise InputRefused("Fractions lie between 0 and a maximum of 255 at most.")

    @classmethod
    def of(
        cls,
        levels: Levels,
        at_least: float,
        *,
        start_kji: tuple[int, int, int] = (0, 0, 0),
        maximum: int = WHOLE,
        kind: FractionKind = "PROBABILITY",
    ) -> Self | None:
        """Return the levels (k, j, i), cropped to what is above 0; None where nothing is."""
        box = []
        for axis in range(3):
            rest = tuple(other for other in range(3) if other != axis)
            places = np.flatnonzero(levels.any(axis=rest))
            if not places.size:
                return None
            box.append(slice(int(places[0]), int(places[-1]) + 1))
        block = np.ascontiguousarray(levels[tuple(box)])
        a, b, c = (n + part.start for n, part in zip(start_kji, box, strict=True))
        k, j, i = block.shape
        packed = zlib.compress(block.tobytes(), _LEVEL)
        return cls((a, b, c), (k, j, i), packed, at_least, maximum, kind)

    @property
    def block(self) -> tuple[slice, slice, slice]:
        """Where the levels lie in the grid."""
        k, j, i = (slice(a, a + n) for a, n in zip(self.start_kji, self.shape_kji, strict=True))
        return k, j, i

    def levels(self) -> Levels:
        """Return the block (k, j, i) as it was kept.

        Raises
        ------
        Damaged
            The stream is broken, or of another size than the shape says.
        """
        n_voxels = int(np.prod(self.shape_kji, dtype=np.int64))
        try:
            unpacker = zlib.decompressobj()
            data = unpacker.decompress(self.packed, n_voxels + 1)
        except zlib.error as error:
            raise Damaged("Fractions of a segment cannot be unpacked.") from error
        if len(data) != n_voxels:
            raise Damaged("Fractions of a segment are of another size than they say.")
        return np.frombuffer(data, dtype=np.uint8).reshape(self.shape_kji)

    def on(self, mask: NDArray[np.bool_]) -> Levels:
        """Return levels on the whole grid for the segment's mask (k, j, i) as it is now.

        As found where mask and level agree; ``maximum`` where a voxel was added since, 0 where one
        was taken away.
        """
        inside = all(
            part.start >= 0 and part.stop <= n
            for part, n in zip(self.block, mask.shape, strict=True)
        )
        if not inside:
            raise Damaged("Fractions of a segment lie outside the segmentation.")
        told = whole_levels(mask, self.maximum)
        found, part = self.levels(), mask[self.block]
        agrees = (found >= self.at_least) == part
        told[self.block] = np.where(agrees, found, told[self.block])
        return told


def whole_levels(mask: NDArray[np.bool_], maximum: int = WHOLE) -> Levels:
    """Return levels of a mask without fractions: all or nothing."""
    return np.where(mask, np.uint8(maximum), np.uint8(0))


def levels_of_membership(
    membership: NDArray[np.float32], mask: NDArray[np.bool_], at_least: float
) -> Levels:
    """Return memberships (0 to 1) in 255ths, never on the other side of ``at_least`` than ``mask``.

    Rounding moves a value by half a level at most; one that would cross ``at_least`` by it stays on
    its own side, one level away at most. What ``mask`` leaves out although it belongs (a limit of
    the method) becomes 0.
    """
    levels = np.rint(np.clip(membership, 0.0, 1.0) * WHOLE).astype(np.uint8)
    edge = at_least * WHOLE
    above, below = np.uint8(int(np.ceil(edge))), np.uint8(max(int(np.ceil(edge)) - 1, 0))
    levels = np.where(mask, np.maximum(levels, above), levels)
    crossed = ~mask & (levels >= edge)
    rounded = crossed & (membership <= at_least)
    return np.where(crossed, np.where(rounded, below, np.uint8(0)), levels).astype(np.uint8)
