"""The masks of a SEG gathered into label arrays, without losing overlapping voxels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.domain.segmentation import Labels
from viewer.errors import Damaged
from viewer.exchange.seg_pixels import Frame, Frames

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SliceMask = tuple[int, NDArray[np.bool_]]  # slice k, (rows, columns)


class Layers:
    """Label arrays; a segment goes wholly into the first one where it covers nothing."""

    def __init__(self, shape_kji: tuple[int, int, int]) -> None:
        self._shape_kji = shape_kji
        self.arrays: list[Labels] = [np.zeros(shape_kji, dtype=np.uint8)]
        self.layer_of: dict[int, int] = {}

    def add(self, number: int, masks: Sequence[SliceMask]) -> None:
        """Add all slices of segment ``number``."""
        layer = self._free_layer(masks)
        array = self.arrays[layer]
        for k, mask in masks:
            array[k][mask] = number
        self.layer_of[number] = layer

    def _free_layer(self, masks: Sequence[SliceMask]) -> int:
        for layer, array in enumerate(self.arrays):
            if not any((array[k][mask] != 0).any() for k, mask in masks):
                return layer
        self.arrays.append(self._new_layer())
        return len(self.arrays) - 1

    def _new_layer(self) -> Labels:
        return np.zeros(self._shape_kji, dtype=np.uint8)


def frame_masks(
    dataset: "Dataset",
    frames: Frames,
    slices: Sequence[int],
    n_slices: int,
    segments: Iterable[int],
    at_least: Mapping[int, float] | None = None,
) -> Iterator[tuple[int, list[SliceMask]]]:
    """Yield for each DICOM segment number its masks, slice by slice (empty ones are skipped).

    ``at_least``: from which level on a fraction belongs, where it is not half of the maximum.

    Raises
    ------
    Damaged
        A frame belongs to a segment that is not described.
    """
    kind = str(dataset.get("SegmentationType") or "BINARY")
    if kind == "LABELMAP":
        padding = int(dataset.get("PixelPaddingValue") or 0)
        masks = _labelmap(frames, slices, set(segments), padding)
        if padding in masks:  # the space between the frames belongs to that segment
            everywhere = np.ones((frames.rows, frames.columns), dtype=bool)
            masks[padding] += [(k, everywhere) for k in set(range(n_slices)) - set(slices)]
        yield from masks.items()
        return
    half = float(dataset.get("MaximumFractionalValue") or 255) / 2 if kind == "FRACTIONAL" else 0.5
    for number, places in frame_order(dataset, frames, slices, segments).items():
        edge = (at_least or {}).get(number, half)
        found = [(k, frames.frame(n) >= edge) for n, k in places]
        yield number, [(k, mask) for k, mask in found if mask.any()]


def frame_order(
    dataset: "Dataset", frames: Frames, slices: Sequence[int], segments: Iterable[int]
) -> dict[int, list[tuple[int, int]]]:
    """Return (frame, slice k) of each DICOM segment number; Damaged for one that is not described."""
    places: dict[int, list[tuple[int, int]]] = {number: [] for number in segments}
    for n, number in enumerate(_segment_numbers(dataset, frames.n_frames)):
        if number not in places:
            raise Damaged(f"A frame belongs to segment {number}, which is not described.")
        places[number].append((n, slices[n]))
    return places


def _segment_numbers(dataset: "Dataset", n_frames: int) -> list[int]:
    try:
        shared = dataset.get("SharedFunctionalGroupsSequence") or []
        common = (shared[0].get("SegmentIdentificationSequence") if shared else None) or []
        groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
        return [
            int((group.get("SegmentIdentificationSequence") or common)[0].ReferencedSegmentNumber)
            for group in groups[:n_frames]
        ]
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise Damaged("A frame does not say which segment it is.") from error


def _labelmap(
    frames: Frames, slices: Sequence[int], segments: set[int], padding: int
) -> dict[int, list[SliceMask]]:
    """Return the masks of a label map; every voxel has one value, so they cannot overlap.

    The padding value (PS3.3 C.8.20.2) is nothing, unless it is the number of a described segment.
    """
    masks: dict[int, list[SliceMask]] = {number: [] for number in segments}
    for n, k in enumerate(slices):
        values: Frame = frames.frame(n)
        for value in np.unique(values):
            if int(value) in masks:
                masks[int(value)].append((k, values == value))
            elif value not in (0, padding):
                raise Damaged(f"Pixels carry the number {value}, which no segment has.")
    return masks
