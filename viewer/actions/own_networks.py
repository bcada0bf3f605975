"""Networks of one's own: bring in, look through, verify, take away, put back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice
from viewer.actions.registry import Choice, action, perform
from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.jobs.runner import Job, Outcomes

if TYPE_CHECKING:
    from viewer.inference.importing import Imported
    from viewer.inference.managing import Verified


@action("ai.networks", "Networks…", group="Networks", keys=("Ctrl+Shift+N",))
def show_networks(context: Context) -> None:
    """List the networks with their cards; bring in, verify and take away such of your own."""
    context.door.show_networks()


@action("ai.bring_in", "Bring in a network (file)…", group="Networks")
def bring_in_file(
    context: Context,
    *,
    path: str | Path | None = None,
    answers: Mapping[str, str] | None = None,
    is_trusted: bool = False,
    force: bool = False,
) -> "Job[Imported] | None":
    """Bring in a network that others made: ONNX, TorchScript, or a classifier's weights.

    The program reads what is there, asks for what is missing, checks the network, keeps it among
    your own, and shows what it finds in the open study.
    """
    return _bring_in(context, path, answers, folder=False, is_trusted=is_trusted, force=force)


@action("ai.bring_in_folder", "Bring in a network (folder)…", group="Networks")
def bring_in_folder(context: Context, *, path: str | Path | None = None) -> None:
    """Bring in a MONAI bundle, an nnU-Net v2 result folder or a TensorFlow.js MeshNet."""
    _bring_in(context, path, None, folder=True, is_trusted=False, force=False)


def _bring_in(
    context: Context,
    path: str | Path | None,
    answers: Mapping[str, str] | None,
    *,
    folder: bool,
    is_trusted: bool,
    force: bool,
) -> "Job[Imported] | None":
    from viewer.inference.foreign_readers import read_foreign
    from viewer.inference.importing import bring_in

    if path is None:
        chosen = context.door.ask_open("Bring in a network", folder=folder)
        if not chosen:
            return None
        path = chosen[0]
    place = Path(path)
    if answers is None:
        context.door.guide_import(read_foreign(place))
        return None
    foreign = read_foreign(place, str(answers.get("fold", "")))
    foreign = foreign.answered({key: text for key, text in answers.items() if key != "fold"})
    return context.jobs.submit(
        lambda ticket: bring_in(
            context.supervisor, foreign, ticket, is_trusted=is_trusted, force=force
        ),
        Outcomes(done=lambda made: _take_in(context, made), failed=context.tell_fault),
        key="network:import",
        title=f"Bringing in {foreign.known.get('title', place.name)}",
    )


def _take_in(context: Context, made: "Imported") -> None:
    context.cards[made.card.key] = (made.card, made.folder)
    context.door.networks_changed()
    context.door.tell(Notice("done", f"{made.card.title} was brought in and checked."))
    for note in made.notes:
        context.door.tell(Notice("warning", note))
    show_on_study(context, made.card)


def show_on_study(context: Context, card: NetworkCard) -> None:
    """Run a network that is new here on what is shown, if it reads such."""
    picture = context.picture
    if picture is None or not picture.is_loaded:
        return
    modality = picture.identity.series.modality
    if card.modality and modality and modality not in card.modality.split():
        context.door.tell(
            Notice("done", f"{card.title} reads {card.modality}; this picture is {modality}.")
        )
        return
    verb = "ai.run" if card.task == "segment" else "ai.classify_image"
    if card.reads == "image" or picture.is_volume:
        perform(context, verb, network=card.key)


def _all(context: Context) -> Sequence[Choice]:
    return [Choice(card.title, {"key": key}) for key, (card, _) in context.cards.items()]


@action("ai.verify", "Verify a network", group="Networks", choices=_all)
def verify_network(context: Context, *, key: str) -> "Job[Verified]":
    """Check that a network's files are those of its card, and that all engines say the same."""
    from viewer.inference.managing import verify

    card, folder = _installed(context, key)

    def done(found: "Verified") -> None:
        context.door.tell(Notice("done" if found.agrees else "warning", found.sentence))

    return context.jobs.submit(
        lambda ticket: verify(context.supervisor, card, folder, ticket),
        Outcomes(done=done, failed=context.tell_fault),
        key=f"network:verify:{key}",
        title=f"Verifying {card.title}",
    )


def _installed(context: Context, key: str) -> tuple[NetworkCard, Path]:
    if key not in context.cards:
        raise InputRefused(f"There is no network called {key}.")
    return context.cards[key]


def _own(context: Context) -> Sequence[Choice]:
    from viewer.inference.managing import is_own

    return [
        Choice(card.title, {"key": key})
        for key, (card, folder) in context.cards.items()
        if folder.parts and is_own(folder)
    ]


def _has_own(context: Context) -> str:
    return "" if _own(context) else "None of the networks here is your own."


@action(
    "ai.remove_network",
    "Take a network away",
    group="Networks",
    choices=_own,
    slow_choices=True,
    enabled=_has_own,
)
def remove_network(context: Context, *, key: str) -> None:
    """Take a network of your own away; "Put a network back" undoes it. Results that it made stay."""
    from viewer.inference.managing import remove

    remove(key)
    card, _ = context.cards.pop(key)
    context.door.networks_changed()
    context.door.tell(Notice("done", f"{card.title} was taken away; it can be put back."))


def _removed(_context: Context) -> Sequence[Choice]:
    from viewer.inference.managing import removed_keys

    return [Choice(key, {"key": key}) for key in removed_keys()]


def _has_removed(context: Context) -> str:
    return "" if _removed(context) else "No network was taken away."


@action(
    "ai.restore_network",
    "Put a network back",
    group="Networks",
    choices=_removed,
    slow_choices=True,
    enabled=_has_removed,
)
def restore_network(context: Context, *, key: str) -> None:
    """Put a network back that was taken away."""
    from viewer.inference.managing import put_back

    card, folder = put_back(key)
    context.cards[key] = (card, folder)
    if "supervisor" in vars(context):
        context.supervisor.install(card, folder)
    context.door.networks_changed()
    context.door.tell(Notice("done", f"{card.title} is back."))
