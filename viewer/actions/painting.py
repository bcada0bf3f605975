"""How the hands paint, and the order and locks of segments that every tool obeys."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from viewer.actions.context import Context, Notice, has_picture, has_segment, has_volume
from viewer.actions.registry import Choice, action
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.session.edits import MoveSegment, RemoveSegment, ReplaceSegment

_OVER = {
    "all": "Everything but locked segments",
    "hidden": "Background and hidden segments",
    "background": "Background only",
}
# Ranges that radiology text books give in Hounsfield units; CT only.
CT_RANGES_HU = {
    "Lung and air": (-1024.0, -500.0),
    "Fat": (-150.0, -30.0),
    "Soft tissue": (-20.0, 120.0),
    "Contrast and bone": (150.0, 3071.0),
}
_ENOUGH = 8


@action(
    "segment.lock",
    "Lock or unlock the segment",
    group="Segments",
    keys=("Shift+L",),
    enabled=has_segment,
)
def lock(context: Context) -> None:
    """Lock the segment: no tool, method or operation changes its voxels until it is unlocked."""
    segmentation, segment = context.need_segment()
    name = f"{'unlock' if segment.locked else 'lock'} {segment.name}"
    changed = replace(segment, locked=not segment.locked)
    context.session.apply(ReplaceSegment(segmentation.uid, changed, name))


@action("segment.hatch", "Hatch or fill the segment", group="Segments", enabled=has_segment)
def hatch(context: Context) -> None:
    """Fill the segment in stripes, so that the picture is seen between them, or evenly again."""
    segmentation, segment = context.need_segment()
    name = f"{'fill' if segment.hatched else 'hatch'} {segment.name}"
    changed = replace(segment, hatched=not segment.hatched)
    context.session.apply(ReplaceSegment(segmentation.uid, changed, name))


def _moves(_context: Context) -> Sequence[Choice]:
    return [Choice("Up in the list", {"by": -1}), Choice("Down in the list", {"by": 1})]


@action("segment.move", "Move the segment", group="Segments", choices=_moves, enabled=has_segment)
def move(context: Context, *, by: int) -> None:
    """Move the segment up or down in the list; files keep this order, numbers stay."""
    segmentation, segment = context.need_segment()
    at = segmentation.segments.index(segment) + by
    if 0 <= at < len(segmentation.segments):
        context.session.apply(MoveSegment(segmentation.uid, segment.number, at))


@action("segment.delete", "Delete the segment", group="Segments", enabled=has_segment)
def delete(context: Context) -> None:
    """Delete the active segment with its voxels (it can be undone)."""
    segmentation, segment = context.need_segment()
    edit = RemoveSegment(segmentation.uid, segment.number, f"delete {segment.name}")
    context.session.apply(edit)
    rest = next((s.number for s in segmentation.segments if s.number != segment.number), 0)
    context.viewing.set(segment_number=rest)


def _rules(context: Context) -> Sequence[Choice]:
    chosen = context.viewing.look.settings.over
    return [Choice(title, {"over": key}, (), chosen == key) for key, title in _OVER.items()]


@action("paint.over", "Painting may take", group="Segments", choices=_rules)
def over(context: Context, *, over: str) -> None:
    """Say whose voxels painting and operations may take; locked segments never lose any."""
    if over not in _OVER:
        raise InputRefused("Painting takes over all, hidden or background.")
    _set(context, over=over)


def _ranges(context: Context) -> Sequence[Choice]:
    settings, picture = context.viewing.look.settings, context.picture
    found = [Choice("Any value", {"kind": "off"}, (), settings.paint_range is None)]
    if picture is None or not picture.is_volume or picture.is_colour:
        return found
    found.append(Choice("What the window shows as grey", {"kind": "window"}))
    found.append(Choice("Values like the segment's", {"kind": "segment"}))
    if picture.identity.series.modality == "CT":
        found += [
            Choice(
                f"{title}: {low:g} to {high:g} HU",
                {"kind": "range", "low": low, "high": high},
                (),
                settings.paint_range == (low, high),
                "CT",
            )
            for title, (low, high) in CT_RANGES_HU.items()
        ]
    return found


@action("paint.range", "Paint only values", group="Segments", choices=_ranges, enabled=has_picture)
def paint_range(context: Context, *, kind: str, low: float = 0.0, high: float = 0.0) -> None:
    """Let brush, eraser and polygon touch only voxels whose value lies in a range."""
    if kind == "off":
        _set(context, paint_range=None)
        return
    if kind == "window":
        window = context.viewing.window(context.need_picture())
        low, high = window.center - window.width / 2, window.center + window.width / 2
    elif kind == "segment":
        low, high = range_of_segment(context)
    elif kind != "range":
        raise InputRefused("A range of values comes from: off, window, segment or range.")
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputRefused("The range of values is empty.", remedy="Give low below high.")
    _set(context, paint_range=(float(low), float(high)))


def range_of_segment(context: Context) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the values in the active segment."""
    segmentation, segment = context.need_segment()
    picture: Picture = context.need_picture()
    mask = segmentation.labels == segment.number
    if picture.grid != segmentation.grid or int(mask.sum()) < _ENOUGH:
        raise InputRefused(
            "The segment holds too few voxels of this picture to learn values from.",
            remedy="Paint some of the structure first.",
        )
    k = np.flatnonzero(mask.any(axis=(1, 2)))
    values = [picture.quantity.slice_values(picture.stored[n], int(n))[mask[n]] for n in k]
    low, high = np.percentile(np.concatenate(values), (2.5, 97.5))
    return float(low), float(high)


@action(
    "paint.edge",
    "Brush stops at edges",
    group="Segments",
    keys=("Shift+E",),
    enabled=has_volume,
)
def edge(context: Context) -> None:
    """Let the brush paint only what hangs together with its middle and has values like there."""
    _set(context, edge_aware=not context.viewing.look.settings.edge_aware)


@action(
    "paint.spline", "Smooth curves", group="Segments", keys=("Alt+Shift+C",), enabled=has_volume
)
def spline(context: Context) -> None:
    """Let polygons and contours be smooth curves through their corners, or straight lines."""
    on = not context.viewing.look.settings.spline
    _set(context, spline=on)
    text = "smooth curves" if on else "straight lines"
    context.door.tell(Notice("done", f"Polygons and contours are {text} through their corners."))


def _set(context: Context, **fields: object) -> None:
    settings = context.viewing.look.settings
    context.viewing.set(settings=replace(settings, **fields))  # type: ignore[arg-type]
