"""What a pane shows instead of the original, and what it writes about that."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.chain import Chain, Step
from viewer.domain.geometry import acquired_plane
from viewer.domain.volume import ValueMap, Volume
from viewer.extensions.discover import load_extensions
from viewer.imaging.section import section
from viewer.rendering.lut import grey_levels
from viewer.rendering.palettes import DIFFERENCE
from viewer.session.enhanced_view import EnhancedView, difference_limit, enhanced_view
from viewer.session.enhancer import Enhancer
from viewer.testing.builders import a_volume

FILTERS = load_extensions().filters


def _volume() -> Volume:
    rng = np.random.default_rng(6)
    shape = (3, 40, 40)
    return a_volume(shape).with_values(rng.integers(-200, 300, shape)).build()


def _view(picture: Volume, *keys: str, **options: Any) -> EnhancedView:
    plane = acquired_plane(picture.grid, (80, 80), 1)
    cut = section(picture, plane, native=True)
    chain = Chain(tuple(Step(key) for key in keys))
    pane = ("axial", plane)
    return enhanced_view(Enhancer(FILTERS), FILTERS, picture, pane, cut, chain, **options)


@given(st.floats(1e-6, 1e9))
def test_the_scale_of_a_difference_is_a_round_number_that_holds_it(size: float) -> None:
    limit = difference_limit(np.array([[0.0, size], [-size, size / 2]], dtype=np.float32))
    assert size * 0.99 <= limit <= size * 2.6
    digits = f"{limit:.6e}"
    assert digits.startswith(("1.000000", "2.000000", "5.000000"))


def test_nothing_changed_has_a_scale_too() -> None:
    assert difference_limit(np.zeros((4, 4), np.float32)) == 1.0


def test_a_difference_is_enhanced_less_original_with_zero_in_the_middle() -> None:
    picture = _volume()
    plain, apart = _view(picture, "gaussian"), _view(picture, "gaussian", compare="difference")
    assert plain.values is not None
    assert apart.values is None
    assert apart.cut.values == pytest.approx(plain.values - picture.stored[1], abs=1e-3)
    assert apart.window is not None
    assert apart.window.center == 0
    assert apart.palette == "difference"
    assert not apart.split
    assert any("HU" in mark.text and "DIFFERENCE" in mark.text for mark in apart.marks)


def test_values_in_another_unit_say_so_and_take_a_window_of_their_own() -> None:
    picture = _volume()
    found = _view(picture, "sobel")
    assert found.marks[0].text.endswith("[HU/mm]")
    assert found.window is not None
    spectrum = _view(picture, "spectrum")
    assert spectrum.marks[0].text.endswith("[dB]")
    none = _view(picture, "sobel", compare="difference")
    assert any("another unit" in mark.text for mark in none.marks)
    assert _view(picture, "gaussian").window is None


def test_without_an_active_step_nothing_is_said() -> None:
    picture = _volume()
    plane = acquired_plane(picture.grid, (80, 80), 1)
    cut = section(picture, plane)
    chain = Chain((Step("gaussian", on=False),))
    found = enhanced_view(Enhancer(FILTERS), FILTERS, picture, ("axial", plane), cut, chain)
    assert (found.values, found.marks) == (None, ())


def test_colour_left_of_the_line_is_the_original() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (3, 40, 40, 3)).astype(np.uint8)
    picture = replace(_volume(), stored=rgb)
    found = _view(picture, "gaussian", split_x=40.0)
    assert np.array_equal(found.cut.values[:, :15], rgb[1][:, :15])
    assert not np.array_equal(found.cut.values[:, 25:], rgb[1][:, 25:])


def test_no_difference_is_black_however_small_the_unit() -> None:
    """The standard's LINEAR function shifts by half a unit, which here were thousands of steps."""
    picture = _volume()
    small = replace(picture, quantity=ValueMap(np.full(3, 1e-7), np.zeros(3), "mol"))
    found = _view(small, "gaussian", compare="difference")
    assert found.window is not None
    level = int(grey_levels(np.zeros((1, 1), dtype=np.float32), found.window)[0, 0])
    assert DIFFERENCE[level].max() <= 5
