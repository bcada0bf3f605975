"""Connected components against scikit-image and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.imaging.components import components

SHAPE = (5, 6, 7)
GRID = Grid.from_axes(SHAPE, spacing_ijk_mm=(0.5, 0.5, 2.0))


@given(arrays(np.bool_, SHAPE))
def test_every_component_of_a_mask_is_found_largest_first(mask: NDArray[np.bool_]) -> None:
    from skimage.measure import label

    found, volumes = components(mask, GRID)
    expected = label(mask, connectivity=3)
    assert np.array_equal(found > 0, mask)
    assert len(volumes) == expected.max()
    pairs = {(int(a), int(b)) for a, b in zip(found[mask], expected[mask], strict=True)}
    assert len(pairs) == len(volumes)  # one to one
    counts = np.bincount(found.ravel(), minlength=len(volumes) + 1)[1:]
    assert volumes == pytest.approx(counts * 0.5)
    assert (np.diff(volumes) <= 0).all()


def test_voxels_that_touch_at_a_corner_hang_together() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[3, 3, 3] = True
    found, volumes = components(mask, GRID)
    assert volumes.tolist() == [1.0, 0.5]
    assert found[0, 0, 0] == found[1, 1, 1] == 1
    assert found[3, 3, 3] == 2


def test_islands_below_the_least_volume_are_left_out() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[0, 0, 0:2] = mask[4, 5, 6] = True
    found, volumes = components(mask, GRID, min_volume_mm3=1.0)
    assert volumes.tolist() == [1.0]
    assert np.argwhere(found).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_an_empty_mask_has_no_component() -> None:
    found, volumes = components(np.zeros(SHAPE, dtype=bool), GRID)
    assert found.dtype == np.uint8
    assert not found.any()
    assert volumes.shape == (0,)


def test_of_more_than_255_the_largest_are_kept() -> None:
    grid = Grid.from_axes((1, 40, 40))
    mask = np.zeros((1, 40, 40), dtype=bool)
    mask[0, ::2, ::2] = True
    mask[0, 38, 38:40] = True
    found, volumes = components(mask, grid)
    assert len(volumes) == 255
    assert found.max() == 255
    assert found[0, 38, 39] == 1
    assert volumes[0] == 2
