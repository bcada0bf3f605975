"""Turn and mirror pictures, and show them as a saved presentation state asks."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.registry import Choice, action
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused, ViewerError
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes

if TYPE_CHECKING:
    from viewer.domain.presentation import PresentationState

_MOST_READ = 200


def read_presentations(context: Context, key: str) -> None:
    """Read the presentation states found beside the images of ``key``, and say that they are there."""
    places = [Path(layer.path) for layer in context.pictures.layers.values() if layer.kind == "PR"]
    if not places:
        return

    def work(ticket: Ticket) -> "list[PresentationState]":
        from viewer.exchange.gsps_read import read_presentation

        found = []
        for place in places[:_MOST_READ]:
            ticket.check()
            try:
                found.append(read_presentation(place))
            except ViewerError:
                continue  # the ledger has named the file; a broken state hides no image
        return found

    def done(found: "list[PresentationState]") -> None:
        context.viewing.presentations.update((state.uid, state) for state in found)
        picture = context.picture
        n = len(states_of(context, picture)) if picture is not None and picture.key == key else 0
        if n:
            are = counted(n, "presentation state is", "presentation states are")
            context.door.tell(Notice("done", f"{are} saved with these images: Shift+V shows."))

    context.jobs.submit(work, Outcomes(done=done, failed=context.tell_fault))


def states_of(context: Context, picture: Picture) -> "list[PresentationState]":
    """Return the states that name an image of ``picture``, by label."""
    from viewer.domain.presentation import refers_to

    images = [(one.sop_instance_uid, one.frame) for one in picture.identity.instances]
    found = [
        state
        for state in context.viewing.presentations.values()
        if any(refers_to(state.references, *image) for image in images)
    ]
    return sorted(found, key=lambda state: (state.label, state.uid))


def _has_states(context: Context) -> str:
    picture = context.picture
    found = picture is not None and states_of(context, picture)
    return "" if found else "No presentation state is saved with these images."


def _choices(context: Context) -> Sequence[Choice]:
    picture, now = context.picture, context.viewing.look.presentation_uid
    states = [] if picture is None else states_of(context, picture)
    return [
        Choice("As acquired", {"uid": ""}, (), not now),
        *(
            Choice(
                f"{state.label}  {state.description}".strip(),
                {"uid": state.uid},
                (),
                state.uid == now,
            )
            for state in states
        ),
    ]


@action(
    "view.presentation",
    "Presentation state",
    group="View",
    enabled=_has_states,
    choices=_choices,
)
def presentation(context: Context, *, uid: str) -> None:
    """Show the images as a saved state asks (greys, turn, part, shutter, drawings), or as acquired."""
    state = context.viewing.presentations.get(uid)
    if uid and state is None:
        raise InputRefused("This presentation state is not there.", where=uid)
    context.viewing.present_as(context.need_picture(), state)
    for note in state.notes if state else ():
        context.door.tell(Notice("warning", f"{state.label if state else ''}: {note}"))


@action(
    "view.next_presentation",
    "Next presentation state",
    group="View",
    keys=("Shift+V",),
    enabled=_has_states,
)
def next_presentation(context: Context) -> None:
    """Go through the saved states of these images, and back to the images as acquired."""
    uids = ["", *(state.uid for state in states_of(context, context.need_picture()))]
    now = context.viewing.look.presentation_uid
    at = uids.index(now) if now in uids else 0
    presentation(context, uid=uids[(at + 1) % len(uids)])


@action("view.turn_right", "Turn right", group="View", keys=("R",), enabled=has_picture)
def turn_right(context: Context) -> None:
    """Turn the picture of the active pane clockwise by a quarter; its letters turn with it."""
    _turn(context, 1)


@action("view.turn_left", "Turn left", group="View", keys=("Shift+R",), enabled=has_picture)
def turn_left(context: Context) -> None:
    """Turn the picture of the active pane anticlockwise by a quarter."""
    _turn(context, 3)


def _turn(context: Context, quarters: int) -> None:
    pane = context.viewing.look.active_pane
    if pane in context.viewing.look.planes:
        context.viewing.turn(pane, quarters)


@action("view.flip", "Mirror left and right", group="View", keys=("H",), enabled=has_picture)
def flip(context: Context) -> None:
    """Mirror the picture of the active pane; its letters tell."""
    pane = context.viewing.look.active_pane
    if pane in context.viewing.look.planes:
        context.viewing.flip(pane)
