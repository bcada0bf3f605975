"""A correction's figures against closed forms and brute force."""

from math import isnan

import numpy as np
import pytest

from viewer.errors import InputRefused
from viewer.imaging.agreement import distance_95_mm
from viewer.imaging.correction import correction

SPACING = (2.5, 1.0, 0.5)


def _brick(k: slice, j: slice, i: slice) -> np.ndarray:
    mask = np.zeros((8, 12, 14), dtype=bool)
    mask[k, j, i] = True
    return mask


def test_the_same_mask_twice_has_no_distance() -> None:
    mask = _brick(slice(2, 5), slice(3, 8), slice(4, 9))
    found = correction(mask, mask, SPACING)
    assert (found.dice, found.mean_mm, found.distance_95_mm, found.volume_change) == (1, 0, 0, 0)
    assert found.before_mm3 == 3 * 5 * 5 * 1.25


def test_two_single_voxels_are_apart_by_the_way_between_them() -> None:
    one, two = (_brick(slice(2, 3), slice(3, 4), slice(i, i + 1)) for i in (2, 10))
    found = correction(one, two, SPACING)
    assert (found.dice, found.mean_mm, found.distance_95_mm) == (0, 4, 4)


def test_random_masks_agree_with_every_distance_counted() -> None:
    rng = np.random.default_rng(3)
    one, two = (rng.random((5, 6, 7)) > 0.8 for _ in range(2))
    found = correction(one, two, SPACING)
    borders = [_border(mask) * SPACING for mask in (one, two)]
    apart = np.linalg.norm(borders[0][:, None] - borders[1][None], axis=-1)
    every = np.concatenate((apart.min(axis=1), apart.min(axis=0)))
    assert found.mean_mm == pytest.approx(every.mean())
    assert found.distance_95_mm == pytest.approx(np.percentile(every, 95))


def test_a_flat_picture_has_its_border_in_the_plane() -> None:
    one, two = np.zeros((1, 9, 9), dtype=bool), np.zeros((1, 9, 9), dtype=bool)
    one[0, 1:8, 1:8], two[0, 2:8, 1:8] = True, True
    found = correction(one, two, SPACING)
    assert found.distance_95_mm == pytest.approx(distance_95_mm(one, two, SPACING))
    assert found.mean_mm > 0


def test_what_is_empty_has_no_distance_and_no_share() -> None:
    mask, empty = _brick(slice(2, 5), slice(3, 8), slice(4, 9)), np.zeros((8, 12, 14), dtype=bool)
    found = correction(empty, mask, SPACING)
    assert found.dice == 0
    assert isnan(found.mean_mm)
    assert isnan(found.volume_change)
    assert isnan(correction(empty, empty, SPACING).dice)


def test_masks_of_two_shapes_are_refused() -> None:
    with pytest.raises(InputRefused, match="cannot be compared"):
        correction(np.ones((1, 2, 3), dtype=bool), np.ones((3, 2, 1), dtype=bool), SPACING)


def _border(mask: np.ndarray) -> np.ndarray:
    """Return the indices of voxels with a neighbour by a face outside, one by one."""
    padded = np.pad(mask, 1)
    steps = [step for axis in np.eye(3, dtype=int) for step in (axis, -axis)]
    found = [
        at for at in np.argwhere(mask) if not all(padded[tuple(at + 1 + step)] for step in steps)
    ]
    return np.array(found, dtype=float)
