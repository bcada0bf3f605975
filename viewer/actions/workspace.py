"""Workspaces: a session with its history and its look, saved to a file and opened again."""

from dataclasses import fields
from pathlib import Path

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.file import read_paths
from viewer.actions.registry import action
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.session.recovery import open_workspace
from viewer.session.session import Session
from viewer.session.store import SUFFIX
from viewer.session.viewing import PLANES, Look

# What belongs to the hand at this moment, and not to what is looked at.
_OF_THE_MOMENT = frozenset({"tool", "original", "picture_key", "presentation_uid"})


@action(
    "file.save_workspace",
    "Save the workspace…",
    group="File",
    keys=("Ctrl+S",),
    enabled=has_picture,
)
def save_workspace(context: Context, *, path: Path | None = None) -> None:
    """Save everything that was done here, with its history, in one file; images stay where they are."""
    asked = path is None
    place = path or context.door.ask_save("Save the workspace", f"workspace{SUFFIX}")
    if place is None:
        return
    if place.suffix != SUFFIX:
        place = place.with_name(place.name + SUFFIX)
        asked = False  # the dialog asked about another name
    context.session.keep("look", context.viewing.look)

    def work(_ticket: Ticket) -> Path:
        context.session.save_copy(place, force=asked)
        return place

    def done(saved: Path) -> None:
        n = counted(len(context.session.history), "step")
        context.door.tell(Notice("done", f"Saved {saved.name}: the workspace, with {n} to undo."))

    context.jobs.submit(
        work, Outcomes(done=done, failed=context.tell_fault), title="Saving the workspace"
    )


@action("file.open_workspace", "Open a workspace…", group="File", keys=("Ctrl+Shift+W",))
def open_saved(context: Context, *, path: Path | None = None) -> None:
    """Open a saved workspace: its studies, measurements, segments, history, and where one looked."""
    journal = context.session.journal
    if journal is None:
        raise InputRefused("This session is not recorded, so no workspace can take its place.")
    if path is None:
        chosen = context.door.ask_open("Open a workspace", folder=False)
        if not chosen:
            return
        path = chosen[0]
    place, folder = path, journal.path.parent

    def work(_ticket: Ticket) -> Session:
        return open_workspace(place, folder)

    def done(opened: Session) -> None:
        context.jobs.cancel_all()
        context.viewing.set(picture_key="", planes={}, segmentation_uid="", segment_number=0)
        context.pictures.close_all()
        context.session.become(opened)
        for finding in context.session.findings:
            context.door.tell(Notice("warning", f"{finding.text} {finding.remedy}".strip()))
        restore(context)

    context.jobs.submit(
        work, Outcomes(done=done, failed=context.tell_fault), title="Opening the workspace"
    )


def restore(context: Context) -> None:
    """Open again what the session had open, and look where one looked; say what is not there."""
    look = context.session.kept("look")
    studies = [[Path(p) for p in study.paths] for study in context.session.state.studies]
    gone = [str(path) for paths in studies for path in paths if not path.exists()]
    if gone:
        context.door.tell(
            Notice(
                "warning",
                f"{counted(len(gone), 'place')} of this session cannot be found; what was measured "
                "there is kept.",
                "\n".join(gone),
            )
        )
    for paths in studies:
        places = [path for path in paths if path.exists()]
        if places:
            read_paths(context, places, then=lambda: _look_again(context, look))


def _look_again(context: Context, look: object) -> None:
    """Show what was shown, as soon as it is there; once."""
    from viewer.actions.file import show

    if not isinstance(look, Look) or look.picture_key not in context.pictures.sources:
        return
    if context.viewing.look.picture_key != look.picture_key:
        show(context, key=look.picture_key)
    kept = {f.name: getattr(look, f.name) for f in fields(look) if f.name not in _OF_THE_MOMENT}
    context.viewing.set(**kept)
    for pane in (*PLANES, "acquired"):
        context.viewing.refit_pane(pane, context.viewing.pane_size(pane))
