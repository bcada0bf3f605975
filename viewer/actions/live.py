"""A network on the frames that are shown, as they come: cine, ultrasound, a stack one scrolls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.image_networks import shown_image
from viewer.actions.registry import Choice, action
from viewer.domain.card import NetworkCard
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.inference.live import Live, NewestFrame, follow
from viewer.jobs.job import Progress, Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.image_results import ImageResultRow

if TYPE_CHECKING:
    from viewer.inference.image_jobs import ImageResult

Shown = tuple[Picture, int]
_KEY = "live"


def _classifiers(context: Context) -> Sequence[Choice]:
    running = _running(context)
    return [
        Choice(card.title, {"network": key}, ticked=running == _title(card))
        for key, (card, _) in context.cards.items()
        if card.task == "classify" and card.reads == "image"
    ]


def _title(card: NetworkCard) -> str:
    return f"Live: {card.title}"


def _running(context: Context) -> str:
    return next((job.title for job in context.jobs.active if job.key == _KEY), "")


@action(
    "ai.live",
    "Follow the shown frames",
    group="Networks",
    choices=_classifiers,
    enabled=has_picture,
)
def follow_frames(context: Context, *, network: str) -> Job[int] | None:
    """Score whatever frame is shown, at the network's own rate; the same again stops it.

    The display never waits: the newest frame wins, those between are left out, and how far the score
    is behind the picture is shown. For classifiers of images, on cine, ultrasound and stacks.
    """
    if network not in [choice.parameters["network"] for choice in _classifiers(context)]:
        raise InputRefused(f"There is no image classifier called {network}.")
    card, _ = context.cards[network]
    if _running(context) == _title(card):
        context.jobs.cancel(_KEY)
        return None
    frames: NewestFrame[Shown] = NewestFrame()
    last: list[tuple[str, int]] = []

    def look(_names: object = None) -> None:
        """Offer the frame that is shown now, if it is another one."""
        if context.picture is None:
            return
        picture, k = shown_image(context)
        if bool(picture.loaded_k[k]) and last[-1:] != [(picture.key, k)]:
            last[:] = [(picture.key, k)]
            frames.put((picture, k))

    def over() -> None:
        context.viewing.changed.disconnect(look)
        context.pictures.changed.disconnect(look)

    def failed(error: Exception) -> None:
        over()
        context.tell_fault(error)

    def cancelled() -> None:
        over()
        context.door.tell(Notice("done", f"{card.title} no longer follows the frames."))

    context.viewing.changed.connect(look)
    context.pictures.changed.connect(look)
    job = context.jobs.submit(
        lambda ticket: _followed(context, card, frames, ticket),
        Outcomes(
            progressed=lambda progress: _show(context, card, progress),
            failed=failed,
            cancelled=cancelled,
        ),
        key=_KEY,
        title=_title(card),
    )
    look()
    return job


def _followed(
    context: Context, card: NetworkCard, frames: NewestFrame[Shown], ticket: Ticket
) -> int:
    from viewer.inference.image_jobs import GreyImage, classify_images, grey_of

    def compute(shown: Shown) -> "ImageResult":
        picture, k = shown
        grey, notes = grey_of(picture, k)
        image = GreyImage(picture.key, grey, picture.identity.series.modality, notes)
        silent = Ticket()
        ticket.when_cancelled(silent.cancel)
        return classify_images(context.supervisor, [image], card, silent)[0]

    def tell(live: Live[Shown, "ImageResult"]) -> bool:
        best = live.answer.scores.best
        said = f"{best.name} {best.probability:.2f} in image {live.frame[1] + 1}"
        ticket.report(None, f"{said}, {live.timing}", live)
        return True

    return follow(frames, compute, tell, ticket)


def _show(context: Context, card: NetworkCard, progress: Progress) -> None:
    """Put the newest answer in the place of the last one (on the owner's thread)."""
    if not isinstance(progress.part, Live):
        return
    live = cast("Live[Shown, ImageResult]", progress.part)
    picture, k = live.frame
    scores, device = live.answer.scores, f"{live.answer.device}, {live.timing}"
    row = ImageResultRow(picture.key, k, card.key, f"{card.title} (live)", scores, device)
    context.image_results.show_live(row)
