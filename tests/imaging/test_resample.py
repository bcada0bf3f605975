"""Values on another grid: against SimpleITK and closed forms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.imaging.grids import grids
from viewer.domain.geometry import Floats, Grid
from viewer.imaging.resample import resampled, target_grid
from viewer.testing.builders import rotation

SHAPE = (6, 7, 8)


def _centres(grid: Grid) -> Floats:
    k, j, i = np.indices(grid.shape_kji)
    return grid.world(np.stack((i, j, k), axis=-1))


def _noise(shape: tuple[int, ...] = SHAPE) -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-500, 500, shape).astype(np.int16)


def _depth(grid: Grid, points: Floats) -> Floats:
    """Return how deep points lie between voxel centres, in voxels."""
    index = grid.index(points)
    return np.asarray(np.minimum(index, np.array(grid.shape_kji[::-1]) - 1 - index).min(axis=-1))


@given(grids(SHAPE))
def test_on_its_own_grid_nothing_changes(grid: Grid) -> None:
    values = _noise()
    assert np.abs(resampled(values, grid, grid) - values).max() < 1e-3
    assert np.array_equal(resampled(values, grid, grid, order=0), values)


@given(grids(SHAPE), grids((5, 6, 4)))
def test_a_linear_ramp_stays_itself_on_any_grid(source: Grid, target: Grid) -> None:
    near = Grid(target.shape_kji, _moved(target, source.centre_lps_mm))
    gradient = np.array([1.5, -2.0, 0.7])
    ramp = (_centres(source) - source.centre_lps_mm) @ gradient
    found = resampled(ramp, source, near, fill=-1e4)
    points = _centres(near)
    inside = _depth(source, points) > 1e-6
    expected = (points - source.centre_lps_mm) @ gradient
    assert np.abs(found - expected)[inside].max(initial=0) < 1e-3
    assert (found[_depth(source, points) < -0.5 - 1e-6] == -1e4).all()
    assert (found[_depth(source, points) > -0.5 + 1e-6] != -1e4).all()


def _moved(grid: Grid, centre: Floats) -> Floats:
    affine = grid.ijk_to_lps.copy()
    affine[:3, 3] += centre - grid.centre_lps_mm
    return affine


def _sitk_image(values: NDArray[Any], grid: Grid) -> Any:
    import SimpleITK as Sitk

    image = Sitk.GetImageFromArray(values)
    image.SetOrigin(grid.ijk_to_lps[:3, 3].tolist())
    image.SetSpacing(grid.spacing_ijk_mm)
    image.SetDirection(grid.directions.ravel().tolist())
    return image


@pytest.mark.parametrize("order", [0, 1])
def test_it_agrees_with_simpleitk_on_oblique_grids(order: int) -> None:
    import SimpleITK as Sitk

    source = Grid.from_axes(
        SHAPE,
        spacing_ijk_mm=(0.7, 0.9, 2.5),
        directions=rotation((1, 2, 3), 20),
        origin_lps_mm=(-5, 10, 30),
    )
    target = Grid.from_axes((9, 8, 7), spacing_ijk_mm=(0.83, 0.61, 1.3))
    target = Grid(target.shape_kji, _moved(target, source.centre_lps_mm))
    values = _noise().astype(np.float32)
    how = Sitk.sitkLinear if order else Sitk.sitkNearestNeighbor
    reference = _sitk_image(np.zeros(target.shape_kji, dtype=np.float32), target)
    expected = Sitk.GetArrayFromImage(
        Sitk.Resample(_sitk_image(values, source), reference, Sitk.Transform(), how, -9.0)
    )
    found = resampled(values, source, target, order=1 if order else 0, fill=-9.0)
    assert np.abs(found - expected).max() < 1e-2
    assert (expected != -9).sum() > 50


def test_labels_keep_their_type_and_their_numbers() -> None:
    grid = Grid.from_axes(SHAPE)
    labels = (_noise() % 4).astype(np.uint8)
    finer = target_grid(grid, (0.5, 0.5, 0.5))
    found = resampled(labels, grid, finer, order=0)
    assert found.dtype == np.uint8
    assert np.array_equal(found, labels.repeat(2, 0).repeat(2, 1).repeat(2, 2))


def test_voxels_of_the_outermost_half_take_the_outermost_value() -> None:
    grid = Grid.from_axes((1, 1, 3))
    target = Grid.from_axes((1, 1, 8), spacing_ijk_mm=(0.5, 1, 1), origin_lps_mm=(-0.75, 0, 0))
    found = resampled(np.array([[[10.0, 20.0, 40.0]]]), grid, target, fill=-1)
    assert found.ravel().tolist() == [-1, 10, 12.5, 17.5, 25, 35, 40, -1]


@given(grids(SHAPE), st.tuples(*[st.floats(0.5, 3)] * 3))
def test_a_target_grid_runs_along_the_patients_axes_and_covers_everything(
    grid: Grid, spacing: tuple[float, float, float]
) -> None:
    target = target_grid(grid, spacing)
    assert np.array_equal(target.directions, np.eye(3))
    assert target.spacing_ijk_mm == pytest.approx(spacing)
    assert target.centre_lps_mm == pytest.approx(grid.corners_lps_mm.mean(axis=0), abs=1e-6)
    extent = np.ptp(target.corners_lps_mm, axis=0) - np.ptp(grid.corners_lps_mm, axis=0)
    assert (extent > -1e-4).all()
    assert (extent < np.array(spacing) + 1e-4).all()


def test_a_target_grid_at_the_same_spacing_is_the_same_grid() -> None:
    grid = Grid.from_axes(SHAPE, origin_lps_mm=(-7, 3, 11), spacing_ijk_mm=(0.7, 0.7, 1.3))
    target = target_grid(grid, (0.7, 0.7, 1.3))
    assert target.shape_kji == grid.shape_kji
    assert target.ijk_to_lps == pytest.approx(grid.ijk_to_lps)


def test_there_and_back_a_smooth_picture_is_kept() -> None:
    grid = Grid.from_axes((12, 14, 16), directions=rotation((0, 1, 1), 15))
    points = _centres(grid)
    smooth = np.sin(points @ np.array([0.2, 0.1, 0.15])) * 100
    finer = target_grid(grid, (0.5, 0.5, 0.5))
    there = resampled(smooth, grid, finer)
    back = resampled(there, finer, grid)
    inner = (slice(2, -2),) * 3
    assert np.abs(back - smooth)[inner].max() < 2.0
