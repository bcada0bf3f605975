"""Instances from a predictor that knows its answer."""

import numpy as np
from numpy.typing import NDArray

from tests.inference.cards_for_tests import a_card, silent
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap
from viewer.inference.handover import Scan
from viewer.inference.instances import EXTENT_VOXELS, Detection, detections_in, without_doubles
from viewer.inference.pipeline import find

_TILE = (slice(0, 16), slice(0, 16), slice(0, 16))


def _answer(centres: list[tuple[int, int, int]], half: float) -> NDArray[np.float32]:
    logits = np.full((5, 16, 16, 16), -9.0, dtype=np.float32)
    logits[2:5] = half / EXTENT_VOXELS
    for at in centres:
        logits[(1, *at)] = 4.0
    return logits


def test_peaks_become_detections_with_the_size_read_there() -> None:
    (one,) = detections_in(_answer([(5, 6, 7)], 4.0), (slice(16, 32), *_TILE[1:]))
    assert one.centre_kji == (21.0, 6.0, 7.0)
    assert np.allclose(one.half_kji, 4.0)
    assert 0.98 < one.score < 0.983


def test_what_two_tiles_saw_is_one_and_neighbours_stay_two() -> None:
    sure = Detection((10, 10, 10), (4, 4, 4), 0.9)
    again = Detection((11, 10, 10), (4, 4, 4), 0.8)
    beside = Detection((10, 10, 15), (4, 4, 4), 0.7)
    assert without_doubles([again, beside, sure]) == [sure, beside]


class TwoBalls:
    """Marks grey above one half, and knows that two balls touch in the middle."""

    device = "test"

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = np.full((1, 5, *batch.shape[2:]), -9.0, dtype=np.float32)
        logits[:, 0] = (batch[:, 0] - 0.5) * 20
        logits[:, 2:5] = 5.0 / EXTENT_VOXELS
        for at in ((12, 12, 8), (12, 12, 16)):
            logits[(0, 1, *at)] = 5.0
        return logits


def test_touching_lesions_are_kept_apart_and_a_mask_without_a_centre_is_left_out() -> None:
    shape = (24, 24, 24)
    stored = np.full(shape, -1000.0, dtype=np.float32)
    k, j, i = np.indices(shape)
    for middle in ((12, 12, 8), (12, 12, 16), (3, 3, 3)):
        inside = sum((a - m) ** 2 for a, m in zip((k, j, i), middle, strict=True)) <= 17
        stored[inside] = 600.0
    grid = Grid.from_axes(shape, spacing_ijk_mm=(2, 2, 2))
    card = a_card(answers="instances", tile_kji=shape, min_volume_mm3=0.0)
    found = find(Scan(stored, grid, ValueMap.identity(24), "CT"), card, TwoBalls(), silent)
    assert len(found.volumes_mm3) == 2
    assert {int(found.labels[12, 12, 8]), int(found.labels[12, 12, 16])} == {1, 2}
    assert found.labels[3, 3, 3] == 0
    np.testing.assert_array_equal(found.labels[12, 12, :12] > 0, stored[12, 12, :12] > 0)
