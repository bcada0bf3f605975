"""Edits of segmentations and their segments. What a network made keeps its voxels for ever."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from viewer.domain.fractions import Fractions
from viewer.domain.geometry import Grid
from viewer.domain.measurement import Review
from viewer.domain.segmentation import Labels, Origin, OriginKind, Segment, Segmentation
from viewer.errors import Conflict, InputRefused
from viewer.session.edit import Edit, Touched
from viewer.session.packed import Difference, Packed
from viewer.session.state import State


def mutable(segmentation: Segmentation) -> Segmentation:
    """Return ``segmentation`` if its voxels may be changed.

    Raises
    ------
    Conflict
        A network made it.
    """
    if segmentation.is_immutable:
        raise Conflict(
            "What a network made is not changed.",
            where=segmentation.name,
            remedy='Choose "Edit a copy", and change the copy.',
        )
    return segmentation


@dataclass(frozen=True, slots=True)
class Head:
    """A segmentation without its labels."""

    uid: str
    name: str
    volume_key: str
    grid: Grid
    segments: tuple[Segment, ...]
    origin: Origin
    parent_uid: str = ""

    @classmethod
    def of(cls, segmentation: Segmentation) -> Self:
        """Return everything but the labels."""
        s = segmentation
        return cls(s.uid, s.name, s.volume_key, s.grid, s.segments, s.origin, s.parent_uid)

    def with_labels(self, labels: Labels) -> Segmentation:
        """Return the segmentation with ``labels``, which it owns from now on."""
        return Segmentation(
            self.uid,
            self.name,
            self.volume_key,
            self.grid,
            labels,
            self.segments,
            self.origin,
            self.parent_uid,
        )


@dataclass(frozen=True, slots=True)
class AddSegmentation:
    """A new segmentation with its labels, compressed; ``position`` -1 puts it last."""

    head: Head
    labels: Packed
    name: str = ""
    position: int = -1

    def __post_init__(self) -> None:
        """Name it after the segmentation."""
        if not self.name:
            object.__setattr__(self, "name", f"add {self.head.name}")

    @classmethod
    def of(cls, segmentation: Segmentation, name: str = "", position: int = -1) -> Self:
        """Return the edit; the session will own a copy of the labels."""
        return cls(Head.of(segmentation), Packed.of(segmentation.labels), name, position)

    def apply(self, state: State) -> tuple[State, Edit]:
        """Add it; Conflict if its uid is taken."""
        if any(s.uid == self.head.uid for s in state.segmentations):
            raise Conflict("This segmentation is there already.", where=self.head.name)
        made = self.head.with_labels(self.labels.unpack())
        items = list(state.segmentations)
        items.insert(len(items) if self.position < 0 else self.position, made)
        after = replace(state, segmentations=tuple(items))
        return after, RemoveSegmentation(made.uid, self.name)

    def touches(self, state: State) -> Touched:
        """Return all of the segmentation."""
        return touched(self.head.uid, state, labels=True)


@dataclass(frozen=True, slots=True)
class RemoveSegmentation:
    """Take a segmentation away, a network's too."""

    uid: str
    name: str = "delete segmentation"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Remove it; Conflict if it is not there."""
        position = state.segmentation_position(self.uid)
        gone = state.segmentations[position]
        rest = (*state.segmentations[:position], *state.segmentations[position + 1 :])
        inverse = AddSegmentation.of(gone, self.name, position)
        return replace(state, segmentations=rest), inverse

    def touches(self, state: State) -> Touched:
        """Return all of the segmentation."""
        return touched(self.uid, state, labels=True)


@dataclass(frozen=True, slots=True)
class CopySegmentation:
    """A copy of a segmentation that may be edited; it remembers its parent."""

    parent_uid: str
    uid: str
    new_name: str
    name: str = ""

    def __post_init__(self) -> None:
        """Name it after the copy."""
        if not self.name:
            object.__setattr__(self, "name", f"edit a copy: {self.new_name}")

    def apply(self, state: State) -> tuple[State, Edit]:
        """Add the copy last: made by hand, its segments under review as edited."""
        parent = state.segmentation(self.parent_uid)
        if any(s.uid == self.uid for s in state.segmentations):
            raise Conflict("This segmentation is there already.", where=self.new_name)
        made = replace(
            parent,
            uid=self.uid,
            name=self.new_name,
            labels=parent.labels.copy(),
            segments=tuple(
                replace(s, review=Review.EDITED, steps=_begun(parent, s)) for s in parent.segments
            ),
            # who drew what the hand began with stays known, in files too
            origin=replace(parent.origin, kind=OriginKind.HAND),
            parent_uid=parent.uid,
        )
        after = replace(state, segmentations=(*state.segmentations, made))
        return after, RemoveSegmentation(self.uid, self.name)

    def touches(self, state: State) -> Touched:
        """Return all of the copy."""
        return touched(self.uid, state, labels=True)


def _begun(parent: Segmentation, segment: Segment) -> tuple[Origin, ...]:
    """Return the steps of a copied segment: its own, or that its parent's maker drew it."""
    return segment.steps or (() if parent.origin.kind is OriginKind.HAND else (parent.origin,))


@dataclass(frozen=True, slots=True)
class ReplaceSegmentation:
    """Another name for a segmentation."""

    uid: str
    new_name: str
    name: str = ""

    def __post_init__(self) -> None:
        """Name it after the new name."""
        if not self.name:
            object.__setattr__(self, "name", f"rename to {self.new_name}")

    def apply(self, state: State) -> tuple[State, Edit]:
        """Rename it; Conflict if it is not there."""
        before = state.segmentation(self.uid)
        after = state.with_segmentation(replace(before, name=self.new_name))
        return after, ReplaceSegmentation(self.uid, before.name, self.name)

    def touches(self, state: State) -> Touched:
        """Return the segmentation without its labels."""
        return touched(self.uid, state)


@dataclass(frozen=True, slots=True)
class AddSegment:
    """A new segment, empty, or with the voxels that ``voxels`` brings back."""

    segmentation_uid: str
    segment: Segment
    name: str = ""
    position: int = -1
    voxels: Difference | None = None

    def __post_init__(self) -> None:
        """Name it after the segment."""
        if not self.name:
            object.__setattr__(self, "name", f"add {self.segment.name}")

    def apply(self, state: State) -> tuple[State, Edit]:
        """Add it; Conflict if its number is taken or the segmentation is a network's."""
        owner = mutable(state.segmentation(self.segmentation_uid))
        if any(s.number == self.segment.number for s in owner.segments):
            raise Conflict(f"There is a segment {self.segment.number} already.", where=owner.name)
        segments = list(owner.segments)
        segments.insert(len(segments) if self.position < 0 else self.position, self.segment)
        after = replace(owner, segments=tuple(segments))
        if self.voxels is not None:
            self.voxels.change(owner.labels)
        inverse = RemoveSegment(owner.uid, self.segment.number, self.name)
        return state.with_segmentation(after), inverse

    def touches(self, state: State) -> Touched:
        """Return the segmentation, with the block that its voxels lie in."""
        return touched(self.segmentation_uid, state, self.voxels)


@dataclass(frozen=True, slots=True)
class ReplaceSegment:
    """A segment of the same number in place of the one before: colour, name, review, opacity."""

    segmentation_uid: str
    segment: Segment
    name: str = ""

    def __post_init__(self) -> None:
        """Name it after the segment."""
        if not self.name:
            object.__setattr__(self, "name", f"change {self.segment.name}")

    def apply(self, state: State) -> tuple[State, Edit]:
        """Exchange it; a network's too, since no voxel changes. InputRefused: no such number."""
        owner = state.segmentation(self.segmentation_uid)
        before = owner.segment(self.segment.number)
        segments = tuple(self.segment if s is before else s for s in owner.segments)
        after = state.with_segmentation(replace(owner, segments=segments))
        return after, ReplaceSegment(owner.uid, before, self.name)

    def touches(self, state: State) -> Touched:
        """Return the segmentation without its labels."""
        return touched(self.segmentation_uid, state)


@dataclass(frozen=True, slots=True)
class SetFractions:
    """Other fractions beside the mask of a segment, or none."""

    segmentation_uid: str
    number: int
    fractions: Fractions | None
    name: str = "keep memberships"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Exchange them; Conflict for a network's result, InputRefused: no such number."""
        owner = mutable(state.segmentation(self.segmentation_uid))
        before = owner.segment(self.number)
        after = replace(before, fractions=self.fractions)
        segments = tuple(after if s is before else s for s in owner.segments)
        inverse = SetFractions(owner.uid, self.number, before.fractions, self.name)
        return state.with_segmentation(replace(owner, segments=segments)), inverse

    def touches(self, state: State) -> Touched:
        """Return the segmentation without its labels."""
        return touched(self.segmentation_uid, state)


@dataclass(frozen=True, slots=True)
class RemoveSegment:
    """Take a segment and its voxels away."""

    segmentation_uid: str
    number: int
    name: str = "delete segment"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Remove it; Conflict for a network's result, InputRefused if there is no such number."""
        owner = mutable(state.segmentation(self.segmentation_uid))
        gone = owner.segment(self.number)
        if gone.locked:
            raise Conflict(f"{gone.name} is locked.", where=owner.name, remedy="Unlock it first.")
        position = owner.segments.index(gone)
        rest = (*owner.segments[:position], *owner.segments[position + 1 :])
        emptied = np.where(owner.labels == self.number, np.uint8(0), owner.labels)
        voxels = Difference.between((0, 0, 0), owner.labels, emptied)
        after = state.with_segmentation(replace(owner, segments=rest))
        if voxels is not None:
            voxels.change(owner.labels)
        return after, AddSegment(owner.uid, gone, self.name, position, voxels)

    def touches(self, state: State) -> Touched:
        """Return all of the segmentation: where the voxels lie is known only while it is done."""
        return touched(self.segmentation_uid, state, labels=True)


@dataclass(frozen=True, slots=True)
class MoveSegment:
    """Another place in the list for a segment; its number and its voxels stay."""

    segmentation_uid: str
    number: int
    position: int
    name: str = "move a segment"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Move it, a network's too; InputRefused: no such number or place."""
        owner = state.segmentation(self.segmentation_uid)
        segment = owner.segment(self.number)
        if not 0 <= self.position < len(owner.segments):
            raise InputRefused("The list of segments has no such place.", where=owner.name)
        before = owner.segments.index(segment)
        segments = [s for s in owner.segments if s is not segment]
        segments.insert(self.position, segment)
        after = state.with_segmentation(replace(owner, segments=tuple(segments)))
        return after, MoveSegment(owner.uid, self.number, before, self.name)

    def touches(self, state: State) -> Touched:
        """Return the segmentation without its labels."""
        return touched(self.segmentation_uid, state)


def touched(
    uid: str, state: State, voxels: Difference | None = None, *, labels: bool = False
) -> Touched:
    """Return what touching a segmentation means: its picture, itself, perhaps a block of labels."""
    keys = frozenset(s.volume_key for s in state.segmentations if s.uid == uid)
    if voxels is None:
        return Touched(keys, frozenset({uid}), labels)
    return Touched(keys, frozenset({uid}), True, voxels.start_kji, voxels.stop_kji)
