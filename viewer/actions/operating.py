"""How an operation on a segment runs: a copy into a job, one edit out, and what it changed said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context, Notice
from viewer.domain.quantity import rounded_half_away
from viewer.domain.segmentation import Labels, Origin, Segment, Segmentation
from viewer.errors import Conflict, InputRefused
from viewer.imaging.rasterise import Block
from viewer.imaging.segment_shapes import box_of
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.edits import Edit, Group, PaintLabels, replace_segment_mask
from viewer.session.edits_labels import BY_HAND, may_take, operation, unlocked

Mask = NDArray[np.bool_]
_SMALL_ML = 0.1
_SMALL_SHARE = 0.0005


@dataclass(frozen=True)
class Operated:
    """What an operation came to: edits (none: nothing changes), and a sentence about volumes."""

    edits: tuple[Edit, ...]
    sentence: str


Compute = Callable[[Segmentation, Segment, Ticket], Mask]


def change_mask(context: Context, verb: str, compute: Compute) -> Job[Operated]:
    """Give the active segment the mask that ``compute`` returns, in a job, as one edit.

    ``compute`` gets a copy of the segmentation that nobody changes. ``verb`` is what was done, in
    the past tense: "grown by 3 mm".

    Raises
    ------
    ViewerError
        No segment is chosen, it is locked, a network made it, or it is empty.
    """
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)
    over = may_take(context.viewing.look.settings.over, segmentation)

    def work(copy: Segmentation, ticket: Ticket) -> Operated:
        mask = copy.labels == segment.number
        if not mask.any():
            raise InputRefused(
                f"{segment.name} is empty.", remedy="Paint something into it, or choose another."
            )
        ticket.check()
        made = compute(copy, segment, ticket)
        ticket.check()
        name = f"{verb}: {segment.name}"
        edit = mask_edit(copy, segment, made, name=name, only_over=over, by=operation(verb))
        if edit is None:
            return Operated((), f"{segment.name} stays as it is: nothing to change.")
        return Operated((edit,), f"{segment.name} {verb}: {changed(copy, segment, edit)}")

    return operate(context, segmentation, work, title=f"{segment.name} {verb}")


def operate(
    context: Context,
    segmentation: Segmentation,
    work: Callable[[Segmentation, Ticket], Operated],
    *,
    title: str,
) -> Job[Operated]:
    """Run ``work`` on a copy of ``segmentation`` in a job and apply its edits as one step.

    If the labels were changed meanwhile, nothing is applied and that is said.
    """
    copy = replace(segmentation, labels=segmentation.labels.copy())

    def done(found: Operated) -> None:
        if not found.edits:
            context.door.tell(Notice("done", found.sentence))
            return
        try:
            _unchanged(context, copy)
            edit = found.edits[0] if len(found.edits) == 1 else Group(found.edits, title)
            context.session.apply(edit)
        except Conflict as error:
            context.tell_fault(error)
            return
        context.door.tell(Notice("done", found.sentence))

    def cancelled() -> None:
        context.door.tell(Notice("done", "The operation was cancelled; nothing was changed."))

    return context.jobs.submit(
        lambda ticket: work(copy, ticket),
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key=f"segment:{segmentation.uid}",
        title=title,
    )


def _unchanged(context: Context, copy: Segmentation) -> None:
    now = next((s for s in context.session.state.segmentations if s.uid == copy.uid), None)
    same = now is not None and now.segments == copy.segments
    if not (same and now is not None and np.array_equal(now.labels, copy.labels)):
        raise Conflict(
            "The segment was changed while the operation ran; its result was dropped.",
            remedy="Run it again.",
        )


def mask_edit(
    copy: Segmentation,
    segment: Segment,
    made: Mask,
    *,
    name: str,
    only_over: Sequence[int] | None = None,
    by: Origin = BY_HAND,
) -> PaintLabels | None:
    """Return the edit after which ``segment`` is ``made`` (k, j, i); None if it is already."""
    box = box_of(made | (copy.labels == segment.number))
    if box is None:
        return None
    block = Block((box[0].start, box[1].start, box[2].start), made[box])
    return replace_segment_mask(copy, block, segment.number, name=name, only_over=only_over, by=by)


def changed(copy: Segmentation, segment: Segment, edit: PaintLabels) -> str:
    """Return "12.40 to 15.20 mL (+22.6 %)", and whom it took voxels from."""
    after = copy.labels.copy()
    edit.difference.change(after)
    voxel_ml = copy.grid.voxel_volume_mm3 / 1000
    before_ml = _count(copy.labels, segment.number) * voxel_ml
    after_ml = _count(after, segment.number) * voxel_ml
    text = f"{ml_text(before_ml)} to {ml_text(after_ml)} mL"
    if before_ml > 0:
        text += f" ({percent_text(after_ml / before_ml - 1)})"
    losses = []
    for other in copy.segments:
        lost = _count(copy.labels, other.number) - _count(after, other.number)
        if other.number != segment.number and lost > 0:
            losses.append(f"{other.name} loses {ml_text(lost * voxel_ml)} mL")
    return "; ".join((text, *losses)) + "."


def percent_text(share: float) -> str:
    """Return a change in percent, "+22.6 %"; one too small to show is "less than 0.1 %"."""
    if share and abs(share) < _SMALL_SHARE:
        return "less than 0.1 %"
    return f"{100 * share:+.1f} %"


def ml_text(volume_ml: float) -> str:
    """Return a volume in mL with two decimals, small ones with four."""
    digits = 2 if volume_ml == 0 or volume_ml >= _SMALL_ML else 4
    return f"{rounded_half_away(volume_ml, digits):.{digits}f}"


def _count(labels: Labels, number: int) -> int:
    return int(np.count_nonzero(labels == number))
