"""The pipeline around a predictor whose answer is known."""

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.cards_for_tests import ThresholdPredictor, a_card, silent
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap, Volume
from viewer.errors import InputRefused, OutOfResources, Unsupported
from viewer.imaging.agreement import dice
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find, restored
from viewer.inference.sampling import normalised, pooled, sampled
from viewer.testing.builders import a_volume, rotation

_RADIUS_MM = 9.0
_SHIFTS = ((-25, 0, 0), (15, 0, 0), (0, 28, 20))


def _scan(volume: Volume) -> Scan:
    return Scan.of(volume)


def _ball(grid: Grid, centre: NDArray[np.float64], radius_mm: float) -> NDArray[np.bool_]:
    k, j, i = np.indices(grid.shape_kji)
    points = grid.world(np.stack((i, j, k), axis=-1))
    return np.asarray(np.linalg.norm(points - centre, axis=-1) <= radius_mm)


def test_a_known_predictor_gives_back_the_very_mask_on_the_cards_own_grid() -> None:
    volume = (
        a_volume((20, 32, 40), spacing_ijk_mm=(2, 2, 2), value_hu=-900)
        .with_sphere(radius_mm=_RADIUS_MM, value_hu=200)
        .build()
    )
    predictor = ThresholdPredictor()
    found = find(_scan(volume), a_card(), predictor, silent)
    np.testing.assert_array_equal(found.labels > 0, volume.stored == 200)
    assert found.volumes_mm3 == pytest.approx([np.count_nonzero(found.labels) * 8.0])
    assert len(predictor.shapes) > 1, "several tiles were meant"


def test_lesions_are_numbered_by_size_and_islands_left_out() -> None:
    builder = a_volume((24, 32, 40), spacing_ijk_mm=(2, 2, 2), value_hu=-900)
    left, right, far = (builder.grid.centre_lps_mm + np.array(shift) for shift in _SHIFTS)
    volume = (
        builder.with_sphere(radius_mm=5, value_hu=200, centre_lps_mm=left)
        .with_sphere(radius_mm=9, value_hu=200, centre_lps_mm=right)
        .with_sphere(radius_mm=1, value_hu=200, centre_lps_mm=far)
        .build()
    )
    found = find(_scan(volume), a_card(min_volume_mm3=50.0), ThresholdPredictor(), silent)
    assert len(found.volumes_mm3) == 2
    assert found.volumes_mm3[0] > found.volumes_mm3[1]
    at = tuple(np.rint(builder.grid.index(right))[::-1].astype(int))
    assert found.labels[at] == 1


def _permuted(volume: Volume, order: tuple[int, ...], flips: tuple[int, ...]) -> Volume:
    """Return the same scene stored along other axes."""
    stored = np.flip(volume.stored.transpose(order), flips)
    columns = [volume.grid.ijk_to_lps[:3, 2 - axis] for axis in order]
    origin = volume.grid.ijk_to_lps[:3, 3].copy()
    for axis in flips:
        origin = origin + columns[axis] * (stored.shape[axis] - 1)
        columns[axis] = -columns[axis]
    affine = np.eye(4)
    affine[:3, :3] = np.array(columns[::-1]).T
    affine[:3, 3] = origin
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    return a_volume(shape).build(
        stored=np.ascontiguousarray(stored),
        grid=Grid(shape, affine),
        quantity=ValueMap.identity(shape[0], "[hnsf'U]", "HU"),
        loaded_k=np.ones(shape[0], dtype=bool),
    )


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_the_mask_does_not_depend_on_how_the_scene_is_stored(
    order: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    volume = (
        a_volume((14, 30, 34), spacing_ijk_mm=(1.3, 1.4, 2.9), value_hu=-900)
        .with_sphere(radius_mm=_RADIUS_MM, value_hu=200)
        .build()
    )
    straight = find(_scan(volume), a_card(), ThresholdPredictor(), silent).labels
    turned = _permuted(volume, order, flips)
    labels = find(_scan(turned), a_card(), ThresholdPredictor(), silent).labels
    back = np.flip(labels, flips).transpose(np.argsort(order))
    assert dice(back > 0, straight > 0) > 0.999


@pytest.mark.parametrize("degrees", [0, 17, 45])
@pytest.mark.parametrize("shear", [0.0, 0.3])
def test_a_ball_is_found_where_it_is_in_oblique_and_sheared_grids(
    degrees: float, shear: float
) -> None:
    turned = rotation((1, 2, 3), degrees)
    columns = turned.copy()
    columns[:, 2] = turned[:, 2] + shear * turned[:, 1]
    columns[:, 2] /= np.linalg.norm(columns[:, 2])
    builder = a_volume(
        (24, 36, 38), spacing_ijk_mm=(1.5, 1.5, 2.2), directions=columns, value_hu=-900
    ).with_sphere(radius_mm=_RADIUS_MM, value_hu=200)
    labels = find(_scan(builder.build()), a_card(), ThresholdPredictor(), silent).labels
    truth = _ball(builder.grid, builder.grid.centre_lps_mm, _RADIUS_MM)
    assert dice(labels > 0, truth) > 0.9


def test_restoring_leaves_everything_below_the_threshold_out() -> None:
    grid = Grid.from_axes((10, 10, 10), spacing_ijk_mm=(2, 2, 2))
    target = Grid.from_axes((20, 20, 20))
    probability = np.full((10, 10, 10), 0.49, dtype=np.float32)
    assert not restored(probability, grid, target, 0.5).any()
    probability[5, 5, 5] = 0.9
    mask = restored(probability, grid, target, 0.5)
    np.testing.assert_array_equal(np.argwhere(mask).mean(axis=0), (10, 10, 10))


def test_progress_names_the_tiles_and_never_runs_backwards() -> None:
    told: list[tuple[float, str]] = []
    volume = a_volume((20, 32, 40), spacing_ijk_mm=(2, 2, 2), value_hu=0).build()
    find(_scan(volume), a_card(), ThresholdPredictor(), lambda f, t: told.append((f, t)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert any(text == "tile 2 of 18" for _, text in told), told


def test_air_alone_costs_no_tile() -> None:
    volume = a_volume((20, 32, 40), spacing_ijk_mm=(2, 2, 2), value_hu=-1024).build()
    predictor = ThresholdPredictor()
    found = find(_scan(volume), a_card(), predictor, silent)
    assert not predictor.shapes
    assert not found.labels.any()


def test_averaging_keeps_the_quantity_and_the_place() -> None:
    volume = (
        a_volume((8, 9, 10), spacing_ijk_mm=(0.5, 0.5, 0.5), origin_lps_mm=(3, -2, 7))
        .with_ramp((4, 6, 8))
        .build()
    )
    values, grid = pooled(_scan(volume), (1.0, 1.0, 1.0))
    assert values.shape == grid.shape_kji == (4, 5, 5)
    k, j, i = np.indices(grid.shape_kji)
    ramp = grid.world(np.stack((i, j, k), axis=-1)) @ (4, 6, 8)
    # The origin's own value is not part of the ramp's rounding; the last row repeats its rim.
    np.testing.assert_allclose(values[:, :4], ramp[:, :4], atol=0.5)


def test_slopes_that_vary_from_slice_to_slice_are_applied_before_averaging() -> None:
    slopes = np.array([1.0, 3.0, 1.0, 3.0])
    volume = a_volume((4, 4, 4), value_hu=100).build(
        quantity=ValueMap(slopes, np.zeros(4), "[hnsf'U]", "HU")
    )
    target = Grid.from_axes((2, 2, 2), spacing_ijk_mm=(2, 2, 2), origin_lps_mm=(0.5, 0.5, 0.5))
    np.testing.assert_allclose(sampled(_scan(volume), target, -1000.0), 200.0)


def test_outside_the_scan_there_is_the_fill() -> None:
    volume = a_volume((4, 4, 4), value_hu=50).build()
    far = Grid.from_axes((2, 2, 2), origin_lps_mm=(100, 100, 100))
    np.testing.assert_array_equal(sampled(_scan(volume), far, -1000.0), -1000.0)


def test_the_window_maps_to_zero_and_one_and_nan_to_zero() -> None:
    values = np.array([-2000, -1000, -200, 600, 3000, np.nan], dtype=np.float32)
    np.testing.assert_allclose(normalised(values, a_card()), [0, 0, 0.5, 1, 1, 0])


def test_another_modality_is_refused_in_one_sentence() -> None:
    scan = _scan(a_volume(value_hu=0).build())
    with pytest.raises(InputRefused, match="reads MR; this picture is CT"):
        find(scan, a_card(modality="MR"), ThresholdPredictor(), silent)


def test_slices_too_far_apart_are_refused_and_coarse_ones_noted() -> None:
    far = a_volume((5, 8, 8), spacing_ijk_mm=(2, 2, 20), value_hu=-1024).build()
    with pytest.raises(InputRefused, match="too coarse"):
        find(_scan(far), a_card(), ThresholdPredictor(), silent)
    coarse = a_volume((5, 8, 8), spacing_ijk_mm=(2, 2, 6), value_hu=-1024).build()
    assert "finer" in find(_scan(coarse), a_card(), ThresholdPredictor(), silent).notes[0]


def test_a_single_slice_is_refused() -> None:
    flat = a_volume((1, 64, 64)).build()
    with pytest.raises(InputRefused, match="at least 3 slices"):
        find(_scan(flat), a_card(), ThresholdPredictor(), silent)


def test_several_classes_are_refused() -> None:
    with pytest.raises(Unsupported):
        find(_scan(a_volume().build()), a_card(n_classes=5), ThresholdPredictor(), silent)


def test_a_volume_that_would_not_fit_into_memory_is_refused_before_it_is_made() -> None:
    huge = a_volume((126, 126, 126)).build()
    with pytest.raises(OutOfResources):
        find(_scan(huge), a_card(spacing_ijk_mm=(0.17,) * 3), ThresholdPredictor(), silent)
