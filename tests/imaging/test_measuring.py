"""Numbers of shapes: exact, the same on every grid, or refused."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from tests.imaging.grids import grids, rotations
from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Floats, Grid
from viewer.domain.measurement import KINDS
from viewer.domain.quantity import (
    AREA,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MAXIMUM,
    MEAN,
    MINIMUM,
    PIXELS_ONLY,
    SHORT_AXIS,
    STANDARD_DEVIATION,
    VOLUME,
    VOXEL_COUNT,
    Code,
    Quantity,
    Spacing,
    SpacingSource,
)
from viewer.domain.segmentation import OriginKind
from viewer.domain.volume import ImageStack, ValueMap, Volume
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured, measured_segment, segment_bidirectional
from viewer.imaging.statistics import ellipse_statistics, mask_statistics
from viewer.testing.builders import VolumeBuilder, a_segmentation, a_volume, rotation

UNSAFE = (Finding(Severity.UNSAFE, "series", "Slices are missing."),)


def _value(quantities: tuple[Quantity, ...], concept: Code) -> float:
    return next(q.value for q in quantities if q.concept == concept)


def _noise(grid: Grid) -> Volume:
    noise = np.random.default_rng(3).integers(-100, 300, grid.shape_kji)
    return VolumeBuilder(grid, noise.astype(np.int16)).build()


def _a_stack(spacing: Spacing = PIXELS_ONLY) -> ImageStack:
    picture = a_volume(
        (3, 20, 20), spacing_ijk_mm=(spacing.column_mm, spacing.row_mm, 1.0), value_hu=5
    ).build()
    return ImageStack(
        picture.key,
        picture.stored,
        picture.grid,
        picture.quantity,
        picture.display,
        picture.identity,
        pixel_spacing=spacing,
    )


# --- lengths ---


@given(st.data())
def test_a_distance_is_exact_within_a_hundredth_of_a_millimetre(data: st.DataObject) -> None:
    grid = data.draw(grids((9, 20, 20)))
    start = grid.world([data.draw(st.floats(0, 8)) for _ in range(3)])
    end = grid.world([data.draw(st.floats(0, 8)) for _ in range(3)])
    assume(np.linalg.norm(end - start) > 0.1)
    (found,), receipt = measured("distance", (start, end), _noise(grid))
    assert found.value == pytest.approx(float(np.sqrt(((end - start) ** 2).sum())), abs=0.01)
    assert (found.concept, found.unit) == (LENGTH, "mm")
    assert receipt.n_voxels is None
    assert receipt.value_chain == "no values are used"


def test_a_distance_across_slices_counts_their_spacing() -> None:
    picture = a_volume((10, 20, 20), spacing_ijk_mm=(0.5, 0.5, 3.0)).build()
    (found,), receipt = measured("distance", picture.grid.world([(0, 0, 1), (8, 0, 2)]), picture)
    assert found.value == pytest.approx(5.0)
    assert [uid[-1] for uid in receipt.sop_instance_uids] == ["2", "3"]


def test_two_perpendicular_diameters_are_measured() -> None:
    picture = a_volume().build()
    points = [(5, 10, 3), (25, 10, 3), (12, 4, 3), (12, 16, 3)]
    (long, short), _ = measured("bidirectional", points, picture)
    assert (long.concept, long.unit) == (LONG_AXIS, "mm")
    assert (short.concept, short.unit) == (SHORT_AXIS, "mm")
    assert [long.value, short.value] == pytest.approx([20.0, 12.0])


def test_diameters_that_are_not_perpendicular_are_refused() -> None:
    points = [(5, 10, 3), (25, 10, 3), (12, 4, 3), (13, 16, 3)]
    with pytest.raises(InputRefused, match="right angle"):
        measured("bidirectional", points, a_volume().build())


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("distance", [(1, 1, 1), (1, 1, 1)]),
        ("bidirectional", [(1, 1, 1), (9, 1, 1), (4, 1, 1), (4, 1, 1)]),
        ("ellipse", [(5, 5, 5), (5, 5, 5), (5, 9, 5)]),
        ("ellipse", [(5, 5, 5), (9, 5, 5), (9, 5, 5)]),
        ("distance", [(1, 1, 1), (np.nan, 1, 1)]),
        ("distance", [(1, 1, 1)]),
        ("ellipse", [(5, 5, 5), (9, 5, 5)]),
        ("distance", [(-90, 1, 1), (-99, 1, 1)]),
        ("ellipse", [(-90, 5, 5), (-80, 5, 5), (-90, 9, 5)]),
        ("ellipse", [(10.5, 10.5, 5), (10.6, 10.5, 5), (10.5, 10.6, 5)]),
        ("volcano", [(1, 1, 1), (2, 1, 1), (3, 3, 1)]),
    ],
)
def test_shapes_without_extent_or_outside_the_picture_are_refused(
    kind: str, points: ArrayLike
) -> None:
    with pytest.raises(InputRefused):
        measured(kind, points, a_volume().build())


# --- unsafe geometry, stacks ---


@pytest.mark.parametrize(
    ("kind", "inside", "through"),
    [
        ("distance", [(1, 1, 3), (9, 9, 3)], [(1, 1, 3), (9, 9, 4)]),
        (
            "bidirectional",
            [(1, 5, 3), (9, 5, 3), (4, 2, 3), (4, 8, 3)],
            [(1, 5, 3), (9, 5, 3), (4, 5, 1), (4, 5, 5)],
        ),
        ("ellipse", [(9, 9, 3), (14, 9, 3), (9, 12, 3)], [(9, 9, 5), (14, 9, 5), (9, 9, 8)]),
    ],
)
def test_where_slice_distances_are_not_safe_only_shapes_in_one_slice_are_measured(
    kind: str, inside: ArrayLike, through: ArrayLike
) -> None:
    unsafe = replace(a_volume().build(), findings=UNSAFE)
    assert measured(kind, inside, unsafe)[0]
    with pytest.raises(InputRefused, match="not safe"):
        measured(kind, through, unsafe)
    assert measured(kind, through, replace(unsafe, findings=()))[0]


@pytest.mark.parametrize("kind", ["distance", "ellipse"])
def test_a_shape_across_different_images_of_a_stack_is_refused(kind: str) -> None:
    points = [(5, 5, 0), (9, 5, 0), (5, 9, 1)][: KINDS[kind].n_points]
    points[1] = (9, 5, 1) if kind == "distance" else points[1]
    with pytest.raises(InputRefused, match="different images"):
        measured(kind, points, _a_stack())


def test_without_a_known_spacing_sizes_are_in_pixels() -> None:
    stack = _a_stack()
    (length,), receipt = measured("distance", [(1, 1, 1), (4, 5, 1)], stack)
    assert (length.value, length.unit) == (5.0, "{pixels}")
    assert not receipt.spacing.is_known
    area = measured("ellipse", [(9, 9, 1), (14, 9, 1), (9, 12, 1)], stack)[0][0]
    assert area.unit == "{pixels}2"
    assert area.value == pytest.approx(15 * pi)


def test_the_receipt_says_that_a_spacing_is_the_detectors() -> None:
    stack = _a_stack(Spacing(0.2, 0.1, SpacingSource.DETECTOR))
    (length,), receipt = measured("distance", [(0.1, 0, 1), (0.7, 0.8, 1)], stack)
    assert length.unit == "mm"
    assert length.value == pytest.approx(1.0)
    assert receipt.spacing.source is SpacingSource.DETECTOR


# --- ellipses ---


def _ellipse_points(
    centre: ArrayLike, first: ArrayLike, second: ArrayLike, a: float, b: float
) -> Floats:
    middle = np.asarray(centre, dtype=np.float64)
    return np.stack((middle, middle + a * np.asarray(first), middle + b * np.asarray(second)))


@given(st.floats(1.5, 9), st.floats(1.5, 9), st.floats(0, pi), st.integers(0, 19))
def test_an_ellipse_counts_the_centres_inside_on_its_slice(
    a: float, b: float, angle: float, k: int
) -> None:
    picture = _noise(Grid.from_axes((20, 32, 40), spacing_ijk_mm=(0.7, 0.9, 2.0)))
    first = np.array([np.cos(angle), np.sin(angle), 0])
    second = np.array([-np.sin(angle), np.cos(angle), 0])
    centre = np.array([14.1, 13.3, 2.0 * k])
    quantities, receipt = measured("ellipse", _ellipse_points(centre, first, second, a, b), picture)
    j, i = np.indices((32, 40))
    x, y = i * 0.7 - centre[0], j * 0.9 - centre[1]
    along, across = x * first[0] + y * first[1], x * second[0] + y * second[1]
    level = (along / a) ** 2 + (across / b) ** 2
    assume(np.abs(level - 1).min() > 1e-9)  # on the rim itself rounding decides
    inside = level <= 1
    values = picture.stored[k][inside].astype(np.float64)
    assert _value(quantities, AREA) == pytest.approx(pi * a * b)
    assert _value(quantities, VOXEL_COUNT) == len(values)
    assert _value(quantities, MEAN) == pytest.approx(values.mean())
    assert _value(quantities, STANDARD_DEVIATION) == pytest.approx(values.std(ddof=0))
    assert _value(quantities, MINIMUM) == values.min()
    assert _value(quantities, MAXIMUM) == values.max()
    assert receipt.n_voxels == len(values)
    assert receipt.sop_instance_uids == (picture.identity.instances[k].sop_instance_uid,)
    assert receipt.value_chain == "stored x 1 + 0 = HU"


def test_the_statistics_of_a_ramp_are_those_of_its_middle() -> None:
    picture = a_volume((5, 41, 41)).with_ramp((3, 0, 0)).build()
    found = ellipse_statistics(picture, [(20, 20, 2), (30, 20, 2), (20, 30, 2)])
    assert (found.mean, found.median) == (60.0, 60.0)
    assert (found.minimum, found.maximum) == (30.0, 90.0)
    x = np.array([i for j in range(-10, 11) for i in range(-10, 11) if i * i + j * j <= 100])
    assert found.sd == pytest.approx(3 * np.sqrt((x.astype(float) ** 2).mean()))


def test_each_slices_own_slope_is_used() -> None:
    quantity = ValueMap(np.array([1.0, 2.0, 4.0]), np.array([0.0, 10.0, 20.0]), "Bq/ml", "Bq/ml")
    picture = replace(a_volume((3, 9, 9), value_hu=10).build(), quantity=quantity)
    for k, expected in enumerate((10, 30, 60)):
        quantities, receipt = measured("ellipse", [(4, 4, k), (7, 4, k), (4, 7, k)], picture)
        assert _value(quantities, MEAN) == expected
        assert next(q.unit for q in quantities if q.concept == MEAN) == "Bq/ml"
        assert receipt.value_chain.endswith("= Bq/ml")
    _, receipt = measured("ellipse", [(4, 4, 1), (4, 7, 1), (4, 4, 2.2)], picture)
    assert receipt.value_chain == "stored x slope + intercept of each slice = Bq/ml"


@given(st.data())
def test_the_same_shape_gives_the_same_numbers_however_the_voxels_are_stored(
    data: st.DataObject,
) -> None:
    """Turning the array and its affine together changes no voxel's place."""
    grid = data.draw(grids((6, 7, 8)))
    picture = _noise(grid)
    turned = _reordered(picture, data)
    first, second, _ = data.draw(rotations()).T
    size = float(np.ptp(grid.corners_lps_mm, axis=0).max())
    centre = grid.centre_lps_mm + np.array([0.013, -0.007, 0.021])
    points = _ellipse_points(centre, first, second, size * 0.4, size * 0.25)
    mine, _ = measured("ellipse", points, picture)
    other, _ = measured("ellipse", points, turned)
    assert [q.value for q in other] == pytest.approx([q.value for q in mine], rel=1e-12)


@given(st.data())
def test_a_segments_numbers_do_not_depend_on_how_the_voxels_are_stored(
    data: st.DataObject,
) -> None:
    picture = _noise(data.draw(grids((4, 5, 6))))
    turned = _reordered(picture, data)
    mine, _, _ = measured_segment(a_segmentation(picture, picture.stored > 200), 1, picture)
    other, _, _ = measured_segment(a_segmentation(turned, turned.stored > 200), 1, turned)
    assert [q.value for q in other] == pytest.approx([q.value for q in mine], rel=1e-9)


def _reordered(picture: Volume, data: st.DataObject) -> Volume:
    order = data.draw(st.permutations(range(3)))
    flips = [axis for axis in range(3) if data.draw(st.booleans())]
    n_ijk = picture.grid.shape_kji[::-1]
    step = np.zeros((4, 4))
    step[3, 3] = 1
    for new, old in enumerate(order):
        flipped = old in flips
        step[old, new] = -1 if flipped else 1
        step[old, 3] = n_ijk[old] - 1 if flipped else 0
    # The array (k, j, i): index axis n is array axis 2 - n.
    stored = np.flip(picture.stored, tuple(2 - axis for axis in flips))
    stored = np.ascontiguousarray(stored.transpose([2 - order[2 - axis] for axis in range(3)]))
    return VolumeBuilder(Grid(stored.shape, picture.grid.ijk_to_lps @ step), stored).build()


def test_an_oblique_ellipse_on_thick_slices_leaves_no_gaps() -> None:
    """In each row and column that the plane crosses every voxel nearest to it counts."""
    picture = a_volume((21, 60, 60), spacing_ijk_mm=(0.5, 0.5, 5.0), value_hu=7).build()
    turn = rotation((0, 1, 0), 60)
    centre = picture.grid.centre_lps_mm
    points = _ellipse_points(centre, turn[:, 0], turn[:, 1], 12.0, 12.0)
    found = ellipse_statistics(picture, points)
    # One voxel in each column (i, j): the shape's shadow on a slice is an ellipse of half-axes
    # 12 cos 60 and 12 mm; a voxel's own centre is off the plane, so the count is near its area.
    assert found.n == pytest.approx(pi * 12 * np.cos(np.radians(60)) * 12 / 0.25, rel=0.12)


@given(st.data())
def test_no_voxel_of_the_layer_is_lost_at_the_rim_of_an_ellipse(data: st.DataObject) -> None:
    grid = data.draw(grids((12, 12, 12)))
    first, second, normal = data.draw(rotations()).T
    centre = grid.centre_lps_mm
    radius = 3 * min(grid.spacing_ijk_mm)
    columns = grid.ijk_to_lps[:3, :3]
    axis = int(np.argmax(np.abs(columns.T @ normal)))
    step = float(columns[:, axis] @ normal)
    k, j, i = np.indices(grid.shape_kji)
    away = grid.world(np.stack((i, j, k), axis=-1)) - centre
    off = away @ normal / step
    assume(np.abs(np.abs(off) - 0.5).min() > 1e-4)
    reach = (away @ first) ** 2 + (away @ second) ** 2
    assume(np.abs(reach - radius**2).min() > 1e-6)
    inside = (np.abs(off) < 0.5) & (reach <= radius**2)
    assume(inside.any())
    found = ellipse_statistics(_noise(grid), _ellipse_points(centre, first, second, radius, radius))
    assert found.n == np.count_nonzero(inside)
    assert found.mean == pytest.approx(_noise(grid).stored[inside].mean())


def test_a_region_that_touches_unread_images_is_refused() -> None:
    picture = a_volume((3, 9, 9)).build(loaded_k=np.array([True, False, True]))
    assert ellipse_statistics(picture, [(4, 4, 0), (7, 4, 0), (4, 7, 0)]).n > 0
    with pytest.raises(InputRefused, match="not been read"):
        ellipse_statistics(picture, [(4, 4, 1), (7, 4, 1), (4, 7, 1)])


def test_an_ellipse_on_colour_has_an_area_and_says_why_it_has_no_mean() -> None:
    colour = replace(a_volume((3, 9, 9)).build(), stored=np.zeros((3, 9, 9, 3), dtype=np.uint8))
    quantities, receipt = measured("ellipse", [(4, 4, 0), (7, 4, 0), (4, 6, 0)], colour)
    assert [(q.concept, q.unit) for q in quantities] == [(AREA, "mm2")]
    assert quantities[0].value == pytest.approx(6 * np.pi)
    assert "colour has no single value" in receipt.rule
    assert receipt.n_voxels is None
    with pytest.raises(InputRefused, match="No voxel"):
        measured("ellipse", [(40, 4, 0), (47, 4, 0), (40, 6, 0)], colour)


def test_colour_has_no_statistics() -> None:
    colour = replace(a_volume((3, 9, 9)).build(), stored=np.zeros((3, 9, 9, 3), dtype=np.uint8))
    with pytest.raises(InputRefused, match="Colour"):
        ellipse_statistics(colour, [(4, 4, 0), (7, 4, 0), (4, 7, 0)])


def test_a_skewed_ellipse_is_refused() -> None:
    with pytest.raises(InputRefused, match="right angle"):
        measured("ellipse", [(9, 9, 3), (14, 9, 3), (10, 12, 3)], a_volume().build())


def test_few_voxels_are_said_to_be_few() -> None:
    picture = a_volume().build()
    _, receipt = measured("ellipse", [(9, 9, 3), (9.5, 9, 3), (9, 9.5, 3)], picture)
    assert receipt.n_voxels == 1
    assert "fewer than 3 voxels" in receipt.rule


# --- segments ---


def test_a_segments_volume_is_voxel_count_times_voxel_size() -> None:
    picture = a_volume((9, 20, 20), spacing_ijk_mm=(0.5, 0.5, 2.0)).with_ramp((0, 0, 10)).build()
    mask = np.zeros((9, 20, 20), dtype=bool)
    mask[2:6, 3:13, 5:10] = True
    layer = a_segmentation(picture, mask)
    quantities, receipt, ends = measured_segment(layer, 1, picture)
    assert _value(quantities, VOLUME) == pytest.approx(200 * 0.5 / 1000)
    assert _value(quantities, VOXEL_COUNT) == 200
    values = picture.stored[mask].astype(np.float64)
    assert _value(quantities, MEAN) == pytest.approx(values.mean())
    assert _value(quantities, STANDARD_DEVIATION) == pytest.approx(values.std())
    assert _value(quantities, LONGEST_DIAMETER_3D) == pytest.approx(
        float(np.linalg.norm(ends[1] - ends[0]))
    )
    assert len(receipt.sop_instance_uids) == 4
    assert receipt.network == ""


def test_a_sheared_grids_voxels_are_not_larger_than_they_are() -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.4
    grid = Grid((5, 6, 7), affine)
    picture = VolumeBuilder(grid, np.zeros((5, 6, 7), dtype=np.int16)).build()
    quantities, _, _ = measured_segment(
        a_segmentation(picture, np.ones((5, 6, 7), dtype=bool)), 1, picture
    )
    assert _value(quantities, VOLUME) == pytest.approx(0.210)


def test_mask_statistics_are_those_of_numpy() -> None:
    picture = _noise(Grid.from_axes((5, 6, 7)))
    mask = picture.stored > 50
    found = mask_statistics(picture, mask)
    values = picture.stored[mask].astype(np.float64)
    assert (found.n, found.minimum, found.maximum) == (len(values), values.min(), values.max())
    assert [found.mean, found.sd] == pytest.approx([values.mean(), values.std()])
    assert found.median == np.median(values)
    assert found.slices_k == tuple(range(5))


def test_the_receipt_of_a_networks_segment_names_the_network() -> None:
    picture = a_volume((5, 6, 7)).build()
    layer = a_segmentation(picture, np.ones((5, 6, 7), dtype=bool), kind=OriginKind.NETWORK)
    layer = replace(layer, origin=replace(layer.origin, key="nodules", version="1.2"))
    assert measured_segment(layer, 1, picture)[1].network == "nodules 1.2"


def test_segments_that_cannot_be_measured_are_refused() -> None:
    picture = a_volume((5, 6, 7)).build()
    full = a_segmentation(picture, np.ones((5, 6, 7), dtype=bool))
    empty = a_segmentation(picture, np.zeros((5, 6, 7), dtype=bool))
    with pytest.raises(InputRefused, match="empty"):
        measured_segment(empty, 1, picture)
    with pytest.raises(InputRefused, match="empty"):
        segment_bidirectional(empty, 1)
    with pytest.raises(InputRefused, match="no segment 2"):
        measured_segment(full, 2, picture)
    with pytest.raises(InputRefused, match="no safe volume"):
        measured_segment(full, 1, replace(picture, findings=UNSAFE))
    with pytest.raises(InputRefused, match="another grid"):
        measured_segment(full, 1, a_volume((5, 6, 7), spacing_ijk_mm=(1, 1, 2)).build())
    with pytest.raises(InputRefused, match="not been read"):
        measured_segment(full, 1, replace(picture, loaded_k=np.array([1, 1, 1, 1, 0], dtype=bool)))


@pytest.mark.parametrize("directions", [np.eye(3), rotation((1, 2, 3), 50)])
@pytest.mark.parametrize("axes_mm", [(12.0, 12.0, 12.0), (15.0, 9.0, 6.0), (6.0, 14.0, 9.0)])
def test_an_ellipsoids_diameters_are_right_within_a_voxel(
    directions: Floats, axes_mm: tuple[float, float, float]
) -> None:
    grid = Grid.from_axes((17, 40, 40), spacing_ijk_mm=(0.9, 0.9, 2.0), directions=directions)
    k, j, i = np.indices(grid.shape_kji)
    away = (grid.world(np.stack((i, j, k), axis=-1)) - grid.centre_lps_mm) @ directions
    mask = ((away / np.array(axes_mm)) ** 2).sum(axis=-1) <= 1
    picture = VolumeBuilder(grid, np.zeros(grid.shape_kji, dtype=np.int16)).build()
    points = segment_bidirectional(a_segmentation(picture, mask), 1)
    (long, short), _ = measured("bidirectional", points, picture)
    across = sorted(axes_mm[:2], reverse=True)
    assert long.value == pytest.approx(2 * across[0], abs=0.9)
    assert short.value == pytest.approx(2 * across[1], abs=0.9)
    largest = int(np.argmax(mask.sum(axis=(1, 2))))
    assert grid.index(points)[:, 2] == pytest.approx(largest)


def test_the_numbers_of_a_segment_can_be_computed_again() -> None:
    picture = a_volume((9, 20, 20)).with_ramp((1, 2, 3)).with_sphere(radius_mm=4).build()
    layer = a_segmentation(picture, picture.stored == 400)
    once, again = measured_segment(layer, 1, picture), measured_segment(layer, 1, picture)
    assert once[0] == again[0]
    assert once[1] == again[1]
    assert np.array_equal(once[2], again[2])
