"""Undo, redo, delete."""

from collections.abc import Sequence

from viewer.actions.context import Context, has_picture
from viewer.actions.rechoosing import choosing_what_came
from viewer.actions.registry import Choice, action
from viewer.session.edits_measurement import RemoveMeasurement


def _cannot_undo(context: Context) -> str:
    if not context.session.can_undo:
        return "There is nothing to undo."
    return has_picture(context)  # nothing is taken back that nobody can see


def _cannot_redo(context: Context) -> str:
    return has_picture(context) if context.session.can_redo else "There is nothing to redo."


@action("edit.undo", "Undo", group="Edit", keys=("Ctrl+Z",), enabled=_cannot_undo)
def undo(context: Context) -> None:
    """Take the last edit back; all edits of all tools stand in one history."""
    with choosing_what_came(context):
        context.session.undo()


@action("edit.redo", "Redo", group="Edit", keys=("Ctrl+Shift+Z", "Ctrl+Y"), enabled=_cannot_redo)
def redo(context: Context) -> None:
    """Do again what was undone."""
    with choosing_what_came(context):
        context.session.redo()


def _steps(context: Context) -> Sequence[Choice]:
    names = (*context.session.history, *context.session.undone)
    numbered = [Choice(f"{n}  {name}", {"step": n}) for n, name in enumerate(names, start=1)]
    return [Choice("0  before all that is listed", {"step": 0}), *numbered] if names else []


def _no_history(context: Context) -> str:
    if not (context.session.can_undo or context.session.can_redo):
        return "Nothing was done yet."
    return has_picture(context)


@action(
    "edit.go_to_step",
    "Go to a step of the history",
    group="Edit",
    choices=_steps,
    enabled=_no_history,
)
def go_to_step(context: Context, *, step: int) -> None:
    """Undo or redo until the named step is the last that stands."""
    with choosing_what_came(context):
        context.session.go_to(step)


def _nothing_selected(context: Context) -> str:
    uid = context.viewing.look.selected_uid
    known = {m.uid for m in context.session.state.measurements}
    return "" if uid in known else "No measurement is selected."


@action(
    "edit.delete",
    "Delete the measurement",
    group="Edit",
    keys=("Del", "Backspace"),
    enabled=_nothing_selected,
)
def delete(context: Context) -> None:
    """Delete the selected measurement."""
    context.session.apply(RemoveMeasurement(context.viewing.look.selected_uid))
    context.viewing.set(selected_uid="")


def _measurements(context: Context) -> Sequence[Choice]:
    return [Choice(m.label, {"uid": m.uid}) for m in context.session.state.measurements]


@action("edit.select", "Select a measurement", group="Edit", choices=_measurements)
def select(context: Context, *, uid: str) -> None:
    """Select a measurement and go to it."""
    measurement = context.session.state.measurement(uid)
    context.viewing.set(selected_uid=uid)
    picture = context.picture
    points = measurement.points_lps_mm
    if points and picture is not None and picture.key == measurement.volume_key:
        middle = tuple(sum(p[axis] for p in points) / len(points) for axis in range(3))
        context.viewing.cross(picture, middle)
