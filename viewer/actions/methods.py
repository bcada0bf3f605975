"""Segmentation methods: tried with a live preview, then one edit of the active segment."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import numpy as np

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.method_keeping import (
    Mode,
    kept_edit,
    method_origin,
    segmentation_of,
    with_membership,
)
from viewer.actions.method_limits import forbidden_of, sketch
from viewer.actions.registry import Choice, action
from viewer.domain.chain import Setting
from viewer.domain.method_text import MethodCall, PointLps
from viewer.domain.segmenters import Segmenter
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused, ViewerError
from viewer.imaging.method_run import MethodRun, run_method
from viewer.jobs.job import Progress, Ticket
from viewer.jobs.runner import Outcomes
from viewer.session.drafting import Draft
from viewer.session.edits_segmentation import AddSegmentation
from viewer.session.layers import layer_axis

_JOB = "method"
_SLICES = 2  # the index axis of slices


# --- trying -------------------------------------------------------------------------------------


def _methods(context: Context) -> Sequence[Choice]:
    return [
        Choice(method.title, {"method": method.key}, group=method.group)
        for method in context.extensions.segmenters.values()
    ]


def _can_segment(context: Context) -> str:
    picture = context.picture
    if picture is not None and picture.is_colour:
        return "Methods work on single values; this picture is in colour."
    return has_picture(context)


def no_draft(context: Context) -> str:
    """Return "" while a method is being tried, else the reason."""
    return "" if context.viewing.draft is not None else "No method is being tried."


@action(
    "method.choose",
    "Segment by a method",
    group="Segments",
    choices=_methods,
    slow_choices=True,
    enabled=_can_segment,
)
def choose(context: Context, *, method: str) -> None:
    """Try a method: its result is shown while its settings move, and kept by Apply."""
    picture = context.need_picture()
    found = method_of(context, method)
    before = context.viewing.draft
    call = MethodCall(method, tuple(sorted(_first_settings(context, found, picture).items())))
    if before is not None and before.volume_key == picture.key:
        # The seeds of the method before are what the reader pointed at.
        call = replace(
            call,
            seeds_lps_mm=before.call.seeds_lps_mm,
            outside_lps_mm=before.call.outside_lps_mm,
            within=before.call.within,
            box_lps_mm=before.call.box_lps_mm,
        )
    flat = found.dimensions == (2,) or picture.grid.shape_kji[0] == 1
    kept = before.barriers if before is not None and before.volume_key == picture.key else ()
    take_draft(context, Draft(call, picture.key, flat, barriers=kept))
    if found.needs & {"seeds", "outside"}:
        context.viewing.set(tool="seeds")


def method_of(context: Context, key: str) -> Segmenter:
    """Return a method by its key; InputRefused when there is none."""
    try:
        return context.extensions.segmenters[key]
    except KeyError:
        raise InputRefused(f"There is no method called {key}.") from None


def _first_settings(context: Context, method: Segmenter, picture: Picture) -> dict[str, Setting]:
    """Return the defaults; what is a value of the picture begins at the shown window."""
    window = context.viewing.window(picture)
    low, high = window.center - window.width / 2, window.center + window.width / 2
    usual = {
        "low": window.center,
        "high": max(high, low) + 4 * window.width,
        "weak": window.center,
        "strong": window.center + window.width / 4,
        "tolerance": window.width / 8,
        "evenness": window.width / 8,
    }
    settings = method.defaults()
    for parameter in method.parameters:
        if parameter.unit == "value" and parameter.key in usual:
            settings[parameter.key] = float(
                min(max(usual[parameter.key], parameter.low), parameter.high)
            )
    return settings


def draft_of(context: Context) -> Draft:
    """Return what is being tried on the shown picture; ViewerError when there is nothing."""
    draft = context.viewing.draft
    if draft is None or draft.volume_key != context.need_picture().key:
        raise ViewerError("No method is being tried on this picture.", remedy="Choose one first.")
    return draft


@action("method.set", "Set a method's parameter", group="Segments", enabled=no_draft)
def set_parameter(context: Context, *, parameter: str, value: Setting) -> None:
    """Change one setting of the method that is being tried."""
    draft = draft_of(context)
    method = method_of(context, draft.call.key)
    changed = draft.with_setting(parameter, value)
    method.checked(dict(changed.call.parameters))
    take_draft(context, changed)


@action("method.seed", "Seed a method", group="Segments", enabled=no_draft)
def seed(
    context: Context, *, points_lps_mm: Sequence[Sequence[float]], inside: bool = True
) -> None:
    """Mark places inside, or outside, what is meant."""
    picture = context.need_picture()
    points = tuple(_point(p) for p in points_lps_mm)
    index = np.floor(picture.grid.index(np.array(points)) + 0.5)
    if (index < 0).any() or (index >= np.array(picture.grid.shape_kji[::-1])).any():
        raise InputRefused("This place lies outside the image.")
    take_draft(context, draft_of(context).with_seeds(points, inside=inside))


def _point(values: Sequence[float]) -> PointLps:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _no_seeds(context: Context) -> str:
    draft = context.viewing.draft
    if draft is None:
        return "No method is being tried."
    return "" if draft.call.seeds_lps_mm or draft.call.outside_lps_mm else "There are no seeds."


@action("method.clear_seeds", "Take the seeds away", group="Segments", enabled=_no_seeds)
def clear_seeds(context: Context) -> None:
    """Begin anew with the same method and settings."""
    take_draft(context, draft_of(context).without_seeds())


@action("method.flat", "Method on the shown slice alone", group="Segments", enabled=no_draft)
def flat(context: Context) -> None:
    """Work on the shown slice, or on the whole volume."""
    draft = draft_of(context)
    method = method_of(context, draft.call.key)
    dimensions = 3 if draft.flat else 2
    if dimensions not in method.dimensions:
        raise InputRefused(f"{method.title} does not work in {dimensions} dimensions.")
    take_draft(context, replace(draft, flat=not draft.flat))


@action("method.again", "Look at the segment again", group="Segments", enabled=no_draft)
def again(context: Context) -> None:
    """Compute the preview anew where it is made from the segment, after that was changed."""
    draft = draft_of(context)
    if "current" in method_of(context, draft.call.key).needs:
        take_draft(context, draft)


def take_draft(context: Context, draft: Draft) -> None:
    """Take the draft and compute its preview; a newer one replaces the older."""
    picture = context.need_picture()
    method = method_of(context, draft.call.key)
    draft = replace(draft, found=None, enough=Event())
    call = _on_slice(context, draft, picture)
    context.viewing.set_draft(draft)
    wanted = {"seeds": draft.call.seeds_lps_mm, "outside": draft.call.outside_lps_mm}
    if any(not wanted[need] for need in method.needs if need in wanted):
        context.jobs.cancel(_JOB)
        return  # the reader is still pointing
    current, forbidden = _current(context, picture), forbidden_of(context, draft, picture)
    if method.is_pointwise and not draft.flat:
        sketch(context, draft, forbidden)

    def work(ticket: Ticket) -> MethodRun:
        def watch(part: MethodRun) -> bool:
            ticket.report(None, method.title, part)
            return not draft.enough.is_set()

        return run_method(
            picture,
            call,
            context.extensions.segmenters,
            ticket,
            current=current,
            forbidden=forbidden,
            watch=watch,
        )

    outcomes = _outcomes(context, draft, picture)
    context.jobs.submit(work, outcomes, key=_JOB, title=method.title)


def _outcomes(context: Context, draft: Draft, picture: Picture) -> Outcomes[MethodRun]:
    """Return how a try is shown; what belongs to an older one is dropped."""

    def is_now() -> bool:
        now = context.viewing.draft
        return now is not None and now.enough is draft.enough

    def done(found: MethodRun) -> None:
        if is_now():
            context.viewing.set_draft(draft.shown(found, picture))

    def progressed(progress: Progress) -> None:
        if is_now() and isinstance(progress.part, MethodRun):
            context.viewing.set_draft(draft.sketched((progress.part,), picture))

    def failed(error: Exception) -> None:
        if not isinstance(error, ViewerError):
            context.tell_fault(error)
        elif is_now():
            context.viewing.set_draft(replace(draft, layer=None, fault=error.sentence()))

    return Outcomes(done=done, failed=failed, progressed=progressed)


def _current(
    context: Context, picture: Picture
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None":
    """Return the active segment's voxels, a copy: methods that move a contour start from it."""
    layer = context.segmentation
    if layer is None or layer.volume_key != picture.key or layer.grid != picture.grid:
        return None
    mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (
        layer.labels == context.viewing.look.segment_number
    )
    return mask


def _on_slice(context: Context, draft: Draft, picture: Picture) -> MethodCall:
    """Return the call on the shown slice, or on the acquired slice through the cross-hair.

    The latter where all panes cut across the slices, as they do in an oblique acquisition.
    """
    if not draft.flat:
        return draft.call
    look = context.viewing.look
    point = np.array(look.crosshair_lps_mm)
    for pane in (look.active_pane, "axial", "acquired", *look.planes):
        plane = look.planes.get(pane)
        found = None if plane is None else layer_axis(picture.grid, plane)
        if plane is not None and found is not None and found[0] == _SLICES:
            point = plane.centre_lps_mm
            break
    k = int(np.floor(float(picture.grid.index(point)[2]) + 0.5))
    return replace(draft.call, slice_k=min(max(k, 0), picture.grid.shape_kji[0] - 1))


# --- keeping ------------------------------------------------------------------------------------


def _cannot_apply(context: Context) -> str:
    draft = context.viewing.draft
    if draft is None:
        return "No method is being tried."
    return "" if draft.found is not None else "The method has no result yet."


_MODES: tuple[tuple[Mode, str, tuple[str, ...]], ...] = (
    ("add", "add to the segment", ("Alt+Return",)),
    ("subtract", "take from the segment", ()),
    ("replace", "in place of the segment", ()),
    ("new", "as a new segmentation", ()),
)


def _modes(_context: Context) -> Sequence[Choice]:
    return [Choice(title, {"mode": mode}, keys) for mode, title, keys in _MODES]


@action(
    "method.apply",
    "Apply the method",
    group="Segments",
    choices=_modes,
    enabled=_cannot_apply,
)
def apply(context: Context, *, mode: Mode = "add") -> None:
    """Keep the result as one edit; without a segment of one's own it becomes a new one."""
    draft = draft_of(context)
    picture = context.need_picture()
    if draft.found is None:
        raise ViewerError("The method has no result yet.")
    method = method_of(context, draft.call.key)
    call = _on_slice(context, draft, picture)
    layer = context.segmentation
    number = context.viewing.look.segment_number
    own = layer is not None and layer.volume_key == picture.key and not layer.is_immutable
    at_least = float(dict(draft.call.parameters).get("at_least", 0.5))
    if mode == "new" or layer is None or not own or layer.grid != picture.grid:
        made = segmentation_of(picture, method, call, draft.found, barriers=draft.barriers)
        if not made.segments:
            raise InputRefused("Nothing was found, so there is nothing to keep.")
        made, kept = with_membership(made, draft.found, at_least)
        context.session.apply(AddSegmentation.of(made))
        context.viewing.set(segmentation_uid=made.uid, segment_number=1)
    else:
        origin = method_origin(method, call, barriers=draft.barriers, mode=mode)
        edit, kept = kept_edit(layer, number, draft.found, mode, method.title, origin, at_least)
        if edit is None:
            raise InputRefused("The segment would stay as it is.")
        context.session.apply(edit)
    voxels = counted(int(np.count_nonzero(draft.found.mask)), "voxel")
    context.door.tell(Notice("done", f"{method.title}: {voxels}.{kept}"))
    _end(context)


@action("method.cancel", "Drop the method", group="Segments", enabled=no_draft)
def cancel(context: Context) -> None:
    """Drop what was tried, without a trace (Esc)."""
    _end(context)


def _end(context: Context) -> None:
    context.jobs.cancel(_JOB)
    context.viewing.set_draft(None)
    if context.viewing.look.tool == "seeds":
        context.viewing.set(tool="window")
