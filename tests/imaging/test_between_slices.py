"""Filling between slices against closed forms."""

import numpy as np
import pytest

from viewer.domain.geometry import Grid
from viewer.imaging.between_slices import filled_between

GRID = Grid.from_axes((21, 40, 44), spacing_ijk_mm=(1.0, 1.0, 2.0))


def discs(radii: dict[int, float], centre: tuple[float, float] = (20.0, 22.0)) -> np.ndarray:
    j, i = np.indices(GRID.shape_kji[1:])
    mask = np.zeros(GRID.shape_kji, dtype=bool)
    for k, radius in radii.items():
        mask[k] = np.hypot(j - centre[0], i - centre[1]) <= radius
    return mask


def test_a_cone_is_filled_to_its_radii() -> None:
    found = filled_between(discs({2: 4.0, 18: 16.0}), GRID, 0)
    for k in range(2, 19):
        radius = 4 + (k - 2) * 12 / 16
        assert np.sqrt(found[k].sum() / np.pi) == pytest.approx(radius, abs=0.6)
    assert not found[:2].any()
    assert not found[19:].any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_drawn_slices_stay_and_order_of_the_axes_does_not_matter(axis: int) -> None:
    mask = discs({3: 5.0, 9: 9.0, 10: 9.0, 15: 3.0})
    grid = Grid.from_axes(
        tuple(np.moveaxis(np.empty(GRID.shape_kji), 0, axis).shape),  # type: ignore[arg-type]
        spacing_ijk_mm=tuple(np.insert([1.0, 1.0], 2 - axis, 2.0)),
    )
    found = np.moveaxis(filled_between(np.moveaxis(mask, 0, axis), grid, axis), axis, 0)
    assert np.array_equal(found, filled_between(mask, GRID, 0))
    for k in (3, 9, 10, 15):
        assert np.array_equal(found[k], mask[k])


def test_a_cylinder_that_moves_keeps_its_width() -> None:
    mask = discs({4: 8.0}, (16.0, 18.0)) | discs({12: 8.0}, (20.0, 22.0))
    found = filled_between(mask, GRID, 0)
    assert found[8].sum() == pytest.approx(np.pi * 64, rel=0.25)
    assert np.allclose(np.argwhere(found[8]).mean(axis=0), (18, 20), atol=0.7)


def test_one_slice_or_none_has_nothing_between() -> None:
    one = discs({4: 8.0})
    assert np.array_equal(filled_between(one, GRID, 0), one)
    assert not filled_between(np.zeros_like(one), GRID, 0).any()
