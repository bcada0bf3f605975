"""What a method's result becomes: a segmentation, or one edit of a segment, with its record."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from viewer.domain.fractions import (
    MOST_BYTES,
    WHOLE,
    Fractions,
    levels_of_membership,
    whole_levels,
)
from viewer.domain.method_text import MethodCall
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.segmenters import Segmenter
from viewer.domain.volume import Picture
from viewer.imaging.colours import colour_of
from viewer.imaging.method_run import MethodRun
from viewer.session.drafting import Barrier
from viewer.session.edit import Edit, Group
from viewer.session.edits_labels import paint
from viewer.session.edits_segmentation import SetFractions
from viewer.session.identifiers import new_uid

Mode = Literal["add", "subtract", "replace", "new"]
_KEPT = " How much each voxel belongs is kept: Segments as another SEG writes it."
_TOO_LARGE = " How much each voxel belongs is too large to keep: only the mask was kept."


def method_origin(
    method: Segmenter,
    call: MethodCall,
    elapsed_s: float = 0.0,
    barriers: Sequence[Barrier] = (),
    mode: str = "",
) -> Origin:
    """Return who made it: the method with all that it was run with, enough to run it again.

    ``mode`` says how the result met a segment that was there ("add", "subtract", "replace").
    """
    parameters = {key: str(value) for key, value in method.checked(dict(call.parameters)).items()}
    parameters["group"] = method.group
    for name in ("seeds_lps_mm", "outside_lps_mm"):
        points = getattr(call, name)
        if points:
            parameters[name] = ", ".join(" ".join(f"{x:.3f}" for x in p) for p in points)
    for name in ("within", "box_lps_mm", "slice_k"):
        if getattr(call, name) is not None:
            parameters[name] = str(getattr(call, name))
    if barriers:
        parameters["segments"] = ", ".join(barrier.words for barrier in barriers)
    if mode:
        parameters["mode"] = mode
    return Origin(
        OriginKind.METHOD,
        method.key,
        elapsed_s=elapsed_s,
        parameters=tuple(sorted(parameters.items())),
    )


def segmentation_of(
    picture: Picture,
    method: Segmenter,
    call: MethodCall,
    found: MethodRun,
    elapsed_s: float = 0.0,
    barriers: Sequence[Barrier] = (),
) -> Segmentation:
    """Return a new segmentation with one segment, the method's result; none if it is empty."""
    mask = found.whole(picture.grid.shape_kji)
    origin = method_origin(method, call, elapsed_s, barriers)
    segment = Segment(1, method.title, colour_of(1), tracking_uid=new_uid(), steps=(origin,))
    return Segmentation(
        new_uid(),
        method.title,
        picture.key,
        picture.grid,
        mask.astype(np.uint8),
        (segment,) if mask.any() else (),
        origin,
    )


def membership_of(found: MethodRun, at_least: float) -> Fractions | None:
    """Return what a method said of how much voxels belong; None where it said nothing."""
    if found.membership is None:
        return None
    levels = levels_of_membership(found.membership, found.mask, at_least)
    return Fractions.of(levels, at_least * WHOLE, start_kji=found.start_kji)


def with_membership(
    made: Segmentation, found: MethodRun, at_least: float
) -> tuple[Segmentation, str]:
    """Return a new segmentation whose segment carries the memberships, and what to say of them."""
    fractions = membership_of(found, at_least)
    if fractions is None:
        return made, ""
    if len(fractions.packed) > MOST_BYTES:
        return made, _TOO_LARGE
    (segment,) = made.segments
    return replace(made, segments=(replace(segment, fractions=fractions),)), _KEPT


def kept_edit(  # noqa: PLR0913 - the result, where it goes, how, and what is recorded of it
    layer: Segmentation,
    number: int,
    found: MethodRun,
    mode: Mode,
    title: str,
    origin: Origin,
    at_least: float,
) -> tuple[Edit | None, str]:
    """Return the one edit that keeps a result in a segment (None: nothing changes), and a remark.

    Memberships replace the segment's fractions, or are joined with them by the larger one (the
    union of fuzzy sets, Zadeh 1965); what is taken away counts as nothing from then on.
    """
    segment = layer.segment(number)
    edits = _masks(layer, segment, found, mode, title, origin)
    if not edits:
        return None, ""
    fractions, remark = _fractions(layer, segment, found, mode, at_least), ""
    if fractions is not None and len(fractions.packed) > MOST_BYTES:
        fractions, remark = None, _TOO_LARGE
    elif fractions is not None and found.membership is not None and mode != "subtract":
        remark = _KEPT
    if fractions != segment.fractions:
        edits = (*edits, SetFractions(layer.uid, number, fractions))
    name = edits[0].name
    return (edits[0] if len(edits) == 1 else Group(edits, name)), remark


def _masks(
    layer: Segmentation,
    segment: Segment,
    found: MethodRun,
    mode: Mode,
    title: str,
    origin: Origin,
) -> tuple[Edit, ...]:
    name, number = f"{title} on {segment.name}", segment.number
    if mode == "subtract":
        taken = paint(layer, found, number, erase=True, name=name, by=origin)
        return () if taken is None else (taken,)
    added = paint(layer, found, number, name=name, by=origin)
    removed = None
    if mode == "replace":
        stale = (layer.labels == number) & ~found.whole(layer.grid.shape_kji)
        rest = MethodRun((0, 0, 0), stale, None, ())
        removed = paint(layer, rest, number, erase=True, name=name, by=origin)
    return tuple(edit for edit in (added, removed) if edit is not None)


def _fractions(
    layer: Segmentation, segment: Segment, found: MethodRun, mode: Mode, at_least: float
) -> Fractions | None:
    """Return the segment's fractions after the result was kept."""
    old, new = segment.fractions, membership_of(found, at_least)
    if mode == "replace":
        return new
    if mode == "subtract" or new is None:
        return old
    mask = layer.labels == segment.number
    if not mask.any():
        return new
    before = whole_levels(mask) if old is None else old.on(mask)
    if old is not None and old.maximum != WHOLE:
        before = np.rint(before * (WHOLE / old.maximum)).astype(np.uint8)
    # what is in the mask stays in it, whatever threshold the new result has
    before = np.where(mask, np.maximum(before, np.uint8(np.ceil(new.at_least))), before)
    joined = np.maximum(before, new.on(found.whole(layer.grid.shape_kji)))
    return Fractions.of(joined, new.at_least)
