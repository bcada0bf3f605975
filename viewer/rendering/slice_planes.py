"""The live slice planes in the 3-D scene: outlines in the planes' colours, pictures on them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.rendering.primitives import Rgb

_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]
_OUTLINE_PX = 1.6


def section_polygon(plane: Plane, corners_lps_mm: Floats) -> Floats:
    """Return where the infinite plane cuts a box: a convex polygon (n, 2) in the plane's pixels.

    ``corners_lps_mm`` (8, 3) is ordered as ``Grid.corners_lps_mm``. Empty where it does not cut.
    """
    pixels = plane.pixel(corners_lps_mm)
    found = []
    for a, b in _EDGES:
        height_a, height_b = pixels[a, 2], pixels[b, 2]
        if (height_a < 0) != (height_b < 0):
            part = height_a / (height_a - height_b)
            found.append(pixels[a, :2] + part * (pixels[b, :2] - pixels[a, :2]))
    if len(found) < 3:
        return np.empty((0, 2))
    polygon = np.array(found)
    arms = polygon - polygon.mean(axis=0)
    return np.asarray(polygon[np.argsort(np.arctan2(arms[:, 1], arms[:, 0]))])


def clipped_to_picture(polygon: Floats, size_px: tuple[int, int]) -> Floats:
    """Return the part of a convex polygon (n, 2) that lies on the picture (Sutherland-Hodgman)."""
    if len(polygon) < 3:
        return np.empty((0, 2))
    for axis, limit, sign in (
        (0, -0.5, 1.0),
        (0, size_px[0] - 0.5, -1.0),
        (1, -0.5, 1.0),
        (1, size_px[1] - 0.5, -1.0),
    ):
        kept: list[Floats] = []
        inside = (polygon[:, axis] - limit) * sign
        for n in range(len(polygon)):
            a, b, at_a, at_b = polygon[n - 1], polygon[n], inside[n - 1], inside[n]
            if (at_a < 0) != (at_b < 0):
                kept.append(a + at_a / (at_a - at_b) * (b - a))
            if at_b >= 0:
                kept.append(b)
        if len(kept) < 3:
            return np.empty((0, 2))
        polygon = np.array(kept)
    return polygon


def _polygon_data(points_lps_mm: Floats, *, filled: bool) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    n = len(points_lps_mm)
    points = vtkPoints()
    points.SetData(numpy_to_vtk(points_lps_mm.astype(np.float32), deep=True))
    cells = vtkCellArray()
    order = [*range(n)] if filled else [*range(n), 0]
    cells.InsertNextCell(len(order), order)
    data = vtkPolyData()
    data.SetPoints(points)
    if filled:
        data.SetPolys(cells)
    else:
        data.SetLines(cells)
    return data


def _actor(data: Any) -> Any:
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().LightingOff()
    return actor


def outline_actor(points_lps_mm: Floats, colour: Rgb) -> Any:
    """Return a closed, unlit line through points (n, 3) as a VTK actor."""
    actor = _actor(_polygon_data(points_lps_mm, filled=False))
    actor.GetProperty().SetColor(*(c / 255 for c in colour))
    actor.GetProperty().SetLineWidth(_OUTLINE_PX)
    return actor


def picture_actor(polygon_px: Floats, plane: Plane, rgb32: NDArray[np.uint32]) -> Any:
    """Return the polygon (n, 2) of a pane's picture, 0xffRRGGBB (h, w), lying in the patient."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkRenderingCore import vtkTexture

    data = _polygon_data(plane.world(polygon_px), filled=True)
    size = np.array(plane.size_px, dtype=np.float64)
    data.GetPointData().SetTCoords(
        numpy_to_vtk(((polygon_px + 0.5) / size).astype(np.float32), deep=True)
    )
    height, width = rgb32.shape
    pixels = np.stack([(rgb32 >> shift) & 0xFF for shift in (16, 8, 0)], axis=-1)
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels.astype(np.uint8).reshape(-1, 3), deep=True))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOn()
    texture.RepeatOff()
    actor = _actor(data)
    actor.SetTexture(texture)
    return actor


class PlaneProps:
    """All slice planes in a renderer, cut to the box of what is shown."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._planes: dict[str, tuple[Plane, Rgb]] = {}
        self._pictures: dict[str, tuple[Plane, NDArray[np.uint32]]] = {}
        self._corners_lps_mm: Floats | None = None
        self._actors: list[Any] = []

    def set_planes(self, planes: Mapping[str, Plane], colours: Mapping[str, Rgb]) -> None:
        """Outline exactly these; pictures on planes that are no longer there go too."""
        self._planes = {name: (plane, colours[name]) for name, plane in planes.items()}
        self._pictures = {n: shown for n, shown in self._pictures.items() if n in planes}
        self._rebuild()

    def set_picture(self, name: str, rgb32: NDArray[np.uint32] | None, plane: Plane) -> None:
        """Lay a pane's picture onto the plane called ``name``, or take it off (None)."""
        self._pictures.pop(name, None)
        if rgb32 is not None:
            self._pictures[name] = (plane, rgb32)
        self._rebuild()

    def set_box(self, corners_lps_mm: Floats | None) -> None:
        """Cut planes to the box with these corners (8, 3); None: to the panes' own rectangles."""
        self._corners_lps_mm = corners_lps_mm
        self._rebuild()

    def _polygon(self, plane: Plane) -> Floats:
        width, height = plane.size_px
        if self._corners_lps_mm is not None:
            return section_polygon(plane, self._corners_lps_mm)
        right, bottom = width - 0.5, height - 0.5
        return np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])

    def _rebuild(self) -> None:
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
        self._actors = []
        for plane, colour in self._planes.values():
            polygon = self._polygon(plane)
            if len(polygon):
                self._actors.append(outline_actor(plane.world(polygon), colour))
        for plane, rgb32 in self._pictures.values():
            polygon = clipped_to_picture(self._polygon(plane), plane.size_px)
            if len(polygon):
                self._actors.append(picture_actor(polygon, plane, rgb32))
        for actor in self._actors:
            self._renderer.AddActor(actor)
