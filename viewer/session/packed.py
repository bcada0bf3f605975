"""Label blocks, compressed: what an edit carries and the journal stores."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import zstandard
from numpy.typing import NDArray

from viewer.domain.segmentation import Labels
from viewer.errors import Damaged

Shape = tuple[int, int, int]
_LEVEL = 1  # performance.md 9: a stroke's block in 0.014 ms, 31 MB of labels in 31 ms
# A frame names its size before it is unpacked; a session file may come from anywhere.
_MAX_VOXELS = 2**33


@dataclass(frozen=True, slots=True)
class Packed:
    """A uint8 array (k, j, i) as a zstd frame."""

    shape_kji: Shape
    data: bytes

    @classmethod
    def of(cls, labels: Labels) -> Self:
        """Compress ``labels`` (k, j, i)."""
        k, j, i = labels.shape
        whole = np.ascontiguousarray(labels)
        return cls((k, j, i), zstandard.ZstdCompressor(level=_LEVEL).compress(whole.data))

    def unpack(self) -> Labels:
        """Return the array, new and writable.

        Raises
        ------
        Damaged
            The frame is broken, or of another size than the shape says.
        """
        n_voxels = int(np.prod(self.shape_kji, dtype=np.int64))
        try:
            size = zstandard.get_frame_parameters(self.data).content_size
            fits = min(self.shape_kji) > 0 and size == n_voxels <= _MAX_VOXELS
            if not fits:
                raise Damaged(f"A block of labels has {size} voxels; it must have {n_voxels}.")
            labels = np.empty(self.shape_kji, dtype=np.uint8)
            with zstandard.ZstdDecompressor().stream_reader(self.data) as reader:
                n_read = reader.readinto(labels.data.cast("B"))
            if n_read != n_voxels:
                raise Damaged("A block of labels ends too early.")
        except zstandard.ZstdError as error:
            raise Damaged("A block of labels cannot be unpacked.") from error
        return labels


@dataclass(frozen=True, slots=True)
class Difference:
    """Labels before XOR labels after, in the block that starts at ``start_kji``.

    Applying it twice changes nothing: it is its own inverse.
    """

    start_kji: Shape
    bits: Packed

    @classmethod
    def between(cls, start_kji: Shape, before: Labels, after: Labels) -> Self | None:
        """Return the difference, cropped to where there is one; None when nothing differs."""
        bits = before ^ after
        box = _box(bits != 0)
        if box is None:
            return None
        a, b, c = (n + part.start for n, part in zip(start_kji, box, strict=True))
        return cls((a, b, c), Packed.of(bits[box]))

    @property
    def stop_kji(self) -> Shape:
        """The end of the block, exclusive."""
        k, j, i = (a + n for a, n in zip(self.start_kji, self.bits.shape_kji, strict=True))
        return k, j, i

    def change(self, labels: Labels) -> None:
        """Turn the labels before into those after, or back, in place.

        Raises
        ------
        Damaged
            The block does not lie in the array; nothing was changed.
        """
        bits = self.bits.unpack()
        inside = all(
            0 <= a < b <= n
            for a, b, n in zip(self.start_kji, self.stop_kji, labels.shape, strict=True)
        )
        if not inside:
            raise Damaged("A change of labels lies outside the segmentation.")
        labels[blocks(self.start_kji, self.stop_kji)] ^= bits


def blocks(start_kji: Shape, stop_kji: Shape) -> tuple[slice, slice, slice]:
    """Return the slices of the block ``[start, stop)``."""
    k, j, i = (slice(a, b) for a, b in zip(start_kji, stop_kji, strict=True))
    return k, j, i


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """Return the smallest block that holds all of ``mask`` (k, j, i); None when it is empty."""
    parts = []
    for axis in range(3):
        rest = tuple(other for other in range(3) if other != axis)
        places = np.flatnonzero(mask.any(axis=rest))
        if not places.size:
            return None
        parts.append(slice(int(places[0]), int(places[-1]) + 1))
    return parts[0], parts[1], parts[2]
