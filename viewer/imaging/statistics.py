"""Statistics of regions: one definition for every view (field.md 4.7).

A voxel counts if its centre lies in the region, on the voxel layer nearest to the shape's plane. SD
divides by N. Values are the picture's quantity, never the enhanced picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Floats, Grid, nearest, unit
from viewer.domain.volume import Picture
from viewer.errors import InputRefused

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RoiStatistics:
    """Count, mean, SD (divided by N), extremes and median of a region, in ``unit``.

    ``skewness`` and ``excess_kurtosis`` (0 for a normal distribution) are those of IBSI (KE2M,
    IPH6: moments divided by N), None where all values are equal: then they are not defined.
    ``n_padding`` voxels of the region are padding and were left out of all of these.
    """

    n: int
    mean: float
    sd: float
    minimum: float
    maximum: float
    median: float
    unit: str
    slices_k: tuple[int, ...]
    n_padding: int = 0
    skewness: float | None = None
    excess_kurtosis: float | None = None


def statistics_of(picture: Picture, voxels_ijk: Indices) -> RoiStatistics:
    """Return the statistics of voxels (n, 3) given as (i, j, k).

    Raises
    ------
    InputRefused
        There is none, one lies in a slice that was not read, or the picture is coloured.
    """
    values, k = values_in(picture, voxels_ijk)
    skewness, kurtosis = _shape_of(values)
    return RoiStatistics(
        len(values),
        float(values.mean()),
        float(values.std()),
        float(values.min()),
        float(values.max()),
        float(np.median(values)),
        picture.quantity.unit,
        tuple(int(n) for n in np.unique(k)),
        len(voxels_ijk) - len(values),
        skewness,
        kurtosis,
    )


def values_in(
    picture: Picture, voxels_ijk: Indices
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values of voxels (n, 3) that are no padding, and their slices; raises as above."""
    if not len(voxels_ijk):
        raise InputRefused("No voxel's centre lies inside the region.", remedy="Draw it larger.")
    if picture.is_colour:
        raise InputRefused("Colour has no single value to measure.")
    i, j, k = voxels_ijk.T
    if not picture.loaded_k[k].all():
        raise InputRefused("The region touches images that have not been read.")
    stored = picture.stored[k, j, i]
    imaged = ~picture.quantity.is_padding(stored)
    if not imaged.any():
        raise InputRefused("The region holds padding alone: nothing was imaged there.")
    k = k[imaged]
    return picture.quantity.values_at(stored[imaged], k), k


def _shape_of(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return skewness and excess kurtosis of IBSI; None where the values do not differ."""
    away = values - values.mean()
    variance = float((away**2).mean())
    if variance <= 1e-18 * max(1.0, float(np.abs(values).max()) ** 2):
        return None, None
    skewness = float((away**3).mean()) / variance**1.5
    return skewness, float((away**4).mean()) / variance**2 - 3.0


def mask_statistics(picture: Picture, mask: NDArray[np.bool_]) -> RoiStatistics:
    """Return the statistics of the voxels where ``mask`` (k, j, i) is true."""
    return statistics_of(picture, np.argwhere(mask)[:, ::-1])


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in the patient: centre and two perpendicular half-axes (vectors, mm)."""

    centre: Floats
    first: Floats
    second: Floats

    @classmethod
    def of(cls, points_lps_mm: ArrayLike) -> "Ellipse":
        """Return the ellipse of (centre, end of the first half-axis, end of the second).

        Raises
        ------
        InputRefused
            A half-axis has no length, or they do not stand at a right angle.
        """
        centre, a, b = np.asarray(points_lps_mm, dtype=np.float64)
        first, second = a - centre, b - centre
        if min(np.linalg.norm(first), np.linalg.norm(second)) < 1e-6:
            raise InputRefused("An ellipse without extent has no statistics.")
        if abs(float(unit(first) @ unit(second))) > 1e-3:
            raise InputRefused("The axes of an ellipse must stand at a right angle.")
        return cls(centre, first, second)

    @property
    def area_mm2(self) -> float:
        """Area of the shape itself."""
        return float(np.pi * np.linalg.norm(self.first) * np.linalg.norm(self.second))

    @property
    def normal(self) -> Floats:
        """Unit normal of its plane."""
        return unit(np.cross(self.first, self.second))

    def holds(self, points_lps_mm: Floats) -> NDArray[np.bool_]:
        """Return whether the projections of points (n, 3) on its plane lie inside or on it."""
        delta = points_lps_mm - self.centre
        a = delta @ self.first / float(self.first @ self.first)
        b = delta @ self.second / float(self.second @ self.second)
        return np.asarray(a * a + b * b <= 1 + 1e-9)

    def box_corners(self) -> Floats:
        """Return the four corners (4, 3) of the box around it."""
        signs = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)], dtype=np.float64)
        return self.centre + signs @ np.stack((self.first, self.second))


def layer_voxels(grid: Grid, corners_lps_mm: Floats, normal: Floats) -> tuple[Indices, int]:
    """Return the voxels (n, 3; i, j, k) of one layer around ``corners``, and the layer's axis.

    The layer has one voxel in each line of the grid along the axis whose steps lead furthest off
    the plane, the nearest one: for an acquired plane exactly that slice, for an oblique one a
    staircase without gaps. All voxels whose centres project into the box of ``corners`` are there.
    """
    columns = grid.ijk_to_lps[:3, :3]
    axis = int(np.argmax(np.abs(columns.T @ normal)))
    column = columns[:, axis]
    step = float(column @ normal)
    sizes = np.array(grid.shape_kji[::-1])
    # A centre lies up to half a step off the plane, and its projection that much aside.
    aside = np.abs(grid.lps_to_ijk[:3, :3] @ (column - step * normal)) / 2 + 1e-6
    index = grid.index(corners_lps_mm)
    low = np.clip(np.floor(index.min(axis=0) - aside), 0, sizes - 1).astype(np.int64)
    high = np.clip(np.ceil(index.max(axis=0) + aside), 0, sizes - 1).astype(np.int64)
    others = [n for n in range(3) if n != axis]
    spans = [np.arange(low[n], high[n] + 1) for n in others]
    mesh = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 2)
    voxels = np.zeros((len(mesh), 3), dtype=np.int64)
    voxels[:, others] = mesh
    # Where the line through (others) along ``axis`` meets the plane.
    start = (grid.world(voxels) - corners_lps_mm[0]) @ normal
    at = nearest(-start / step)
    voxels[:, axis] = at
    return voxels[(at >= 0) & (at < sizes[axis])], axis


def ellipse_voxels(picture: Picture, ellipse: Ellipse) -> Indices:
    """Return the voxels (n, 3; i, j, k) that an ellipse counts."""
    voxels, _ = layer_voxels(picture.grid, ellipse.box_corners(), ellipse.normal)
    return voxels[ellipse.holds(picture.grid.world(voxels))]


def ellipse_statistics(picture: Picture, points_lps_mm: ArrayLike) -> RoiStatistics:
    """Return the statistics of an ellipse (centre, half-axis end, half-axis end)."""
    return statistics_of(picture, ellipse_voxels(picture, Ellipse.of(points_lps_mm)))
