"""Interpolated planes through arrays, in index space (vtkImageReslice; no rendering classes)."""

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.domain.volume import Picture, Voxels

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkImageData

_SOURCES: "WeakKeyDictionary[Picture, tuple[bytes, vtkImageData, Any, bool]]" = WeakKeyDictionary()


def reslice(
    picture: Picture, origin: Floats, right: Floats, down: Floats, size_px: tuple[int, int]
) -> tuple[Voxels, bool]:
    """Return (values (h, w), whether they are the quantity), trilinear.

    ``origin`` is the index (i, j, k) of pixel (0, 0), ``right`` and ``down`` the index steps of one
    pixel. Pixels within half a voxel beyond the outermost centres take the outermost voxels; those
    further out are 0 (see ``Section.coverage``). Stored values are interpolated in their own dtype,
    rounded; where slopes differ from slice to slice the quantity is interpolated, as float32.
    """
    image, is_quantity = _source(picture)
    return _run(image, origin, right, down, size_px, nearest=False), is_quantity


def reslice_labels(
    labels: NDArray[np.uint8],
    origin: Floats,
    right: Floats,
    down: Floats,
    size_px: tuple[int, int],
) -> NDArray[np.uint8]:
    """Return the nearest labels (h, w); 0 outside."""
    image, _keep = _image(labels)
    found = _run(image, origin, right, down, size_px, nearest=True)
    return np.asarray(found, dtype=np.uint8)


def _source(picture: Picture) -> "tuple[vtkImageData, bool]":
    loaded = picture.loaded_k.tobytes()
    known = _SOURCES.get(picture)
    uniform = picture.quantity.is_uniform
    # VTK looks at the stored voxels themselves where it can; a copy grows stale while slices come.
    is_view = uniform and picture.stored.flags.c_contiguous
    if known is not None and (is_view or known[0] == loaded):
        if known[0] != loaded:
            known[1].Modified()
        return known[1], known[3]
    array = picture.stored if uniform else picture.quantity.block(picture.stored)
    image, keep = _image(array)
    _SOURCES[picture] = (loaded, image, keep, not uniform)
    return image, not uniform


def _image(array: Voxels) -> "tuple[vtkImageData, Any]":
    """Return VTK's view of ``array`` (k, j, i) with unit spacing, and what must outlive it."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    flat = np.ascontiguousarray(array).reshape(-1)
    scalars = numpy_to_vtk(flat, deep=False)
    image = vtkImageData()
    image.SetDimensions(array.shape[2], array.shape[1], array.shape[0])
    image.GetPointData().SetScalars(scalars)
    return image, (flat, scalars)


def _run(
    image: "vtkImageData",
    origin: Floats,
    right: Floats,
    down: Floats,
    size_px: tuple[int, int],
    *,
    nearest: bool,
) -> Voxels:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonMath import vtkMatrix4x4
    from vtkmodules.vtkImagingCore import vtkImageReslice

    normal = np.cross(right, down)
    normal = normal / np.linalg.norm(normal)
    axes = vtkMatrix4x4()
    for column, vector in enumerate((right, down, normal, origin)):
        for row in range(3):
            axes.SetElement(row, column, float(vector[row]))
    filter_ = vtkImageReslice()
    filter_.SetInputData(image)
    filter_.SetResliceAxes(axes)
    filter_.SetOutputDimensionality(2)
    filter_.SetOutputSpacing(1.0, 1.0, 1.0)
    filter_.SetOutputOrigin(0.0, 0.0, 0.0)
    filter_.SetOutputExtent(0, size_px[0] - 1, 0, size_px[1] - 1, 0, 0)
    filter_.SetBackgroundLevel(0.0)
    filter_.BorderOn()
    if nearest:
        filter_.SetInterpolationModeToNearestNeighbor()
    else:
        filter_.SetInterpolationModeToLinear()
    filter_.Update()
    flat = vtk_to_numpy(filter_.GetOutput().GetPointData().GetScalars())
    return np.array(flat).reshape(size_px[1], size_px[0])
