"""How far a correction moved a finding: overlap, volume, and distance of the surfaces."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.agreement import Confusion

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Correction:
    """``dice``, surface distances (mm) and volumes (mm3) of two versions of one finding.

    NaN where a figure is not defined: Dice of two empty masks, distances to an empty one.
    """

    dice: float
    before_mm3: float
    after_mm3: float
    mean_mm: float
    distance_95_mm: float

    @property
    def volume_change(self) -> float:
        """The change as a share of the volume before; NaN if that was empty."""
        if not self.before_mm3:
            return nan
        return (self.after_mm3 - self.before_mm3) / self.before_mm3


def correction(before: Mask, after: Mask, spacing_kji_mm: tuple[float, float, float]) -> Correction:
    """Return how ``after`` (k, j, i) differs from ``before``.

    Distances run between the centres of border voxels (those with a neighbour outside, by faces),
    both ways pooled: their mean (average symmetric surface distance) and their 95th percentile
    (Heimann et al., IEEE Trans Med Imaging 28 (2009), 1251-1265; Huttenlocher et al., IEEE Trans
    PAMI 15 (1993), 850-863). Only the box that holds both masks is looked at.

    Raises
    ------
    InputRefused
        The masks have different shapes.
    """
    counted = Confusion.of(after, before)
    voxel_mm3 = float(np.prod(spacing_kji_mm))
    volumes = (int(before.sum()) * voxel_mm3, int(after.sum()) * voxel_mm3)
    if not (before.any() and after.any()):
        return Correction(counted.dice, *volumes, nan, nan)
    away = surface_distances_mm(before, after, spacing_kji_mm)
    return Correction(counted.dice, *volumes, float(away.mean()), float(np.percentile(away, 95)))


def surface_distances_mm(
    one: Mask, two: Mask, spacing_kji_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Return the distance of every border voxel of each mask to the other's border (n,).

    Both masks hold a voxel at least.
    """
    from scipy import ndimage

    box = _box(one | two)
    cross = _cross(one.shape)
    borders = []
    for mask in (one, two):
        part = mask[box]
        borders.append(part & ~ndimage.binary_erosion(np.pad(part, 1), cross)[1:-1, 1:-1, 1:-1])
    away = [ndimage.distance_transform_edt(~border, spacing_kji_mm) for border in borders]
    return np.concatenate((away[1][borders[0]], away[0][borders[1]]))


def _cross(shape: tuple[int, ...]) -> Mask:
    """Return the neighbours by faces; along an axis of one voxel there are none."""
    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[1, 1, 1] = True
    for axis in range(3):
        if shape[axis] > 1:
            index: list[int | slice] = [1, 1, 1]
            index[axis] = slice(None)
            cross[tuple(index)] = True
    return cross


def _box(mask: Mask) -> tuple[slice, slice, slice]:
    spans = []
    for axis in range(3):
        rest = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(mask.any(axis=rest))
        spans.append(slice(int(used[0]), int(used[-1]) + 1))
    return spans[0], spans[1], spans[2]
