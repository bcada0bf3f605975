"""The camera of the 3-D view is a plane: letters and places are read off it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.rendering.camera import VIEW_AXES, Camera, ViewName

BOX = np.array([[-150.0, -100.0, 900.0], [150.0, 120.0, 1200.0]])
LETTERS: dict[ViewName, str] = {  # left, right, top, bottom of the screen
    "anterior": "RLHF",
    "posterior": "LRHF",
    "left": "APHF",
    "right": "PAHF",
    "head": "LRAP",
    "feet": "RLAP",
}
drags = st.tuples(st.floats(-400, 400), st.floats(-400, 400))


@pytest.mark.parametrize("view", VIEW_AXES)
def test_each_view_has_the_letters_of_a_reader_standing_there(view: ViewName) -> None:
    letters = Camera.facing(BOX, view, (300, 200)).plane.letters()
    assert "".join(letters[edge] for edge in ("left", "right", "top", "bottom")) == LETTERS[view]


@pytest.mark.parametrize("view", VIEW_AXES)
def test_each_view_shows_the_whole_box(view: ViewName) -> None:
    plane = Camera.facing(BOX, view, (300, 200)).plane
    xy = plane.pixel(BOX)[:, :2]
    assert (xy > 0).all()
    assert (xy < np.array(plane.size_px) - 1).all()


@given(drags, drags)
def test_turning_leaves_the_pivot_on_its_pixel(
    first: tuple[float, float], then: tuple[float, float]
) -> None:
    camera = Camera.facing(BOX, "anterior", (300, 200)).panned(17, -9)
    turned = camera.turned(*first).turned(*then)
    np.testing.assert_allclose(
        turned.plane.pixel(turned.pivot_lps_mm)[:2],
        camera.plane.pixel(camera.pivot_lps_mm)[:2],
        atol=1e-6,
    )
    assert turned.plane.pixel_mm == camera.plane.pixel_mm


def test_the_near_side_follows_the_pointer() -> None:
    camera = Camera.facing(BOX, "anterior", (300, 200))
    near = camera.pivot_lps_mm - camera.plane.normal * 50
    before = camera.plane.pixel(near)
    assert camera.turned(10, 0).plane.pixel(near)[0] > before[0]
    assert camera.turned(0, 10).plane.pixel(near)[1] > before[1]


def test_half_a_turn_across_the_pane_shows_the_other_side() -> None:
    turned = Camera.facing(BOX, "anterior", (300, 200)).turned(200, 0)
    assert turned.plane.letters() == Camera.facing(BOX, "posterior", (300, 200)).plane.letters()


@given(st.floats(0.2, 5))
def test_zooming_keeps_the_middle_and_scales_the_rest(factor: float) -> None:
    camera = Camera.facing(BOX, "left", (300, 200))
    zoomed = camera.zoomed(factor)
    np.testing.assert_allclose(zoomed.plane.centre_lps_mm, camera.plane.centre_lps_mm, atol=1e-6)
    assert zoomed.plane.pixel_mm == pytest.approx(camera.plane.pixel_mm / factor)


def test_zooming_ends_before_numbers_do() -> None:
    camera = Camera.facing(BOX, "left", (300, 200))
    for factor in (1e-9, 1e9):
        for _ in range(3):
            camera = camera.zoomed(factor)
        assert 1e-3 <= camera.plane.pixel_mm <= 1e3


def test_a_larger_pane_shows_the_same_part_larger() -> None:
    camera = Camera.facing(BOX, "anterior", (300, 200)).resized((900, 400))
    assert camera.plane.size_px == (900, 400)
    assert camera.plane.pixel(camera.pivot_lps_mm)[:2] == pytest.approx((449.5, 199.5))
    again = camera.resized((300, 200)).plane
    assert again.pixel_mm == pytest.approx(
        Camera.facing(BOX, "anterior", (300, 200)).plane.pixel_mm
    )
