"""Outlines of masks: they enclose exactly what was there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.imaging.grids import SIGNED_AXES, signed_permutation
from viewer.domain.geometry import Floats, Grid, Plane, fitted_plane
from viewer.domain.segmentation import Segmentation
from viewer.imaging.contour import chamfered, contours, polygon_of_segment
from viewer.imaging.rasterise import polygon_block
from viewer.testing.builders import VolumeBuilder, a_segmentation, rotation

Mask = NDArray[np.bool_]
MASKS = arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def _filled(outlines: list[Floats], shape: tuple[int, ...]) -> Mask:
    """Fill by the even-odd rule: count the vertical edges to the left of each pixel centre."""
    inside = np.zeros(shape, dtype=bool)
    rows, columns = np.indices(shape)
    for line in outlines:
        for (x0, y0), (_, y1) in zip(line, np.roll(line, -1, axis=0), strict=True):
            low, high = min(y0, y1), max(y0, y1)
            inside ^= (rows > low) & (rows < high) & (columns > x0)
    return inside


def _area(line: Floats) -> float:
    x, y = line.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


@given(MASKS)
def test_outlines_enclose_exactly_the_mask(mask: Mask) -> None:
    assert np.array_equal(_filled(contours(mask), mask.shape), mask)


@given(MASKS)
def test_every_side_of_an_outline_runs_along_pixel_edges(mask: Mask) -> None:
    for line in contours(mask):
        step = np.roll(line, -1, axis=0) - line
        assert (np.abs(step).min(axis=1) == 0).all()
        assert (np.abs(step).max(axis=1) > 0).all()
        assert (np.abs(line - np.floor(line) - 0.5) == 0).all()
        # Corners only: horizontal and vertical sides take turns.
        horizontal = step[:, 1] == 0
        assert (horizontal != np.roll(horizontal, 1)).all()


@given(MASKS)
def test_the_whole_length_of_the_outlines_is_the_number_of_edges(mask: Mask) -> None:
    padded = np.pad(mask, 1)
    edges = sum(int(np.count_nonzero(np.diff(padded, axis=axis))) for axis in (0, 1))
    found = sum(float(np.abs(np.roll(line, -1, axis=0) - line).sum()) for line in contours(mask))
    assert found == edges


def test_the_area_of_an_outline_is_the_pixel_count() -> None:
    y, x = np.indices((30, 30))
    disc = (x - 14) ** 2 + (y - 13) ** 2 <= 100
    (line,) = contours(disc)
    assert _area(line) == disc.sum()


def test_pixels_that_touch_at_a_corner_have_outlines_of_their_own() -> None:
    assert len(contours(np.eye(4, dtype=bool))) == 4
    assert len(contours(np.eye(4, dtype=bool)[::-1])) == 4


def test_a_hole_has_its_own_outline() -> None:
    ring = np.ones((5, 5), dtype=bool)
    ring[2, 2] = False
    assert sorted(_area(line) for line in contours(ring)) == [1, 25]


def test_an_empty_mask_has_no_outline() -> None:
    assert contours(np.zeros((4, 5), dtype=bool)) == []


@given(MASKS)
def test_a_chamfered_outline_is_the_marching_squares_one(mask: Mask) -> None:
    from skimage.measure import find_contours

    expected = find_contours(np.pad(mask, 1).astype(np.float64), 0.5, fully_connected="low")
    found = [chamfered(line) for line in contours(mask)]
    # find_contours repeats the first point, gives (row, column), and every crossing on the way.
    areas = sorted(_area(line[:-1, ::-1]) for line in expected)
    assert sorted(_area(line) for line in found) == pytest.approx(areas)
    known = {tuple(point[::-1] - 1) for line in expected for point in line}
    assert {tuple(point) for line in found for point in line} <= known


def _grid(order: tuple[int, ...], signs: tuple[int, ...], spacing: tuple[float, ...]) -> Grid:
    return Grid.from_axes(
        (9, 31, 37),
        origin_lps_mm=(-40, 20, 100),
        spacing_ijk_mm=spacing,
        directions=rotation((1, 1, 1), 12) @ signed_permutation(order, signs),
    )


def _blob(grid: Grid) -> Segmentation:
    picture = VolumeBuilder(grid, np.zeros(grid.shape_kji, dtype=np.int16)).build()
    k, j, i = np.indices(grid.shape_kji)
    mask = ((i - 18) / 13) ** 2 + ((j - 14) / 9) ** 2 + ((k - 4) / 3.5) ** 2 <= 1
    mask &= ~((i > 18) & (j > 14) & (k > 4))
    return a_segmentation(picture, mask)


def _slice_plane(grid: Grid, k: int) -> Plane:
    right, down = grid.directions[:, 0], grid.directions[:, 1]
    return Plane.centred(grid.world((18, 15, k)), right, down, 0.31, (200, 200))


@pytest.mark.parametrize(("order", "signs"), SIGNED_AXES[::7])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.6, 0.9, 3.0)])
def test_filling_a_segments_polygon_gives_the_slice_back_but_for_its_rim(
    order: tuple[int, ...], signs: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    from scipy.ndimage import binary_dilation, binary_erosion

    layer = _blob(_grid(order, signs, spacing))
    for k in (3, 6):
        truth = layer.labels[k] == 1
        plane = _slice_plane(layer.grid, k)
        polygon = polygon_of_segment(layer, 1, plane)
        assert polygon is not None
        assert np.abs(plane.pixel(polygon)[:, 2]).max() < 1e-9
        assert len(polygon) < 60
        block = polygon_block(layer.grid, polygon, plane)
        assert block is not None
        found = np.zeros_like(layer.labels, dtype=bool)
        found[
            tuple(slice(a, a + n) for a, n in zip(block.start_kji, block.mask.shape, strict=True))
        ] = block.mask
        assert found.any(axis=(1, 2)).tolist() == [n == k for n in range(9)]
        cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
        assert not (binary_erosion(truth, cross) & ~found[k]).any()
        assert not (found[k] & ~binary_dilation(truth, cross)).any()
        assert np.count_nonzero(found[k] ^ truth) <= 0.06 * np.count_nonzero(truth)


def test_a_segment_that_a_plane_misses_has_no_polygon() -> None:
    layer = _blob(_grid((0, 1, 2), (1, 1, 1), (1.0, 1.0, 1.0)))
    assert polygon_of_segment(layer, 1, _slice_plane(layer.grid, 0)) is None
    assert polygon_of_segment(layer, 1, _slice_plane(layer.grid, 40)) is None
    assert polygon_of_segment(layer, 2, _slice_plane(layer.grid, 4)) is None


def test_a_single_voxel_has_a_polygon_around_its_centre() -> None:
    layer = _blob(_grid((0, 1, 2), (1, 1, 1), (1.0, 1.0, 1.0)))
    layer.labels[...] = 0
    layer.labels[2, 5, 7] = 1
    plane = _slice_plane(layer.grid, 2)
    polygon = polygon_of_segment(layer, 1, plane)
    assert polygon is not None
    block = polygon_block(layer.grid, polygon, plane)
    assert block is not None
    assert (block.start_kji, block.mask.tolist()) == ((2, 5, 7), [[[True]]])


def test_of_several_islands_the_largest_is_taken() -> None:
    layer = _blob(_grid((0, 1, 2), (1, 1, 1), (1.0, 1.0, 1.0)))
    layer.labels[...] = 0
    layer.labels[2, 2:4, 2:4] = 1
    layer.labels[2, 10:20, 10:20] = 1
    polygon = polygon_of_segment(layer, 1, _slice_plane(layer.grid, 2))
    assert polygon is not None
    index = layer.grid.index(polygon)[:, :2]
    assert index.min() > 9


def test_an_oblique_polygon_lies_where_the_plane_cuts_the_segment() -> None:
    grid = Grid.from_axes((40, 40, 40))
    k, j, i = np.indices(grid.shape_kji)
    ball = (i - 20) ** 2 + (j - 20) ** 2 + (k - 20) ** 2 <= 12**2
    layer = a_segmentation(
        VolumeBuilder(grid, np.zeros(grid.shape_kji, dtype=np.int16)).build(), ball
    )
    turn = rotation((1, 2, 0), 35)
    plane = Plane.centred((20, 20, 20), turn[:, 0], turn[:, 1], 0.5, (100, 100))
    polygon = polygon_of_segment(layer, 1, plane.moved(4.0))
    assert polygon is not None
    centre = np.array([20, 20, 20]) + plane.normal * 4
    radius = np.linalg.norm(polygon - centre, axis=1)
    assert radius == pytest.approx(np.sqrt(12**2 - 4**2), abs=0.9)


def test_a_standard_plane_of_a_tilted_grid_has_a_polygon() -> None:
    layer = _blob(_grid((0, 1, 2), (1, 1, 1), (0.6, 0.9, 3.0)))
    plane = fitted_plane(
        layer.grid, "coronal", (100, 100), through_lps_mm=layer.grid.world((18, 14, 4))
    )
    polygon = polygon_of_segment(layer, 1, plane)
    assert polygon is not None
    assert len(polygon) >= 4
