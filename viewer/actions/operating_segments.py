"""Operations that concern several segments at once: split, smooth together, combine."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context
from viewer.actions.operating import Operated, ml_text, operate
from viewer.domain.segmentation import MOST_SEGMENTS, Segmentation
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.imaging import islands as pieces
from viewer.imaging import segment_shapes as shapes
from viewer.imaging.colours import colour_of
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job
from viewer.session.edits import AddSegment, Edit, replace_labels
from viewer.session.edits_labels import operation, unlocked
from viewer.session.identifiers import new_uid

Mask = NDArray[np.bool_]
How = Literal["union", "subtract", "intersect"]
_MOST = MOST_SEGMENTS


def smoothed_together(context: Context, sigma_mm: float) -> Job[Operated]:
    """Smooth all unlocked segments of the active segmentation at once."""
    segmentation, _ = context.need_segment()
    numbers = [s.number for s in segmentation.segments if not s.locked]

    def work(copy: Segmentation, ticket: Ticket) -> Operated:
        ticket.check()
        after = shapes.smoothed_jointly(copy.labels, copy.grid, sigma_mm, numbers)
        ticket.check()
        said = f"smooth all by {sigma_mm:g} mm"
        edit = replace_labels(copy, after, name=said, by=operation(said))
        if edit is None:
            return Operated((), "All segments stay as they are: nothing to smooth.")
        sentences = []
        for segment in copy.segments:
            before_ml, after_ml = (
                np.count_nonzero(labels == segment.number) * copy.grid.voxel_volume_mm3 / 1000
                for labels in (copy.labels, after)
            )
            sentences.append(f"{segment.name} {ml_text(before_ml)} to {ml_text(after_ml)} mL")
        return Operated((edit,), f"Smoothed by {sigma_mm:g} mm: {'; '.join(sentences)}.")

    return operate(context, segmentation, work, title=f"Smooth all by {sigma_mm:g} mm")


def split_segment(context: Context) -> Job[Operated]:
    """Make every connected piece of the active segment a segment of its own."""
    segmentation, segment = context.need_segment()
    unlocked(segmentation, segment.number)

    def work(copy: Segmentation, ticket: Ticket) -> Operated:
        numbers, sizes = pieces.islands(copy.labels == segment.number)
        ticket.check()
        taken = {s.number for s in copy.segments}
        free = [n for n in range(1, _MOST + 1) if n not in taken]
        if len(sizes) - 1 > len(free):
            raise InputRefused(
                f"{segment.name} has {counted(len(sizes), 'piece')}, and one segmentation holds "
                f"{_MOST} segments.",
                remedy="Remove small pieces first.",
            )
        if len(sizes) < 2:
            return Operated((), f"{segment.name} is one piece, or empty: nothing to split.")
        table = np.array([0, segment.number, *free[: len(sizes) - 1]], dtype=np.uint8)
        after = np.where(numbers > 0, table[numbers], copy.labels)
        edits: list[Edit] = [
            AddSegment(
                copy.uid,
                replace(
                    segment,
                    number=number,
                    name=f"{segment.name}, piece {at}",
                    colour=colour_of(number),
                    tracking_uid=new_uid(),
                    scores=(),
                ),
            )
            for at, number in enumerate(free[: len(sizes) - 1], start=2)
        ]
        said = f"split {segment.name}"
        edit = replace_labels(copy, after, name=said, by=operation(said))
        volumes = sizes * copy.grid.voxel_volume_mm3 / 1000
        text = f"{segment.name} split into {len(sizes)} segments of {ml_text(volumes[0])}"
        whole = f"{text} to {ml_text(volumes[-1])} mL."
        return Operated((*edits, *((edit,) if edit is not None else ())), whole)

    return operate(context, segmentation, work, title=f"split {segment.name}")


def join_layers(context: Context, active: Segmentation, uid: str, number: int) -> Mask:
    """Return the mask of a segment of any layer on the active layer's grid, as it is now.

    Raises
    ------
    InputRefused
        There is no such segment, or it lies on another grid.
    """
    layer = context.session.state.segmentation(uid)
    layer.segment(number)
    if layer.grid != active.grid:
        raise InputRefused(
            "The two segments lie on different grids.",
            where=layer.name,
            remedy="Bring one to the other's grid first.",
        )
    return np.asarray(layer.labels == number)


def combined_mask(mask: Mask, other: Mask, how: How) -> Mask:
    """Return the union, the difference or the intersection of two masks (k, j, i)."""
    if how == "union":
        return mask | other
    return mask & ~other if how == "subtract" else mask & other
