"""VOI windows against the formulas of PS3.3, written out literally."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.volume import Display, ValueMap, Volume, Window, WindowFunction
from viewer.errors import InputRefused
from viewer.imaging.value_chain import (
    PRESETS,
    default_window,
    full_window,
    percentile_window,
    windowed,
)
from viewer.testing.builders import a_volume

CENTERS = st.floats(-2000, 3000)
VALUES = st.floats(-5000, 5000)


def _linear(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.2.1 with ymin 0, ymax 1."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 1.0
    return (x - (c - 0.5)) / (w - 1) + 0.5


def _linear_exact(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.3.2."""
    if x <= c - w / 2:
        return 0.0
    if x > c + w / 2:
        return 1.0
    return (x - c) / w + 0.5


def _sigmoid(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.3.1."""
    return 1 / (1 + exp(-4 * (x - c) / w))


@given(VALUES, CENTERS, st.floats(1.001, 4000))
def test_linear_is_the_standards_formula(x: float, c: float, w: float) -> None:
    assert windowed(x, Window(c, w)) == pytest.approx(_linear(x, c, w), abs=1e-9)


@given(VALUES, CENTERS, st.floats(0.01, 4000))
def test_linear_exact_is_the_standards_formula(x: float, c: float, w: float) -> None:
    found = windowed(x, Window(c, w, function=WindowFunction.LINEAR_EXACT))
    assert found == pytest.approx(_linear_exact(x, c, w), abs=1e-9)


@given(VALUES, CENTERS, st.floats(20, 4000))
def test_sigmoid_is_the_standards_formula(x: float, c: float, w: float) -> None:
    found = windowed(x, Window(c, w, function=WindowFunction.SIGMOID))
    assert found == pytest.approx(_sigmoid(np.clip(x, c - 150 * w, c + 150 * w), c, w), abs=1e-12)


def test_the_standards_own_example_of_width_4096_holds() -> None:
    # PS3.3 C.11.2.1.2.1, note: centre 2048, width 4096 maps 0 to black and 4095 to white.
    assert windowed([0, 4095, 2047.5], Window(2048, 4096)).tolist() == [0.0, 1.0, 0.5]


def test_centre_0_width_100_runs_from_minus_50_to_49() -> None:
    found = windowed([-51, -50, -49.99, 48.99, 49, 50], Window(0, 100))
    assert (found == 0).tolist() == [True, True, False, False, False, False]
    assert (found == 1).tolist() == [False, False, False, False, True, True]


def test_a_width_of_1_is_a_threshold_half_below_the_centre() -> None:
    found = windowed([9.4, 9.5, 9.51, 10], Window(10, 1))
    assert found.tolist() == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize("width", [0.3, 1.0, 1.0000001, 1e-300, 1e300])
def test_extreme_widths_and_values_stay_between_black_and_white(
    function: WindowFunction, width: float
) -> None:
    found = windowed([-1e30, -1, 0, 1, 1e30], Window(0.0, width, function=function))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize("width", [1.0, 50.0])
def test_nan_stays_nan(function: WindowFunction, width: float) -> None:
    assert np.isnan(windowed([np.nan], Window(0.0, width, function=function))).all()


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_window_without_width_is_refused(width: float) -> None:
    with pytest.raises(InputRefused):
        Window(0.0, width)


def test_the_number_keys_are_the_presets_of_the_convention_book() -> None:
    assert {key: (w.width, w.center) for key, w in PRESETS.items()} == {
        1: (400, 40),
        2: (1500, -600),
        3: (150, 90),
        4: (2000, 400),
        5: (80, 40),
        6: (40, 40),
        7: (350, 50),
        8: (600, 300),
        9: (200, 75),
    }


def _ramp() -> Volume:
    return a_volume((4, 50, 50)).with_values(np.arange(10000)).build()


def test_the_percentile_window_spans_the_middle_of_the_values() -> None:
    window = percentile_window(_ramp(), 1, 99)
    assert window.center - window.width / 2 == pytest.approx(99.99, abs=0.01)
    assert window.center + window.width / 2 == pytest.approx(9899.01, abs=0.01)


def test_the_full_window_makes_the_lowest_black_and_the_highest_white() -> None:
    picture = _ramp()
    assert windowed([0, 9999], full_window(picture)).tolist() == [0.0, 1.0]


def test_windows_are_in_the_quantity_of_each_slice() -> None:
    quantity = ValueMap(np.array([1.0, -2.0]), np.array([0.0, 5.0]))
    picture = replace(a_volume((2, 4, 4), value_hu=100).build(), quantity=quantity)
    window = full_window(picture)
    assert (window.center, window.width) == (-47.5, 295.0)


def test_windows_look_at_slices_that_were_read_only() -> None:
    picture = replace(_ramp(), loaded_k=np.array([0, 1, 0, 0], dtype=bool))
    window = full_window(picture)
    assert (window.center - window.width / 2, window.center + window.width / 2) == (2500, 4999)
    low = percentile_window(picture, 0, 100)
    assert (low.center, low.width) == (window.center, window.width)


def test_a_picture_of_which_nothing_is_read_has_a_window() -> None:
    picture = replace(_ramp(), loaded_k=np.zeros(4, dtype=bool))
    assert full_window(picture).width > 0
    assert percentile_window(picture).width > 0


def test_a_constant_picture_has_a_window() -> None:
    picture = a_volume((2, 4, 4), value_hu=7).build()
    assert windowed(7, full_window(picture)) == pytest.approx(0.0, abs=1e-6)
    assert percentile_window(picture).width > 0


def test_values_that_are_not_finite_do_not_move_a_window() -> None:
    stored = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
    stored[0, 0, 0], stored[0, 0, 1] = np.nan, np.inf
    stored[1] = np.nan
    picture = replace(a_volume((2, 4, 4)).build(), stored=stored)
    window = full_window(picture)
    assert (window.center, window.width) == (8.5, 13.0)
    assert np.isfinite(percentile_window(picture).center)
    stored[...] = np.nan
    assert full_window(picture).width > 0


def _shown(display: Display, unit: str = "1") -> Volume:
    picture = _ramp()
    quantity = ValueMap.identity(4, unit)
    return replace(picture, display=display, quantity=quantity)


def test_the_files_own_window_comes_first() -> None:
    window = Window(11, 22, "file")
    assert default_window(_shown(Display((window,)), "[hnsf'U]")) == window


def test_without_one_for_all_slices_the_middle_slices_window_is_taken() -> None:
    windows = tuple(Window(k, 10) for k in range(4))
    assert default_window(_shown(Display(windows_k=windows))).center == 2


def test_without_a_window_ct_is_shown_as_soft_tissue_and_suv_from_0_to_6() -> None:
    assert default_window(_shown(Display(), "[hnsf'U]")) == PRESETS[1]
    suv = default_window(_shown(Display((Window(1, 2),)), "{SUVbw}g/ml"))
    assert (suv.center - suv.width / 2, suv.center + suv.width / 2) == (0.0, 6.0)


def test_without_any_knowledge_the_middle_of_the_values_is_shown() -> None:
    window = default_window(_shown(Display()))
    assert window.center == pytest.approx(4999.5, abs=1)
    assert window.name == "1-99 %"
