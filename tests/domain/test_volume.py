"""Stored values, what they mean, and what is refused."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Grid
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.domain.volume import Display, ImageStack, ValueMap, Volume, Window, value_at
from viewer.errors import InputRefused
from viewer.testing.builders import a_volume, an_identity

VARYING = ValueMap(np.array([1.0, 2.0, 0.5]), np.array([0.0, -10.0, 100.0]), "Bq/ml", "Bq/ml")


@given(st.integers(-32768, 32767), st.integers(0, 2))
def test_a_stored_value_is_mapped_by_its_own_slices_slope(stored: int, k: int) -> None:
    expected = stored * float(VARYING.slope_k[k]) + float(VARYING.intercept_k[k])
    array = np.full((2, 2), stored, dtype=np.int16)
    assert VARYING.slice_values(array, k) == pytest.approx(expected, rel=1e-6)
    assert VARYING.values_at(array[0], np.array([k, k])) == pytest.approx(expected)
    block = np.full((3, 2, 2), stored, dtype=np.int16)
    assert VARYING.block(block)[k] == pytest.approx(expected, rel=1e-6)
    assert VARYING.block(block[k:], k)[0] == pytest.approx(expected, rel=1e-6)


def test_only_one_slope_for_all_is_uniform() -> None:
    assert not VARYING.is_uniform
    assert ValueMap.identity(3).is_uniform
    assert not ValueMap(np.ones(2), np.array([0.0, 1.0])).is_uniform


def test_value_maps_are_equal_by_value_and_frozen() -> None:
    assert ValueMap.identity(3, "1") == ValueMap(np.ones(3), np.zeros(3), "1")
    assert hash(ValueMap.identity(3)) == hash(ValueMap.identity(3))
    assert ValueMap.identity(3) != ValueMap.identity(3, "[hnsf'U]")
    assert ValueMap.identity(3) != ValueMap.identity(4)
    assert ValueMap.identity(1) != 1
    with pytest.raises(ValueError, match="read-only"):
        VARYING.slope_k[0] = 2


@pytest.mark.parametrize(
    ("slope", "intercept"),
    [
        ([0.0], [1.0]),
        ([float("nan")], [1.0]),
        ([1.0], [float("inf")]),
        ([1.0, 2.0], [1.0]),
        ([[1.0]], [[1.0]]),
    ],
)
def test_a_rescale_that_cannot_be_is_refused(slope: list[float], intercept: list[float]) -> None:
    with pytest.raises(InputRefused):
        ValueMap(np.array(slope), np.array(intercept))


def test_the_value_at_a_point_is_that_of_the_nearest_voxel() -> None:
    picture = replace(a_volume((3, 4, 5)).build(), quantity=VARYING)
    picture.stored[1, 2, 3] = 7
    for index in ((3, 2, 1), (3.49, 1.51, 0.6), (2.5, 2.4, 1.4)):
        assert value_at(picture, index) == 7 * 2 - 10
    assert value_at(picture, (-0.5, -0.5, -0.5)) == 0
    assert value_at(picture, (0, 0, 2)) == 100


@pytest.mark.parametrize(
    "index", [(-0.51, 0, 0), (4.5, 0, 0), (0, 3.5, 0), (0, 0, 2.5), (0, 0, -9)]
)
def test_outside_there_is_no_value(index: tuple[float, float, float]) -> None:
    assert value_at(a_volume((3, 4, 5)).build(), index) is None


def test_a_slice_that_was_not_read_and_colour_have_no_value() -> None:
    picture = a_volume((3, 4, 5)).build(loaded_k=np.array([True, False, True]))
    assert value_at(picture, (1, 1, 1)) is None
    assert value_at(picture, (1, 1, 0)) == 0
    colour = replace(picture, stored=np.zeros((3, 4, 5, 3), dtype=np.uint8))
    assert colour.is_colour
    assert value_at(colour, (1, 1, 0)) is None


def test_a_new_volume_is_wholly_read_unless_it_says_otherwise() -> None:
    assert a_volume((3, 4, 5)).build().is_loaded
    assert not a_volume((3, 4, 5)).build(loaded_k=np.zeros(3, dtype=bool)).is_loaded


def test_parts_that_do_not_fit_each_other_are_refused() -> None:
    volume = a_volume((3, 4, 5)).build()
    with pytest.raises(InputRefused, match="do not fit"):
        replace(volume, grid=Grid.from_axes((3, 4, 6)))
    with pytest.raises(InputRefused, match="one rescale pair for each slice"):
        replace(volume, quantity=ValueMap.identity(2))
    with pytest.raises(FrozenInstanceError):
        volume.key = "other"  # type: ignore[misc]


def test_an_unsafe_finding_makes_the_picture_unsafe() -> None:
    volume = a_volume((3, 4, 5)).build()
    assert not volume.is_unsafe
    for severity, unsafe in (
        (Severity.NOTE, False),
        (Severity.WARNING, False),
        (Severity.UNSAFE, True),
    ):
        assert replace(volume, findings=(Finding(severity, "s", "t"),)).is_unsafe is unsafe


def test_a_volumes_spacing_is_the_patients_rows_first() -> None:
    volume = a_volume((3, 4, 5), spacing_ijk_mm=(0.5, 0.7, 3.0)).build()
    assert volume.spacing == Spacing(0.7, 0.5, SpacingSource.PATIENT)
    assert volume.is_volume


def test_a_stack_of_images_is_no_volume_and_has_its_own_spacing() -> None:
    grid = Grid.from_axes((2, 4, 5))
    stored = np.zeros((2, 4, 5), dtype=np.uint8)
    stack = ImageStack("key", stored, grid, ValueMap.identity(2), Display(), an_identity(2))
    assert isinstance(stack, Volume)
    assert not stack.is_volume
    assert stack.spacing == PIXELS_ONLY
    assert stack.orientation is None


@pytest.mark.parametrize(
    ("center", "width"), [(0, 0), (0, -1), (np.nan, 1), (0, np.nan), (np.inf, 1)]
)
def test_a_window_that_cannot_be_is_refused(center: float, width: float) -> None:
    with pytest.raises(InputRefused):
        Window(center, width)
