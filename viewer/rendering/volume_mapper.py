"""The volume in the scene: ray casting on the graphics card, or on the processor without one."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from viewer.domain.geometry import Grid
from viewer.rendering.cutting import HalfSpace
from viewer.rendering.prepared import GPU_VOXELS, SOFTWARE_VOXELS, PreparedVolume
from viewer.rendering.transfer import Transfer

Quality = Literal["coarse", "full"]

_SOFTWARE_NAMES = ("llvmpipe", "softpipe", "swiftshader", "software rasterizer", "swrast")
# Rays of a frame on the processor; a pane of 512 x 512 casts every second ray in both directions
# while moving, and all of them at rest. Larger panes keep the number of rays, so the time too.
_COARSE_RAYS = 256 * 256
_FULL_RAYS = 640 * 640
# In voxels of mean size.
_COARSE_STEP, _FULL_STEP = 2.0, 0.75


def is_software(renderer_name: str) -> bool:
    """Return whether OpenGL's renderer string names a program instead of a graphics card."""
    name = renderer_name.lower()
    return any(known in name for known in _SOFTWARE_NAMES)


def voxel_budget(*, software: bool) -> int:
    """Return how many voxels a picture in good time allows."""
    return SOFTWARE_VOXELS if software else GPU_VOXELS


def _matrix_without_spacing(grid: Grid) -> Any:
    """Return the VTK matrix that takes (i, j, k) times spacing to LPS: turn, shear and place.

    The image itself carries the spacing alone: the fixed-point mapper shades by the image's
    spacing, and ignores an image's direction matrix.
    """
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    affine = np.eye(4)
    affine[:3, :3] = grid.directions
    affine[:3, 3] = grid.ijk_to_lps[:3, 3]
    matrix = vtkMatrix4x4()
    matrix.DeepCopy(affine.reshape(-1).tolist())
    return matrix


class VolumeProp:
    """A prepared volume as a VTK prop; ``prop`` goes into a renderer."""

    def __init__(self, prepared: PreparedVolume, *, software: bool) -> None:
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkRenderingCore import vtkVolume, vtkVolumeProperty

        self._prepared = prepared
        self._software = software
        self._step_mm = prepared.grid.voxel_volume_mm3 ** (1 / 3)
        image = vtkImageData()
        k, j, i = prepared.values.shape
        image.SetDimensions(i, j, k)
        image.SetSpacing(*prepared.grid.spacing_ijk_mm)
        # Not copied: VTK holds a reference to the array.
        image.GetPointData().SetScalars(numpy_to_vtk(prepared.values.reshape(-1)))
        self._mapper = self._new_mapper()
        self._mapper.SetInputData(image)
        self._property = vtkVolumeProperty()
        self._property.ShadeOn()
        self._property.SetInterpolationTypeToLinear()
        self._property.SetScalarOpacityUnitDistance(1.0)
        self.prop = vtkVolume()
        self.prop.SetMapper(self._mapper)
        self.prop.SetProperty(self._property)
        self.prop.SetUserMatrix(_matrix_without_spacing(prepared.grid))

    def _new_mapper(self) -> Any:
        if self._software:
            from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

            fixed = vtkFixedPointVolumeRayCastMapper()
            fixed.LockSampleDistanceToInputSpacingOff()
            fixed.AutoAdjustSampleDistancesOff()
            return fixed
        from vtkmodules.vtkRenderingVolume import vtkGPUVolumeRayCastMapper

        mapper = vtkGPUVolumeRayCastMapper()
        mapper.LockSampleDistanceToInputSpacingOff()
        mapper.AutoAdjustSampleDistancesOff()
        mapper.UseJitteringOn()
        return mapper

    def set_transfer(self, transfer: Transfer) -> None:
        """See the volume through ``transfer``."""
        from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
        from vtkmodules.vtkRenderingCore import vtkColorTransferFunction

        opacity, colour = vtkPiecewiseFunction(), vtkColorTransferFunction()
        edges = vtkPiecewiseFunction()
        for difference, factor in transfer.edges:
            edges.AddPoint(difference / self._prepared.slope, factor)
        for value, per_mm in transfer.opacity:
            opacity.AddPoint(self._prepared.level(value), per_mm)
        for value, rgb in transfer.colour:
            colour.AddRGBPoint(self._prepared.level(value), *rgb)
        self._property.SetScalarOpacity(opacity)
        self._property.SetGradientOpacity(edges)
        self._property.SetColor(colour)
        self._property.SetAmbient(transfer.ambient)
        self._property.SetDiffuse(transfer.diffuse)
        self._property.SetSpecular(transfer.shine[0])
        self._property.SetSpecularPower(transfer.shine[1])

    def set_quality(self, quality: Quality, size_px: tuple[int, int]) -> None:
        """Choose the distances between rays and between samples for a pane of ``size_px``."""
        coarse = quality == "coarse"
        self._mapper.SetSampleDistance(self._step_mm * (_COARSE_STEP if coarse else _FULL_STEP))
        pixels = size_px[0] * size_px[1]
        if not self._software:
            self._mapper.SetImageSampleDistance(2.0 if coarse else 1.0)
            return
        wanted = np.sqrt(pixels / (_COARSE_RAYS if coarse else _FULL_RAYS))
        self._mapper.SetImageSampleDistance(float(max(2.0 if coarse else 1.0, wanted)))

    def set_kept(self, kept: Sequence[HalfSpace]) -> None:
        """Cast only through what every half-space keeps."""
        from vtkmodules.vtkCommonDataModel import vtkPlane

        self._mapper.RemoveAllClippingPlanes()
        for half in kept:
            plane = vtkPlane()
            plane.SetOrigin(*half.point_lps_mm)
            plane.SetNormal(*half.inward)
            self._mapper.AddClippingPlane(plane)
