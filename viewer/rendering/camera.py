"""Where the 3-D scene is looked at from: a plane through its middle, seen in parallel projection.

A parallel camera *is* a ``Plane``: its pixels are the screen's pixels, its right and down the
screen's axes, its normal the direction of sight. Letters, ruler and positions on the screen are
read off it as in any other pane.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.geometry import Floats, Plane, unit

ViewName = Literal["anterior", "posterior", "left", "right", "head", "feet"]

# Screen right and down (LPS) of a reader who stands at that side. From the feet it is the axial
# convention, from the head the same with left and right exchanged; the face is up in both.
VIEW_AXES: dict[ViewName, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "anterior": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "posterior": ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "left": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "right": ((0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    "head": ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "feet": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}

_MARGIN = 1.12
_HALF_TURN = np.pi
_MIN_PIXEL_MM, _MAX_PIXEL_MM = 1e-3, 1e3


def _turn(axis: Floats, angle_rad: float) -> Floats:
    """Return the matrix (3, 3) that turns by ``angle_rad`` about the unit ``axis`` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
    return np.asarray(turned, dtype=np.float64)


@dataclass(frozen=True)
class Camera:
    """A parallel camera; ``pivot_lps_mm`` (3,) is the point that turning leaves where it is."""

    plane: Plane
    pivot_lps_mm: Floats

    @classmethod
    def facing(
        cls, corners_lps_mm: ArrayLike, view: ViewName, size_px: tuple[int, int]
    ) -> "Camera":
        """Return the camera at the side ``view`` that shows all of ``corners_lps_mm`` (n, 3)."""
        corners = np.asarray(corners_lps_mm, dtype=np.float64)
        right, down = (np.array(axis) for axis in VIEW_AXES[view])
        width, height = float(np.ptp(corners @ right)), float(np.ptp(corners @ down))
        pixel_mm = max(width / size_px[0], height / size_px[1], _MIN_PIXEL_MM) * _MARGIN
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
        return cls(Plane.centred(middle, right, down, pixel_mm, size_px), middle)

    def turned(self, dx_px: float, dy_px: float) -> "Camera":
        """Return the camera after the object was turned by a drag (half a turn across the pane).

        The object's near side follows the pointer; the pivot stays on its pixel.
        """
        plane = self.plane
        per_px = _HALF_TURN / min(plane.size_px)
        turn = _turn(-plane.down, -dx_px * per_px) @ _turn(plane.right, -dy_px * per_px)
        right = unit(turn @ plane.right)
        down = turn @ plane.down
        down = unit(down - right * (right @ down))
        x, y, _ = plane.pixel(self.pivot_lps_mm)
        origin = self.pivot_lps_mm - (right * x + down * y) * plane.pixel_mm
        return replace(self, plane=Plane(origin, right, down, plane.pixel_mm, plane.size_px))

    def zoomed(self, factor: float) -> "Camera":
        """Return the camera magnified by ``factor`` about the middle of the pane."""
        pixel_mm = float(np.clip(self.plane.pixel_mm / factor, _MIN_PIXEL_MM, _MAX_PIXEL_MM))
        width, height = self.plane.size_px
        about = ((width - 1) / 2, (height - 1) / 2)
        return replace(self, plane=self.plane.zoomed(self.plane.pixel_mm / pixel_mm, about))

    def panned(self, dx_px: float, dy_px: float) -> "Camera":
        """Return the camera after the picture was dragged by (dx, dy) pixels."""
        return replace(self, plane=self.plane.panned(dx_px, dy_px))

    def resized(self, size_px: tuple[int, int]) -> "Camera":
        """Return the camera of a pane of another size: the object grows with its shorter side."""
        factor = min(size_px) / min(self.plane.size_px)
        return replace(self, plane=self.plane.resized(size_px)).zoomed(factor)

    def ray(self, xy_px: tuple[float, float]) -> tuple[Floats, Floats]:
        """Return a point on the line of sight through ``xy_px``, and its unit direction."""
        return self.plane.world(xy_px), self.plane.normal


def aim(vtk_camera: Any, plane: Plane, away_mm: float) -> None:
    """Let a vtkCamera see ``plane`` in parallel projection from ``away_mm`` before it."""
    middle = plane.centre_lps_mm
    vtk_camera.ParallelProjectionOn()
    vtk_camera.SetFocalPoint(*middle)
    vtk_camera.SetPosition(*(middle - plane.normal * away_mm))
    vtk_camera.SetViewUp(*-plane.down)
    vtk_camera.SetParallelScale(plane.size_px[1] * plane.pixel_mm / 2)
