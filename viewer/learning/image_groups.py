"""Pictures that show nearly the same: they belong on one side of every split."""

import numpy as np
from numpy.typing import NDArray

from viewer.inference.image_input import area_averaged

_SIDE = 32  # the picture is reduced to this before its spectrum is taken
_KEPT = 16  # lowest frequencies each way: 255 signs, without the mean
NEAR = 52  # of 255 signs that may differ; two unrelated pictures differ in about half


def perceptual_hash(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return 255 signs that hardly change with size, brightness, contrast or compression.

    The signs of the lowest frequencies of the cosine transform of a small copy, against their
    median (the "pHash" of Zauner 2010).
    """
    from scipy.fft import dctn

    spectrum = dctn(area_averaged(grey, _SIDE, _SIDE).astype(np.float64), norm="ortho")
    low = spectrum[:_KEPT, :_KEPT].ravel()[1:]
    return np.asarray(low > np.median(low))


def near_duplicates(greys: NDArray[np.float32], most_apart: int = NEAR) -> NDArray[np.int64]:
    """Return the group (n,) of each picture (n, rows, columns): near-duplicates share a number.

    Mirrored copies count as well (left and right breast, or a turned probe). Groups are chains:
    where A is near B and B near C, all three are one group. The smallest number of a group is the
    first of its pictures.
    """
    plain = np.stack([perceptual_hash(one) for one in greys]).astype(np.int16)
    mirrored = np.stack([perceptual_hash(one[:, ::-1]) for one in greys]).astype(np.int16)
    n_signs = plain.shape[1]
    groups = np.arange(len(greys))
    for other in (plain, mirrored):
        # (1 - 2a)(1 - 2b) sums to the signs in common less those that differ.
        agree = (1 - 2 * plain).astype(np.float32) @ (1 - 2 * other).astype(np.float32).T
        apart = (n_signs - agree) / 2
        for first, second in np.argwhere(apart <= most_apart):
            if first < second:
                a, b = groups[first], groups[second]
                groups[groups == max(a, b)] = min(a, b)
    return groups.astype(np.int64)


def without_straddlers(
    groups: NDArray[np.int64], is_training: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which pictures to train on: those whose group holds no picture kept for testing."""
    kept_back = set(groups[~is_training].tolist())
    return np.array(
        [
            bool(train) and int(g) not in kept_back
            for g, train in zip(groups, is_training, strict=True)
        ]
    )
