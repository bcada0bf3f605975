"""Tiles cover everything, and blending is a weighted mean."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from viewer.inference.tiling import Blend, blend_weights, starts, tile_size, tiles

_SIZES = st.tuples(*[st.integers(1, 60)] * 3)
_TILES = st.tuples(*[st.integers(8, 32)] * 3)


@given(_SIZES, _TILES)
def test_every_voxel_lies_in_a_tile_and_no_tile_leaves_the_volume(
    shape: tuple[int, int, int], tile: tuple[int, int, int]
) -> None:
    seen = np.zeros(shape, dtype=int)
    for block in tiles(shape, tile):
        assert all(0 <= b.start < b.stop <= n for b, n in zip(block, shape, strict=True))
        seen[block] += 1
    assert seen.min() >= 1


@given(st.integers(1, 400), st.integers(8, 64))
def test_neighbouring_tiles_overlap_by_at_least_a_quarter(length: int, tile: int) -> None:
    found = starts(length, tile)
    assert found[0] == 0
    assert found[-1] == max(0, length - tile)
    steps = np.diff(found)
    assert (steps > 0).all()
    assert (steps <= np.ceil(tile * 0.75)).all()


@given(_SIZES, _TILES, st.floats(-3, 3))
def test_blending_one_value_gives_that_value_everywhere(
    shape: tuple[int, int, int], tile: tuple[int, int, int], value: float
) -> None:
    fitted = tile_size(shape, (tile[0] // 8 * 8, tile[1] // 8 * 8, tile[2] // 8 * 8))
    blend = Blend(shape)
    weights = blend_weights(fitted)
    for block in tiles(shape, fitted):
        blend.add(block, np.full(fitted, value, dtype=np.float32), weights)
    np.testing.assert_allclose(blend.result(), value, rtol=1e-4, atol=1e-6)


def test_a_small_volume_takes_one_tile_of_a_multiple_of_eight() -> None:
    assert tile_size((5, 17, 300), (80, 112, 112)) == (8, 24, 112)


def test_the_middle_of_a_tile_counts_most() -> None:
    weights = blend_weights((16, 16, 16))
    assert weights.min() > 0
    assert weights[7, 7, 7] == weights.max()
