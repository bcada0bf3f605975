"""Millimetres by a known distance, for images that do not say them in the patient."""

import numpy as np

from viewer.actions.context import Context, has_picture
from viewer.actions.registry import action
from viewer.domain.calibration import Calibration
from viewer.domain.measurement import Measurement
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.session.edits import Group, ReplaceMeasurement, SetCalibration
from viewer.session.state import State


def _cannot(context: Context) -> str:
    reason = has_picture(context)
    if reason or context.picture is None:
        return reason
    return "These images state their spacing in the patient." if context.picture.is_volume else ""


def _calibrated(context: Context) -> str:
    picture = context.picture
    if picture is None or not context.session.state.calibrations_of(picture.key):
        return "Nothing was calibrated by hand."
    return ""


@action("measure.calibrate", "Calibrate by a known distance", group="Measure", enabled=_cannot)
def calibrate(context: Context, *, known_mm: float | None = None) -> None:
    """Say how long the selected distance (else the last one) is; all numbers of its image follow."""
    picture = context.need_picture()
    line = _line(context, picture)
    if known_mm is None:
        known_mm = context.door.ask_number(
            "Calibrate by a known distance", f"Length of {line.label}, in mm"
        )
    if known_mm is None:
        return
    points = np.array(line.points_lps_mm)
    uid = _image_of(picture, line)
    drawn = float(np.linalg.norm(points[1] - points[0]))
    _apply(context, picture, uid, Calibration.of(uid, drawn, float(known_mm)))


@action("measure.uncalibrate", "Drop the calibration", group="Measure", enabled=_calibrated)
def uncalibrate(context: Context) -> None:
    """Take back what was said by hand about the size of the shown image."""
    from viewer.imaging.measuring import calibration_at

    picture = context.need_picture()
    known = context.session.state.calibrations_of(picture.key)
    plane = context.viewing.look.planes["acquired"]
    shown = calibration_at(plane.centre_lps_mm[None], picture, known)
    if shown is None:
        raise InputRefused("The shown image was not calibrated by hand.")
    _apply(context, picture, shown.sop_instance_uid, None)


def _line(context: Context, picture: Picture) -> Measurement:
    lines = [
        m
        for m in context.session.state.measurements
        if m.kind == "distance" and m.volume_key == picture.key
    ]
    chosen = [m for m in lines if m.uid == context.viewing.look.selected_uid]
    if not lines:
        raise InputRefused(
            "There is no distance to calibrate by.",
            remedy="Draw one (D) along something whose length is known.",
        )
    return (chosen or lines)[-1]


def _image_of(picture: Picture, line: Measurement) -> str:
    from viewer.domain.geometry import nearest

    k = int(nearest(picture.grid.index(line.points_lps_mm[0])[2]))
    instances = picture.identity.instances
    if not 0 <= k < len(instances):
        raise InputRefused("The distance lies on no image of this series.")
    return instances[k].sop_instance_uid


def _apply(context: Context, picture: Picture, uid: str, calibration: Calibration | None) -> None:
    """Set the calibration and compute every number of its image anew, as one edit."""
    name = "drop the calibration" if calibration is None else "calibrate by hand"
    edit = SetCalibration(picture.key, uid, calibration, name)
    after, _ = edit.apply(context.session.state)
    again = [ReplaceMeasurement(m) for m in _anew(after, picture, uid)]
    context.session.apply(Group((edit, *again), name))


def _anew(state: State, picture: Picture, uid: str) -> list[Measurement]:
    """Return the measurements of an image with their numbers as they are after a calibration."""
    from dataclasses import replace

    from viewer.imaging.measuring import measured

    calibrations = state.calibrations_of(picture.key)
    found = []
    for measurement in state.measurements:
        if measurement.volume_key != picture.key or measurement.segment is not None:
            continue
        if not measurement.points_lps_mm or _image_of(picture, measurement) != uid:
            continue
        quantities, receipt = measured(
            measurement.kind, measurement.points_lps_mm, picture, calibrations
        )
        found.append(replace(measurement, quantities=quantities, receipt=receipt))
    return found
