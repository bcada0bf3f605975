"""Many classes: the rolling slab against a full accumulator, and labels on another grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.inference.cards_for_tests import a_card, silent
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap
from viewer.inference.handover import Scan
from viewer.inference.many_classes import blended_classes, restored_labels
from viewer.inference.pipeline import find
from viewer.inference.tiling import Block, SlabBlend, blend_weights, tile_size, tiles

_CLASSES = 4


@settings(max_examples=15)
@given(st.tuples(st.integers(5, 30), st.integers(5, 20), st.integers(5, 20)), st.integers(0, 2**31))
def test_the_rolling_slab_gives_what_a_full_accumulator_gives(
    shape: tuple[int, int, int], seed: int
) -> None:
    tile = tile_size(shape, (8, 16, 8))
    blocks = list(tiles(shape, tile))
    random = np.random.default_rng(seed)
    logits = [random.normal(size=(_CLASSES, *tile)).astype(np.float32) for _ in blocks]
    weights = blend_weights(tile)
    total = np.zeros((_CLASSES, *shape), dtype=np.float32)
    for block, one in zip(blocks, logits, strict=True):
        inside = tuple(slice(0, b.stop - b.start) for b in block)
        total[(slice(None), *block)] += one[(slice(None), *inside)] * weights[inside]

    def logits_of(n: int, _block: Block) -> NDArray[np.float32]:
        return logits[n]

    found = blended_classes(shape, tile, _CLASSES, blocks, logits_of)
    np.testing.assert_array_equal(found, total.argmax(axis=0))


def test_the_slab_is_no_deeper_than_a_tile_however_long_the_volume() -> None:
    blend = SlabBlend(3, (400, 8, 8), (16, 8, 8))
    held = sum(a.nbytes for a in vars(blend).values() if isinstance(a, np.ndarray))
    assert held <= 400 * 64 + 16 * 64 * (3 * 4 + 1)


def test_where_no_tile_was_added_the_class_is_0() -> None:
    blend = SlabBlend(2, (24, 8, 8), (8, 8, 8))
    one = np.stack((np.zeros((8, 8, 8)), np.ones((8, 8, 8)))).astype(np.float32)
    blend.add((slice(16, 24), slice(0, 8), slice(0, 8)), one, blend_weights((8, 8, 8)))
    labels = blend.result()
    assert not labels[:16].any()
    assert (labels[16:] == 1).all()


def test_labels_come_back_unchanged_on_their_own_grid_and_with_smooth_borders_on_a_finer_one() -> (
    None
):
    grid = Grid.from_axes((10, 10, 10), spacing_ijk_mm=(2, 2, 2))
    labels = np.zeros((10, 10, 10), dtype=np.uint8)
    labels[2:5, 2:8, 2:8] = 3
    labels[5:8, 2:8, 2:8] = 1
    np.testing.assert_array_equal(restored_labels(labels, grid, grid, 4), labels)
    fine = Grid.from_axes((20, 20, 20), origin_lps_mm=(-0.5, -0.5, -0.5))
    found = restored_labels(labels, grid, fine, 4)
    assert set(np.unique(found)) == {0, 1, 3}
    for number in (1, 3):
        volume, expected = np.count_nonzero(found == number), 8 * np.count_nonzero(labels == number)
        assert abs(volume - expected) < 0.12 * expected


class ThreeGreys:
    """Class 1 in the middle of the grey range, class 2 above it."""

    device = "test"

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        grey = batch[:, :1]
        return np.concatenate((0.3 - grey, 0.2 - abs(grey - 0.5), grey - 0.7), axis=1) * 9


def test_classes_keep_their_numbers_names_and_volumes_also_where_one_is_not_there() -> None:
    stored = np.zeros((20, 24, 24), dtype=np.float32)
    stored[5:15, 6:12, 6:18] = 100.0
    stored[:2, :2, :2] = 200.0
    card = a_card(
        answers="classes",
        n_classes=3,
        classes=("background", "half", "whole"),
        scaling="window",
        window_low=0.0,
        window_high=100.0,
        modality="",
    )
    scan = Scan(stored, Grid.from_axes((20, 24, 24), spacing_ijk_mm=(2, 2, 2)),
                ValueMap.identity(20), "")  # fmt: skip
    found = find(scan, card, ThreeGreys(), silent)
    assert found.names == ("half", "whole")
    assert found.volumes_mm3[0] == 0.0
    np.testing.assert_array_equal(found.labels == 2, stored > 0)
    assert found.volumes_mm3[1] == pytest.approx(np.count_nonzero(stored) * 8.0)
