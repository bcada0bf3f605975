"""What may leave: a network's findings only with a verdict, or with the word UNREVIEWED on them."""

from collections.abc import Sequence
from dataclasses import replace

from viewer.actions.context import Context
from viewer.actions.reviewing import undecided
from viewer.domain.measurement import Measurement, Review
from viewer.domain.segmentation import Segmentation
from viewer.domain.supervision import UNREVIEWED, awaiting, from_network
from viewer.domain.wording import counted
from viewer.errors import InputRefused


def released(
    context: Context, layer: Segmentation, *, unreviewed: bool = False, labelled: bool = True
) -> Segmentation:
    """Return ``layer`` as it may be written.

    ``unreviewed``: the reader chose to write open findings, which the file then calls UNREVIEWED;
    ``labelled``: the format has a place for that word.

    Raises
    ------
    InputRefused
        A finding of a network has no verdict yet, and this was not chosen or cannot be said.
    """
    left = awaiting(layer, context.session.state.segmentations)
    if left and not (unreviewed and labelled):
        raise _refusal(left[0].name, len(left), labelled=labelled)
    if layer.is_immutable or not from_network(layer):
        return layer
    # In a copy the voxels tell what is open; in a file the word alone does.
    numbers = {segment.number for segment in left}
    segments = tuple(
        replace(s, review=Review.UNREVIEWED)
        if s.number in numbers
        else replace(s, review=Review.EDITED if s.review is Review.UNREVIEWED else s.review)
        for s in layer.segments
    )
    return replace(layer, segments=segments)


def released_measurements(
    context: Context, found: Sequence[Measurement], *, unreviewed: bool = False
) -> tuple[Measurement, ...]:
    """Return measurements as they may be written: those of open findings named UNREVIEWED.

    Raises
    ------
    InputRefused
        A measured finding of a network has no verdict yet, and ``unreviewed`` was not chosen.
    """
    layers = context.session.state.segmentations
    left = {(layer.uid, s.number): s.name for layer in layers for s in awaiting(layer, layers)}
    names = [left[m.segment] for m in found if m.segment in left]
    if names and not unreviewed:
        raise _refusal(names[0], len(set(names)), labelled=True)
    return tuple(
        replace(m, label=f"{UNREVIEWED} {m.label}") if m.segment in left else m for m in found
    )


def refuse_open(context: Context) -> None:
    """Refuse to write tables of all findings while one of the shown picture's is open.

    Raises
    ------
    InputRefused
        A finding of a network has no verdict yet.
    """
    left = [segment.name for _, segment in undecided(context)]
    if left:
        raise _refusal(left[0], len(left), labelled=True)


def _refusal(name: str, n: int, *, labelled: bool) -> InputRefused:
    others = "" if n == 1 else f" ({counted(n, 'finding')} in all)"
    way = (
        'choose "Unreviewed, and labelled so" in the menu Export'
        if labelled
        else "export as DICOM SEG, labelled UNREVIEWED: this format has no place to say so"
    )
    return InputRefused(
        f"Nobody has reviewed what the network found{others}.",
        where=name,
        remedy=f"Accept or reject it (Ctrl+Return, Ctrl+Backspace), or {way}.",
    )
