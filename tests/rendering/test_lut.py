"""Tables against the closed form of PS3.3 C.11.2.1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.domain.volume import ValueMap, VoiTable, Window, WindowFunction
from viewer.errors import InputRefused
from viewer.imaging.value_chain import windowed
from viewer.rendering.lut import grey_level_table, grey_levels, grey_table, looked_up, palette_table
from viewer.rendering.palettes import PALETTES


def _linear(x: float, centre: float, width: float) -> float:
    """PS3.3 C.11.2.1.2.1, written down again."""
    if x <= centre - 0.5 - (width - 1) / 2:
        return 0.0
    if x > centre - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (centre - 0.5)) / (width - 1) + 0.5


@given(
    stored=st.integers(-32768, 32767),
    slope=st.sampled_from([1.0, 0.5, 2.25]),
    intercept=st.sampled_from([0.0, -1024.0]),
    centre=st.integers(-500, 500),
    width=st.integers(2, 4000),
)
def test_every_stored_value_gets_the_grey_of_the_linear_function(
    stored: int, slope: float, intercept: float, centre: int, width: int
) -> None:
    table = grey_level_table(slope, intercept, "<i2", Window(centre, width), inverted=False)
    expected = _linear(stored * slope + intercept, centre, width) * 255
    assert abs(float(table[stored % 65536]) - expected) <= 0.5 + 1e-6


def test_inversion_comes_last_and_is_exact() -> None:
    plain = grey_level_table(1.0, 0.0, "<i2", Window(40, 400), inverted=False)
    turned = grey_level_table(1.0, 0.0, "<i2", Window(40, 400), inverted=True)
    np.testing.assert_array_equal(turned, 255 - plain)


def test_an_inverted_palette_is_entered_from_its_other_end() -> None:
    quantity = ValueMap.identity(1)
    table = grey_table(quantity, 0, np.int16, Window(40, 400), inverted=True, palette="hot_iron")
    assert table[1000] == palette_table("hot_iron")[0]
    assert table[np.uint16(-1000 % 65536)] == palette_table("hot_iron")[255]


def test_padding_is_black_in_both_polarities() -> None:
    for inverted in (False, True):
        table = grey_level_table(1.0, 0.0, "<i2", Window(0, 100), inverted, (-2000, -1990))
        plain = grey_level_table(1.0, 0.0, "<i2", Window(0, 100), inverted)
        stored = np.arange(65536, dtype=np.uint16).view(np.int16)
        padded = (stored >= -2000) & (stored <= -1990)
        assert (table[padded] == 0).all()
        np.testing.assert_array_equal(table[~padded], plain[~padded])


def test_a_table_takes_the_place_of_the_function() -> None:
    entries = np.array([0, 65535, 32768, 65535], dtype="<u2")
    window = Window.of_table(VoiTable(10.0, 1.0, entries.tobytes()))
    table = grey_level_table(1.0, 0.0, "<i2", window, False)
    assert table[[0, 10, 11, 12, 13, 500]].tolist() == [0, 0, 255, 128, 255, 255]
    values = np.array([[9.0, 11.4, 12.0, np.nan]], dtype=np.float32)
    assert grey_levels(values, window).tolist() == [[0, 255, 128, 0]]


def test_eight_bit_values_have_a_table_of_256() -> None:
    table = grey_table(ValueMap.identity(1), 0, np.uint8, Window(128, 256))
    assert table.shape == (256,)
    assert table[0] == 0xFF000000
    assert table[255] == 0xFFFFFFFF


def test_the_slope_of_the_slice_applies() -> None:
    quantity = ValueMap(np.array([1.0, 2.0]), np.zeros(2))
    first = grey_table(quantity, 0, np.int16, Window(100.5, 201))
    second = grey_table(quantity, 1, np.int16, Window(100.5, 201))
    assert second[50] == first[100]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int8])
def test_a_look_up_equals_indexing(dtype: type) -> None:
    rng = np.random.default_rng(3)
    info = np.iinfo(dtype)
    stored = rng.integers(info.min, info.max, (13, 17), dtype=dtype, endpoint=True)
    table = grey_table(ValueMap.identity(1), 0, dtype, Window(40, 400))
    unsigned = stored.view(np.dtype(f"u{stored.dtype.itemsize}"))
    np.testing.assert_array_equal(looked_up(stored, table), table[unsigned])
    np.testing.assert_array_equal(looked_up(stored[:, ::2], table), table[unsigned[:, ::2]])


def test_undefined_values_are_black_even_when_inverted() -> None:
    values = np.array([[np.nan, 40.0]], dtype=np.float32)
    assert grey_levels(values, Window(40, 400))[0, 0] == 0
    assert grey_levels(values, Window(40, 400), inverted=True)[0, 0] == 0


@given(
    centre=st.floats(-2000, 5000),
    width=st.floats(1, 6000),
    function=st.sampled_from(list(WindowFunction)),
    inverted=st.booleans(),
)
def test_single_precision_pictures_follow_the_standards_function(
    centre: float, width: float, function: WindowFunction, inverted: bool
) -> None:
    window = Window(centre, width, function=function)
    values = np.random.default_rng(1).uniform(-3000, 7000, (40, 50)).astype(np.float32)
    values[3, :5] = (np.nan, -np.inf, np.inf, 3e38, -3e38)
    found = grey_levels(values, window, inverted=inverted)
    assert found.shape == values.shape
    assert found[3, 0] == 0
    share = windowed(np.nan_to_num(values, nan=-3e38), window)
    exact = (1 - share if inverted else share) * 255
    exact[3, 0] = 0
    assert np.abs(found - exact).max() <= 0.5 + 0.05


def test_a_sigmoid_passes_the_middle_at_its_centre() -> None:
    window = Window(100, 200, function=WindowFunction.SIGMOID)
    assert abs(int(grey_levels(np.array([100.0]), window)[0]) - 128) <= 1


def test_thirty_two_bit_values_have_no_table() -> None:
    with pytest.raises(InputRefused, match="look-up"):
        grey_level_table(1.0, 0.0, "<i4", Window(40, 400), inverted=False)


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(["<i2", "<u2", "|i1", "|u1"]),
    slope=st.sampled_from([1.0, -1.0, 0.25, 3.7, 1e-4, 1e5, -0.001]),
    intercept=st.floats(-2000, 2000),
    center=st.floats(-5e4, 9e4),
    width=st.floats(0.01, 1e5),
    function=st.sampled_from(list(WindowFunction)),
)
def test_the_whole_table_follows_the_standard_wherever_the_window_lies(
    kind: str,
    slope: float,
    intercept: float,
    center: float,
    width: float,
    function: WindowFunction,
) -> None:
    window = Window(
        center, width if function is not WindowFunction.LINEAR else width + 1, "", function
    )
    unsigned = np.dtype(f"u{np.dtype(kind).itemsize}")
    stored = np.arange(1 << (8 * unsigned.itemsize), dtype=unsigned).view(kind)
    table = grey_level_table(slope, intercept, kind, window, False)
    grey = windowed(stored * slope + intercept, window)
    np.testing.assert_array_equal(table, np.floor(grey * 255 + 0.5).astype(np.uint8))


def test_an_unknown_palette_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputRefused, match="hot_iron"):
        palette_table("purple haze")


@pytest.mark.parametrize("name", ["grey", "hot_iron", "hot_metal_blue", "viridis"])
def test_palettes_grow_lighter_from_end_to_end(name: str) -> None:
    light = PALETTES[name].astype(float) @ (0.2126, 0.7152, 0.0722)
    assert PALETTES[name].shape == (256, 3)
    assert (np.diff(light) > -1.0).all()
    assert light[-1] > light[0] + 150
