"""The user's own networks: checked, taken away, and put back. Shipped ones are left alone."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.domain.card import NetworkCard
from viewer.errors import Conflict, InputRefused, Unsupported
from viewer.inference.cards import GRAPH, Installed, load_card, load_cards, verified_forms
from viewer.inference.importing import RECORD, refuse_taken, users_networks
from viewer.jobs.job import Ticket

if TYPE_CHECKING:
    from viewer.inference.supervisor import Supervisor

_REMOVED = ".removed-"
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


@dataclass(frozen=True)
class Verified:
    """What a check of a network found: engine -> how far its answers lie from torch's."""

    card: NetworkCard
    forms: tuple[str, ...]
    compared: Mapping[str, Mapping[str, float]]
    agrees: bool

    @property
    def sentence(self) -> str:
        """What was checked and found, for a person."""
        kept = " and ".join(self.forms)
        head = f"{self.card.title}: {kept} as the card names {'it' if len(self.forms) == 1 else 'them'}"
        if not self.compared:
            return f"{head}; there is one form alone, so nothing to compare it with."
        worst = max(one["max_abs"] for one in self.compared.values())
        engines = ", ".join(sorted(self.compared))
        verdict = "the forms agree" if self.agrees else "THE FORMS DO NOT AGREE"
        return f"{head}; {verdict} (logits differ by up to {worst:.1e} in {engines})."


def is_own(folder: Path) -> bool:
    """Return whether the network in ``folder`` is the user's own, and may be taken away."""
    return folder.parent.resolve() == users_networks().resolve()


def origin_of(folder: Path) -> str:
    """Return where the network in ``folder`` came from, in a few words."""
    if not folder.parts:
        return "on a server"
    if not is_own(folder):
        return "shipped"
    try:
        return f"brought in: {(folder / RECORD).read_text(encoding='utf-8')[:200].strip()}"
    except (OSError, ValueError):
        return "trained here"


def verify(supervisor: "Supervisor", card: NetworkCard, folder: Path, ticket: Ticket) -> Verified:
    """Return whether the files are those of the card, and all engines say the same with them.

    Raises
    ------
    InputRefused
        A file is missing or is another one.
    Unsupported, BackendLost, Cancelled
        As for ``Supervisor.segment``; Unsupported also for a network of a server.
    """
    if not folder.parts:
        raise Unsupported(f"{card.title} lies on a server; its files are not here.")
    card = load_card(folder)  # as it lies there now, not as it was read at the start
    forms = tuple(verified_forms(folder, card))
    if card.architecture == GRAPH or "onnx" not in forms:
        return Verified(card, forms, {}, agrees=True)
    supervisor.install(card, folder)
    made = supervisor.onnx_form(card, ticket)
    return Verified(card, forms, made.compared, made.agrees)


def remove(key: str) -> Path:
    """Take the user's network ``key`` away, so that ``put_back`` can undo it; return where it lies.

    Raises
    ------
    InputRefused
        There is none, or it is a shipped one.
    """
    folder = users_networks() / _plain(key)
    if not folder.is_dir():
        shipped = load_cards()
        if key in shipped:
            raise InputRefused(
                f"{shipped[key][0].title} came with the program and stays.",
                remedy="Take away networks that you brought in or trained.",
            )
        raise InputRefused(f"There is no network called {key} of your own.")
    removed = users_networks() / f"{_REMOVED}{key}"
    shutil.rmtree(removed, ignore_errors=True)
    folder.rename(removed)
    return removed


def put_back(key: str) -> Installed:
    """Return a network that was taken away, at its place again.

    Raises
    ------
    InputRefused
        There is none of that name.
    Conflict
        Another one took its place.
    """
    removed = users_networks() / f"{_REMOVED}{_plain(key)}"
    if not removed.is_dir():
        raise InputRefused(f"No network called {key} was taken away.")
    refuse_taken(key, force=False)
    folder = users_networks() / key
    if folder.exists():
        raise Conflict(f"There is a network called {key} already.")
    removed.rename(folder)
    return load_card(folder), folder


def removed_keys() -> tuple[str, ...]:
    """Return the networks that were taken away and can be put back."""
    found = users_networks().glob(f"{_REMOVED}*")
    return tuple(sorted(path.name.removeprefix(_REMOVED) for path in found if path.is_dir()))


def _plain(key: str) -> str:
    if not _PLAIN.match(key):
        raise InputRefused("A network's key is made of a-z, 0-9 and _.")
    return key
