"""What an action may touch, and what it may ask of the door it was called through."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal, Protocol

from viewer.domain.card import NetworkCard
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, ViewerError
from viewer.extensions.discover import Extensions
from viewer.jobs.runner import Job, Runner
from viewer.session.image_results import ImageResults
from viewer.session.pictures import Pictures
from viewer.session.session import Session
from viewer.session.viewing import Viewing

if TYPE_CHECKING:
    from viewer.inference.foreign import Foreign
    from viewer.inference.supervisor import Supervisor
    from viewer.library.index import Library

log = logging.getLogger("negatoscope")
NoticeKind = Literal["done", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the person at the screen, with details to unfold."""

    kind: NoticeKind
    text: str
    details: str = ""


class Door(Protocol):
    """What only a door can do: ask the person, tell the person, and picture what is painted."""

    def ask_open(self, title: str, *, folder: bool) -> tuple[Path, ...]:
        """Ask for files or a folder; () if the person thought better of it."""

    def ask_save(self, title: str, suggestion: str) -> Path | None:
        """Ask where to save (replacing was confirmed then); None if not at all."""

    def ask_text(self, title: str, text: str, now: str) -> str | None:
        """Ask for a line of text, ``now`` to begin with; None if the person thought better of it."""

    def ask_number(self, title: str, text: str) -> float | None:
        """Ask for a number; None if the person thought better of it."""

    def tell(self, notice: Notice) -> None:
        """Show a notice."""

    def show_page(self, name: str) -> None:
        """Show a page of help: "keys", "networks", "filters" or "about"."""

    def show_text(self, title: str, text: str) -> None:
        """Show plain text on a page of its own."""

    def show_library(self) -> None:
        """Show the list of known studies."""

    def show_networks(self) -> None:
        """Show the list of networks."""

    def networks_changed(self) -> None:
        """Hear that networks came or went."""

    def show_training(self, folder: Path, job: Job[Mapping[str, Any]]) -> None:
        """Show how a training in ``folder`` goes."""

    def guide_import(self, foreign: "Foreign") -> None:
        """Ask what the files of a network leave open, and bring it in."""

    def painted(self) -> Event:
        """Return an event that is set once all that was changed so far is on the screen."""

    def capture(self, pane: str) -> bytes:
        """Return what a pane ("axial", ..., "3d", or "window") shows now, as PNG."""


@dataclass
class Context:
    """The session, where one looks, and the helpers; one for each open window or command.

    ``library_path`` is where the library lies until it is opened (``actions.library.library_of``).
    """

    session: Session
    viewing: Viewing
    pictures: Pictures
    jobs: Runner
    extensions: Extensions
    door: Door
    cards: dict[str, tuple[NetworkCard, Path]] = field(default_factory=dict)
    quit: Callable[[], None] = lambda: None
    library_path: Path | None = None
    library: "Library | None" = None
    library_notice: str = ""
    image_results: ImageResults = field(default_factory=ImageResults)

    @cached_property
    def supervisor(self) -> "Supervisor":
        """The worker process of the networks; the first picture does not wait for its module."""
        from viewer.inference.supervisor import Supervisor

        return Supervisor(providers=lambda: self.extensions.providers)

    def warm(self) -> None:
        """Start the worker of the networks, so that the first of them need not wait for it."""
        self.supervisor.warm()

    def close(self) -> None:
        """Stop the jobs, and the worker if there is one."""
        self.jobs.close()
        if "supervisor" in vars(self):
            self.supervisor.close()

    @property
    def picture(self) -> Picture | None:
        """The picture that is shown, None if there is none."""
        return self.pictures.loaded.get(self.viewing.look.picture_key)

    def need_picture(self) -> Picture:
        """Return the shown picture.

        Raises
        ------
        ViewerError
            Nothing is open.
        """
        picture = self.picture
        if picture is None:
            raise ViewerError("No study is open.", remedy="Open a folder or a file first.")
        return picture

    @property
    def segmentation(self) -> Segmentation | None:
        """The active segmentation, or None."""
        uid = self.viewing.look.segmentation_uid
        return next((s for s in self.session.state.segmentations if s.uid == uid), None)

    def need_segment(self) -> tuple[Segmentation, Segment]:
        """Return the active segmentation and segment.

        Raises
        ------
        ViewerError
            None is chosen.
        """
        segmentation = self.segmentation
        number = self.viewing.look.segment_number
        if segmentation is not None:
            for segment in segmentation.segments:
                if segment.number == number:
                    return segmentation, segment
        raise ViewerError("No segment is chosen.", remedy="Run a network, or add a segment.")

    def need_picture_of(self, segmentation: Segmentation) -> Picture:
        """Return the picture that ``segmentation`` lies on.

        Raises
        ------
        InputRefused
            Its series is not open.
        """
        picture = self.pictures.loaded.get(segmentation.volume_key)
        if picture is None:
            raise InputRefused("The segment's series is not open.", remedy="Show the series first.")
        return picture

    def tell_fault(self, error: Exception) -> None:
        """Show an error: a readable one as its sentence, a fault of ours with its reference."""
        if isinstance(error, ViewerError):
            self.door.tell(Notice("warning", error.sentence()))
            return
        log.error("fault", exc_info=error)
        text = "Something went wrong inside the program; the session is safe and goes on."
        self.door.tell(Notice("fault", text, f"{type(error).__name__}: {error}"))


def has_picture(context: Context) -> str:
    """Return "" when a picture is shown, else the reason."""
    return "" if context.picture is not None else "No study is open."


def has_volume(context: Context) -> str:
    """Return "" when a picture with patient geometry is shown, else the reason."""
    picture = context.picture
    if picture is None:
        return "No study is open."
    return "" if picture.is_volume else "These images do not form a volume."


def has_segment(context: Context) -> str:
    """Return "" when a segment is chosen, else the reason."""
    return "" if context.segmentation is not None else "No segment is chosen."
