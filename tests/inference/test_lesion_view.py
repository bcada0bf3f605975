"""What a classifier sees of a lesion."""

import numpy as np
import pytest

from tests.inference.cards_for_tests import MassPredictor, a_card, silent
from viewer.inference.handover import Scan
from viewer.inference.lesion_view import flipped, lesion_view, scores
from viewer.testing.builders import a_volume, rotation

_CARD = a_card(task="classify", tile_kji=(16, 16, 16), spacing_ijk_mm=(1.5, 1.5, 1.5))


def test_the_lesion_lies_in_the_middle_of_its_view() -> None:
    builder = a_volume(
        (20, 30, 30), spacing_ijk_mm=(1, 1, 2), directions=rotation((1, 1, 0), 20), value_hu=-1000
    )
    centre = builder.grid.world((18, 11, 9))
    volume = builder.with_sphere(radius_mm=5, value_hu=100, centre_lps_mm=centre).build()
    mask = volume.stored == 100
    view = lesion_view(Scan.of(volume), mask, (0, 0, 0), _CARD)
    assert view.shape == (1, 16, 16, 16)
    assert view.min() >= 0
    assert view.max() <= 1
    weights = view[0] / view[0].sum()
    middle = [float((weights * axis).sum()) for axis in np.indices(view[0].shape)]
    np.testing.assert_allclose(middle, 7.5, atol=0.35)


@pytest.mark.parametrize("radius_mm", [4.0, 7.0, 11.0])
def test_a_lesion_fills_the_same_share_of_its_view_whatever_its_size(radius_mm: float) -> None:
    builder = a_volume((40, 60, 60), spacing_ijk_mm=(0.8, 0.8, 1.2), value_hu=-1000)
    centre = builder.grid.centre_lps_mm
    volume = builder.with_sphere(radius_mm=radius_mm, value_hu=600, centre_lps_mm=centre).build()
    view = lesion_view(Scan.of(volume), volume.stored == 600, (0, 0, 0), _CARD)
    # A ball whose radius is 1 / 5.5 of the side.
    share = 4 / 3 * np.pi / 5.5**3
    assert float(view.sum()) / view.size == pytest.approx(share, rel=0.05)


def test_what_lies_far_from_a_lesion_is_not_shown() -> None:
    builder = a_volume((40, 60, 60), value_hu=-1000)
    volume = builder.with_sphere(radius_mm=5, value_hu=100).build()
    mask = volume.stored == 100
    volume.stored[~mask] = 600  # as if everything else were bone
    view = lesion_view(Scan.of(volume), mask, (0, 0, 0), _CARD)[0]
    assert view[8, 8, 8] == pytest.approx(1100 / 1600, abs=0.01)
    assert view[0, 0, 0] == 0
    assert view[8, 8, 12] == 1


def test_the_eight_flips_are_all_different_and_hold_the_same_values() -> None:
    view = np.random.default_rng(1).random((1, 4, 4, 4), dtype=np.float32)
    flips = flipped(view)
    assert len({one.tobytes() for one in flips}) == 8
    for one in flips:
        np.testing.assert_array_equal(np.sort(one.ravel()), np.sort(view.ravel()))
    np.testing.assert_array_equal(flips[0], view)


def test_each_segment_gets_its_own_score_and_numbers_without_voxels_none() -> None:
    volume = a_volume((16, 40, 40), value_hu=-900).build()
    labels = np.zeros((16, 40, 40), dtype=np.uint8)
    labels[4:12, 4:12, 4:12] = 1
    labels[6:8, 30:32, 30:32] = 3
    volume.stored[labels == 1] = 200
    found = scores(Scan.of(volume), labels, _CARD, MassPredictor(), silent)
    assert list(found) == [1, 3]
    assert found[1] > found[3]


def test_the_cards_temperature_draws_scores_to_the_middle() -> None:
    volume = a_volume((16, 40, 40), value_hu=-900).build()
    labels = np.zeros((16, 40, 40), dtype=np.uint8)
    labels[6:8, 30:32, 30:32] = 1
    warm = a_card(**{**_fields(), "options": (("temperature", 4.0),)})
    plain = scores(Scan.of(volume), labels, _CARD, MassPredictor(), silent)[1]
    drawn = scores(Scan.of(volume), labels, warm, MassPredictor(), silent)[1]
    assert abs(drawn - 0.5) < abs(plain - 0.5)


def _fields() -> dict[str, object]:
    return {"task": "classify", "tile_kji": (16, 16, 16), "spacing_ijk_mm": (1.5, 1.5, 1.5)}
