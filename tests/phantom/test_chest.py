"""The generated chest: the same for its arguments, and each organ on its side of the patient."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.phantom.body import Build, fields
from viewer.phantom.chest import (
    PhantomStudy,
    chest_grid,
    make_chest,
    make_sample,
    points_of,
)

# What is where in a patient who lies on his back: x left, y posterior, z head (LPS, mm).
HEART_LEFT, ITS_MIRROR = (42.0, -30.0, -50.0), (-64.0, -30.0, -25.0)
LIVER_RIGHT, ITS_LEFT_SIDE = (-60.0, -5.0, -105.0), (62.0, 4.0, -20.0)
SPINE_BEHIND, ITS_FRONT = (0.0, 68.0, 12.0), (0.0, -68.0, 12.0)
RIGHT_LUNG, OUTSIDE = (-80.0, 0.0, 30.0), (175.0, -120.0, 0.0)


def points_lps_mm(grid: Grid) -> NDArray[np.float64]:
    k, j, i = np.indices(grid.shape_kji)
    return grid.world(np.stack((i, j, k), axis=-1))


def probe_hu(study: PhantomStudy, at_lps_mm: tuple[float, float, float]) -> float:
    """Return the median HU within 9 mm of a patient position."""
    distance = np.linalg.norm(points_lps_mm(study.grid) - np.array(at_lps_mm), axis=-1)
    values = study.values_hu[distance < 9]
    assert values.size >= 5
    return float(np.median(values))


@pytest.fixture(params=["straight", "oblique"])
def study(request: pytest.FixtureRequest) -> PhantomStudy:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, PhantomStudy)
    return found


def test_the_same_seed_gives_the_same_voxels(straight: PhantomStudy) -> None:
    again = make_chest(1, shape_kji=(32, 64, 64), spacing_ijk_mm=(371 / 64, 371 / 64, 275 / 32))
    assert np.array_equal(again.values_hu, straight.values_hu)
    assert np.array_equal(again.labels, straight.labels)
    assert again.lesions == straight.lesions
    assert again.grid == straight.grid


@pytest.mark.parametrize("make", [make_chest, make_sample])
def test_another_seed_gives_another_patient(make: Callable[..., PhantomStudy]) -> None:
    one, other = (make(seed, shape_kji=(16, 32, 32)) for seed in (3, 4))
    assert float(np.mean(one.values_hu != other.values_hu)) > 0.5


def test_a_sample_for_training_is_the_same_for_its_seed() -> None:
    one, again = (make_sample(11, shape_kji=(16, 32, 32)) for _ in range(2))
    assert np.array_equal(one.values_hu, again.values_hu)
    assert np.array_equal(one.labels, again.labels)
    assert one.grid == again.grid


def test_values_are_hounsfield_units_of_twelve_bits(study: PhantomStudy) -> None:
    assert study.values_hu.dtype == np.int16
    assert study.values_hu.min() >= -1024
    assert study.values_hu.max() <= 3071
    assert study.labels.dtype == np.uint8
    assert study.values_hu.shape == study.labels.shape == study.grid.shape_kji


def test_the_heart_lies_on_the_left(study: PhantomStudy) -> None:
    assert probe_hu(study, HEART_LEFT) > 20
    assert probe_hu(study, ITS_MIRROR) < -600


def test_the_liver_lies_under_the_right_lung(study: PhantomStudy) -> None:
    assert 30 < probe_hu(study, LIVER_RIGHT) < 110
    assert probe_hu(study, RIGHT_LUNG) < -600


def test_the_spine_lies_behind(study: PhantomStudy) -> None:
    assert probe_hu(study, SPINE_BEHIND) > 120
    assert probe_hu(study, ITS_FRONT) < 110


def test_air_is_around_the_patient(study: PhantomStudy) -> None:
    assert -1024 <= probe_hu(study, OUTSIDE) < -950


def test_an_oblique_acquisition_shows_the_same_patient_at_the_same_places(
    straight: PhantomStudy, oblique: PhantomStudy
) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((-90, -70, -90), (90, 70, 90), (4000, 3))
    seen = [
        study.values_hu[tuple(np.rint(study.grid.index(points)).astype(int).T[::-1])]
        for study in (straight, oblique)
    ]
    mirrored = np.rint(oblique.grid.index(points * (-1, 1, 1))).astype(int).T[::-1]
    same = np.corrcoef(*seen)[0, 1]
    other = np.corrcoef(seen[0], oblique.values_hu[tuple(mirrored)])[0, 1]
    # Voxels of 5.8 x 5.8 x 8.6 mm each hold another part of the same small things.
    assert same > 0.8
    assert same > other + 0.2


def test_anatomy_is_a_function_of_the_patient_position_alone() -> None:
    build = Build(1)
    grid = chest_grid((12, 16, 16), (3.0, 3.0, 4.0), oblique_deg=20)
    whole, lung = fields(points_of(grid), build)
    part, part_lung = fields(points_of(grid, 5, 7), build)
    assert np.array_equal(whole[5:7], part)
    assert np.array_equal(lung[5:7], part_lung)


def test_slabs_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_chest(2, shape_kji=(17, 32, 32), spacing_ijk_mm=(11.6, 11.6, 16.0))
    monkeypatch.setattr("viewer.phantom.chest._SLAB_VOXELS", 3 * 32 * 32)
    slabs = make_chest(2, shape_kji=(17, 32, 32), spacing_ijk_mm=(11.6, 11.6, 16.0))
    assert np.array_equal(whole.values_hu, slabs.values_hu)


def test_coordinates_of_voxels_are_those_of_the_grid() -> None:
    grid = chest_grid((5, 6, 7), (1.0, 2.0, 3.0), oblique_deg=30)
    found = points_of(grid)
    expected = points_lps_mm(grid)
    for got, axis in zip((found.x, found.y, found.z), range(3), strict=True):
        assert np.allclose(got, expected[..., axis], atol=1e-4)


@pytest.mark.parametrize("oblique_deg", [0.0, 15.0, -40.0])
def test_the_grid_turns_about_the_middle_of_the_chest(oblique_deg: float) -> None:
    grid = chest_grid((9, 8, 7), (1.0, 1.0, 2.0), oblique_deg)
    assert np.allclose(grid.centre_lps_mm, (0, 0, -5))
    assert grid.is_right_handed
    assert grid.is_orthogonal
    # From the head's direction, the slices' axis leans by the angle.
    assert grid.directions[2, 2] == pytest.approx(np.cos(np.radians(oblique_deg)))


def test_noise_is_as_strong_as_asked_for() -> None:
    study = make_chest(1, shape_kji=(16, 48, 48), spacing_ijk_mm=(8.0, 8.0, 17.0))
    corner = study.values_hu[:, :4, :4].astype(float)
    # Air is cut off at -1024, which takes off a part of the noise about -1000.
    assert 8 < corner.std() < 20


@pytest.mark.parametrize("seed", [1, 2])
def test_lesions_of_a_whole_chest_lie_apart_from_hila_and_from_each_other(seed: int) -> None:
    study = make_chest(seed, shape_kji=(48, 96, 96), spacing_ijk_mm=(371 / 96, 371 / 96, 275 / 48))
    centres = np.array([lesion.centre_lps_mm for lesion in study.lesions])
    assert len(centres) >= 3
    for hilum in ((-46.0, 8.0, 2.0), (48.0, 12.0, 2.0)):
        assert np.linalg.norm(centres - hilum, axis=1).min() > 38
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    assert apart[~np.eye(len(centres), dtype=bool)].min() > 20
