"""From slice to slice: fill between drawn ones, and copy what is drawn to the next one."""

from collections.abc import Sequence

import numpy as np

from viewer.actions import methods
from viewer.actions.context import Context, Notice
from viewer.actions.operating import change_mask, changed, mask_edit
from viewer.actions.registry import Choice, action
from viewer.actions.segment_operations import can_change
from viewer.domain.geometry import nearest
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import InputRefused
from viewer.imaging import between_slices
from viewer.imaging.contour import polygons_of_segment
from viewer.imaging.rasterise import Mask, polygons_block
from viewer.session.edits import PaintLabels, paint
from viewer.session.edits_labels import may_take, unlocked

_BETWEEN = "between_slices"
_ACROSS = ("slices", "rows", "columns")  # array axes 0 (k), 1 and 2
_STRAIGHT = 0.999
_NO_STEP_MM = 1e-3


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
    draft = context.viewing.draft
    if draft is not None and draft.call.key == _BETWEEN:
        methods.cancel(context)
    return change_mask(
        context, "filled between slices", lambda s, segment, _t: _filled(axis, s, segment)
    )


@action(
    "segment.preview_between",
    "Preview the fill between slices",
    group="Segments",
    keys=("Alt+Shift+F",),
    enabled=can_change,
)
def preview_between(context: Context) -> None:
    """Show what filling between slices would give; Alt+Return keeps it, Esc drops it."""
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)
    axis = stacked_along(context, segmentation)
    methods.choose(context, method=_BETWEEN)
    methods.set_parameter(context, parameter="across", value=_ACROSS[axis])


def _ways(_context: Context) -> Sequence[Choice]:
    return [
        Choice("to the next slice", {"by": 1}, ("Shift+PgDown",)),
        Choice("to the previous slice", {"by": -1}, ("Shift+PgUp",)),
    ]


@action(
    "segment.copy_slice", "Copy the contour", group="Segments", choices=_ways, enabled=can_change
)
def copy_slice(context: Context, *, by: int) -> None:
    """Copy the segment on the shown slice of the active view to the next one, and go there.

    Along the voxels the next slice becomes the same; in an oblique view the outlines are copied
    and what they enclose there is added.
    """
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)
    try:
        axis = stacked_along(context, segmentation)
    except InputRefused:
        edit = _copied_oblique(context, segmentation, segment, by)
    else:
        edit = _copied(context, segmentation, segment, axis, by)
    if edit is None:
        context.door.tell(Notice("done", "This slice holds the same contour already."))
        return
    text = changed(segmentation, segment, edit)
    context.session.apply(edit)
    context.door.tell(Notice("done", f"{segment.name} copied from the slice before: {text}"))


def _copied(
    context: Context, segmentation: Segmentation, segment: Segment, axis: int, by: int
) -> PaintLabels | None:
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
    return mask_edit(segmentation, segment, np.moveaxis(made, 0, axis), name=name, only_over=over)


def _copied_oblique(
    context: Context, segmentation: Segmentation, segment: Segment, by: int
) -> PaintLabels | None:
    picture, pane = context.need_picture(), context.viewing.look.active_pane
    before = context.viewing.look.planes[pane]
    outlines = polygons_of_segment(segmentation, segment.number, before)
    if not outlines:
        raise InputRefused(f"{segment.name} does not reach this slice.")
    context.viewing.scroll(picture, pane, by)
    plane = context.viewing.look.planes[pane]
    step_mm = float((plane.origin_lps_mm - before.origin_lps_mm) @ before.normal)
    if abs(step_mm) < _NO_STEP_MM:
        raise InputRefused("There is no slice beyond this one.")
    moved = [one.points_lps_mm + step_mm * before.normal for one in outlines]
    block = polygons_block(segmentation.grid, moved, plane)
    if block is None:
        raise InputRefused("The contour would lie outside the volume there.")
    over = may_take(context.viewing.look.settings.over, segmentation)
    name = f"copy {segment.name} to the next slice"
    return paint(segmentation, block, segment.number, name=name, only_over=over)


def _slice_of(context: Context, segmentation: Segmentation, axis: int) -> int:
    look = context.viewing.look
    centre = look.planes[look.active_pane].centre_lps_mm
    return int(nearest(segmentation.grid.index(centre)[2 - axis]))
