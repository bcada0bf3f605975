"""A hand for tests: moves a tool about in the pixels of a plane."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid, Plane, fitted_axes
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import OriginKind, Segment
from viewer.domain.volume import Volume
from viewer.session.edits import AddMeasurement, AddSegmentation, Edit, ReplaceMeasurement
from viewer.session.session import Session
from viewer.testing.builders import a_segmentation, a_volume, rotation
from viewer.tools.base import Response, Tool, ToolScene, ToolSettings
from viewer.tools.making import made
from viewer.tools.pointer import PointerEvent, PointerKind

Xy = tuple[float, float]
SHAPE_KJI = (16, 40, 48)
SPACING_IJK_MM = (0.8, 0.8, 2.0)

_TILT = rotation((1, 2, 3), 25.0)
# An oblique acquisition, so that nothing runs along the patient's axes by luck.
OBLIQUE: Volume = (
    a_volume(SHAPE_KJI, spacing_ijk_mm=SPACING_IJK_MM, directions=_TILT, origin_lps_mm=(5, -7, 11))
    .with_ramp((1.0, 2.0, 3.0))
    .build()
)
STRAIGHT: Volume = a_volume(SHAPE_KJI, spacing_ijk_mm=SPACING_IJK_MM).build()


def acquired(volume: Volume, *, pixel_mm: float = 0.25) -> Plane:
    """Return the plane of the middle slice in the volume's own axes."""
    grid = volume.grid
    middle = grid.world(((SHAPE_KJI[2] - 1) / 2, (SHAPE_KJI[1] - 1) / 2, 8.0))
    right, down = grid.directions[:, 0], grid.directions[:, 1]
    return Plane.centred(middle, right, down, pixel_mm, (200, 160))


def across_slices(volume: Volume) -> Plane:
    """Return a plane through all slices, 30 degrees off the grid's axes."""
    turn = rotation(volume.grid.directions[:, 0], 60.0)
    right, down = volume.grid.directions[:, 0], turn @ volume.grid.directions[:, 1]
    return fitted_axes(volume.grid, right, down, (200, 160))


PLANES = {
    "acquired": (STRAIGHT, acquired(STRAIGHT)),
    "oblique acquired": (OBLIQUE, acquired(OBLIQUE)),
    "across slices": (OBLIQUE, across_slices(OBLIQUE)),
}


def a_ball(grid: Grid, radius_mm: float = 7.0) -> NDArray[np.bool_]:
    """Return a ball in the middle of the grid."""
    k, j, i = np.indices(grid.shape_kji)
    centres = grid.world(np.stack((i, j, k), axis=-1))
    return np.asarray(np.linalg.norm(centres - grid.centre_lps_mm, axis=-1) <= radius_mm)


def a_scene(volume: Volume = STRAIGHT, *, kind: OriginKind = OriginKind.HAND) -> ToolScene:
    """Return a scene with a ball as segment 1 of an active segmentation."""
    layer = a_segmentation(volume, a_ball(volume.grid), kind=kind)
    layer = replace(layer, segments=(*layer.segments, Segment(2, "Lesion 2", (1, 2, 3))))
    return ToolScene(volume, layer, 1, settings=ToolSettings(3.0))


def empty(scene: ToolScene) -> ToolScene:
    """Return the scene with nothing painted yet."""
    assert scene.segmentation is not None
    labels = np.zeros_like(scene.segmentation.labels)
    return replace(scene, segmentation=replace(scene.segmentation, labels=labels))


def at(kind: PointerKind, xy: Xy, plane: Plane, *modifiers: str) -> PointerEvent:
    """Return an event of the left button."""
    return PointerEvent(kind, *xy, plane, "left", frozenset(modifiers))


def drag(
    tool: Tool, scene: ToolScene, plane: Plane, path: Sequence[Xy], *modifiers: str
) -> Response:
    """Press at the first point, move through all, release at the last; return the last answer."""
    tool.handle(at("press", path[0], plane, *modifiers), scene)
    for xy in path[1:]:
        tool.handle(at("move", xy, plane, *modifiers), scene)
    return tool.handle(at("release", path[-1], plane, *modifiers), scene)


def click(tool: Tool, scene: ToolScene, plane: Plane, xy: Xy, *modifiers: str) -> Response:
    """Press and release; return the answer to whichever brought an edit, else to the release."""
    first = tool.handle(at("press", xy, plane, *modifiers), scene)
    last = tool.handle(at("release", xy, plane, *modifiers), scene)
    return first if first.edit is not None else last


def measurement_of(edit: Edit | None) -> Measurement:
    """Return the measurement that an edit adds or changes."""
    assert isinstance(edit, AddMeasurement | ReplaceMeasurement)
    return edit.measurement


def in_plane(measurement: Measurement, plane: Plane) -> NDArray[np.float64]:
    """Return the points (n, 3): pixels x, y and depth in mm."""
    return plane.pixel(np.array(measurement.points_lps_mm))


def with_measurement(scene: ToolScene, kind: str, plane: Plane, xys: Sequence[Xy]) -> ToolScene:
    """Return the scene with one measurement more, given in pixels of ``plane``."""
    points = tuple(at("press", xy, plane).lps_mm for xy in xys)
    return replace(scene, measurements=(*scene.measurements, made(kind, points, scene)))


def labels_after(scene: ToolScene, edit: Edit | None) -> NDArray[np.uint8]:
    """Return the labels after an edit, applied by a session."""
    assert scene.segmentation is not None
    session = Session()
    session.apply(AddSegmentation.of(scene.segmentation))
    if edit is not None:
        session.apply(edit)
    return session.state.segmentations[0].labels
