"""Lesions: closed forms, and a truth that is the truth of the voxels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.phantom import lesions
from viewer.phantom.chest import PhantomStudy, chest_grid
from viewer.phantom.lesions import LesionShape
from viewer.testing.builders import rotation

Floats = NDArray[np.float64]


def a_ball(radius_mm: float, centre_lps_mm: tuple[float, float, float] = (0, 0, 0)) -> LesionShape:
    return LesionShape(
        "smooth", np.array(centre_lps_mm, float), radius_mm, np.ones(3), np.empty((0, 3)), 40.0
    )


def drawn(shape: LesionShape, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    values = np.zeros(grid.shape_kji, dtype=np.float32)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    lesions.draw(values, labels, grid, shape, 3)
    return values, labels


def test_the_distance_to_a_ball_is_exact() -> None:
    points = np.random.default_rng(0).uniform(-20, 20, (500, 3))
    found = lesions.distance_mm(a_ball(7.5, (1, 2, 3)), points)
    expected = np.linalg.norm(points - (1, 2, 3), axis=1) - 7.5
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("oblique_deg", [0.0, 25.0])
@pytest.mark.parametrize("radius_mm", [5.0, 11.0])
def test_a_ball_has_the_volume_of_a_ball(radius_mm: float, oblique_deg: float) -> None:
    grid = chest_grid((44, 60, 60), (0.7, 0.7, 0.9), oblique_deg)
    values, labels = drawn(a_ball(radius_mm, (1.0, -2.0, -6.0)), grid)
    expected = 4 / 3 * np.pi * radius_mm**3
    counted = np.count_nonzero(labels == 3) * grid.voxel_volume_mm3
    assert counted == pytest.approx(expected, rel=0.02)
    # The grey picture holds the same ball: occupancy adds up to its volume.
    assert float(values.sum()) / 40 * grid.voxel_volume_mm3 == pytest.approx(expected, rel=0.02)


@given(
    st.floats(3, 12),
    st.tuples(*[st.floats(-9, 9)] * 3),
    st.tuples(*[st.floats(0.6, 3)] * 3),
    st.floats(0, 80),
)
def test_labels_lie_where_the_surface_says(
    radius_mm: float,
    centre: tuple[float, float, float],
    spacing: tuple[float, float, float],
    degrees: float,
) -> None:
    turned = rotation((1.0, 2.0, 0.5), degrees)
    grid = Grid.from_axes((12, 13, 14), spacing_ijk_mm=spacing, directions=turned)
    shape = a_ball(radius_mm, centre)
    _, labels = drawn(shape, grid)
    k, j, i = np.indices(grid.shape_kji)
    distance = lesions.distance_mm(shape, grid.world(np.stack((i, j, k), axis=-1)))
    sure = np.abs(distance) > 1e-4
    assert np.array_equal((labels == 3)[sure], (distance <= 0)[sure])


def test_a_lesion_outside_the_grid_changes_nothing() -> None:
    values, labels = drawn(a_ball(5, (500, 0, 0)), chest_grid((8, 8, 8), (1, 1, 1)))
    assert not values.any()
    assert not labels.any()


def test_spikes_reach_beyond_the_core() -> None:
    rng = np.random.default_rng(4)
    shape = lesions.a_shape(rng, "spiculated", np.zeros(3), 10.0, 30.0)
    lengths = np.linalg.norm(shape.spikes, axis=1)
    assert len(lengths) >= 11
    assert lengths.min() >= 12.5 - 1e-9
    assert lengths.max() <= 17.5 + 1e-9
    tips = shape.spikes * 0.98
    assert (lesions.distance_mm(shape, tips) <= 0).all()
    assert len(lesions.a_shape(rng, "smooth", np.zeros(3), 10.0, 30.0).spikes) == 0


def test_lesions_keep_apart_and_within_the_lung() -> None:
    grid = chest_grid((40, 40, 40), (3.0, 3.0, 3.0))
    lung = np.full(grid.shape_kji, -40.0, dtype=np.float32)
    lung[:, :, :10] = 5
    radii = [5.0, 8.0, 6.0, 4.0]
    found = lesions.places(np.random.default_rng(1), lung, grid, radii)
    centres: list[Floats] = [place for place in found if place is not None]
    assert len(centres) >= 3
    for n, centre in enumerate(centres):
        i, j, k = np.rint(grid.index(centre)).astype(int)
        assert lung[k, j, i] < 0
        for other in centres[:n]:
            assert np.linalg.norm(centre - other) > 15


def test_a_lung_without_room_takes_no_lesion() -> None:
    grid = chest_grid((10, 10, 10), (3.0, 3.0, 3.0))
    lung = np.full(grid.shape_kji, -4.0, dtype=np.float32)
    assert lesions.places(np.random.default_rng(1), lung, grid, [9.0]) == [None]


@pytest.mark.parametrize("which", ["straight", "oblique"])
def test_the_truth_is_that_of_the_voxels(which: str, request: pytest.FixtureRequest) -> None:
    study: PhantomStudy = request.getfixturevalue(which)
    numbers = [lesion.number for lesion in study.lesions]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 1
    assert set(np.unique(study.labels)) == {0, *numbers}
    for lesion in study.lesions:
        inside = study.labels == lesion.number
        volume = np.count_nonzero(inside) * study.grid.voxel_volume_mm3
        assert lesion.volume_mm3 == pytest.approx(volume)
        k, j, i = (axis.mean() for axis in np.nonzero(inside))
        middle = study.grid.world((i, j, k))
        off = np.linalg.norm(middle - np.array(lesion.centre_lps_mm))
        assert off < max(study.grid.spacing_ijk_mm)
        # Two centres at most, a voxel's diagonal less than the body.
        reach = 2.2 if lesion.kind == "smooth" else 3.6
        assert 0 < lesion.longest_diameter_mm <= reach * lesion.radius_mm + 10


def test_a_lesion_is_dense_and_the_lung_about_it_is_not(straight: PhantomStudy) -> None:
    k, j, i = np.indices(straight.grid.shape_kji)
    points = straight.grid.world(np.stack((i, j, k), axis=-1))
    for lesion in straight.lesions:
        distance = np.linalg.norm(points - np.array(lesion.centre_lps_mm), axis=-1)
        core = straight.values_hu[distance < 0.4 * lesion.radius_mm]
        about = straight.values_hu[(distance > 2.0 * lesion.radius_mm) & (distance < 40)]
        assert core.size >= 1
        # Voxels of 6 x 6 x 9 mm take some lung into the smallest lesion.
        assert core.mean() > -350
        assert np.percentile(about, 25) < -600


def test_a_finely_sampled_lesion_has_the_density_it_was_given() -> None:
    grid = chest_grid((30, 30, 30), (0.8, 0.8, 0.8))
    values = np.full(grid.shape_kji, -850, dtype=np.float32)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    lesions.draw(values, labels, grid, a_ball(8, (0.0, 0.0, -5.0)), 1)
    k, j, i = np.indices(grid.shape_kji)
    depth = lesions.distance_mm(
        a_ball(8, (0.0, 0.0, -5.0)), grid.world(np.stack((i, j, k), axis=-1))
    )
    assert np.allclose(values[depth < -1], 40)
    assert np.allclose(values[depth > 1], -850)
