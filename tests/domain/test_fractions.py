"""Fractions beside a mask: kept as found, and whole or nothing where the mask was changed since."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from viewer.domain.fractions import WHOLE, Fractions, levels_of_membership, whole_levels
from viewer.errors import Damaged, InputRefused

SHAPES = st.tuples(*(st.integers(1, 5),) * 3)
LEVELS = SHAPES.flatmap(lambda shape: arrays.arrays(np.uint8, shape))


@given(LEVELS, st.floats(0.5, 254.5))
def test_levels_come_back_where_the_mask_says_the_same(
    levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], at_least: float
) -> None:
    kept = Fractions.of(levels, at_least)
    if kept is None:
        assert not levels.any()
        return
    assert np.array_equal(kept.on(levels >= at_least), levels)
    turned = kept.on(levels < at_least)
    assert set(np.unique(turned).tolist()) <= {0, WHOLE}
    assert np.array_equal(turned > 0, levels < at_least)
    assert kept == Fractions.of(levels, at_least)  # equality is by value


@given(
    arrays.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)), st.floats(0.05, 0.95)
)
def test_memberships_are_rounded_and_never_change_sides(
    membership: np.ndarray[tuple[int, ...], np.dtype[np.float32]], at_least: float
) -> None:
    mask = membership >= at_least
    levels = levels_of_membership(membership, mask, at_least)
    assert np.array_equal(levels >= at_least * WHOLE, mask)
    assert np.abs(levels / WHOLE - membership).max() <= 1.0 / WHOLE


def test_what_a_limit_took_out_of_the_mask_counts_as_nothing() -> None:
    membership = np.array([[[0.9, 0.9, 0.2]]], dtype=np.float32)
    mask = np.array([[[True, False, False]]])
    assert levels_of_membership(membership, mask, 0.5).tolist() == [[[230, 0, 51]]]


def test_a_block_lies_where_it_was_found() -> None:
    levels = np.zeros((3, 4, 5), dtype=np.uint8)
    levels[1, 2, 3] = 200
    kept = Fractions.of(levels, 127.5, start_kji=(10, 20, 30))
    assert kept is not None
    assert (kept.start_kji, kept.shape_kji) == ((11, 22, 33), (1, 1, 1))
    mask = np.zeros((20, 30, 40), dtype=bool)
    mask[11, 22, 33] = mask[0, 0, 0] = True
    told = kept.on(mask)
    assert told[11, 22, 33] == 200
    assert told[0, 0, 0] == WHOLE
    assert np.count_nonzero(told) == 2


def test_broken_fractions_are_refused() -> None:
    kept = Fractions.of(np.full((2, 2, 2), 9, dtype=np.uint8), 5)
    assert kept is not None
    for broken in (
        replace(kept, packed=b"no stream"),
        replace(kept, packed=kept.packed[:-6]),
        replace(kept, shape_kji=(2, 2, 1)),
        replace(kept, shape_kji=(2, 2, 3)),
    ):
        with pytest.raises(Damaged):
            broken.levels()
    with pytest.raises(Damaged, match="outside"):
        kept.on(np.zeros((1, 2, 2), dtype=bool))
    for at_least, maximum in ((-1.0, 255), (256.0, 255), (1.0, 0), (1.0, 256)):
        with pytest.raises(InputRefused):
            Fractions((0, 0, 0), (1, 1, 1), b"", at_least, maximum)
    assert whole_levels(np.array([True, False]), 7).tolist() == [7, 0]
