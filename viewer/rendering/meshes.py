"""Surfaces of segments, in patient space."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.errors import InputRefused

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

# performance.md 6: 2.7 million voxels of bone take seconds and 1.7 million polygons; beyond this
# many voxels in its box, a mask is halved before its surface is made.
_MOST_VOXELS = 6_000_000
# Rounds and pass band of the windowed sinc filter, and how far it may change the volume.
_SMOOTHING = ((20, 0.05), (10, 0.1))
_VOLUME_TOLERANCE = 0.02


def _boxed(labels: NDArray[np.uint8], number: int, grid: Grid) -> tuple[NDArray[np.uint8], Floats]:
    """Return the mask (0/1) in its bounding box with an empty rim, and its affine (4, 4)."""
    mask = labels == number
    if not mask.any():
        raise InputRefused(f"Segment {number} is empty: it has no surface.")
    start, stop = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(mask.any(axis=others))
        start.append(int(found[0]))
        stop.append(int(found[-1]) + 1)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    affine = grid.ijk_to_lps.copy()
    affine[:3, 3] = grid.world(np.array(start[::-1]) - 1.0)
    return np.pad(mask[box].astype(np.uint8), 1), affine


def _halved(mask: NDArray[np.uint8], affine: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Return the majority of each 2 x 2 x 2 block, with the affine of the blocks."""
    padded = np.pad(mask, [(0, n % 2) for n in mask.shape])
    k, j, i = (n // 2 for n in padded.shape)
    counts = padded.reshape(k, 2, j, 2, i, 2).sum(axis=(1, 3, 5), dtype=np.uint8)
    coarse = affine.copy()
    coarse[:3, 3] += affine[:3, :3] @ np.full(3, 0.5)
    coarse[:3, :3] *= 2
    # Half-filled blocks go to either side in turn, so that the volume stays.
    turn = np.indices(counts.shape, dtype=np.uint8, sparse=True)
    filled = counts + (turn[0] + turn[1] + turn[2]) % 2 > 4
    return np.pad(filled.astype(np.uint8), 1), _shifted(coarse, -1.0)


def _shifted(affine: Floats, steps: float) -> Floats:
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ np.full(3, steps)
    return moved


def _index_surface(mask: NDArray[np.uint8]) -> "vtkPolyData":
    """Return the triangles between 1 and 0 in index coordinates (i, j, k): the voxels' faces.

    Surface nets (Gibson 1998) without their own smoothing, which takes a tenth off a sphere of
    12 voxels' radius.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

    image = vtkImageData()
    image.SetDimensions(mask.shape[2], mask.shape[1], mask.shape[0])
    image.GetPointData().SetScalars(numpy_to_vtk(mask.reshape(-1), deep=True))
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetValue(0, 1)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    faces: vtkPolyData = nets.GetOutput()
    return faces


def _smoothed(faces: "vtkPolyData") -> Floats:
    """Return the points (n, 3) smoothed as far as the volume allows (Taubin 1996).

    Specks of a few voxels would vanish: they are smoothed less, or not at all.
    """
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

    raw, corners = triangles(faces)
    volume = _signed_volume(raw, corners)
    for rounds, pass_band in _SMOOTHING:
        smoother = vtkWindowedSincPolyDataFilter()
        smoother.SetInputData(faces)
        smoother.SetNumberOfIterations(rounds)
        smoother.SetPassBand(pass_band)
        smoother.NormalizeCoordinatesOn()
        smoother.NonManifoldSmoothingOn()
        smoother.FeatureEdgeSmoothingOff()
        smoother.Update()
        points, _ = triangles(smoother.GetOutput())
        if abs(_signed_volume(points, corners) / volume - 1) < _VOLUME_TOLERANCE:
            return points
    return raw


def triangles(polydata: "vtkPolyData") -> tuple[Floats, NDArray[np.int64]]:
    """Return the points (n, 3) and the point indices (m, 3) of a mesh of triangles."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = np.array(vtk_to_numpy(polydata.GetPoints().GetData()), dtype=np.float64)
    corners = vtk_to_numpy(polydata.GetPolys().GetConnectivityArray())
    return points, np.array(corners, dtype=np.int64).reshape(-1, 3)


def _signed_volume(points: Floats, corners: NDArray[np.int64]) -> float:
    """Return the volume by the divergence theorem: positive if the triangles face outward."""
    a, b, c = (points[corners[:, n]] - points.mean(axis=0) for n in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def mesh_volume_mm3(polydata: "vtkPolyData") -> float:
    """Return what a closed surface of triangles encloses; negative if it is inside out."""
    return _signed_volume(*triangles(polydata))


def _to_polydata(points: Floats, corners: NDArray[np.int64]) -> "vtkPolyData":
    """Return triangles as VTK data, with normals at the points."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    mesh = vtkPolyData()
    vertices = vtkPoints()
    vertices.SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    mesh.SetPoints(vertices)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(corners.reshape(-1), deep=True))
    mesh.SetPolys(cells)
    normals: Any = numpy_to_vtk(_normals(points, corners).astype(np.float32), deep=True)
    normals.SetName("Normals")
    mesh.GetPointData().SetNormals(normals)
    return mesh


def _normals(points: Floats, corners: NDArray[np.int64]) -> Floats:
    """Return outward unit normals at the points (n, 3), weighted by the triangles' areas."""
    a, b, c = (points[corners[:, n]] for n in range(3))
    faces = np.cross(b - a, c - a)
    sums = np.stack(
        [
            np.bincount(corners.reshape(-1), np.repeat(faces[:, axis], 3), len(points))
            for axis in range(3)
        ],
        axis=1,
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1))


def surface(
    labels: NDArray[np.uint8], number: int, grid: Grid, *, smooth: bool = True
) -> "vtkPolyData":
    """Return the closed surface of ``labels == number`` in LPS millimetres.

    ``labels`` is (k, j, i) on ``grid``, which may be sheared or left-handed: triangles and normals
    face outward. It encloses the volume of the voxels, within 2 % when smoothed. Masks in very
    large boxes are halved first. Safe in a worker thread.

    Raises
    ------
    InputRefused
        The segment is empty.
    """
    mask, affine = _boxed(labels, number, grid)
    while mask.size > _MOST_VOXELS:
        halved, coarse = _halved(mask, affine)
        if not halved.any():
            break
        mask, affine = halved, coarse
    faces = _index_surface(mask)
    points, corners = triangles(faces)
    if smooth:
        points = _smoothed(faces)
    points = points @ affine[:3, :3].T + affine[:3, 3]
    if _signed_volume(points, corners) < 0:
        corners = corners[:, ::-1]
    return _to_polydata(points, np.ascontiguousarray(corners))
