"""A network from elsewhere becomes one of the user's own: checked first, written whole or not at all."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer import places
from viewer.domain.card import NetworkCard
from viewer.errors import Conflict, Damaged, InputRefused, ViewerError
from viewer.inference.cards import ONNX, WEIGHTS, card_to_table, load_cards, write_card
from viewer.inference.foreign import Foreign, card_of
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.jobs.job import Ticket
from viewer.resources import resource_root

if TYPE_CHECKING:  # lists of one's own networks are made at the start, which waits for no engine
    from viewer.inference.supervisor import Supervisor

RECORD = "origin.txt"
TRUST = (
    "TorchScript is a program. It is looked through and run once in a process of its own to bring it "
    "into ONNX, and never again; still, import it only if you trust where it comes from."
)


@dataclass(frozen=True)
class Imported:
    """A network that was brought in: its card, where it lies, and what to say about it."""

    card: NetworkCard
    folder: Path
    notes: tuple[str, ...]


def users_networks() -> Path:
    """Return the folder of the user's own networks."""
    folder = places.data_folder() / "networks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def refuse_taken(key: str, *, force: bool) -> None:
    """Return if a network may be called ``key``.

    Raises
    ------
    Conflict
        A shipped one has that name, or one of the user's own and ``force`` is not given.
    """
    if (resource_root() / "networks" / key).exists():
        raise Conflict(f"A shipped network is called {key}.", remedy="Choose another key.")
    if (users_networks() / key).exists() and not force:
        raise Conflict(
            f"There is a network called {key} already.",
            remedy="Choose another key, or replace it (--force).",
        )


def bring_in(
    supervisor: "Supervisor",
    foreign: Foreign,
    ticket: Ticket,
    *,
    is_trusted: bool = False,
    force: bool = False,
) -> Imported:
    """Check the network that ``foreign`` describes, write it to the user's folder, make it known.

    Raises
    ------
    InputRefused
        A question is open, the source is not vouched for, or the weights do not fit, are not
        numbers alone, or answer nonsense. Nothing was written.
    Conflict
        The key is taken.
    Unsupported, BackendLost, Cancelled
        As for ``Supervisor.segment``.
    """
    card = card_of(foreign)
    refuse_taken(card.key, force=force)
    if foreign.needs_trust and not is_trusted:
        raise InputRefused(TRUST, where=foreign.path.name, remedy="Add --trust if you do.")
    building = Path(tempfile.mkdtemp(prefix=".import-", dir=users_networks()))
    try:
        notes = list(foreign.notes)
        if foreign.architecture == "onnx":
            card = _with_graph(supervisor, foreign, card, building, ticket)
        else:
            card = _with_numbers(supervisor, foreign, card, building, ticket, notes)
        card = _tried(supervisor, card, ticket)
        write_card(card, building)
        (building / RECORD).write_text(f"{foreign.kind}: {foreign.path.name}\n", encoding="utf-8")
        folder = users_networks() / card.key
        _put(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    supervisor.install(card, folder)
    return Imported(card, folder, tuple(notes))


def _put(building: Path, folder: Path) -> None:
    """Move ``building`` to ``folder``; what lay there goes last."""
    old = building.with_name(f".old-{building.name}")
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _with_numbers(
    supervisor: "Supervisor",
    foreign: Foreign,
    card: NetworkCard,
    folder: Path,
    ticket: Ticket,
    notes: list[str],
) -> NetworkCard:
    """Write the weights as safetensors, and the ONNX form if engines agree on it."""
    from viewer.inference.two_forms import add_onnx_form

    options = dict(card.options)
    if foreign.architecture == "torchvision":
        options["name"] = foreign.known["architecture"]
        card = replace(card, options=tuple(sorted(options.items())))
    if foreign.form == "arrays":
        from safetensors.numpy import save

        data = save(dict(foreign.arrays))
    else:
        answer = supervisor.ask_plainly("foreign_weights", _request(foreign, card), ticket)
        data, facts = bytes(answer.blobs[0]), answer.header["facts"]
        notes += _said_of(facts)
    (folder / WEIGHTS).write_bytes(data)
    card = replace(card, weights_sha256=hashlib.sha256(data).hexdigest())
    supervisor.install(card, folder)
    try:
        return add_onnx_form(supervisor, card, folder, ticket)
    except Damaged as error:
        notes.append(error.what)
        return card


def _said_of(facts: dict[str, Any]) -> list[str]:
    mirrors = facts.get("mirrors")
    if mirrors:
        return ["nnU-Net averages mirrored versions of each block; here it runs once, and faster."]
    return []


def _request(foreign: Foreign, card: NetworkCard) -> dict[str, Any]:
    return {
        "card": card_to_table(replace(card, weights_sha256="")),
        "path": str(foreign.path.resolve()),
        "form": foreign.form,
        "shape": list(_entry_shape(card)),
    }


def _entry_shape(card: NetworkCard) -> tuple[int, ...]:
    from viewer.inference.adapted import OUR_AXES, axis_order

    order, _ = axis_order(str(dict(card.options).get("axes", OUR_AXES)))
    sides = tuple(card.tile_kji[axis] for axis in order)
    is_flat = bool(card.option("flat", 0)) or card.reads == "image"
    return (1, int(card.option("channels", 1)), *(sides[1:] if is_flat else sides))


def _with_graph(
    supervisor: "Supervisor", foreign: Foreign, card: NetworkCard, folder: Path, ticket: Ticket
) -> NetworkCard:
    """Write the ONNX file, which is all there is of such a network."""
    if foreign.form == "script":
        answer = supervisor.ask_plainly("foreign_weights", _request(foreign, card), ticket)
        data = bytes(answer.blobs[0])
    else:
        data = foreign.path.read_bytes()
    refuse_unsafe_onnx(data, foreign.path.name)
    (folder / ONNX).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    card = replace(card, weights_sha256=digest, onnx_sha256=digest)
    supervisor.install(card, folder)
    return card


def _tried(supervisor: "Supervisor", card: NetworkCard, ticket: Ticket) -> NetworkCard:
    """Return the card once the network answered noise with what the card says.

    Raises
    ------
    Damaged
        It did not.
    """
    try:
        header = supervisor.ask("foreign_trial", {}, card, ticket).header
    except InputRefused:
        raise
    except ViewerError as error:
        raise Damaged(
            f"The network does not take what its description says: {error.what}",
            remedy="Check --tile and the number of channels.",
        ) from error
    shape = [int(n) for n in header["shape"]]
    expected = (
        len(card.classes)
        if card.task == "classify"
        else (card.n_classes if card.answers == "classes" else 1)
    )
    if len(shape) < 2 or shape[1] != expected or not header["is_finite"]:
        raise Damaged(
            f"The network answers {shape[1] if len(shape) > 1 else 'no'} values a place, and "
            f"{expected} were expected.",
            remedy="Check --classes.",
        )
    if header["are_probabilities"] and not _says_ends(card):
        raise Damaged(
            "The network seems to end in a softmax or sigmoid: its answers lie between 0 and 1.",
            remedy="Say so: --ends probabilities.",
        )
    return card


def _says_ends(card: NetworkCard) -> bool:
    return dict(card.options).get("ends") == "probabilities"


def networks_of_the_user() -> dict[str, Path]:
    """Return key -> folder of the networks that the user brought in or trained."""
    place = users_networks()
    return {key: folder for key, (_, folder) in load_cards(place).items()}
