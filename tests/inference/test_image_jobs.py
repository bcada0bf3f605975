"""A shown image as the grey picture that a classifier reads."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.inference.image_answers import SupervisorOf
from tests.inference.image_cards import an_image_card
from viewer.domain.geometry import Grid
from viewer.domain.volume import Display, ImageStack, ValueMap, Window, WindowFunction
from viewer.errors import InputRefused
from viewer.inference.image_jobs import GreyImage, classify_images, grey_of, segment_image
from viewer.jobs.job import Ticket
from viewer.testing.builders import an_identity

RAMP = np.linspace(0, 400, 64).reshape(1, 8, 8).astype(np.int16)


def a_film(stored: np.ndarray = RAMP, **changes: Any) -> ImageStack:
    """Return a film whose own window runs from 100 to 300."""
    window = Window(200.0, 200.0, function=WindowFunction.LINEAR_EXACT)
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    fields: dict[str, Any] = {
        "key": "1.2.3",
        "stored": stored,
        "grid": Grid(shape, np.eye(4)),
        "quantity": ValueMap.identity(shape[0]),
        "display": Display((window,)),
        "identity": an_identity(shape[0]),
    }
    return ImageStack(**{**fields, **changes})


def test_a_film_is_read_through_its_own_window() -> None:
    grey, notes = grey_of(a_film(), 0)
    assert np.allclose(grey, np.clip((RAMP[0] - 100) / 200, 0, 1), atol=1e-6)
    assert notes == ()


def test_a_film_that_shows_low_values_white_is_turned_round() -> None:
    film = a_film()
    turned = a_film(display=replace(film.display, inverted=True))
    assert np.allclose(grey_of(turned, 0)[0], 1 - grey_of(film, 0)[0], atol=1e-6)


def test_colour_is_read_where_it_is_grey_all_the_same() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    same = np.repeat(grey[..., None], 3, axis=3)
    assert np.allclose(grey_of(a_film(same), 0)[0], grey[0] / 255, atol=1e-6)
    red = same.copy()
    red[..., 0] += 50
    with pytest.raises(InputRefused, match="colour"):
        grey_of(a_film(red), 0)


def test_what_is_no_number_or_not_there_is_refused() -> None:
    broken = RAMP.astype(np.float32)
    broken[0, 3, 3] = np.nan
    with pytest.raises(InputRefused, match="finite"):
        grey_of(a_film(broken), 0)
    with pytest.raises(InputRefused, match="read yet"):
        grey_of(a_film(), 1)
    with pytest.raises(InputRefused, match="read yet"):
        grey_of(a_film(loaded_k=np.array([False])), 0)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (GreyImage("a", np.zeros((4, 90), dtype=np.float32)), "too small"),
        (GreyImage("b", np.zeros((20, 20), dtype=np.float32), "US"), "CR or DX"),
    ],
)
def test_a_picture_that_the_card_does_not_read_is_refused(image: GreyImage, words: str) -> None:
    with pytest.raises(InputRefused, match=words):
        classify_images(
            SupervisorOf(np.zeros((1, 5), np.float32)),  # type: ignore[arg-type]
            [image],
            an_image_card(),
            Ticket(),
        )


def test_a_segmenter_of_colour_pictures_reads_no_film() -> None:
    card = an_image_card(task="segment")
    with pytest.raises(InputRefused, match="colour"):
        segment_image(SupervisorOf(np.zeros(1, np.float32)), a_film(), card, Ticket())  # type: ignore[arg-type]
