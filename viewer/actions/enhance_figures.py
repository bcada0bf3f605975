"""Figures of merit: how much a chain gains in a region, and what it costs."""

from viewer.actions.context import Context
from viewer.actions.enhance import chain_of
from viewer.actions.registry import action
from viewer.domain.measurement import Measurement
from viewer.errors import InputRefused


def _ellipses(context: Context) -> tuple[Measurement, ...]:
    key = context.viewing.look.picture_key
    return tuple(
        m for m in context.session.state.measurements if m.volume_key == key and m.kind == "ellipse"
    )


def _can_compare(context: Context) -> str:
    picture = context.picture
    if picture is None:
        return "No study is open."
    if picture.is_colour:
        return "Figures of merit need single values; these images hold colour."
    return "" if _ellipses(context) else "Draw an ellipse first (a second one is the background)."


@action(
    "enhance.figures",
    "Figures of merit",
    group="Enhance",
    keys=("Alt+M",),
    enabled=_can_compare,
)
def figures(context: Context) -> None:
    """Compare noise, contrast, edges and likeness before and after, in an ellipse.

    The chosen ellipse is the signal, else the first; another one is the background.
    """
    from viewer.session.merits import merits_of

    picture = context.need_picture()
    found = _ellipses(context)
    look = context.viewing.look
    region = next((m for m in found if m.uid == look.selected_uid), found[0])
    background = next((m for m in reversed(found) if m.uid != region.uid), None)
    plane = look.planes.get(look.active_pane)
    if plane is None:
        raise InputRefused("No plane is shown.", remedy="Click into a pane.")
    made = merits_of(
        picture, plane, region, background, chain_of(context), context.extensions.filters
    )
    context.door.show_text("Figures of merit", made.text())
