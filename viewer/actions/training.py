"""Networks of one's own making: keep corrected cases, train on them, watch it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viewer.actions.context import Context, Notice, has_segment
from viewer.actions.registry import action
from viewer.domain.measurement import Review
from viewer.errors import InputRefused
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Job, Outcomes

_SHORT = 12


@action("ai.keep_case", "Keep this case for training…", group="Networks", enabled=has_segment)
def keep_case(context: Context, *, path: str | Path | None = None) -> Job[str] | None:
    """Add the picture and its active segmentation, as it was corrected, to a folder of cases.

    Values and labels alone are written, under a name that says nothing of the patient; rejected
    segments are left out. "Train a network" and negatoscope train read such a folder.
    """
    layer = context.segmentation
    if layer is None:
        raise InputRefused("No segment is chosen.")
    picture = context.need_picture_of(layer)
    if not picture.is_volume or layer.grid != picture.grid:
        raise InputRefused("A case for training needs a volume and labels on its grid.")
    if all(segment.review is Review.REJECTED for segment in layer.segments):
        raise InputRefused("Every segment was rejected; there is nothing to learn from.")
    if path is None:
        chosen = context.door.ask_open("Folder of cases for training", folder=True)
        if not chosen:
            return None
        path = chosen[0]
    folder = Path(path)

    def work(_ticket: Ticket) -> str:
        from viewer.exchange.nifti import write_values_nifti
        from viewer.exchange.seg_nrrd import write_seg_nrrd
        from viewer.session.training_case import for_training

        folder.mkdir(parents=True, exist_ok=True)
        name = case_name(picture.key)
        write_values_nifti(picture, folder / f"{name}.nii.gz", force=True)
        write_seg_nrrd(for_training(layer), folder / f"{name}.seg.nrrd", force=True)
        return name

    def done(name: str) -> None:
        context.door.tell(Notice("done", f"The case was kept as {name} in {folder}."))

    return context.jobs.submit(
        work, Outcomes(done=done, failed=context.tell_fault), title="Keeping a case"
    )


def case_name(picture_key: str) -> str:
    """Return a name that is the same each time and says nothing of the patient."""
    return f"case-{hashlib.sha256(picture_key.encode()).hexdigest()[:_SHORT]}"


@action("ai.train", "Train a network…", group="Networks")
def train(
    context: Context, *, recipe: str | Path | None = None, data: str | Path | None = None
) -> Job[Mapping[str, Any]] | None:
    """Train a network from a recipe on a folder of cases; a page shows its curve.

    It becomes one of your own networks. Cancelled or interrupted, the same recipe goes on.
    """
    from viewer.inference.importing import refuse_taken, users_networks
    from viewer.learning.trainers import key_of_recipe, train_recipe

    if recipe is None:
        files = context.door.ask_open("Recipe of the network", folder=False)
        folders = context.door.ask_open("Folder of cases", folder=True) if files else ()
        if not folders:
            return None
        recipe, data = files[0], folders[0]
    place, cases = Path(recipe), Path(data) if data is not None else None
    key = key_of_recipe(place)
    refuse_taken(key, force=True)
    out = users_networks() / key

    def done(found: Mapping[str, Any]) -> None:
        from viewer.inference.cards import load_card

        card = load_card(out)
        context.cards[card.key] = (card, out)
        if "supervisor" in vars(context):
            context.supervisor.install(card, out)
        context.door.networks_changed()
        figures = ", ".join(f"{f.name} {f.value:.2f}" for f in card.figures)
        context.door.tell(Notice("done", f"{card.title} was trained. {figures}".strip()))
        del found

    def cancelled() -> None:
        context.door.tell(
            Notice("done", "Training was stopped; the same recipe and folder go on from there.")
        )

    job = context.jobs.submit(
        lambda ticket: train_recipe(place, cases, out, ticket),
        Outcomes(done=done, failed=context.tell_fault, cancelled=cancelled),
        key=f"train:{key}",
        title=f"Training {key}",
    )
    context.door.show_training(out, job)
    return job
