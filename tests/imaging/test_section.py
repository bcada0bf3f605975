"""Cutting planes out of pictures: against map_coordinates, and voxel by voxel."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.imaging.grids import SIGNED_AXES, grids, planes, signed_permutation
from viewer.domain.geometry import Floats, Grid, Plane, acquired_plane, fitted_plane
from viewer.domain.quantity import PIXELS_ONLY
from viewer.domain.volume import ImageStack, ValueMap, Volume, value_at
from viewer.errors import InputRefused
from viewer.imaging.section import (
    OUTSIDE,
    UNREAD,
    VOXELS,
    IndexFrame,
    label_section,
    quantity_of,
    section,
)
from viewer.testing.builders import VolumeBuilder, a_segmentation, a_volume, rotation

SHAPE = (7, 9, 11)
# VTK counts fractions of a voxel in steps of 2^-17: with this range that stays below 0.01.
NOISE = np.random.default_rng(7).integers(-100, 300, SHAPE).astype(np.int16)


def _noise(grid: Grid) -> Volume:
    return VolumeBuilder(grid, NOISE).build()


def _raster_index(grid: Grid, plane: Plane) -> Floats:
    width, height = plane.size_px
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return grid.index(plane.world(np.stack((x, y), axis=-1)))


def _is_oblique(grid: Grid, plane: Plane) -> bool:
    return IndexFrame.of(grid, plane).axes(grid.shape_kji) is None


def _interpolated(values: NDArray[np.int16] | Floats, index: Floats) -> Floats:
    from scipy.ndimage import map_coordinates

    coordinates = np.moveaxis(index[..., ::-1], -1, 0)
    found = map_coordinates(values.astype(np.float64), coordinates, order=1, mode="nearest")
    return np.asarray(found)


def _depth(grid: Grid, index: Floats) -> Floats:
    """Return how deep (in voxels) each point lies inside the voxels; negative outside."""
    upper = np.array(grid.shape_kji[::-1]) - 0.5
    return np.asarray(np.minimum(index + 0.5, upper - index).min(axis=-1))


@given(st.data())
def test_an_oblique_plane_is_the_trilinear_interpolation(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    cut = section(_noise(grid), plane)
    assume(_is_oblique(grid, plane))
    index = _raster_index(grid, plane)
    depth = _depth(grid, index)
    expected = _interpolated(NOISE, index)
    inside = depth > 1e-3
    assert np.abs(cut.values - expected)[inside].max(initial=0) <= 0.51
    assert cut.coverage is not None
    assert (cut.coverage[inside] == VOXELS).all()
    assert (cut.coverage[depth < -1e-3] == OUTSIDE).all()
    assert cut.k is None


@given(st.data())
def test_floats_are_interpolated_without_rounding(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    stored = (NOISE / 7).astype(np.float32)
    cut = section(replace(_noise(grid), stored=stored), plane)
    assume(_is_oblique(grid, plane))
    index = _raster_index(grid, plane)
    inside = _depth(grid, index) > 1e-3
    expected = _interpolated(stored.astype(np.float64), index)
    assert np.abs(cut.values - expected)[inside].max(initial=0) < 1e-2


@given(st.data())
def test_oblique_planes_interpolate_the_quantity_where_slopes_vary(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    quantity = ValueMap(np.linspace(0.5, 3, 7), np.linspace(-20, 30, 7), "Bq/ml", "Bq/ml")
    picture = replace(_noise(grid), quantity=quantity)
    cut = section(picture, plane)
    assume(_is_oblique(grid, plane))
    assert cut.is_quantity
    index = _raster_index(grid, plane)
    inside = _depth(grid, index) > 1e-3
    expected = _interpolated(quantity.block(NOISE).astype(np.float64), index)
    found = quantity_of(cut, picture)
    assert found.dtype == np.float32
    assert np.abs(found - expected)[inside].max(initial=0) < 0.05


@pytest.mark.parametrize(("order", "signs"), SIGNED_AXES)
def test_an_aligned_plane_shows_the_stored_voxels_where_they_are(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    turn = rotation((1, 2, 3), 17)
    grid = Grid.from_axes(
        SHAPE,
        origin_lps_mm=(-11, 7, 300),
        spacing_ijk_mm=(0.7, 1.1, 2.5),
        directions=turn @ signed_permutation(order, signs),
    )
    picture = _noise(grid)
    for right, down in (((1, 0, 0), (0, 1, 0)), ((1, 0, 0), (0, 0, -1)), ((0, 1, 0), (0, 0, -1))):
        centre = grid.world((5.2, 3.3, 2.4))
        plane = Plane.centred(centre, turn @ right, turn @ down, 0.37, (64, 48))
        cut = section(picture, plane)
        assert cut.coverage is None
        height, width = cut.values.shape
        y, x = (n.ravel() for n in np.indices((height, width)))
        on_plane = np.column_stack((x, y, np.ones(len(x)))) @ cut.to_plane.T
        index = grid.index(plane.world(on_plane))
        probed = [value_at(picture, tuple(at)) for at in index]
        assert probed == cut.values.ravel().tolist()
        off_plane = index - np.rint(index)
        assert (np.abs(off_plane) < 1e-9).sum(axis=1).min() >= 2  # voxel centres, on their layer


def test_pixel_sizes_of_an_aligned_section_are_those_of_its_axes() -> None:
    picture = a_volume((4, 5, 6), spacing_ijk_mm=(0.5, 0.7, 3.0)).build()
    axial = section(picture, fitted_plane(picture.grid, "axial", (50, 50)))
    sagittal = section(picture, fitted_plane(picture.grid, "sagittal", (50, 50)))
    assert axial.pixel_mm == (0.7, 0.5)
    assert sagittal.pixel_mm == (3.0, 0.7)


def test_only_an_acquired_slice_names_its_number() -> None:
    picture = a_volume((4, 5, 6)).build()
    at_2 = fitted_plane(
        picture.grid, "axial", (50, 50), through_lps_mm=picture.grid.world((1, 1, 2))
    )
    assert section(picture, at_2).k == 2
    assert section(picture, fitted_plane(picture.grid, "coronal", (50, 50))).k is None


@pytest.mark.parametrize("offset", [-1e-10, 0.0, 1e-10])
def test_a_plane_half_way_between_slices_shows_one_slice_and_its_labels(offset: float) -> None:
    picture = a_volume((6, 5, 5)).with_values(np.repeat(np.arange(6), 25)).build()
    layer = a_segmentation(picture, np.zeros((6, 5, 5), dtype=bool))
    layer.labels[...] = picture.stored.astype(np.uint8)
    plane = fitted_plane(picture.grid, "axial", (20, 20), through_lps_mm=(2, 2, 2.5 + offset))
    cut = section(picture, plane)
    assert cut.k == 3
    assert (cut.values == 3).all()
    assert (label_section(layer, plane, cut) == 3).all()
    assert value_at(picture, (2, 2, 2.5 + offset)) == 3


def test_a_slightly_turned_plane_is_judged_in_the_middle_of_the_picture() -> None:
    picture = a_volume((9, 64, 64)).with_values(np.repeat(np.arange(9), 64 * 64)).build()
    turn = rotation((0, 1, 0), 0.2)  # drifts 0.22 voxels across the picture
    centre = picture.grid.world((31.5, 31.5, 4.45))
    near = Plane.centred(centre, turn @ (1, 0, 0), turn @ (0, 1, 0), 1.0, (64, 64))
    assert section(picture, near).k == 4
    far = near.panned(400, 0)
    assert section(picture, far).k == 4


def test_slices_of_several_slopes_are_mapped_line_by_line() -> None:
    quantity = ValueMap(np.array([1.0, 2.0, 4.0]), np.array([0.0, 10.0, -5.0]), "Bq/ml", "Bq/ml")
    picture = replace(a_volume((3, 4, 5), value_hu=10).build(), quantity=quantity)
    for name in ("coronal", "sagittal"):
        cut = section(picture, fitted_plane(picture.grid, name, (30, 30)))
        assert cut.is_quantity
        assert quantity_of(cut, picture)[:, 0].tolist() == [10.0, 30.0, 35.0]
    cut = section(picture, fitted_plane(picture.grid, "axial", (30, 30), through_lps_mm=(0, 0, 2)))
    assert (cut.values == 10).all()
    assert (quantity_of(cut, picture) == 35).all()


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_plane_beyond_the_picture_shows_nothing(name: str) -> None:
    picture = a_volume((3, 4, 5), value_hu=99).build()
    plane = fitted_plane(picture.grid, name, (30, 30)).moved(50.0)  # type: ignore[arg-type]
    cut = section(picture, plane)
    assert cut.coverage is not None
    assert (cut.coverage == OUTSIDE).all()
    assert (cut.values == 0).all()


@given(planes(a_volume(SHAPE).build().grid))
def test_an_oblique_plane_beyond_the_picture_shows_nothing(plane: Plane) -> None:
    cut = section(a_volume(SHAPE, value_hu=99).build(), plane.moved(100.0))
    assert cut.coverage is not None
    assert (cut.coverage == OUTSIDE).all()


def test_slices_not_read_yet_are_told_from_voxels() -> None:
    picture = a_volume((5, 6, 7), value_hu=9).build(loaded_k=np.array([1, 1, 0, 1, 1], dtype=bool))
    grid = picture.grid
    axial = section(picture, fitted_plane(grid, "axial", (30, 30), through_lps_mm=(0, 0, 2)))
    assert axial.coverage is not None
    assert (axial.coverage == UNREAD).all()
    assert (
        section(picture, fitted_plane(grid, "axial", (9, 9), through_lps_mm=(0, 0, 1))).coverage
        is None
    )
    coronal = section(picture, fitted_plane(grid, "coronal", (30, 30)))
    assert coronal.coverage is not None
    assert (coronal.coverage[2] == UNREAD).all()
    assert (coronal.coverage[[0, 1, 3, 4]] == VOXELS).all()


@given(planes(a_volume(SHAPE).build().grid))
def test_an_oblique_pixel_that_leans_on_an_unread_slice_is_unread(plane: Plane) -> None:
    loaded = np.array([1, 1, 1, 0, 1, 1, 1], dtype=bool)
    picture = replace(a_volume(SHAPE).build(), loaded_k=loaded)
    cut = section(picture, plane)
    assume(_is_oblique(picture.grid, plane))
    index = _raster_index(picture.grid, plane)
    depth, k = _depth(picture.grid, index), index[..., 2]
    leans = (np.abs(k - 3) < 1 - 1e-6) & (depth > 1e-3)
    free = (np.abs(k - 3) > 1 + 1e-6) & (depth > 1e-3)
    assert cut.coverage is not None
    assert (cut.coverage[leans] == UNREAD).all()
    assert (cut.coverage[free] == VOXELS).all()
    assert (cut.coverage[depth < -1e-3] == OUTSIDE).all()


def test_there_is_no_quantity_outside_and_in_unread_slices() -> None:
    loaded = np.array([1, 1, 0, 1, 1], dtype=bool)
    picture = a_volume((5, 6, 7), value_hu=9).build(loaded_k=loaded)
    coronal = section(picture, fitted_plane(picture.grid, "coronal", (30, 30)))
    assert np.isnan(quantity_of(coronal, picture)).all(axis=1).tolist() == (~loaded).tolist()
    turn = rotation((1, 1, 0), 40)
    plane = Plane.centred(picture.grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.5, (40, 40))
    cut = section(picture, plane)
    found = quantity_of(cut, picture)
    assert cut.coverage is not None
    assert np.array_equal(np.isnan(found), cut.coverage != VOXELS)
    assert (found[cut.coverage == VOXELS] == 9).all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("slope_of_last", [1.0, 2.0])
def test_slices_that_arrive_later_appear_in_oblique_planes(
    order: str, slope_of_last: float
) -> None:
    stored = np.zeros((5, 6, 7), dtype=np.int16, order=order)  # type: ignore[call-overload]
    loaded = np.zeros(5, dtype=bool)
    loaded[:2] = True
    quantity = ValueMap(np.array([1, 1, 1, 1, slope_of_last]), np.zeros(5), "1")
    picture = replace(
        a_volume((5, 6, 7)).build(), stored=stored, loaded_k=loaded, quantity=quantity
    )
    turn = rotation((1, 1, 0), 40)
    plane = Plane.centred(picture.grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.5, (9, 9))
    assert np.isnan(quantity_of(section(picture, plane), picture)).any()
    stored[...] = 50
    loaded[...] = True
    assert quantity_of(section(picture, plane), picture)[4, 4] == 50


def test_a_single_slice_is_half_a_voxel_thick_to_either_side() -> None:
    picture = a_volume((1, 9, 9), spacing_ijk_mm=(1, 1, 4), value_hu=70).build()
    turn = rotation((1, 0, 0), 60)
    plane = Plane.centred(picture.grid.centre_lps_mm, turn[:, 0], turn[:, 1], 0.25, (21, 61))
    cut = section(picture, plane)
    assert cut.coverage is not None
    depth = _depth(picture.grid, _raster_index(picture.grid, plane))
    assert (cut.values[depth > 1e-3] == 70).all()
    assert (cut.coverage == VOXELS).tolist() == (depth >= 0).tolist()


def _a_stack(shape: tuple[int, ...] = (3, 8, 9)) -> ImageStack:
    picture = a_volume((3, 8, 9)).build()
    return ImageStack(
        picture.key,
        np.arange(np.prod(shape), dtype=np.uint8).reshape(shape),
        picture.grid,
        picture.quantity,
        picture.display,
        picture.identity,
        pixel_spacing=PIXELS_ONLY,
    )


@pytest.mark.parametrize("name", ["coronal", "sagittal"])
def test_a_stack_refuses_planes_across_its_images(name: str) -> None:
    stack = _a_stack()
    with pytest.raises(InputRefused, match="do not form a volume"):
        section(stack, fitted_plane(stack.grid, name, (30, 30)))  # type: ignore[arg-type]


def test_a_stack_refuses_oblique_planes() -> None:
    stack = _a_stack()
    turn = rotation((1, 1, 0), 20)
    with pytest.raises(InputRefused, match="do not form a volume"):
        section(stack, Plane.centred((4, 4, 1), turn[:, 0], turn[:, 1], 1.0, (9, 9)))


@pytest.mark.parametrize("shape", [(3, 8, 9), (3, 8, 9, 3)])
def test_a_stack_shows_each_image_as_stored(shape: tuple[int, ...]) -> None:
    stack = _a_stack(shape)
    for k in range(3):
        cut = section(stack, acquired_plane(stack.grid, (40, 40), k))
        assert cut.k == k
        assert np.array_equal(cut.values, stack.stored[k])
    beyond = section(stack, acquired_plane(stack.grid, (40, 40), 2).moved(30.0))
    assert beyond.values.shape == shape[1:]


def test_colour_refuses_planes_that_would_have_to_be_interpolated() -> None:
    colour = replace(a_volume((3, 8, 9)).build(), stored=np.zeros((3, 8, 9, 3), dtype=np.uint8))
    turn = rotation((1, 1, 0), 20)
    with pytest.raises(InputRefused):
        section(colour, Plane.centred((4, 4, 1), turn[:, 0], turn[:, 1], 1.0, (9, 9)))


@given(st.data())
def test_a_native_section_does_not_depend_on_zoom_and_pan(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    picture = replace(_noise(grid), stored=NOISE.astype(np.float32))
    first = section(picture, plane, native=True)
    assume(_is_oblique(grid, plane))
    factor = data.draw(st.floats(0.3, 5))
    moved = plane.zoomed(factor, (3.0, 4.0)).panned(data.draw(st.floats(-50, 50)), 7.0)
    second = section(picture, moved, native=True)
    assert second.values.shape == first.values.shape
    assert second.pixel_mm == first.pixel_mm
    depth = _depth(grid, _native_index(grid, plane, first.to_plane, first.values.shape))
    inside = depth > 1e-3
    assert np.allclose(first.values[inside], second.values[inside], atol=1e-2)
    at = np.array([[0.0, 0.0, 1.0], [9.0, 4.0, 1.0]])
    here, there = plane.world(at @ first.to_plane.T), moved.world(at @ second.to_plane.T)
    assert np.allclose(here, there, atol=1e-6)


def _native_index(grid: Grid, plane: Plane, to_plane: Floats, shape: tuple[int, ...]) -> Floats:
    y, x = np.indices(shape)
    points = np.stack((x, y, np.ones_like(x)), axis=-1) @ to_plane.T
    return grid.index(plane.world(points))


@given(st.data())
def test_a_native_section_covers_all_the_plane_meets_at_the_finest_spacing(
    data: st.DataObject,
) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    picture = _noise(grid)
    cut = section(picture, plane, native=True)
    assume(_is_oblique(grid, plane))
    assert cut.pixel_mm == (min(grid.spacing_ijk_mm),) * 2
    index = _native_index(grid, plane, cut.to_plane, cut.values.shape)
    inside = _depth(grid, index) > 1e-3
    assert np.abs(cut.values - _interpolated(NOISE, index))[inside].max(initial=0) <= 0.51
    # Whatever the pane shows of the picture lies on the raster.
    shown = np.argwhere(_depth(grid, _raster_index(grid, plane)) > 0)[:, ::-1]
    inverse = np.linalg.inv(cut.to_plane[:, :2])
    at = (shown - cut.to_plane[:, 2]) @ inverse.T
    height, width = cut.values.shape
    assert (at >= -0.5 - 1e-6).all()
    assert (at <= np.array([width, height]) - 0.5 + 1e-6).all()


def test_a_native_section_of_a_fine_grid_stays_small() -> None:
    picture = a_volume((2, 2, 3000), spacing_ijk_mm=(0.01, 1.0, 1.0)).build()
    turn = rotation((1, 0, 0), 30)
    plane = Plane.centred(picture.grid.centre_lps_mm, turn[:, 0], turn[:, 1], 1.0, (9, 9))
    assert max(section(picture, plane, native=True).values.shape) <= 2048


@given(st.data())
def test_labels_lie_on_the_voxels_that_the_section_shows(data: st.DataObject) -> None:
    grid = data.draw(grids(SHAPE))
    plane = data.draw(planes(grid))
    picture = replace(_noise(grid), stored=NOISE.astype(np.float32))
    layer = a_segmentation(picture, NOISE > 100)
    cut = section(picture, plane, native=data.draw(st.booleans()))
    labels = label_section(layer, plane, cut)
    assert labels.shape == cut.values.shape[:2]
    index = _native_index(grid, plane, cut.to_plane, labels.shape)
    sure = (np.abs(index - np.floor(index) - 0.5) > 1e-3).all(axis=-1)
    inside = (_depth(grid, index) > 1e-3) & sure
    i, j, k = np.rint(index[inside]).astype(int).T
    assert np.array_equal(labels[inside], layer.labels[k, j, i])
    assert (labels[_depth(grid, index) < -1e-3] == 0).all()


@pytest.mark.parametrize(("order", "signs"), SIGNED_AXES[::5])
def test_labels_of_an_aligned_section_are_its_own_voxels(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    grid = Grid.from_axes(
        SHAPE, spacing_ijk_mm=(0.7, 1.1, 2.5), directions=signed_permutation(order, signs)
    )
    picture = _noise(grid)
    layer = a_segmentation(picture, NOISE > 100)
    plane = fitted_plane(grid, "coronal", (64, 48), through_lps_mm=grid.world((5, 3, 2)))
    cut = section(picture, plane)
    assert np.array_equal(label_section(layer, plane, cut) == 1, cut.values > 100)
    assert (label_section(layer, plane.moved(500), cut) == 0).all()


def test_labels_of_another_grid_are_found_by_patient_position() -> None:
    picture = a_volume((8, 16, 16)).build()
    coarse = a_volume((4, 4, 4), spacing_ijk_mm=(4, 4, 2), origin_lps_mm=(1.5, 1.5, 0.5)).build()
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[1, 2, 3] = True
    plane = fitted_plane(picture.grid, "axial", (32, 32), through_lps_mm=(0, 0, 3))
    found = label_section(a_segmentation(coarse, mask), plane, section(picture, plane))
    expected = np.zeros((16, 16), dtype=np.uint8)
    expected[8:12, 12:16] = 1
    assert np.array_equal(found, expected)
