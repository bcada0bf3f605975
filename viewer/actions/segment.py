"""Segments by hand: new ones, their look, and strokes by program (journeys use them)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from viewer.actions.context import Context, has_segment, has_volume
from viewer.actions.registry import action
from viewer.domain.segmentation import MOST_SEGMENTS, Origin, OriginKind, Segment, Segmentation
from viewer.errors import InputRefused
from viewer.imaging.colours import colour_of
from viewer.session.edits_labels import paint
from viewer.session.edits_segmentation import (
    AddSegment,
    AddSegmentation,
    RemoveSegmentation,
    ReplaceSegment,
)
from viewer.session.identifiers import new_uid

_MOST = MOST_SEGMENTS
Points = Sequence[Sequence[float]]


@action("segment.new", "New segment", group="Segments", keys=("Ctrl+N",), enabled=has_volume)
def new_segment(context: Context) -> None:
    """Add an empty segment to draw into; the brush becomes the tool."""
    picture = context.need_picture()
    active = context.segmentation
    if active is None or active.is_immutable or active.volume_key != picture.key:
        active = next(
            (
                s
                for s in context.session.state.segmentations
                if s.volume_key == picture.key and not s.is_immutable
            ),
            None,
        )
    if active is None:
        n = len(context.session.state.segmentations)
        active = Segmentation(
            new_uid(),
            "By hand",
            picture.key,
            picture.grid,
            np.zeros(picture.grid.shape_kji, dtype=np.uint8),
            (Segment(1, "Segment 1", colour_of(n + 1), tracking_uid=new_uid()),),
            Origin(OriginKind.HAND),
        )
        context.session.apply(AddSegmentation.of(active))
        number = 1
    else:
        taken = {s.number for s in active.segments}
        number = next((n for n in range(1, _MOST + 1) if n not in taken), 0)
        if not number:
            raise InputRefused(
                f"One segmentation holds {_MOST} segments, and all are taken.",
                remedy="Delete a segment, or join two.",
            )
        segment = Segment(number, f"Segment {number}", colour_of(number), tracking_uid=new_uid())
        context.session.apply(AddSegment(active.uid, segment))
    context.viewing.set(segmentation_uid=active.uid, segment_number=number, tool="brush")


@action("segment.change", "Change a segment's look", group="Segments", enabled=has_segment)
def change(context: Context, *, uid: str, number: int, **fields: Any) -> None:
    """Change visible, opacity, outline, hatched, colour or name of one segment."""
    unknown = set(fields) - {"visible", "opacity", "outline", "hatched", "colour", "name"}
    if unknown or not fields:
        raise InputRefused(f"A segment has no {', '.join(sorted(unknown)) or 'such field'}.")
    segment = context.session.state.segmentation(uid).segment(number)
    words = ", ".join(fields)
    context.session.apply(
        ReplaceSegment(uid, replace(segment, **fields), f"{words} of {segment.name}"),
        merge_key=f"segment:{uid}:{number}:{words}" if "opacity" in fields else "",
    )


@action(
    "segment.toggle", "Show or hide the segment", group="Segments", keys=("V",), enabled=has_segment
)
def toggle(context: Context) -> None:
    """Show or hide the active segment."""
    segmentation, segment = context.need_segment()
    change(context, uid=segmentation.uid, number=segment.number, visible=not segment.visible)


@action("segment.remove", "Remove the segmentation", group="Segments", enabled=has_segment)
def remove(context: Context) -> None:
    """Remove the active segmentation with all its segments (it can be undone)."""
    segmentation, _ = context.need_segment()
    context.session.apply(RemoveSegmentation(segmentation.uid))
    context.viewing.set(segmentation_uid="", segment_number=0)


@action("paint.stroke", "Paint a stroke", group="Segments", enabled=has_segment)
def stroke(
    context: Context,
    *,
    points_lps_mm: Points,
    radius_mm: float,
    erase: bool = False,
    sphere: bool = True,
    pane: str = "axial",
) -> None:
    """Paint or erase along patient points, with a ball or with a disc in the pane's plane."""
    segmentation, segment = context.need_segment()
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    if sphere:
        from viewer.imaging.rasterise import ball_stroke

        block = ball_stroke(segmentation.grid, points, radius_mm)
    else:
        from viewer.imaging.rasterise import disc_stroke

        plane = context.viewing.look.planes[pane].through(points[0])
        block = disc_stroke(segmentation.grid, points, radius_mm, plane)
    verb = "erase" if erase else "paint"
    name = f"{verb} {2 * radius_mm:g} mm on {segment.name}"
    edit = None
    if block is not None:
        edit = paint(segmentation, block, segment.number, erase=erase, name=name)
    if edit is not None:
        context.session.apply(edit)


@action("paint.polygon", "Fill a polygon", group="Segments", enabled=has_segment)
def polygon(context: Context, *, points_lps_mm: Points, pane: str = "axial") -> None:
    """Fill a polygon, given as patient points, in the pane's plane."""
    segmentation, segment = context.need_segment()
    points = np.asarray(points_lps_mm, dtype=np.float64)
    if len(points) < 3:
        raise InputRefused("A polygon needs three points.")
    plane = context.viewing.look.planes[pane].through(points.mean(axis=0))
    from viewer.imaging.nothing_inside import nothing_inside
    from viewer.imaging.rasterise import polygon_block

    block = polygon_block(segmentation.grid, points, plane)
    if block is None:
        raise nothing_inside(segmentation.grid, points, plane)
    edit = paint(segmentation, block, segment.number, name=f"polygon on {segment.name}")
    if edit is not None:
        context.session.apply(edit)
