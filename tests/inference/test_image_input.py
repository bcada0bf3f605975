"""Pictures as networks see them, against OpenCV and closed forms."""

import cv2
import numpy as np
import pytest

from tests.inference.image_cards import a_fundus, an_image_card
from viewer.errors import InputRefused
from viewer.inference.image_input import (
    area_averaged,
    field_of,
    fundus_channels,
    grey_from,
    prepared,
    squared,
    standardised,
)


def greys(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(shape).astype(np.float32)


@pytest.mark.parametrize("size", [(28, 28), (7, 28), (13, 9)])
def test_area_averages_are_those_of_opencv(size: tuple[int, int]) -> None:
    grey = greys(56, 84)
    wanted = cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA)
    found = area_averaged(grey, *size)
    assert found.shape == size
    assert np.allclose(found, wanted, atol=1e-5)
    assert found.mean() == pytest.approx(float(grey.mean()), abs=1e-5)


def test_an_area_average_at_the_same_size_changes_nothing() -> None:
    grey = greys(16, 20)
    assert np.allclose(area_averaged(grey, 16, 20), grey, atol=1e-6)


def test_exposure_and_contrast_of_a_film_do_not_matter() -> None:
    films = greys(3, 16, 16)
    assert np.allclose(
        standardised(films),
        standardised(np.asarray(films * 0.4 + 0.3, dtype=np.float32)),
        atol=1e-4,
    )
    assert np.allclose(standardised(films).mean(axis=(1, 2)), 0, atol=1e-5)
    assert np.allclose(standardised(films).std(axis=(1, 2)), 1, atol=1e-4)


def test_a_film_of_one_grey_becomes_nothing() -> None:
    assert not standardised(np.full((1, 8, 8), 0.7, dtype=np.float32)).any()


def test_squares_are_cut_or_padded_about_the_middle() -> None:
    wide = greys(1, 4, 6)
    assert np.array_equal(squared(wide, "crop"), wide[:, :, 1:5])
    padded = squared(wide, "pad")
    assert padded.shape == (1, 6, 6)
    assert np.array_equal(padded[:, 1:5], wide)
    assert not padded[:, 0].any()


def test_pictures_come_at_the_cards_size_with_one_channel() -> None:
    assert prepared(greys(2, 40, 30), an_image_card()).shape == (2, 1, 16, 16)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[[0, 255]]], dtype=np.uint8), [0, 1]),
        (np.array([[[0, 65535]]], dtype=np.uint16), [0, 1]),
        (np.array([[[0.25, 0.5]]]), [0.25, 0.5]),
        (np.array([[[-100, 300]]], dtype=np.int16), [0, 1]),
    ],
)
def test_greys_of_each_dtype(values: np.ndarray, wanted: list[float]) -> None:
    assert grey_from(values, "").ravel() == pytest.approx(wanted)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((2, 4, 4, 3), dtype=np.uint8),
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((0, 4, 4)),
        np.zeros((2, 0, 4)),
        np.full((1, 4, 4), np.nan),
        np.full((1, 4, 4), np.inf),
        np.zeros((1, 4, 4), dtype=np.complex64),
        np.full((1, 4, 4), "x"),
    ],
)
def test_what_is_no_grey_picture_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InputRefused):
        grey_from(values, "here")


def test_the_field_is_the_bright_disc_with_its_dark_vessels() -> None:
    colour, _ = a_fundus(120, 140)
    colour[5, 5] = 255  # a speck beside it
    field = field_of(colour.astype(np.float32) / np.float32(255))
    y, x = np.mgrid[:120, :140]
    disc = (y - 60) ** 2 + (x - 70) ** 2 < (0.46 * 120) ** 2
    assert (field & disc).sum() / (field | disc).sum() > 0.9
    assert not field[5, 5]


def test_the_local_contrast_does_not_see_uneven_light() -> None:
    colour, lines = a_fundus(120, 120)
    light = np.linspace(0.5, 1.0, 120)[None, :, None]
    field = field_of(colour.astype(np.float32) / np.float32(255))
    even = fundus_channels(colour.astype(np.float32) / np.float32(255), field)
    uneven = fundus_channels((colour * light).astype(np.float32) / np.float32(255), field)
    inner = np.zeros_like(field)
    inner[30:90, 30:90] = True
    assert np.corrcoef(even[0][inner], uneven[0][inner])[0, 1] > 0.97
    assert even[0][lines & inner].max() < even[0][~lines & inner].min()
    assert not even[:, ~field].any()
    assert even.shape == (4, 120, 120)
