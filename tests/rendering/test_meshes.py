"""Surfaces of segments lie in patient space, closed, right side out, and enclose their volume."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.errors import InputRefused
from viewer.rendering import meshes
from viewer.testing.builders import rotation

SPHERE_MM = 12.0


def sheared() -> NDArray[np.float64]:
    """Return the unit columns of a scan with 20 degrees of gantry tilt."""
    columns = np.eye(3)
    columns[:, 2] = (0.0, np.sin(np.radians(20)), np.cos(np.radians(20)))
    return columns


GRIDS = {
    "straight": Grid.from_axes((34, 34, 34)),
    "thick slices": Grid.from_axes((14, 40, 40), spacing_ijk_mm=(0.8, 0.8, 2.5)),
    "left-handed": Grid.from_axes((34, 34, 34), directions=np.diag([1.0, 1.0, -1.0])),
    "oblique": Grid.from_axes(
        (30, 34, 36), directions=rotation((1, 2, 3), 35), origin_lps_mm=(-80, 20, 1100)
    ),
    "permuted": Grid.from_axes((34, 34, 34), directions=np.eye(3)[:, [1, 2, 0]]),
    "sheared": Grid.from_axes((34, 34, 34), directions=sheared()),
}


def sphere(grid: Grid, radius_mm: float = SPHERE_MM) -> NDArray[np.uint8]:
    """Return labels 3 where a voxel's centre lies in a ball about the middle of ``grid``."""
    k, j, i = np.indices(grid.shape_kji)
    away = grid.world(np.stack((i, j, k), axis=-1)) - grid.centre_lps_mm
    return np.where(np.linalg.norm(away, axis=-1) <= radius_mm, 3, 0).astype(np.uint8)


@pytest.fixture(autouse=True)
def _quiet(vtk_is_quiet: None) -> None:
    """VTK raises nothing: its messages fail the test."""


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("name", GRIDS)
def test_a_sphere_encloses_its_volume_on_any_grid(name: str, smooth: bool) -> None:
    grid = GRIDS[name]
    labels = sphere(grid)
    mesh = meshes.surface(labels, 3, grid, smooth=smooth)
    voxels_mm3 = np.count_nonzero(labels) * grid.voxel_volume_mm3
    assert meshes.mesh_volume_mm3(mesh) == pytest.approx(voxels_mm3, rel=0.03)
    assert meshes.mesh_volume_mm3(mesh) == pytest.approx(4 / 3 * np.pi * SPHERE_MM**3, rel=0.03)


@pytest.mark.parametrize("name", GRIDS)
def test_points_lie_on_the_sphere_and_normals_face_outward(name: str) -> None:
    grid = GRIDS[name]
    mesh = meshes.surface(sphere(grid), 3, grid)
    points, _ = meshes.triangles(mesh)
    arms = points - grid.centre_lps_mm
    half_diagonal_mm = float(np.linalg.norm(grid.spacing_ijk_mm)) / 2
    assert np.abs(np.linalg.norm(arms, axis=1) - SPHERE_MM).max() < half_diagonal_mm
    facing = (point_normals(mesh) * arms).sum(axis=1) / np.linalg.norm(arms, axis=1)
    assert facing.min() > 0.5


def point_normals(mesh: Any) -> NDArray[np.float64]:
    """Return the normals stored with the mesh, (n, 3)."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    return np.asarray(vtk_to_numpy(mesh.GetPointData().GetNormals()), dtype=np.float64)


def test_the_surface_is_closed_even_where_the_segment_ends_with_the_grid() -> None:
    labels = np.ones((4, 5, 6), dtype=np.uint8)
    grid = Grid.from_axes((4, 5, 6), spacing_ijk_mm=(2, 2, 3))
    mesh = meshes.surface(labels, 1, grid, smooth=False)
    _, corners = meshes.triangles(mesh)
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    _, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert (counts == 2).all()
    # The corners of a box are cut by a fraction of a voxel; its faces lie half a voxel outside.
    points, _ = meshes.triangles(mesh)
    np.testing.assert_allclose(points.min(axis=0), grid.corners_lps_mm.min(axis=0), atol=0.01)
    np.testing.assert_allclose(points.max(axis=0), grid.corners_lps_mm.max(axis=0), atol=0.01)


def test_only_the_voxels_of_the_segment_count() -> None:
    labels = np.zeros((12, 12, 24), dtype=np.uint8)
    labels[4:8, 4:8, 4:8] = 2
    labels[4:8, 4:8, 8:12] = 7
    grid = Grid.from_axes(labels.shape)
    points, _ = meshes.triangles(meshes.surface(labels, 7, grid, smooth=False))
    assert points[:, 0].min() == pytest.approx(7.5, abs=0.01)
    assert points[:, 0].max() == pytest.approx(11.5, abs=0.01)


def test_a_single_voxel_has_a_surface() -> None:
    labels = np.zeros((3, 3, 3), dtype=np.uint8)
    labels[1, 1, 1] = 1
    mesh = meshes.surface(labels, 1, Grid.from_axes((3, 3, 3)))
    points, _ = meshes.triangles(mesh)
    assert meshes.mesh_volume_mm3(mesh) > 0.1
    np.testing.assert_allclose(points.mean(axis=0), (1, 1, 1), atol=0.01)


def test_the_surface_of_an_empty_segment_is_refused() -> None:
    with pytest.raises(InputRefused, match="Segment 4 is empty"):
        meshes.surface(np.zeros((3, 3, 3), dtype=np.uint8), 4, Grid.from_axes((3, 3, 3)))


def test_a_mask_too_large_for_its_surface_is_halved_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grid = GRIDS["oblique"]
    labels = sphere(grid)
    fine = meshes.surface(labels, 3, grid)
    monkeypatch.setattr(meshes, "_MOST_VOXELS", 8000)
    coarse = meshes.surface(labels, 3, grid)
    assert coarse.GetNumberOfPoints() < fine.GetNumberOfPoints() / 2
    assert meshes.mesh_volume_mm3(coarse) == pytest.approx(meshes.mesh_volume_mm3(fine), rel=0.05)
    middle = meshes.triangles(coarse)[0].mean(axis=0)
    np.testing.assert_allclose(middle, grid.centre_lps_mm, atol=0.3)
