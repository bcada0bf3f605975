"""From points to a measurement with its numbers, and to the edits about it."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.measurement import KINDS, Measurement, Point, Review
from viewer.errors import ViewerError
from viewer.imaging.measuring import measured
from viewer.rendering.shapes import measurement_primitives
from viewer.session.edits import AddMeasurement, ReplaceMeasurement
from viewer.session.edits_measurement import words
from viewer.session.identifiers import new_uid
from viewer.tools.base import Response, ToolScene
from viewer.tools.pointer import PointerEvent


def point(values: ArrayLike) -> Point:
    """Return a point of patient space as plain numbers."""
    x, y, z = (float(v) for v in np.asarray(values, dtype=np.float64))
    return x, y, z


def points(values: Iterable[ArrayLike]) -> tuple[Point, ...]:
    """Return points of patient space as plain numbers."""
    return tuple(point(value) for value in values)


def made(kind: str, shape: tuple[Point, ...], scene: ToolScene) -> Measurement:
    """Return a new measurement of the scene's picture.

    Raises
    ------
    InputRefused
        The picture's geometry does not allow it.
    """
    shape = settled(kind, shape, scene)
    quantities, receipt = measured(kind, shape, scene.picture, scene.calibrations)
    number = sum(m.kind == kind for m in scene.measurements) + 1
    return Measurement(
        new_uid(),
        kind,
        scene.next_label or f"{KINDS[kind].title} {number}",
        shape,
        scene.picture.identity.frame_of_reference_uid,
        scene.picture.key,
        quantities,
        receipt,
    )


def moved(measurement: Measurement, shape: tuple[Point, ...], scene: ToolScene) -> Measurement:
    """Return the measurement with other points, its numbers computed anew; raises as ``made``."""
    shape = settled(measurement.kind, shape, scene)
    quantities, receipt = measured(measurement.kind, shape, scene.picture, scene.calibrations)
    was_computed = receipt_is_networks(measurement) or measurement.segment is not None
    review = Review.EDITED if was_computed else measurement.review
    return replace(
        measurement, points_lps_mm=shape, quantities=quantities, receipt=receipt, review=review
    )


def settled(kind: str, shape: tuple[Point, ...], scene: ToolScene) -> tuple[Point, ...]:
    """Return where the points come to rest: those of a wall on the wall, all others as set."""
    if kind != "wall_to_wall":
        return shape
    from viewer.imaging.walls import walls

    return points(walls(np.array(shape[0]), np.array(shape[1]), scene.picture))


def receipt_is_networks(measurement: Measurement) -> bool:
    """Whether a network's result is being corrected."""
    return bool(measurement.receipt.network)


def add(measurement: Measurement) -> AddMeasurement:
    """Return the edit that adds it, with its number in the name."""
    return AddMeasurement(measurement)


def move(measurement: Measurement) -> ReplaceMeasurement:
    """Return the edit that puts it in place of the one before."""
    return ReplaceMeasurement(measurement, f"move {words(measurement)}")


def preview_new(
    kind: str, shape: tuple[Point, ...], event: PointerEvent, scene: ToolScene
) -> Response:
    """Return the drawing of a measurement that is not there yet, with live numbers."""
    try:
        measurement = made(kind, shape, scene)
    except ViewerError as error:
        return Response(status=error.sentence())
    return shown(measurement, event, scene)


def shown(measurement: Measurement, event: PointerEvent, scene: ToolScene) -> Response:
    """Return the drawing of a measurement with its grips."""
    drawing = measurement_primitives(measurement, event.plane, scene.picture.grid, selected=True)
    return Response(drawing, status=words(measurement), uid=measurement.uid)
