"""Edits of voxels: brush, polygon, anything that changes labels in a block."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.segmentation import (
    OPERATION,
    Labels,
    Origin,
    OriginKind,
    Segment,
    Segmentation,
)
from viewer.errors import Conflict, InputRefused
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


BY_HAND = Origin(OriginKind.HAND)
Steps = tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class PaintLabels:
    """Labels changed in one block; its own inverse.

    ``steps`` are the records of segments (number, all steps) that this change makes longer; none
    for a stroke that follows another one: hands are recorded once in a row.
    """

    segmentation_uid: str
    difference: Difference
    name: str
    steps: tuple[tuple[int, Steps], ...] = ()

    def apply(self, state: State) -> tuple[State, Edit]:
        """Change the labels in place; Conflict for a network's result or one that is gone."""
        owner = mutable(state.segmentation(self.segmentation_uid))
        told = dict(self.steps)
        before = tuple((number, owner.segment(number).steps) for number in told)
        self.difference.change(owner.labels)
        if not told:
            return state, self
        segments = tuple(
            replace(s, steps=told[s.number]) if s.number in told else s for s in owner.segments
        )
        after = state.with_segmentation(replace(owner, segments=segments))
        return after, replace(self, steps=before)

    def touches(self, state: State) -> Touched:
        """Return the segmentation and the block."""
        return touched(self.segmentation_uid, state, self.difference)


def paint(  # noqa: PLR0913 - what is painted, where, how, and by whom
    segmentation: Segmentation,
    block: MaskBlock,
    number: int,
    *,
    erase: bool = False,
    name: str,
    only_over: Collection[int] | None = None,
    by: Origin = BY_HAND,
) -> PaintLabels | None:
    """Return the edit that gives the voxels of ``block`` to a segment; None if nothing changes.

    Parameters
    ----------
    erase
        Take the voxels from the segment instead; those of other segments stay.
    only_over
        Labels that may be painted over (0 is background); None: all.
    by
        Who does it; it is added to the segment's steps.

    Voxels of a locked segment stay as they are.

    Raises
    ------
    Conflict
        A network made the segmentation, or the segment is locked.
    InputRefused
        There is no such segment, or the block lies outside.
    """
    unlocked(segmentation, number)
    before = _before(segmentation, block)
    meant = block.mask
    if erase:
        meant = meant & (before == number)
    elif only_over is not None:
        allowed = np.array(sorted({*only_over, number}), dtype=np.uint8)
        meant = meant & np.isin(before, allowed)
    after = np.where(meant, np.uint8(0 if erase else number), before)
    return _edit(segmentation, block, before, after, name, (number, by))


def replace_segment_mask(
    segmentation: Segmentation,
    block: MaskBlock,
    number: int,
    *,
    name: str,
    only_over: Collection[int] | None = None,
    by: Origin = BY_HAND,
) -> PaintLabels | None:
    """Return the edit after which the segment holds in this block exactly ``block.mask``.

    Voxels that it loses become background. Those of locked segments, and with ``only_over`` those
    of labels that are not listed, stay as they are. None if nothing changes; raises as ``paint``.
    """
    unlocked(segmentation, number)
    before = _before(segmentation, block)
    meant = block.mask
    if only_over is not None:
        meant = meant & np.isin(before, np.array(sorted({*only_over, number}), dtype=np.uint8))
    rest = np.where(before == number, np.uint8(0), before)
    after = np.where(meant, np.uint8(number), rest)
    return _edit(segmentation, block, before, after, name, (number, by))


def replace_labels(
    segmentation: Segmentation, labels: Labels, *, name: str, by: Origin = BY_HAND
) -> PaintLabels | None:
    """Return the edit after which the labels are ``labels`` (k, j, i); None if they are already.

    Locked segments neither lose nor win a voxel. Each segment that changes gets the step ``by``.
    """
    mutable(segmentation)
    if labels.shape != segmentation.labels.shape or labels.dtype != np.uint8:
        raise InputRefused("Labels must be uint8 and fit their grid.", where=segmentation.name)
    kept = _locks_kept(segmentation, segmentation.labels, labels)
    difference = Difference.between((0, 0, 0), segmentation.labels, kept)
    if difference is None:
        return None
    differs = segmentation.labels != kept
    numbers = np.union1d(segmentation.labels[differs], kept[differs]).tolist()
    steps = _longer((s for s in segmentation.segments if s.number in numbers), by)
    return PaintLabels(segmentation.uid, difference, name, steps)


def operation(what: str) -> Origin:
    """Return the step of an operation on the whole segment, told in words: "grown by 3 mm"."""
    return Origin(OriginKind.METHOD, OPERATION, parameters=(("what", what),))


def _longer(segments: Iterable[Segment], by: Origin) -> tuple[tuple[int, Steps], ...]:
    """Return all steps of each segment with one more; hands that go on are no new step."""
    return tuple(
        (s.number, (*s.steps, by)) for s in segments if s.steps[-1:] != (BY_HAND,) or by != BY_HAND
    )


def may_take(over: str, segmentation: Segmentation) -> tuple[int, ...] | None:
    """Return the labels that the rule ``ToolSettings.over`` lets painting take; None: all."""
    if over == "background":
        return (0,)
    if over == "hidden":
        return (0, *(s.number for s in segmentation.segments if not s.visible))
    return None


def unlocked(segmentation: Segmentation, number: int) -> Segment:
    """Return the segment if its voxels may be changed.

    Raises
    ------
    Conflict
        A network made the segmentation, or the segment is locked.
    InputRefused
        There is no such segment.
    """
    segment = mutable(segmentation).segment(number)
    if segment.locked:
        raise Conflict(
            f"{segment.name} is locked.", where=segmentation.name, remedy="Unlock it first."
        )
    return segment


def _before(segmentation: Segmentation, block: MaskBlock) -> Labels:
    shape = segmentation.labels.shape
    stop = tuple(a + n for a, n in zip(block.start_kji, block.mask.shape, strict=True))
    if min(block.start_kji) < 0 or any(b > n for b, n in zip(stop, shape, strict=True)):
        raise InputRefused("The block lies outside the segmentation.", where=segmentation.name)
    return segmentation.labels[blocks(block.start_kji, (stop[0], stop[1], stop[2]))]


def _edit(
    segmentation: Segmentation,
    block: MaskBlock,
    before: Labels,
    after: Labels,
    name: str,
    step: tuple[int, Origin],
) -> PaintLabels | None:
    after = _locks_kept(segmentation, before, after.astype(np.uint8, copy=False))
    difference = Difference.between(block.start_kji, before, after)
    if difference is None:
        return None
    number, by = step
    return PaintLabels(
        segmentation.uid, difference, name, _longer((segmentation.segment(number),), by)
    )


def _locks_kept(segmentation: Segmentation, before: Labels, after: Labels) -> Labels:
    """Return ``after`` with everything that locked segments own, or would win, as it was before."""
    locked = [s.number for s in segmentation.segments if s.locked]
    if not locked:
        return after
    numbers = np.array(locked, dtype=np.uint8)
    return np.where(np.isin(before, numbers) | np.isin(after, numbers), before, after)
