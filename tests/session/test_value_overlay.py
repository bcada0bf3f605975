"""Values over a picture: their levels, their colours, and the mark that never leaves them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.domain.geometry import Plane, fitted_plane
from viewer.domain.volume import Volume
from viewer.imaging.section import section
from viewer.session.kept import Kept
from viewer.session.value_overlay import (
    coloured,
    over_section,
    overlay_of,
    positive_levels,
    signed_levels,
)
from viewer.testing.builders import a_volume


def a_ct() -> Volume:
    return a_volume((6, 12, 10)).build()


def plane_of(picture: Volume, k: int) -> Plane:
    point = picture.grid.world(np.array([5.0, 5.0, float(k)]))
    return fitted_plane(picture.grid, "axial", (64, 64)).through(point)


@settings(max_examples=30)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20))
def test_levels_give_the_values_back(values: list[float]) -> None:
    given_values = np.array(values, dtype=np.float32)
    levels = signed_levels(given_values)
    assert levels.min() >= 1
    np.testing.assert_allclose((levels.astype(float) - 128) / 127, given_values, atol=0.5 / 127)
    np.testing.assert_allclose(
        positive_levels(np.abs(given_values)) / 255, np.abs(given_values), atol=0.5 / 255 + 1e-7
    )


def test_what_the_network_did_not_see_has_no_colour() -> None:
    levels = signed_levels(np.array([[np.nan, 0.0, 1.0, -1.0]], dtype=np.float32))
    colours = coloured("explanation", levels, 0.5).colours
    assert colours[levels[0, 0], 3] == 0
    assert colours[levels[0, 1], 3] == 0
    assert colours[levels[0, 2], 3] == colours[levels[0, 3], 3] == 0.5
    assert (colours[levels[0, 2], :3] != colours[levels[0, 3], :3]).any()


def test_only_the_section_that_shows_values_is_marked() -> None:
    picture = a_ct()
    levels = np.zeros(picture.grid.shape_kji, dtype=np.uint8)
    levels[2] = 200
    overlay = overlay_of("doubt", picture, levels, "DOUBT", "yellow")
    for k, expected in ((2, ["DOUBT"]), (3, [])):
        plane = plane_of(picture, k)
        cut = section(picture, plane)
        layers, marks = over_section(Kept(), {"doubt": overlay}, picture, plane, cut)
        assert [mark.text for mark in marks] == expected
        assert len(layers) == len(expected)
    hidden = {"doubt": overlay.with_opacity(0.0)}
    plane = plane_of(picture, 2)
    assert over_section(Kept(), hidden, picture, plane, section(picture, plane)) == ((), ())


def test_an_opacity_stays_between_none_and_full() -> None:
    picture = a_ct()
    overlay = overlay_of("doubt", picture, np.zeros(picture.grid.shape_kji, np.uint8), "D", "")
    assert overlay.with_opacity(7.0).opacity == pytest.approx(1.0)
