"""A thumbnail looks like the pane that its series is shown in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.intake.volumes import itk_image, the_picture, write_itk
from viewer.domain.volume import Display, Window
from viewer.imaging.value_chain import default_window, shown_inverted, windowed
from viewer.intake.decode import load, thumbnail
from viewer.intake.source import PictureSource

VALUES = np.tile(np.linspace(0, 15, 32 * 32, dtype=np.float32).reshape(1, 32, 32), (3, 1, 1))


@pytest.fixture
def source(tmp_path: Path) -> PictureSource:
    found = the_picture(write_itk(tmp_path / "a.mha", itk_image(VALUES)))
    assert found.grid is not None
    return replace(found, grid=None)  # square pixels: no row or column is left out


@pytest.mark.parametrize(
    ("unit", "display"),
    [
        ("{SUVbw}g/ml", Display()),
        ("1", Display(windows=(Window(4.0, 5.0), Window(1.0, 1.5)))),
        ("1", Display(windows=(Window(9.0, 6.0),), inverted=True)),
    ],
    ids=["SUV", "the file's window", "inverted by the file"],
)
def test_a_thumbnail_has_the_greys_of_the_pane(
    source: PictureSource, unit: str, display: Display
) -> None:
    source = replace(source, quantity=replace(source.quantity, unit=unit), display=display)
    picture = load(source)
    grey = windowed(VALUES[1], default_window(picture))
    if shown_inverted(picture):
        grey = 1 - grey
    found = thumbnail(source, 32) / 255
    np.testing.assert_allclose(found, grey, atol=0.51 / 255)
    assert found.max() - found.min() > 0.5


def test_pet_is_dark_where_there_is_much(source: PictureSource) -> None:
    source = replace(source, quantity=replace(source.quantity, unit="{SUVbw}g/ml"))
    found = thumbnail(source, 32)
    assert found[0, 0] > found[-1, -1]
    assert found[VALUES[1] > 6].max() <= 1
