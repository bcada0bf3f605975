"""Shapes against closed forms, in any orientation of the volume."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.quantity import (
    ANGLE,
    AREA,
    CARDIOTHORACIC_RATIO,
    COBB_ANGLE,
    LENGTH,
    MEAN,
    PERIMETER,
    STANDARD_DEVIATION,
    SUV_PEAK,
    VALUE,
    VOXEL_COUNT,
    Code,
)
from viewer.domain.volume import ImageStack, Volume
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured
from viewer.testing.builders import a_volume, rotation

SHAPE = (30, 64, 60)
SPACING = (0.8, 0.8, 2.0)


def a_study(axis: tuple[float, float, float] = (0, 0, 1), degrees: float = 0.0) -> Volume:
    return a_volume(SHAPE, spacing_ijk_mm=SPACING, directions=rotation(axis, degrees)).build()


def value(kind: str, points: NDArray[np.float64], volume: Volume, concept: Code) -> float:
    for quantity in measured(kind, points, volume)[0]:
        if quantity.concept == concept:
            return quantity.value
    raise AssertionError(concept)


def on_slice(volume: Volume, k: int, *places: tuple[float, float]) -> NDArray[np.float64]:
    """Return points of slice k at (i, j)."""
    return volume.grid.world(np.array([(i, j, float(k)) for i, j in places]))


tilts = st.tuples(
    st.tuples(*[st.floats(-1, 1) for _ in range(3)]).filter(lambda a: np.linalg.norm(a) > 0.1),
    st.floats(0, 359),
)


@settings(max_examples=20)
@given(tilt=tilts, corner=st.floats(1, 179))
def test_angles_are_those_that_were_drawn_in_any_orientation(
    tilt: tuple[tuple[float, float, float], float], corner: float
) -> None:
    volume = a_study(*tilt)
    centre, right, down = (
        volume.grid.centre_lps_mm,
        volume.grid.directions[:, 0],
        volume.grid.directions[:, 1],
    )
    turned = np.cos(np.radians(corner)) * right + np.sin(np.radians(corner)) * down
    points = np.array([centre + 9 * right, centre, centre + 7 * turned])
    assert value("angle", points, volume, ANGLE) == pytest.approx(corner, abs=1e-6)
    lines = np.array([centre - 5 * right, centre + 5 * right, centre, centre + 7 * turned])
    assert value("cobb", lines, volume, COBB_ANGLE) == pytest.approx(
        min(corner, 180 - corner), abs=1e-6
    )


def test_a_polyline_is_the_sum_of_its_pieces() -> None:
    volume = a_study((1, 1, 0), 20)
    points = on_slice(volume, 9, (5, 5), (15, 5), (15, 25))
    assert value("polyline", points, volume, LENGTH) == pytest.approx(10 * 0.8 + 20 * 0.8)


@settings(max_examples=20)
@given(tilt=tilts, n=st.integers(3, 40), radius=st.floats(16, 20))
def test_a_regular_polygon_has_its_area_and_its_voxels(
    tilt: tuple[tuple[float, float, float], float], n: int, radius: float
) -> None:
    volume = a_study(*tilt)
    turn = 2 * np.pi * np.arange(n) / n
    centre = np.array((30.2, 31.7))
    places = [(centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t)) for t in turn]
    points = on_slice(volume, 12, *places)
    area = n * radius**2 * np.sin(2 * np.pi / n) / 2 * 0.8**2
    assert value("polygon", points, volume, AREA) == pytest.approx(area, rel=1e-6)
    around = 2 * n * radius * np.sin(np.pi / n) * 0.8
    assert value("polygon", points, volume, PERIMETER) == pytest.approx(around, rel=1e-6)
    # As many voxels as fit into the area, but for those on the border.
    counted = value("polygon", points, volume, VOXEL_COUNT) * 0.8**2
    assert abs(counted - area) < around


def test_statistics_of_a_rectangle_are_those_of_the_voxels() -> None:
    volume = a_study()
    middle = on_slice(volume, 7, (20, 30), (24.6, 30), (20, 33.6))
    block = volume.quantity.slice_values(volume.stored[7], 7)[27:34, 16:25].astype(np.float64)
    found = measured("rectangle", middle, volume)[0]
    by = {quantity.concept: quantity.value for quantity in found}
    assert by[VOXEL_COUNT] == block.size
    assert by[MEAN] == pytest.approx(block.mean())
    assert by[STANDARD_DEVIATION] == pytest.approx(block.std())
    assert by[AREA] == pytest.approx(4 * 4.6 * 3.6 * 0.64)


def test_a_polygon_in_any_order_and_from_any_corner_is_the_same() -> None:
    volume = a_study((0, 1, 1), 30)
    points = on_slice(volume, 7, (10, 10), (30, 12), (25, 33), (18, 20))
    whole = measured("polygon", points, volume)[0]
    for other in (np.roll(points, 2, axis=0), points[::-1]):
        again = measured("polygon", other, volume)[0]
        for a, b in zip(whole, again, strict=True):
            assert a.value == pytest.approx(b.value)


def test_a_ratio_and_a_probe() -> None:
    volume = a_study()
    points = on_slice(volume, 3, (10, 20), (30, 20), (5, 25), (45, 25))
    assert value("cardiothoracic_ratio", points, volume, CARDIOTHORACIC_RATIO) == pytest.approx(0.5)
    place = on_slice(volume, 3, (10.3, 19.8))
    expected = volume.quantity.slice_values(volume.stored[3], 3)[20, 10]
    assert value("probe", place, volume, VALUE) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("kind", "places", "sentence"),
    [
        ("polygon", [(5, 5), (20, 20), (20, 5), (5, 30)], "crosses itself"),
        ("polygon", [(5, 5), (20, 20), (20, 5), (5, 20)], "crosses itself"),
        ("polygon", [(5, 5), (20, 5), (20, 20), (12, 5), (5, 20)], "crosses itself"),
        ("polygon", [(5, 5), (20, 20), (35, 35)], "without extent"),
        ("polygon", [(5, 5), (5, 5), (20, 20), (20, 20)], "without extent"),
        ("polygon", [(5, 5), (20, 20)], "at least 3"),
        ("rectangle", [(5, 5), (20, 5), (10, 20)], "right angle"),
        ("angle", [(5, 5), (5, 5), (9, 9)], "without length"),
        ("probe", [(500, 5)], "outside the picture"),
        ("cardiothoracic_ratio", [(5, 5), (40, 5), (10, 9), (20, 9)], "wider than the heart"),
        ("suv_peak", [(20, 20)], "SUV"),
        ("volcano", [(5, 5)], "no measurement called"),
    ],
)
def test_what_is_not_defined_is_refused(
    kind: str, places: list[tuple[float, float]], sentence: str
) -> None:
    volume = a_study()
    with pytest.raises(InputRefused, match=sentence):
        measured(kind, on_slice(volume, 5, *places), volume)


def test_corners_out_of_plane_are_refused() -> None:
    volume = a_study()
    points = on_slice(volume, 5, (5, 5), (20, 5), (20, 20), (5, 20))
    points[2] += 3 * volume.grid.directions[:, 2]
    with pytest.raises(InputRefused, match="one plane"):
        measured("polygon", points, volume)


def test_suv_peak_is_the_mean_of_one_millilitre() -> None:
    from dataclasses import replace

    volume = a_study()
    values = np.zeros(SHAPE, dtype=np.int16)
    grid = volume.grid
    index = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), -1)[..., ::-1]
    places = grid.world(index.reshape(-1, 3)).reshape(*SHAPE, 3)
    hot = grid.world((30, 32, 15))
    values[np.linalg.norm(places - hot, axis=-1) < 9] = 5
    values[15, 32, 30] = 30  # one hot voxel moves the mean by little, the maximum by much
    quantity = replace(
        volume.quantity,
        unit="{SUVbw}g/ml",
        slope_k=np.ones(SHAPE[0]),
        intercept_k=np.zeros(SHAPE[0]),
    )
    volume = replace(volume, stored=values, quantity=quantity)
    near = grid.world((36, 32, 15))
    n_ball = np.count_nonzero(np.linalg.norm(places - hot, axis=-1) <= (750 / np.pi) ** (1 / 3))
    expected = (5 * (n_ball - 1) + 30) / n_ball
    assert value("suv_peak", near[None], volume, SUV_PEAK) == pytest.approx(expected)


def test_a_corner_that_was_set_twice_is_one_corner() -> None:
    volume = a_study((1, 0, 1), 25)
    once = on_slice(volume, 7, (10, 10), (30, 12), (25, 33))
    for twice in (once[[0, 0, 1, 2]], once[[0, 1, 1, 2]], once[[0, 1, 2, 2]], once[[0, 1, 2, 0]]):
        expected = value("polygon", once, volume, AREA)
        assert value("polygon", twice, volume, AREA) == pytest.approx(expected)


def test_tiny_voxels_do_not_use_up_the_memory() -> None:
    from dataclasses import replace

    volume = a_volume((8, 8, 8), spacing_ijk_mm=(0.002, 0.002, 0.002)).build()
    volume = replace(volume, quantity=replace(volume.quantity, unit="{SUVbw}g/ml"))
    with pytest.raises(InputRefused, match="too small"):
        measured("suv_peak", volume.grid.centre_lps_mm[None], volume)


@pytest.mark.parametrize("kind", ["cobb", "bidirectional", "cardiothoracic_ratio"])
def test_two_lines_on_two_images_of_a_stack_are_refused(kind: str) -> None:
    from viewer.domain.volume import ImageStack

    volume = a_study()
    stack = ImageStack(
        "stack",
        volume.stored,
        volume.grid,
        volume.quantity,
        volume.display,
        volume.identity,
    )
    points = np.vstack(
        (on_slice(volume, 1, (10, 10), (20, 10)), on_slice(volume, 4, (15, 5), (15, 30)))
    )
    with pytest.raises(InputRefused, match="different images"):
        measured(kind, points, stack)


def test_what_reaches_beyond_the_picture_says_so() -> None:
    volume = a_study()
    inside = on_slice(volume, 5, (5, 5), (20, 5), (20, 20))
    beyond = on_slice(volume, 5, (5, 5), (90, 5), (20, 20))
    assert "outside" not in measured("polygon", inside, volume)[1].rule
    assert "part of the shape lies outside" in measured("polygon", beyond, volume)[1].rule


def test_an_angle_on_pixels_of_unknown_shape_says_so() -> None:
    volume = a_study()
    parts = (volume.key, volume.stored, volume.grid, volume.quantity, volume.display)
    film = ImageStack(*parts, volume.identity)
    points = np.array([(5.0, 5, 0), (20, 5, 0), (20, 30, 0)])
    assert "taken as square" in measured("angle", points, film)[1].rule
    assert "square" not in measured("angle", points, volume)[1].rule
