"""Explain the score of the shown image: what a classifier's answer rests on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.image_networks import image_classifiers, shown_image
from viewer.actions.registry import Choice, action
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.inference.explanation_methods import METHODS, class_number, method_called
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes
from viewer.session.image_results import ImageResultRow
from viewer.session.value_overlay import overlay_of, signed_levels

if TYPE_CHECKING:
    from viewer.inference.explanations import Explanation

_OPACITIES = (0.25, 0.5, 0.75, 1.0)
_SIGNED = "orange: speaks for {name} · blue: against it · relative to the strongest place"
_POSITIVE = "orange: speaks for {name} · relative to the strongest place"


def _choices(context: Context) -> Sequence[Choice]:
    return [
        Choice(
            f"{method.title}: {name}",
            {"network": key, "method": method.key, "class_name": name},
            group=card.title,
        )
        for key, card in image_classifiers(context).items()
        for name in card.classes
        for method in METHODS.values()
    ]


@action(
    "ai.explain",
    "Explain a score of the shown image",
    group="Networks",
    choices=_choices,
    enabled=has_picture,
)
def explain(context: Context, *, network: str, method: str, class_name: str) -> Job["Explanation"]:
    """Colour what a classifier's answer rests on. An explanation, not a segmentation."""
    cards = image_classifiers(context)
    if network not in cards:
        raise InputRefused(
            f"There is no image classifier called {network}.",
            remedy=f"Choose one of: {', '.join(cards) or 'none is installed'}.",
        )
    card, how = cards[network], method_called(method)
    class_number(card, class_name)
    picture, k = shown_image(context)

    def work(ticket: Ticket) -> "Explanation":
        from viewer.inference.explanations import explain_image
        from viewer.inference.image_jobs import GreyImage, grey_of

        grey, notes = grey_of(picture, k)
        image = GreyImage(picture.key, grey, picture.identity.series.modality, notes)
        return explain_image(context.supervisor, image, card, how, class_name, ticket)

    def done(found: "Explanation") -> None:
        _lay(context, picture, k, found)

    def cancelled() -> None:
        context.door.tell(Notice("done", f"{how.title} was cancelled; nothing was changed."))

    return context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key="explanation",
        title=f"{how.title}: {class_name}",
    )


def _lay(context: Context, picture: Picture, k: int, found: "Explanation") -> None:
    for note in found.notes:
        context.door.tell(Notice("warning", note))
    if found.strongest == 0.0:
        context.door.tell(
            Notice(
                "done", f"{found.method.title} finds nothing that speaks for {found.class_name}."
            )
        )
    levels = np.zeros(picture.grid.shape_kji, dtype=np.uint8)
    levels[k] = signed_levels(found.values)
    mark = f"EXPLANATION, NOT SEGMENTATION · {found.method.title}: {found.class_name}"
    legend = (_SIGNED if (found.values < 0).any() else _POSITIVE).format(name=found.class_name)
    made = overlay_of("explanation", picture, levels, mark, legend)
    before = context.viewing.over.get("explanation")
    context.viewing.lay(made if before is None else made.with_opacity(before.opacity))


def _no_score(context: Context) -> str:
    return has_picture(context) or ("" if _newest(context) else "No score was given to this image.")


def _newest(context: Context) -> ImageResultRow | None:
    """Return the newest score of the shown image."""
    if context.picture is None:
        return None
    picture, k = shown_image(context)
    rows = context.image_results.of(picture.key)
    return next((row for row in rows if row.k == k and row.network in context.cards), None)


@action(
    "ai.explain_newest",
    "Explain the newest score",
    group="Networks",
    keys=("Alt+G",),
    enabled=_no_score,
)
def explain_newest(context: Context) -> Job["Explanation"] | None:
    """Show by Grad-CAM what the newest score's most probable class rests on."""
    row = _newest(context)
    if row is None:
        return None
    name = row.scores.best.name
    job: Job[Explanation] = explain(
        context, network=row.network, method="grad_cam", class_name=name
    )
    return job


def _nothing_over(context: Context) -> str:
    return "" if context.viewing.over else "Neither an explanation nor a doubt map is shown."


@action(
    "ai.over_shown",
    "Show or hide explanation and doubt",
    group="Networks",
    keys=("Alt+H",),
    enabled=_nothing_over,
)
def over_shown(context: Context) -> None:
    """Show or hide the colours of explanation and doubt."""
    shown = any(one.shown for one in context.viewing.over.values())
    for one in list(context.viewing.over.values()):
        context.viewing.lay(replace(one, shown=not shown))


def _opacities(context: Context) -> Sequence[Choice]:
    return [
        Choice(f"{kind}: {opacity:.0%}".capitalize(), {"kind": kind, "opacity": opacity})
        for kind in context.viewing.over
        for opacity in _OPACITIES
    ]


@action(
    "ai.over_opacity",
    "Opacity of explanation and doubt",
    group="Networks",
    choices=_opacities,
    enabled=_nothing_over,
)
def over_opacity(context: Context, *, kind: str, opacity: float) -> None:
    """Choose how strongly the colours of an explanation or of doubt cover the picture."""
    overlay = context.viewing.over.get(kind)
    if overlay is None:
        raise InputRefused(f"There is no {kind} on the picture.")
    if not 0.0 <= opacity <= 1.0:
        raise InputRefused("An opacity lies between 0 and 1.")
    context.viewing.lay(overlay.with_opacity(opacity))


@action("ai.over_clear", "Take explanation and doubt away", group="Networks", enabled=_nothing_over)
def over_clear(context: Context) -> None:
    """Take the colours of explanation and doubt off the picture."""
    for kind in list(context.viewing.over):
        context.viewing.take_off(kind)
