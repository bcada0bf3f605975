"""What limits a method that is being tried, its presets, and stopping it when it is far enough."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from viewer.actions.context import Context
from viewer.actions.method_limits import Box, box_about, box_lps
from viewer.actions.methods import draft_of, method_of, no_draft, take_draft
from viewer.actions.painting import CT_RANGES_HU, range_of_segment
from viewer.actions.registry import Choice, action
from viewer.domain.segmenters import Preset
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.session.drafting import Barrier

_MARGINS_MM = (0.0, 5.0, 10.0, 20.0)
BoxKind = Literal["off", "segment", "seeds", "panes", "measurement", "given"]


# --- presets ------------------------------------------------------------------------------------


def presets_of(context: Context) -> tuple[Preset, ...]:
    """Return the presets of the method that is being tried that are meant for the picture."""
    draft, picture = context.viewing.draft, context.picture
    if draft is None or picture is None:
        return ()
    modality, unit = picture.identity.series.modality, picture.quantity.unit
    method = method_of(context, draft.call.key)
    return tuple(preset for preset in method.presets if preset.fits(modality, unit))


def _presets(context: Context) -> Sequence[Choice]:
    return [Choice(preset.title, {"title": preset.title}) for preset in presets_of(context)]


def _no_presets(context: Context) -> str:
    reason = no_draft(context)
    if reason or presets_of(context):
        return reason
    return "The method has no presets for pictures of this kind."


@action(
    "method.preset",
    "Preset of the method",
    group="Segments",
    choices=_presets,
    slow_choices=True,
    enabled=_no_presets,
)
def preset(context: Context, *, title: str) -> None:
    """Take settings that literature gives for pictures of this modality."""
    draft = draft_of(context)
    found = next((one for one in presets_of(context) if one.title == title), None)
    if found is None:
        raise InputRefused(f"There is no preset called {title} here.")
    for name, value in found.parameters:
        draft = draft.with_setting(name, value)
    take_draft(context, draft)


# --- where --------------------------------------------------------------------------------------


def _ranges(context: Context) -> Sequence[Choice]:
    draft, picture = context.viewing.draft, context.picture
    within = None if draft is None else draft.call.within
    found = [
        Choice("Any value", {"kind": "off"}, (), within is None),
        Choice("What the window shows as grey", {"kind": "window"}),
        Choice("Values like the segment's", {"kind": "segment"}),
    ]
    if picture is not None and picture.identity.series.modality == "CT":
        found += [
            Choice(
                f"{title}: {low:g} to {high:g} HU",
                {"kind": "range", "low": low, "high": high},
                (),
                within == (low, high),
                "CT",
            )
            for title, (low, high) in CT_RANGES_HU.items()
        ]
    return found


@action(
    "method.within", "Method only on values", group="Segments", choices=_ranges, enabled=no_draft
)
def within(context: Context, *, kind: str, low: float = 0.0, high: float = 0.0) -> None:
    """Let the method find only voxels whose value lies in a range."""
    draft = draft_of(context)
    if kind == "window":
        window = context.viewing.window(context.need_picture())
        low, high = window.center - window.width / 2, window.center + window.width / 2
    elif kind == "segment":
        low, high = range_of_segment(context)
    elif kind not in ("off", "range"):
        raise InputRefused("A range of values comes from: off, window, segment or range.")
    if kind != "off" and not (np.isfinite([low, high]).all() and low < high):
        raise InputRefused("The range of values is empty.", remedy="Give low below high.")
    pair = None if kind == "off" else (float(low), float(high))
    take_draft(context, replace(draft, call=replace(draft.call, within=pair)))


def _boxes(context: Context) -> Sequence[Choice]:
    draft = context.viewing.draft
    off = draft is None or draft.call.box_lps_mm is None
    found = [
        Choice("The whole image", {"kind": "off"}, (), off),
        Choice("What the panes show", {"kind": "panes"}),
        Choice("The chosen measurement", {"kind": "measurement", "margin_mm": 0.0}),
    ]
    for kind, title in (("segment", "About the segment"), ("seeds", "About the seeds")):
        found += [
            Choice(f"{title}, {mm:g} mm around", {"kind": kind, "margin_mm": mm}, group=title)
            for mm in _MARGINS_MM
        ]
    return found


@action("method.box", "Method only in a region", group="Segments", choices=_boxes, enabled=no_draft)
def box(
    context: Context,
    *,
    kind: BoxKind,
    margin_mm: float = 0.0,
    low_lps_mm: Sequence[float] = (),
    high_lps_mm: Sequence[float] = (),
) -> None:
    """Let the method find only voxels in a box: about something, or given by two corners."""
    draft, picture = draft_of(context), context.need_picture()
    found: Box | None = None
    if kind == "given":
        (x0, y0, z0), (x1, y1, z1) = low_lps_mm, high_lps_mm
        found = (float(x0), float(y0), float(z0)), (float(x1), float(y1), float(z1))
    elif kind != "off":
        found = _box_of(context, picture, kind, margin_mm)
    take_draft(context, replace(draft, call=replace(draft.call, box_lps_mm=found)))


def _box_of(context: Context, picture: Picture, kind: str, margin_mm: float) -> Box:
    if kind == "segment":
        layer, segment = context.need_segment()
        if layer.grid != picture.grid:
            raise InputRefused("The segment lies on another grid than the picture.")
        found = box_about(picture, layer.labels == segment.number, margin_mm)
        if found is None:
            raise InputRefused(f"{segment.name} is empty.", remedy="Paint something first.")
        return found
    points = _points_of(context, kind)
    ends = picture.grid.index(np.array(points))[:, ::-1]
    i_mm, j_mm, k_mm = picture.grid.spacing_ijk_mm
    reach = margin_mm / np.array((k_mm, j_mm, i_mm))
    limit = np.array(picture.grid.shape_kji) - 1.0
    low, high = ends.min(axis=0) - reach, ends.max(axis=0) + reach
    if (high < 0).any() or (low > limit).any():
        raise InputRefused("The region lies outside the image.")
    return box_lps(picture, np.clip(low, 0, limit), np.clip(high, 0, limit))


def _points_of(context: Context, kind: str) -> Sequence[Sequence[float]]:
    look = context.viewing.look
    if kind == "seeds":
        call = draft_of(context).call
        if not call.seeds_lps_mm:
            raise InputRefused("There are no seeds yet.", remedy="Click into the image first.")
        return (*call.seeds_lps_mm, *call.outside_lps_mm)
    if kind == "measurement":
        found = next(
            (m for m in context.session.state.measurements if m.uid == look.selected_uid), None
        )
        if found is None or not found.points_lps_mm:
            raise InputRefused(
                "No measurement is chosen.", remedy="Draw a rectangle and choose it in the list."
            )
        return found.points_lps_mm
    if kind != "panes":
        raise InputRefused("A region is: off, segment, seeds, panes, measurement or given.")
    # Every axis as far as the panes show it: what at least one pane cuts off is cut off.
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    for plane in look.planes.values():
        width, height = plane.size_px
        ends = plane.world(((-0.5, -0.5), (width - 0.5, height - 0.5)))
        across = np.abs(plane.normal) < 0.5
        low[across] = np.maximum(low, ends.min(axis=0))[across]
        high[across] = np.minimum(high, ends.max(axis=0))[across]
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise InputRefused("The panes show no common region.", remedy="Show all three planes.")
    return low.tolist(), high.tolist()


def _segments(context: Context) -> Sequence[Choice]:
    draft, picture = context.viewing.draft, context.picture
    if draft is None or picture is None:
        return []
    ticked = {(b.uid, b.number, b.only_inside) for b in draft.barriers}
    found = [Choice("Anywhere", {"uid": "", "number": 0}, (), not draft.barriers)]
    active = context.segmentation
    if active is not None and active.grid == picture.grid:
        key = {"uid": active.uid, "number": 0, "only_inside": False}
        chosen = (active.uid, 0, False) in ticked
        found.append(Choice("Never inside other segments", key, (), chosen))
    for only_inside, title in ((True, "Only inside"), (False, "Never inside")):
        found += [
            Choice(
                f"{title} {segment.name}",
                {"uid": layer.uid, "number": segment.number, "only_inside": only_inside},
                (),
                (layer.uid, segment.number, only_inside) in ticked,
                title,
            )
            for layer in context.session.state.segmentations
            if layer.grid == picture.grid
            for segment in layer.segments
        ]
    return found


@action(
    "method.segments",
    "Method beside segments",
    group="Segments",
    choices=_segments,
    enabled=no_draft,
)
def segments(context: Context, *, uid: str, number: int, only_inside: bool = False) -> None:
    """Let the method find only what lies inside a segment, or never inside; again: take it back."""
    draft = draft_of(context)
    if not uid:
        take_draft(context, replace(draft, barriers=()))
        return
    layer = context.session.state.segmentation(uid)
    name = "other segments" if number == 0 else layer.segment(number).name
    barrier = Barrier(uid, number, name, only_inside)
    rest = tuple(b for b in draft.barriers if (b.uid, b.number) != (uid, number))
    same = barrier in draft.barriers
    take_draft(context, replace(draft, barriers=rest if same else (*rest, barrier)))


# --- on the way ---------------------------------------------------------------------------------


def _not_moving(context: Context) -> str:
    draft = context.viewing.draft
    if draft is None:
        return "No method is being tried."
    if draft.found is not None or draft.fault:
        return "The method has ended."
    return "" if method_of(context, draft.call.key).is_slow else "The method makes no steps."


@action(
    "method.stop",
    "Stop the method here",
    group="Segments",
    keys=("Alt+Shift+Return",),
    enabled=_not_moving,
)
def stop(context: Context) -> None:
    """Take what a method that moves step by step has come to, instead of waiting for its end."""
    draft_of(context).enough.set()


def _no_membership(context: Context) -> str:
    draft = context.viewing.draft
    if draft is None:
        return "No method is being tried."
    has = draft.found is not None and draft.found.membership is not None
    return "" if has else "The method gives no memberships."


@action(
    "method.membership",
    "Show memberships",
    group="Segments",
    enabled=_no_membership,
)
def membership(context: Context) -> None:
    """Show how much each voxel belongs to what is meant, or only what will be taken."""
    draft, picture = draft_of(context), context.need_picture()
    turned = replace(draft, membership_shown=not draft.membership_shown)
    if draft.found is not None:
        turned = turned.shown(draft.found, picture)
    context.viewing.set_draft(turned)
