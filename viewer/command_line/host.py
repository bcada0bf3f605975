"""A context without a window, for verbs that need networks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from viewer.actions.context import Context, Notice
from viewer.errors import InputRefused
from viewer.extensions.discover import load_extensions
from viewer.inference.cards import load_cards
from viewer.inference.foreign import Foreign
from viewer.jobs.runner import Job, QueueBridge, Runner
from viewer.session.pictures import Pictures
from viewer.session.session import Session
from viewer.session.viewing import Viewing


@dataclass
class CommandDoor:
    """The command line as a door: it never asks, and keeps what it was told."""

    notices: list[Notice] = field(default_factory=list)

    def ask_open(self, title: str, *, folder: bool) -> tuple[Path, ...]:
        """Return nothing: paths are arguments here."""
        del title, folder
        return ()

    def ask_save(self, title: str, suggestion: str) -> Path | None:
        """Return nothing: paths are arguments here."""
        del title, suggestion
        return None

    def ask_text(self, title: str, text: str, now: str) -> str | None:
        """Return nothing: texts are arguments here."""
        del title, text, now
        return None

    def ask_number(self, title: str, text: str) -> float | None:
        """Return nothing: numbers are arguments here."""
        del title, text
        return None

    def tell(self, notice: Notice) -> None:
        """Keep a notice."""
        self.notices.append(notice)

    def show_page(self, name: str) -> None:
        """Refuse: there is nothing to show it in."""
        raise InputRefused(f"There is no window to show {name} in.")

    def show_text(self, title: str, text: str) -> None:
        """Refuse: there is nothing to show it in."""
        del text
        raise InputRefused(f"There is no window to show {title} in.")

    def show_library(self) -> None:
        """Refuse: there is nothing to show it in."""
        raise InputRefused("There is no window to show the library in.")

    def show_networks(self) -> None:
        """Refuse: there is nothing to show it in."""
        raise InputRefused("There is no window to show the networks in.")

    def networks_changed(self) -> None:
        """Do nothing: nothing lists them."""

    def show_training(self, folder: Path, job: Job[Mapping[str, Any]]) -> None:
        """Do nothing: the verb prints its progress itself."""
        del folder, job

    def guide_import(self, foreign: Foreign) -> None:
        """Refuse: nobody is there to answer."""
        raise InputRefused(
            "There is no window to ask in.",
            where=foreign.path.name,
            remedy="Use negatoscope networks import.",
        )

    def painted(self) -> Event:
        """Return a set event: nothing is painted, so nothing is waited for."""
        event = Event()
        event.set()
        return event

    def capture(self, pane: str) -> bytes:
        """Refuse: nothing is painted."""
        raise InputRefused(f"There is no window to picture {pane}.")


@contextmanager
def command_context() -> Iterator[Context]:
    """Yield a context; its worker and threads end with the block."""
    bridge = QueueBridge()
    context = Context(
        session=Session(),
        viewing=Viewing(),
        pictures=Pictures(),
        jobs=Runner(bridge.post),
        extensions=load_extensions(),
        door=CommandDoor(),
        cards=load_cards(),
    )
    try:
        yield context
    finally:
        context.close()
