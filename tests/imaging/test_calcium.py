"""Calcium scores that were worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.quantity import CALCIUM_SCORE, CALCIUM_VOLUME
from viewer.domain.volume import ValueMap, Volume
from viewer.errors import InputRefused
from viewer.imaging.calcium import calcium
from viewer.imaging.measuring import measured
from viewer.imaging.measuring_special import segment_calcium
from viewer.testing.builders import a_segmentation, a_volume

SHAPE = (4, 20, 20)


def a_heart() -> np.ndarray:
    """Return HU: four islands of one weight each, one too small, one below the threshold."""
    values = np.full(SHAPE, 40.0, dtype=np.float32)
    values[0, 2:4, 2:4] = 150  # 4 pixels, weight 1
    values[1, 5:7, 5:8] = 199.9  # 6 pixels, weight 1: just below 200
    values[1, 10:12, 10:12] = 250  # 4 pixels, of which
    values[1, 10, 10] = 320  # one makes the weight 3
    values[2, 3, 3] = 900  # 1 pixel of 0.5 mm2: too small
    values[2, 8, 8] = values[2, 9, 9] = 400  # two that touch at a corner: 1 mm2, weight 4
    values[3, 2:9, 2:9] = 129.9
    return values


def test_a_score_is_that_worked_out_by_hand() -> None:
    values = a_heart()
    found = calcium(values, np.ones(SHAPE, bool), pixel_mm2=0.5, slice_mm=3.0)
    # 4 x 0.5 x 1 + 6 x 0.5 x 1 + 4 x 0.5 x 3 + 2 x 0.5 x 4
    assert found.score == pytest.approx(2 + 3 + 6 + 4)
    assert found.n_islands == 4
    assert found.n_voxels == 16
    assert found.volume_mm3 == pytest.approx(16 * 0.5 * 3.0)


def test_other_distances_of_slices_are_scaled_to_three_millimetres() -> None:
    thin = calcium(a_heart(), np.ones(SHAPE, bool), pixel_mm2=0.5, slice_mm=1.5)
    assert thin.score == pytest.approx(7.5)


def test_only_the_region_counts() -> None:
    region = np.zeros(SHAPE, bool)
    region[1, :8] = True
    assert calcium(a_heart(), region, pixel_mm2=0.5, slice_mm=3.0).score == pytest.approx(3.0)


def a_study(pixel: float = 0.8, apart: float = 2.5) -> Volume:
    values = a_heart().astype(np.int16)
    return a_volume(SHAPE, spacing_ijk_mm=(pixel, pixel, apart)).with_values(values).build()


def test_an_outlined_region_and_a_segment_give_the_engine_s_score() -> None:
    volume = a_study()
    corners = volume.grid.world([(9, 9, 1), (13, 9, 1), (13, 13, 1), (9, 13, 1)])
    quantities, receipt = measured("calcium_score", corners, volume)
    by = {q.concept: q.value for q in quantities}
    assert by[CALCIUM_SCORE] == pytest.approx(4 * 0.64 * 3 * 2.5 / 3)
    assert "2.5 mm / 3 mm" in receipt.rule
    layer = a_segmentation(volume, np.ones(SHAPE, bool))
    whole, receipt = segment_calcium(layer, 1, volume)
    expected = calcium(
        volume.stored.astype(np.float32), np.ones(SHAPE, bool), pixel_mm2=0.64, slice_mm=2.5
    )
    assert whole[0].value == pytest.approx(expected.score)
    assert {q.concept: q.value for q in whole}[CALCIUM_VOLUME] == pytest.approx(expected.volume_mm3)
    assert receipt.mask_sha256 == layer.fingerprint(1)


def test_what_has_no_score_is_refused() -> None:
    volume = a_study()
    corners = volume.grid.world([(9, 9, 1), (13, 9, 1), (13, 13, 1), (9, 13, 1)])
    raw = replace(volume, quantity=ValueMap.identity(4, "1", ""))
    with pytest.raises(InputRefused, match="Hounsfield"):
        measured("calcium_score", corners, raw)
    across = volume.grid.world([(9, 9, 0), (13, 9, 0), (13, 9, 3), (9, 9, 3)])
    with pytest.raises(InputRefused, match="acquired slices"):
        measured("calcium_score", across, volume)
    with pytest.raises(InputRefused, match="empty"):
        segment_calcium(a_segmentation(volume, np.zeros(SHAPE, bool)), 1, volume)
