"""Run an image classifier on the image that is shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.registry import Choice, action
from viewer.domain.card import NetworkCard
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.image_results import ImageResultRow

if TYPE_CHECKING:
    from viewer.inference.image_jobs import ImageResult


def image_classifiers(context: Context) -> dict[str, NetworkCard]:
    """Return the cards of the networks that classify images, by key."""
    return {
        key: card
        for key, (card, _) in context.cards.items()
        if card.task == "classify" and card.reads == "image"
    }


def _classifiers(context: Context) -> Sequence[Choice]:
    cards = image_classifiers(context)
    return [Choice(card.title, {"network": key}) for key, card in cards.items()]


def shown_image(context: Context) -> tuple[Picture, int]:
    """Return the shown picture, and the number (from 0) of its image under the cross-hair."""
    import numpy as np

    picture = context.need_picture()
    index = picture.grid.index(np.array(context.viewing.look.crosshair_lps_mm))
    k = int(np.clip(np.rint(index[2]), 0, picture.stored.shape[0] - 1))
    return picture, k


def classified(
    context: Context, picture: Picture, k: int, card: NetworkCard, ticket: Ticket
) -> "ImageResult":
    """Return what ``card`` says of image ``k`` (in a job)."""
    from viewer.inference.image_jobs import GreyImage, classify_images, grey_of

    grey, notes = grey_of(picture, k)
    image = GreyImage(picture.key, grey, picture.identity.series.modality, notes)
    return classify_images(context.supervisor, [image], card, ticket)[0]


@action(
    "ai.classify_image",
    "Classify the shown image",
    group="Networks",
    choices=_classifiers,
    enabled=has_picture,
)
def classify_image(context: Context, *, network: str) -> Job["ImageResult"]:
    """Score the shown image with a classifier: calibrated probabilities, intervals, warnings."""
    fitting = [choice.parameters["network"] for choice in _classifiers(context)]
    if network not in fitting:
        raise InputRefused(
            f"There is no image classifier called {network}.",
            remedy=f"Choose one of: {', '.join(fitting) or 'none is installed'}.",
        )
    card, _folder = context.cards[network]
    picture, k = shown_image(context)

    def done(result: "ImageResult") -> None:
        row = ImageResultRow(picture.key, k, card.key, card.title, result.scores, result.device)
        # The warnings first: a score that is read before them is believed.
        for text in result.scores.warnings:
            context.door.tell(Notice("warning", text))
        context.image_results.add(row)

    def cancelled() -> None:
        context.door.tell(Notice("done", f"{card.title} was cancelled; nothing was changed."))

    return context.jobs.submit(
        lambda ticket: classified(context, picture, k, card, ticket),
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key=f"network:{network}",
        title=card.title,
    )
