"""A measurement copied to the slice that is shown, and measured there anew."""

import numpy as np

from viewer.actions.context import Context
from viewer.actions.measure import made, next_label
from viewer.actions.registry import action
from viewer.domain.measurement import KINDS
from viewer.errors import InputRefused
from viewer.session.edits import AddMeasurement

_IN_PLANE_MM = 1e-3


def _nothing_to_copy(context: Context) -> str:
    uid = context.viewing.look.selected_uid
    known = any(m.uid == uid for m in context.session.state.measurements)
    return "" if known else "No measurement is selected."


@action(
    "measure.copy",
    "Copy the measurement to the shown slice",
    group="Measure",
    keys=("Ctrl+Shift+D",),
    enabled=_nothing_to_copy,
)
def copy(context: Context) -> str:
    """Draw the selected shape again on the active view's slice; its numbers are of that slice.

    The shape moves along the view's normal alone. Returns the new measurement's uid.

    Raises
    ------
    InputRefused
        The shape is of another picture, of a segment, not parallel to the view, or there already.
    """
    picture = context.need_picture()
    look = context.viewing.look
    chosen = context.session.state.measurement(look.selected_uid)
    plane = look.planes.get(look.active_pane)
    if plane is None:
        raise InputRefused("The active view shows no slice to copy to.")
    if chosen.volume_key != picture.key:
        raise InputRefused(f"{chosen.label} belongs to another series than the one shown.")
    if KINDS[chosen.kind].drawn == "through" or not chosen.points_lps_mm:
        raise InputRefused(f"{chosen.label} goes through slices, so it cannot be copied to one.")
    points = np.array(chosen.points_lps_mm)
    depths_mm = plane.pixel(points)[:, 2]
    if np.ptp(depths_mm) > _IN_PLANE_MM:
        raise InputRefused(
            f"{chosen.label} is not parallel to the active view.",
            remedy="Click into a view along the plane in which it was drawn.",
        )
    if abs(depths_mm[0]) <= _IN_PLANE_MM:
        raise InputRefused(
            f"{chosen.label} lies on the shown slice already.", remedy="Scroll to another slice."
        )
    annotates = KINDS[chosen.kind].is_annotation
    found = made(
        picture,
        chosen.kind,
        points - depths_mm[0] * plane.normal,
        chosen.label if annotates else next_label(context, chosen.kind),
        calibrations=context.session.state.calibrations_of(picture.key),
    )
    context.session.apply(AddMeasurement(found))
    context.viewing.set(selected_uid=found.uid)
    return found.uid
