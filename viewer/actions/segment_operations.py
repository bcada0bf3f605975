"""Operations on the active segment, in millimetres and millilitres: one job and one edit each."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from viewer.actions.context import Context
from viewer.actions.operating import change_mask
from viewer.actions.operating_segments import (
    combined_mask,
    join_layers,
    smoothed_together,
    split_segment,
)
from viewer.actions.registry import Choice, action
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import InputRefused
from viewer.imaging import islands as pieces
from viewer.imaging import segment_shapes as shapes
from viewer.jobs.job import Ticket

_MARGINS_MM = (1.0, 2.0, 3.0, 5.0, 10.0)
_SIGMAS_MM = (0.5, 1.0, 2.0, 3.0)
_SMALL_ML = (0.01, 0.1, 0.5, 1.0, 5.0)
_SIDES = ("left / right", "front / back", "head / feet")


def can_change(context: Context) -> str:
    """Return "" when the active segment may be changed, else the reason."""
    segmentation = context.segmentation
    if segmentation is None:
        return "No segment is chosen."
    if segmentation.is_immutable:
        return "What a network made is not changed; edit a copy."
    number = context.viewing.look.segment_number
    found = next((s for s in segmentation.segments if s.number == number), None)
    if found is None:
        return "No segment is chosen."
    return f"{found.name} is locked." if found.locked else ""


def _margins(_context: Context) -> Sequence[Choice]:
    return [Choice(f"{mm:g} mm", {"distance_mm": mm}) for mm in _MARGINS_MM]


@action("segment.grow", "Grow the segment", group="Segments", choices=_margins, enabled=can_change)
def grow(context: Context, *, distance_mm: float) -> object:
    """Take in all voxels within a distance in mm of the segment, across slices too."""
    _positive(distance_mm)
    return change_mask(
        context,
        f"grown by {distance_mm:g} mm",
        lambda s, segment, _t: shapes.grown(s.labels == segment.number, s.grid, distance_mm),
    )


@action(
    "segment.shrink", "Shrink the segment", group="Segments", choices=_margins, enabled=can_change
)
def shrink(context: Context, *, distance_mm: float) -> object:
    """Take away all voxels within a distance in mm of what is outside the segment."""
    _positive(distance_mm)
    return change_mask(
        context,
        f"shrunk by {distance_mm:g} mm",
        lambda s, segment, _t: shapes.shrunk(s.labels == segment.number, s.grid, distance_mm),
    )


def _barriers(context: Context) -> Sequence[Choice]:
    settings = context.viewing.look.settings
    found = [
        Choice(f"{mm:g} mm, not into others", {"distance_mm": mm, "others": True})
        for mm in _MARGINS_MM
    ]
    if settings.paint_range is not None:
        low, high = settings.paint_range
        found += [
            Choice(
                f"{mm:g} mm, within {low:g} to {high:g}",
                {"distance_mm": mm, "others": True, "low": low, "high": high},
            )
            for mm in _MARGINS_MM
        ]
    return found


@action(
    "segment.margin",
    "Margin with barriers",
    group="Segments",
    choices=_barriers,
    enabled=can_change,
)
def margin(
    context: Context,
    *,
    distance_mm: float,
    others: bool = True,
    low: float = float("-inf"),
    high: float = float("inf"),
) -> object:
    """Grow by mm without entering or jumping other segments, or values outside a range."""
    _positive(distance_mm)
    if not low <= high:
        raise InputRefused("The range of values is empty.", remedy="Give low below high.")
    segmentation, _ = context.need_segment()
    picture = context.pictures.loaded.get(segmentation.volume_key)
    ranged = np.isfinite(low) or np.isfinite(high)
    if ranged and (picture is None or picture.grid != segmentation.grid):
        raise InputRefused(
            "The images of this segment are not open, so their values are not known.",
            remedy="Show the series first, or grow without a range of values.",
        )

    def compute(copy: Segmentation, segment: Segment, _ticket: Ticket) -> shapes.Mask:
        mask = copy.labels == segment.number
        box = shapes.box_of(mask)
        free = mask | (copy.labels == 0) if others else np.ones_like(mask)
        if ranged and picture is not None and box is not None:
            box = shapes.wider(box, copy.grid, distance_mm)
            values = picture.quantity.block(picture.stored[box], box[0].start)
            inside = np.zeros_like(mask)
            inside[box] = (values >= low) & (values <= high)
            free &= inside
        return shapes.grown_within(mask, copy.grid, distance_mm, free)

    return change_mask(context, f"grown by {distance_mm:g} mm between barriers", compute)


def _shells(_context: Context) -> Sequence[Choice]:
    return [
        Choice(f"{mm:g} mm, {side}", {"thickness_mm": mm, "side": side})
        for side in ("inside", "outside")
        for mm in (1.0, 2.0, 3.0, 5.0)
    ]


@action(
    "segment.hollow", "Hollow the segment", group="Segments", choices=_shells, enabled=can_change
)
def hollow(
    context: Context, *, thickness_mm: float, side: Literal["inside", "outside"] = "inside"
) -> object:
    """Leave a shell of the segment: its outermost millimetres, or as many around it."""
    _positive(thickness_mm)
    return change_mask(
        context,
        f"hollowed to {thickness_mm:g} mm {side}",
        lambda s, segment, _t: shapes.hollowed(
            s.labels == segment.number, s.grid, thickness_mm, side
        ),
    )


def _sigmas(_context: Context) -> Sequence[Choice]:
    return [Choice(f"{mm:g} mm", {"sigma_mm": mm}) for mm in _SIGMAS_MM]


@action(
    "segment.smooth", "Smooth the segment", group="Segments", choices=_sigmas, enabled=can_change
)
def smooth(context: Context, *, sigma_mm: float) -> object:
    """Round off bumps and dents smaller than about twice the given mm (Gaussian, cut at a half)."""
    _positive(sigma_mm)
    return change_mask(
        context,
        f"smoothed by {sigma_mm:g} mm",
        lambda s, segment, _t: shapes.smoothed(s.labels == segment.number, s.grid, sigma_mm),
    )


@action(
    "segment.smooth_all",
    "Smooth all segments together",
    group="Segments",
    choices=_sigmas,
    enabled=can_change,
)
def smooth_all(context: Context, *, sigma_mm: float) -> object:
    """Smooth all unlocked segments at once, so that neighbours keep touching without a gap."""
    _positive(sigma_mm)
    return smoothed_together(context, sigma_mm)


def _holes(_context: Context) -> Sequence[Choice]:
    return [
        Choice("closed in space", {"kind": "space"}),
        Choice("closed on slices across the acquired axis", {"kind": "slices"}),
    ]


@action("segment.fill_holes", "Fill holes", group="Segments", choices=_holes, enabled=can_change)
def fill_holes(context: Context, *, kind: Literal["space", "slices"] = "space") -> object:
    """Fill what the segment encloses: in space, or on every acquired slice by itself."""
    if kind == "space":
        return change_mask(
            context,
            "with its cavities filled",
            lambda s, segment, _t: shapes.filled_3d(s.labels == segment.number),
        )
    return change_mask(
        context,
        "with its holes filled slice by slice",
        lambda s, segment, _t: shapes.filled_2d(s.labels == segment.number, 0),
    )


@action("segment.keep_largest", "Keep the largest piece", group="Segments", enabled=can_change)
def keep_largest(context: Context) -> object:
    """Keep the largest connected piece of the segment; the others become background."""
    return change_mask(
        context,
        "reduced to its largest piece",
        lambda s, segment, _t: pieces.largest_island(s.labels == segment.number),
    )


def _volumes(_context: Context) -> Sequence[Choice]:
    return [Choice(f"below {ml:g} mL", {"volume_ml": ml}) for ml in _SMALL_ML]


@action(
    "segment.remove_small",
    "Remove small pieces",
    group="Segments",
    choices=_volumes,
    enabled=can_change,
)
def remove_small(context: Context, *, volume_ml: float) -> object:
    """Remove the connected pieces of the segment that are smaller than a volume in mL."""
    _positive(volume_ml)
    return change_mask(
        context,
        f"without pieces below {volume_ml:g} mL",
        lambda s, segment, _t: pieces.without_small(
            s.labels == segment.number, s.grid, volume_ml * 1000
        ),
    )


@action("segment.split", "Split into pieces", group="Segments", enabled=can_change)
def split(context: Context) -> object:
    """Make every connected piece a segment of its own; the largest keeps name and colour."""
    return split_segment(context)


def _others(context: Context) -> Sequence[Choice]:
    active = context.segmentation
    if active is None:
        return []
    number = context.viewing.look.segment_number
    return [
        Choice(
            f"{title} {segment.name}" + ("" if layer.uid == active.uid else f" ({layer.name})"),
            {"how": how, "uid": layer.uid, "number": segment.number},
            group=title,
        )
        for how, title in (("union", "Add"), ("subtract", "Subtract"), ("intersect", "Keep only"))
        for layer in context.session.state.segmentations
        if layer.volume_key == active.volume_key
        for segment in layer.segments
        if (layer.uid, segment.number) != (active.uid, number)
        and not (layer.uid == active.uid and how != "union")
    ]


@action(
    "segment.combine",
    "Combine with another segment",
    group="Segments",
    choices=_others,
    enabled=can_change,
)
def combine(
    context: Context, *, how: Literal["union", "subtract", "intersect"], uid: str, number: int
) -> object:
    """Add, subtract or intersect another segment (of any layer) and the active one."""
    verb = {"union": "joined with", "subtract": "less", "intersect": "kept only in"}[how]
    segmentation, _ = context.need_segment()
    other = join_layers(context, segmentation, uid, number)
    name = context.session.state.segmentation(uid).segment(number).name
    return change_mask(
        context,
        f"{verb} {name}",
        lambda s, segment, _t: combined_mask(s.labels == segment.number, other, how),
    )


def _mirrors(_context: Context) -> Sequence[Choice]:
    return [Choice(title, {"axis": axis}) for axis, title in enumerate(_SIDES)]


@action(
    "segment.mirror", "Mirror the segment", group="Segments", choices=_mirrors, enabled=can_change
)
def mirror(context: Context, *, axis: int) -> object:
    """Mirror the segment at the plane through the cross-hair, across a patient axis."""
    if axis not in (0, 1, 2):
        raise InputRefused("A patient has three axes: 0, 1 and 2.")
    point = np.array(context.viewing.look.crosshair_lps_mm, dtype=np.float64)
    return change_mask(
        context,
        f"mirrored {_SIDES[axis]} at the cross-hair",
        lambda s, segment, _t: shapes.mirrored(s.labels == segment.number, s.grid, point, axis),
    )


def _positive(value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise InputRefused("The amount must be more than nothing.", remedy="Give a number above 0.")
