"""Run a network, and decide about what it found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.registry import Choice, action
from viewer.domain.card import NetworkCard
from viewer.domain.measurement import Review
from viewer.domain.prompt import Prompt
from viewer.domain.segmentation import Score, Segment, Segmentation
from viewer.domain.supervision import from_network
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, ViewerError
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.edits import AddSegmentation, CopySegmentation, Group, ReplaceSegment
from viewer.session.identifiers import new_uid

if TYPE_CHECKING:
    from viewer.inference.doubt import Doubt


def _networks(context: Context) -> Sequence[Choice]:
    return [
        Choice(card.title, {"network": key}, ("N",) if at == 0 else ())
        for at, (key, card) in enumerate(_segmenters(context).items())
    ]


def _segmenters(context: Context) -> dict[str, NetworkCard]:
    """Return those of volumes first: the first one has a key."""
    return {**_by_task(context, "segment"), **_by_task(context, "segment", "image")}


def _by_task(context: Context, task: str, reads: str = "volume") -> dict[str, NetworkCard]:
    return {
        key: card
        for key, (card, _) in context.cards.items()
        if card.task == task and card.reads == reads
    }


@dataclass(frozen=True)
class Found:
    """What a run of a network gave."""

    segmentation: Segmentation
    elapsed_s: float
    notes: tuple[str, ...] = ()
    doubt: "Doubt | None" = None


def run_networks(
    context: Context,
    picture: Picture,
    card: NetworkCard,
    ticket: Ticket,
    prompt: Prompt | None = None,
    *,
    doubt: bool = False,
) -> Found:
    """Run ``card`` on ``picture``, and every classifier there is on each lesion (in a job).

    ``prompt`` says where to look, for a network that takes such; ``doubt``: how sure it is, too.
    """
    if doubt:
        from viewer.inference.doubt import check_doubt

        check_doubt(card)
    if card.reads == "image":
        if prompt is not None:
            raise InputRefused(f"{card.title} takes neither box nor points.")
        from viewer.inference.image_jobs import segment_image

        drawn = segment_image(context.supervisor, picture, card, ticket)
        return Found(drawn.segmentation, drawn.seconds, tuple(drawn.notes))
    result = context.supervisor.segment(picture, card, ticket, prompt, doubt=doubt)
    segmentation = result.segmentation
    notes = (*_unlike(context, picture, card), *result.notes)
    for classifier in _by_task(context, "classify").values():
        if segmentation.segments and classifier.modality in ("", picture.identity.series.modality):
            scores = context.supervisor.classify(picture, segmentation, classifier, ticket)
            segmentation = _scored(segmentation, scores)
    return Found(segmentation, result.seconds, notes, result.doubt)


def _unlike(context: Context, picture: Picture, card: NetworkCard) -> tuple[str, ...]:
    """Return the warning that this scan is unlike those that the network was trained on."""
    from viewer.inference.handover import Scan
    from viewer.inference.likeness import load_likeness, unlike

    if card.key not in context.cards or picture.is_colour:
        return ()
    return unlike(Scan.of(picture), card, load_likeness(context.cards[card.key][1]))


def _scored(segmentation: Segmentation, scores: dict[int, Score]) -> Segmentation:
    return replace(
        segmentation,
        segments=tuple(
            replace(s, scores=(*s.scores, scores[s.number])) if s.number in scores else s
            for s in segmentation.segments
        ),
    )


@action("ai.run", "Run a network", group="Networks", choices=_networks, enabled=has_picture)
def run(context: Context, *, network: str) -> Job[Found]:
    """Run a network on what is shown; its result becomes a new layer that nothing overwrites."""
    if network not in context.cards:
        raise InputRefused(
            f"There is no network called {network}.",
            remedy=f"Choose one of: {', '.join(context.cards) or 'none is installed'}.",
        )
    picture = context.need_picture()
    if not picture.is_loaded:
        raise ViewerError(
            "Not all images have been read yet.", remedy="Wait until the reading has ended."
        )
    card, _folder = context.cards[network]

    def done(found: Found) -> None:
        take_in(context, found, card)

    def cancelled() -> None:
        context.door.tell(Notice("done", f"{card.title} was cancelled; nothing was changed."))

    return context.jobs.submit(
        lambda ticket: run_networks(context, picture, card, ticket),
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key=f"network:{network}",
        title=card.title,
    )


def take_in(context: Context, found: Found, card: NetworkCard) -> None:
    """Make what a network found a new layer, and tell what must be said of it."""
    segmentation = found.segmentation
    for note in found.notes:
        context.door.tell(Notice("warning", note))
    if not segmentation.segments:
        context.door.tell(
            Notice(
                "done",
                f"{card.title} found nothing in {found.elapsed_s:.1f} s. "
                "That does not mean that there is nothing.",
            )
        )
        return
    context.session.apply(AddSegmentation.of(segmentation))
    choose_segment(context, uid=segmentation.uid, number=segmentation.segments[0].number)


def _segments(context: Context) -> Sequence[Choice]:
    return [
        Choice(f"{s.name}: {segment.name}", {"uid": s.uid, "number": segment.number})
        for s in context.session.state.segmentations
        for segment in s.segments
    ]


@action("segment.choose", "Choose a segment", group="Segments", choices=_segments)
def choose_segment(context: Context, *, uid: str, number: int) -> None:
    """Make a segment the active one, and go to its middle."""
    segmentation = context.session.state.segmentation(uid)
    segmentation.segment(number)
    context.viewing.set(segmentation_uid=uid, segment_number=number)
    go_to_segment(context)


@action("segment.go_to", "Go to the segment", group="Segments", keys=("J",))
def go_to_segment(context: Context) -> None:
    """Put the cross-hair into the middle of the active segment."""
    segmentation, segment = context.need_segment()
    picture = context.picture
    if picture is None or picture.key != segmentation.volume_key:
        return
    centre = middle_of(segmentation, segment)
    if centre is not None:
        context.viewing.cross(picture, centre)


def middle_of(segmentation: Segmentation, segment: Segment) -> tuple[float, float, float] | None:
    """Return the voxel of the segment nearest to its centre of mass, as a patient position."""
    import numpy as np

    kji = np.argwhere(segmentation.labels == segment.number)
    if not len(kji):
        return None
    nearest = kji[np.argmin(((kji - kji.mean(axis=0)) ** 2).sum(axis=1))]
    x, y, z = (float(v) for v in segmentation.grid.world(nearest[::-1]))
    return x, y, z


def _step_segment(context: Context, step: int) -> None:
    choices = _segments(context)
    look = context.viewing.look
    now = {"uid": look.segmentation_uid, "number": look.segment_number}
    at = next((n for n, choice in enumerate(choices) if choice.parameters == now), -step)
    if choices:
        choose_segment(context, **choices[(at + step) % len(choices)].parameters)


@action("segment.next", "Next segment", group="Segments", keys=("Q",))
def next_segment(context: Context) -> None:
    """Go to the next segment."""
    _step_segment(context, 1)


@action("segment.previous", "Previous segment", group="Segments", keys=("Shift+Q",))
def previous_segment(context: Context) -> None:
    """Go to the previous segment."""
    _step_segment(context, -1)


def _no_network_result(context: Context) -> str:
    found = context.segmentation
    if found is None:
        return "No segment is chosen."
    return "" if found.is_immutable else "This segmentation was not made by a network."


def _no_finding(context: Context) -> str:
    found = context.segmentation
    if found is None:
        return "No segment is chosen."
    return "" if from_network(found) else "This segmentation was not made by a network."


def _review(context: Context, review: Review, *, visible: bool) -> None:
    segmentation, segment = context.need_segment()
    changed = replace(segment, review=review, visible=visible)
    words = {Review.ACCEPTED: "accept", Review.REJECTED: "reject"}
    context.session.apply(
        ReplaceSegment(segmentation.uid, changed, f"{words[review]} {segment.name}")
    )


@action("ai.accept", "Accept", group="Networks", keys=("Ctrl+Return",), enabled=_no_finding)
def accept(context: Context) -> None:
    """Accept the active finding: as the network drew it, or as the edited copy shows it."""
    _review(context, Review.ACCEPTED, visible=True)


@action("ai.reject", "Reject", group="Networks", keys=("Ctrl+Backspace",), enabled=_no_finding)
def reject(context: Context) -> None:
    """Reject the active finding: it is hidden, kept, and named as rejected."""
    _review(context, Review.REJECTED, visible=False)


@action(
    "ai.edit_copy", "Edit a copy", group="Networks", keys=("Ctrl+E",), enabled=_no_network_result
)
def edit_copy(context: Context) -> None:
    """Make a copy of the network's result that hands may change; the original stays."""
    segmentation, segment = context.need_segment()
    copy_uid = new_uid()
    # The original is hidden, so that hand and network do not lie on each other unseen.
    hidden = [
        ReplaceSegment(segmentation.uid, replace(s, visible=False), f"hide {s.name}")
        for s in segmentation.segments
    ]
    context.session.apply(
        Group(
            (CopySegmentation(segmentation.uid, copy_uid, f"{segmentation.name}, edited"), *hidden),
            f"edit a copy of {segmentation.name}",
        )
    )
    context.viewing.set(
        segmentation_uid=copy_uid, segment_number=segment.number, tool="brush", segments_shown=True
    )
