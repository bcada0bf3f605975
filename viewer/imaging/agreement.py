"""How well two results agree; what is not defined says so as NaN."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.errors import InputRefused

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Confusion:
    """True and false, positives and negatives; measures without a case are NaN."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def of(cls, found: Mask, truth: Mask) -> "Confusion":
        """Return the counts over all elements.

        Raises
        ------
        InputRefused
            The masks have different shapes.
        """
        if found.shape != truth.shape:
            raise InputRefused(f"Masks of {found.shape} and {truth.shape} cannot be compared.")
        tp = int(np.count_nonzero(found & truth))
        fp = int(np.count_nonzero(found)) - tp
        fn = int(np.count_nonzero(truth)) - tp
        return cls(tp, fp, fn, truth.size - tp - fp - fn)

    @property
    def sensitivity(self) -> float:
        """Found of what is there."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Left alone of what is not there."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> float:
        """Right of what was found."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def accuracy(self) -> float:
        """Right of all."""
        return _share(self.tp + self.tn, self.tp + self.tn + self.fp + self.fn)

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|); NaN if both are empty (Dice 1945)."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """|A and B| / |A or B|; NaN if both are empty (Jaccard 1901)."""
        return _share(self.tp, self.tp + self.fp + self.fn)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


def dice(found: Mask, truth: Mask) -> float:
    """Return Dice's coefficient of two masks of one shape; NaN if both are empty."""
    return Confusion.of(found, truth).dice


def iou(found: Mask, truth: Mask) -> float:
    """Return intersection over union of two masks of one shape; NaN if both are empty."""
    return Confusion.of(found, truth).iou


def distance_95_mm(found: Mask, truth: Mask, spacing_kji_mm: tuple[float, float, float]) -> float:
    """Return the 95th percentile of the distances between two masks' borders, both ways pooled.

    Borders are the voxels with a neighbour (by faces) outside; distances run between their centres
    (Huttenlocher et al., IEEE Trans PAMI 15 (1993), 850-863, with a percentile for the maximum). NaN
    if a mask is empty.
    """
    from scipy import ndimage

    axes = [axis for axis in range(3) if found.shape[axis] > 1]
    cross = ndimage.generate_binary_structure(3, 1)
    for axis in set(range(3)) - set(axes):
        cross = cross.take([1], axis=axis)
    borders = [mask & ~ndimage.binary_erosion(mask, cross) for mask in (found, truth)]
    if not all(border.any() for border in borders):
        return nan
    away = [ndimage.distance_transform_edt(~border, spacing_kji_mm) for border in borders]
    both = np.concatenate((away[1][borders[0]], away[0][borders[1]]))
    return float(np.percentile(both, 95))


@dataclass(frozen=True, slots=True)
class LesionMatches:
    """Which true lesions were touched, and which found ones touch none (numbers of the labels)."""

    hit: tuple[int, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]


def lesion_matches(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> LesionMatches:
    """Return the lesions of ``truth`` that ``found`` touches, those it misses, and the false ones.

    Both are labels of one shape; one voxel in common is a touch.

    Raises
    ------
    InputRefused
        The labels have different shapes.
    """
    if found.shape != truth.shape:
        raise InputRefused(f"Labels of {found.shape} and {truth.shape} cannot be compared.")
    both = (found > 0) & (truth > 0)
    true_numbers = set(np.unique(truth).tolist()) - {0}
    found_numbers = set(np.unique(found).tolist()) - {0}
    hit = set(np.unique(truth[both]).tolist())
    right = set(np.unique(found[both]).tolist())
    return LesionMatches(
        tuple(sorted(hit)), tuple(sorted(true_numbers - hit)), tuple(sorted(found_numbers - right))
    )


def wilson_interval(successes: int, n: int, z: float = 1.959963985) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927); (NaN, NaN) without cases.

    Raises
    ------
    InputRefused
        More successes than cases, or a negative count.
    """
    if not 0 <= successes <= n:
        raise InputRefused("Successes must lie between 0 and the number of cases.")
    if n == 0:
        return nan, nan
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 and 1 rounding would leave the proportion itself just outside.
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


def bootstrap_interval(
    values: ArrayLike | Sequence[float], *, seed: int = 0, n_draws: int = 2000
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean over cases (Efron 1979), NaN left out."""
    cases = np.asarray(values, dtype=np.float64)
    cases = cases[np.isfinite(cases)]
    if not len(cases):
        return nan, nan
    draws = np.random.default_rng(seed).integers(0, len(cases), (n_draws, len(cases)))
    low, high = np.percentile(cases[draws].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
