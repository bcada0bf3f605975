"""Edits of voxels: brush, polygon, anything that changes labels in a block."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.segmentation import Labels, Segmentation
from viewer.errors import InputRefused
from viewer.session.edit import Edit, Touched
from viewer.session.edits_segmentation import mutable, touched
from viewer.session.packed import Difference, Shape, blocks
from viewer.session.state import State


class MaskBlock(Protocol):
    """A mask (k, j, i) and where it begins: ``viewer.imaging.rasterise.Block``."""

    @property
    def start_kji(self) -> Shape:
        """The first voxel of the block."""

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which voxels are meant."""


@dataclass(frozen=True, slots=True)
class PaintLabels:
    """Labels changed in one block; its own inverse."""

    segmentation_uid: str
    difference: Difference
    name: str

    def apply(self, state: State) -> tuple[State, Edit]:
        """Change the labels in place; Conflict for a network's result or one that is gone."""
        owner = mutable(state.segmentation(self.segmentation_uid))
        self.difference.change(owner.labels)
        return state, self

    def touches(self, state: State) -> Touched:
        """Return the segmentation and the block."""
        return touched(self.segmentation_uid, state, self.difference)


def paint(
    segmentation: Segmentation,
    block: MaskBlock,
    number: int,
    *,
    erase: bool = False,
    name: str,
    only_over: Collection[int] | None = None,
) -> PaintLabels | None:
    """Return the edit that gives the voxels of ``block`` to a segment; None if nothing changes.

    Parameters
    ----------
    erase
        Take the voxels from the segment instead; those of other segments stay.
    only_over
        Labels that may be painted over (0 is background); None: all.

    Raises
    ------
    Conflict
        A network made the segmentation.
    InputRefused
        There is no such segment, or the block lies outside.
    """
    mutable(segmentation).segment(number)
    before = _before(segmentation, block)
    meant = block.mask
    if erase:
        meant = meant & (before == number)
    elif only_over is not None:
        allowed = np.array(sorted({*only_over, number}), dtype=np.uint8)
        meant = meant & np.isin(before, allowed)
    after = np.where(meant, np.uint8(0 if erase else number), before)
    return _edit(segmentation, block, before, after, name)


def replace_segment_mask(
    segmentation: Segmentation, block: MaskBlock, number: int, *, name: str
) -> PaintLabels | None:
    """Return the edit after which the segment holds in this block exactly ``block.mask``.

    Voxels that it loses become background. None if nothing changes; raises as ``paint``.
    """
    mutable(segmentation).segment(number)
    before = _before(segmentation, block)
    rest = np.where(before == number, np.uint8(0), before)
    return _edit(segmentation, block, before, np.where(block.mask, np.uint8(number), rest), name)


def replace_labels(segmentation: Segmentation, labels: Labels, *, name: str) -> PaintLabels | None:
    """Return the edit after which the labels are ``labels`` (k, j, i); None if they are already."""
    mutable(segmentation)
    if labels.shape != segmentation.labels.shape or labels.dtype != np.uint8:
        raise InputRefused("Labels must be uint8 and fit their grid.", where=segmentation.name)
    difference = Difference.between((0, 0, 0), segmentation.labels, labels)
    return None if difference is None else PaintLabels(segmentation.uid, difference, name)


def _before(segmentation: Segmentation, block: MaskBlock) -> Labels:
    shape = segmentation.labels.shape
    stop = tuple(a + n for a, n in zip(block.start_kji, block.mask.shape, strict=True))
    if min(block.start_kji) < 0 or any(b > n for b, n in zip(stop, shape, strict=True)):
        raise InputRefused("The block lies outside the segmentation.", where=segmentation.name)
    return segmentation.labels[blocks(block.start_kji, (stop[0], stop[1], stop[2]))]


def _edit(
    segmentation: Segmentation, block: MaskBlock, before: Labels, after: Labels, name: str
) -> PaintLabels | None:
    difference = Difference.between(block.start_kji, before, after.astype(np.uint8, copy=False))
    return None if difference is None else PaintLabels(segmentation.uid, difference, name)
