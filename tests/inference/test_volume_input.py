"""The channels of a tracer network, against closed forms."""

import numpy as np
import pytest

from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.errors import InputRefused
from viewer.inference.volume_input import (
    CLICK_SIGMA_MM,
    box_channel,
    click_channel,
    tracer_channels,
)

_GRID = Grid.from_axes((6, 7, 8), origin_lps_mm=(-10, 5, 20), spacing_ijk_mm=(4, 5, 6))


def test_uptake_lies_in_0_to_1_on_both_scales_whatever_comes() -> None:
    suv = np.array([-3.0, 0.0, 2.5, 5.0, 30.0, 1e9, np.nan, np.inf], dtype=np.float32)
    shaped = suv.reshape(1, 1, -1)
    seen = tracer_channels(shaped, np.zeros_like(shaped), np.zeros_like(shaped))[:, 0, 0]
    np.testing.assert_allclose(seen[0, :5], np.log1p([0, 0, 2.5, 5, 30]) / np.log(31), atol=1e-6)
    np.testing.assert_allclose(seen[1, :5], [0, 0, 0.5, 1, 1], atol=1e-6)
    assert np.isfinite(seen).all()
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_the_box_holds_exactly_the_voxel_centres_inside_it() -> None:
    box = (-7.0, 9.0, 25.0, 6.5, 31.0, 45.0)
    k, j, i = np.indices(_GRID.shape_kji)
    points = _GRID.world(np.stack((i, j, k), axis=-1))
    inside = ((points >= box[:3]) & (points <= box[3:])).all(axis=-1)
    np.testing.assert_array_equal(box_channel(_GRID, Prompt(box)) > 0, inside)
    assert inside.any()
    turned = Prompt((box[3], box[1], box[5], box[0], box[4], box[2]))
    assert turned == Prompt(box), "corners may come in any order"


def test_points_fall_off_as_gaussians_of_a_width_in_mm() -> None:
    points = (tuple(_GRID.world((2.0, 3.0, 1.0))), tuple(_GRID.world((6.2, 1.0, 4.0))))
    prompt = Prompt(points_lps_mm=tuple((float(x), float(y), float(z)) for x, y, z in points))
    k, j, i = np.indices(_GRID.shape_kji)
    places = _GRID.world(np.stack((i, j, k), axis=-1))
    away = np.min([np.linalg.norm(places - np.array(p), axis=-1) for p in points], axis=0)
    expected = np.exp(-0.5 * (away / CLICK_SIGMA_MM) ** 2)
    np.testing.assert_allclose(click_channel(_GRID, prompt), expected, atol=1e-6)


def test_without_a_prompt_both_channels_are_empty() -> None:
    assert not box_channel(_GRID, Prompt()).any()
    assert not click_channel(_GRID, Prompt()).any()


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 0, 1, 1), (0, 0, 0, 1, float("nan"), 1), (0, 0, 0, 1, 1)]
)
def test_a_box_without_extent_or_with_nonsense_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(InputRefused):
        Prompt(box)  # type: ignore[arg-type]


def test_a_point_that_is_no_place_is_refused() -> None:
    with pytest.raises(InputRefused):
        Prompt(points_lps_mm=((0.0, float("inf"), 1.0),))
