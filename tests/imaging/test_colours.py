"""Colours of segments, as readers with two kinds of cones see them."""

import numpy as np
import pytest

from viewer.imaging.colours import OKABE_ITO, SIGHT, apart, colour_of, seen

_JUST_SEEN = 2.3  # Mahy, Van Eycken & Oosterlinck, Color Res. Appl. 19 (1994)


def test_lab_of_known_colours() -> None:
    found = seen(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], dtype=float), "normal")
    expected = np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2]])
    assert np.allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("sight", SIGHT)
def test_grey_stays_grey_for_everybody(sight: str) -> None:
    _, a, b = seen(np.array([[128.0, 128.0, 128.0]]), sight)[0]
    assert abs(a) < 1
    assert abs(b) < 1


@pytest.mark.parametrize(("n", "least"), [(8, 4 * _JUST_SEEN), (32, 2 * _JUST_SEEN)])
def test_no_two_segments_look_alike_to_anybody(n: int, least: float) -> None:
    colours = np.array([colour_of(number) for number in range(1, n + 1)], dtype=float)
    found = apart(colours, colours)
    found[np.diag_indices(n)] = np.inf
    assert found.min() > least


def test_red_and_green_of_one_lightness_would_fail() -> None:
    red, green = np.array([[200.0, 90, 60]]), np.array([[130.0, 130, 50]])
    assert (
        apart(red, green)[0, 0] < 20 < np.linalg.norm(seen(red, "normal") - seen(green, "normal"))
    )


def test_numbers_begin_with_the_known_set_and_go_round() -> None:
    assert tuple(colour_of(n) for n in range(1, 9)) == OKABE_ITO
    assert colour_of(33) == colour_of(1)
