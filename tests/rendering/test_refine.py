"""A finer raster for the eye: same place, same values, softer edges."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.geometry import fitted_plane
from viewer.imaging.section import Section, section
from viewer.rendering.refine import finer_values, refined, refinement
from viewer.testing.builders import a_volume

TO_PLANE = np.array([[-2.0, 0, 90.0], [0, 3.0, 4.0]])


def test_a_ramp_stays_a_ramp_in_the_same_place() -> None:
    y, x = np.indices((20, 30))
    cut = Section((40 * x + 20 * y).astype(np.int16), TO_PLANE, (1.5, 1.0), 0)
    finer = refined(cut, 3, 2)
    assert finer.values.shape == (40, 90)
    np.testing.assert_allclose(finer.pixel_mm, (0.75, 1 / 3))
    fine_y, fine_x = np.indices(finer.values.shape)
    # Where each fine pixel lies on the coarse raster, through the plane and back.
    coarse_x = (finer.to_plane[0, 0] * fine_x + finer.to_plane[0, 2] - 90) / -2
    coarse_y = (finer.to_plane[1, 1] * fine_y + finer.to_plane[1, 2] - 4) / 3
    inner = (slice(6, -6), slice(9, -9))
    expected = (40 * coarse_x + 20 * coarse_y)[inner]
    assert np.abs(finer.values[inner] - expected).max() <= 0.05 * (40 + 20) + 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.float32])
def test_constant_values_stay_and_types_are_kept(dtype: type) -> None:
    top = 1.5 if dtype is np.float32 else np.iinfo(dtype).max
    values: NDArray[Any] = np.full((6, 7), top, dtype)
    finer = finer_values(values, 2, 2)
    assert finer.dtype == dtype
    np.testing.assert_array_equal(finer, values[0, 0])


def test_eight_bit_edges_do_not_wrap_around() -> None:
    values = np.zeros((8, 8), np.uint8)
    values[:, 4:] = 255
    finer = finer_values(values, 4, 4)
    assert finer[:, :12].max() == 0
    assert finer[:, 20:].min() == 255


def test_an_edge_gets_no_bright_or_dark_rim() -> None:
    values = np.full((12, 12), -850, np.int16)
    values[:, 6:] = 50
    finer = finer_values(values, 4, 4).astype(int)
    assert finer.min() == -850
    assert finer.max() == 50
    assert (np.diff(finer, axis=1) >= 0).all()


def test_coverage_keeps_its_codes() -> None:
    coverage = np.zeros((4, 5), np.uint8)
    coverage[:2] = 2
    finer = refined(
        Section(np.zeros((4, 5), np.int16), TO_PLANE, (1, 1), 0, coverage=coverage), 2, 3
    )
    assert finer.coverage is not None
    assert finer.coverage.shape == finer.values.shape
    assert (finer.coverage[:6] == 2).all()
    assert (finer.coverage[6:] == 0).all()


def test_only_a_magnified_picture_is_refined() -> None:
    volume = a_volume((4, 32, 32)).build()
    large = section(volume, fitted_plane(volume.grid, "axial", (90, 90)))
    assert refinement(large) == (3, 3)
    assert refinement(large, 2.0) == (4, 4)
    small = section(volume, fitted_plane(volume.grid, "axial", (30, 30)))
    assert refinement(small) == (1, 1)
    assert refined(small, 1, 1) is small
