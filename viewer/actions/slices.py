"""From slice to slice: fill between drawn ones, and copy what is drawn to the next one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from viewer.actions.context import Context, Notice
from viewer.actions.operating import change_mask, changed, mask_edit
from viewer.actions.registry import Choice, action
from viewer.actions.segment_operations import can_change
from viewer.domain.geometry import nearest
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.errors import InputRefused
from viewer.imaging import between_slices
from viewer.imaging.rasterise import Mask
from viewer.jobs.job import Ticket
from viewer.session.edits import AddSegmentation, RemoveSegmentation
from viewer.session.edits_labels import may_take, unlocked

_PREVIEW = "Preview: filled between slices"
_STRAIGHT = 0.999


def stacked_along(context: Context, segmentation: Segmentation) -> int:
    """Return the array axis (0 = k) across the active pane's plane.

    Raises
    ------
    InputRefused
        The plane is oblique to the voxels: it has no slices to go by.
    """
    look = context.viewing.look
    plane = look.planes.get(look.active_pane)
    if plane is None:
        return 0
    along = np.abs(segmentation.grid.directions.T @ plane.normal)
    axis = int(np.argmax(along))
    if along[axis] < _STRAIGHT:
        raise InputRefused(
            "The active view lies oblique to the voxels, so it has no slices to go by.",
            remedy="Choose a view along the acquired axes.",
        )
    return 2 - axis


def _filled(axis: int, segmentation: Segmentation, segment: Segment) -> Mask:
    mask = segmentation.labels == segment.number
    found = between_slices.filled_between(mask, segmentation.grid, axis)
    if np.array_equal(found, mask):
        raise InputRefused(
            f"{segment.name} has no empty slices between drawn ones in this view.",
            remedy="Draw it on two slices with some between them.",
        )
    return found


@action(
    "segment.fill_between",
    "Fill between slices",
    group="Segments",
    keys=("Shift+F",),
    enabled=can_change,
)
def fill_between(context: Context) -> object:
    """Fill empty slices between drawn ones of the active view by shape (Raya & Udupa 1990)."""
    segmentation, _ = context.need_segment()
    axis = stacked_along(context, segmentation)
    _drop_preview(context)
    return change_mask(
        context, "filled between slices", lambda s, segment, _t: _filled(axis, s, segment)
    )


@action(
    "segment.preview_between",
    "Preview the fill between slices",
    group="Segments",
    enabled=can_change,
)
def preview_between(context: Context) -> object:
    """Show what filling between slices would add, as a layer of its own; again: take it away."""
    if _drop_preview(context):
        return None
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)
    axis = stacked_along(context, segmentation)
    copy = replace(segmentation, labels=segmentation.labels.copy())

    def work(ticket: Ticket) -> Segmentation:
        ticket.check()
        added = _filled(axis, copy, segment) & (copy.labels != segment.number)
        from viewer.session.identifiers import new_uid

        shown = Segment(1, f"{segment.name}, would be added", segment.colour, opacity=0.15)
        return Segmentation(
            new_uid(),
            _PREVIEW,
            copy.volume_key,
            copy.grid,
            added.astype(np.uint8),
            (shown,),
            Origin(OriginKind.METHOD, "shape-based interpolation", "1"),
        )

    def done(found: Segmentation) -> None:
        context.session.apply(AddSegmentation.of(found, "preview the fill between slices"))
        text = "This is what filling between slices would add. Shift+F fills, undo takes it away."
        context.door.tell(Notice("done", text))

    from viewer.jobs.runner import Outcomes

    return context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault),
        key="preview between slices",
        title="Preview the fill between slices",
    )


def _drop_preview(context: Context) -> bool:
    found = [s for s in context.session.state.segmentations if s.name == _PREVIEW]
    for layer in found:
        context.session.apply(RemoveSegmentation(layer.uid, "take the preview away"))
    return bool(found)


def _ways(_context: Context) -> Sequence[Choice]:
    return [
        Choice("to the next slice", {"by": 1}, ("Shift+PgDown",)),
        Choice("to the previous slice", {"by": -1}, ("Shift+PgUp",)),
    ]


@action(
    "segment.copy_slice", "Copy the contour", group="Segments", choices=_ways, enabled=can_change
)
def copy_slice(context: Context, *, by: int) -> None:
    """Copy the segment on the shown slice of the active view to the next one, and go there."""
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)
    axis = stacked_along(context, segmentation)
    picture, pane = context.need_picture(), context.viewing.look.active_pane
    here = _slice_of(context, segmentation, axis)
    mask = np.moveaxis(segmentation.labels == segment.number, axis, 0)
    if not (0 <= here < len(mask) and mask[here].any()):
        raise InputRefused(f"{segment.name} does not reach this slice.")
    context.viewing.scroll(picture, pane, by)
    there = _slice_of(context, segmentation, axis)
    if there == here:
        raise InputRefused("There is no slice beyond this one.")
    made = mask.copy()
    made[there] = mask[here]
    over = may_take(context.viewing.look.settings.over, segmentation)
    name = f"copy {segment.name} to the next slice"
    edit = mask_edit(segmentation, segment, np.moveaxis(made, 0, axis), name=name, only_over=over)
    if edit is None:
        context.door.tell(Notice("done", "This slice holds the same contour already."))
        return
    text = changed(segmentation, segment, edit)
    context.session.apply(edit)
    context.door.tell(Notice("done", f"{segment.name} copied from the slice before: {text}"))


def _slice_of(context: Context, segmentation: Segmentation, axis: int) -> int:
    look = context.viewing.look
    centre = look.planes[look.active_pane].centre_lps_mm
    return int(nearest(segmentation.grid.index(centre)[2 - axis]))
