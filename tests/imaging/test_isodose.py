"""Isodose bands: closed forms, and grids that do not agree."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.geometry import Grid
from viewer.domain.volume import ImageStack, ValueMap, Volume
from viewer.errors import InputRefused
from viewer.imaging.isodose import highest, isodose_bands
from viewer.testing.builders import a_volume, rotation


def cone(grid: Grid) -> Volume:
    """Return a dose that falls by 1 (unit: 0.5 Gy) a millimetre from 40 at the middle."""
    builder = a_volume(grid.shape_kji)
    builder = replace(builder, grid=grid)
    away_mm = np.linalg.norm(builder.points_lps_mm() - grid.centre_lps_mm, axis=-1)
    stored = np.maximum(0, np.rint(100 * (40 - away_mm))).astype(np.int16)
    n_k = grid.shape_kji[0]
    return builder.with_values(stored).build(
        quantity=ValueMap(np.full(n_k, 0.005), np.zeros(n_k), "Gy", "")
    )


def dose_grid() -> Grid:
    return Grid.from_axes(
        (37, 37, 37), spacing_ijk_mm=(2, 2, 2), directions=rotation((1, 2, 3), 25)
    )


def target_around(dose: Grid) -> Grid:
    size = np.array((40, 80, 80))
    spacing = np.array((1.0, 1.0, 2.0))
    origin = dose.centre_lps_mm - (size[::-1] - 1) / 2 * spacing
    return Grid.from_axes((40, 80, 80), origin_lps_mm=origin, spacing_ijk_mm=spacing)


def test_bands_of_a_cone_are_shells_with_their_volumes() -> None:
    dose = cone(dose_grid())
    assert highest(dose) == pytest.approx(20.0, rel=1e-6)
    target = target_around(dose.grid)
    labels = isodose_bands(dose, target, [5.0, 10.0, 15.0])
    for band, (inner_mm, outer_mm) in {1: (20, 30), 2: (10, 20), 3: (0, 10)}.items():
        expected = 4 / 3 * np.pi * (outer_mm**3 - inner_mm**3)
        volume = np.count_nonzero(labels == band) * target.voxel_volume_mm3
        assert volume == pytest.approx(expected, rel=0.03)


def test_every_voxel_lies_in_the_band_of_its_distance() -> None:
    dose = cone(dose_grid())
    target = target_around(dose.grid)
    labels = isodose_bands(dose, target, [5.0, 10.0, 15.0])
    k, j, i = np.indices(target.shape_kji)
    places = target.world(np.stack((i, j, k), axis=-1))
    away_mm = np.linalg.norm(places - dose.grid.centre_lps_mm, axis=-1)
    expected = 3 - np.digitize(away_mm, [10.0, 20.0, 30.0])
    near_a_border = (np.abs(away_mm[..., None] - [10.0, 20.0, 30.0]) < 0.3).any(axis=-1)
    np.testing.assert_array_equal(labels[~near_a_border], expected[~near_a_border])


def test_what_lies_outside_the_dose_grid_is_in_no_band() -> None:
    dose = cone(dose_grid())
    target = dose.grid.crop((0, 0, 0), (4, 4, 4))
    assert isodose_bands(dose, target, [-1.0]).all()
    affine = target.ijk_to_lps.copy()
    affine[:3, 3] += 500
    assert not isodose_bands(dose, Grid(target.shape_kji, affine), [-1.0]).any()


def test_a_level_belongs_to_the_band_above_it() -> None:
    dose = a_volume((2, 3, 4), value_hu=10).build()
    assert (isodose_bands(dose, dose.grid, [5.0, 10.0]) == 2).all()


@pytest.mark.parametrize("levels", [[], [2.0, 1.0], [1.0, 1.0], [np.nan], list(range(300))])
def test_levels_that_make_no_bands_are_refused(levels: list[float]) -> None:
    dose = a_volume((2, 3, 4)).build()
    with pytest.raises(InputRefused, match="ascend"):
        isodose_bands(dose, dose.grid, levels)


def test_a_dose_without_a_grid_is_refused() -> None:
    whole = a_volume((2, 3, 4)).build()
    stack = ImageStack(
        key="k",
        stored=whole.stored,
        grid=whole.grid,
        quantity=whole.quantity,
        display=whole.display,
        identity=whole.identity,
    )
    with pytest.raises(InputRefused, match="no volume"):
        isodose_bands(stack, whole.grid, [1.0])
