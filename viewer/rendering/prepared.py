"""The volume as ray casting wants it: small, in the quantity, along the patient's axes.

Pure functions, fit for a worker thread: numpy and cv2 alone, no VTK.
"""

from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.domain.volume import Picture
from viewer.errors import Unsupported
from viewer.jobs.job import Ticket

# performance.md 6: half a chest CT; 200 x 200 x 200 voxels give 60 ms coarse frames on two cores.
SOFTWARE_VOXELS = 8_000_000
GPU_VOXELS = 128_000_000

_HU = "[hnsf'U]"
_AIR_HU = -500.0
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0
_LEVELS = 4095
_FINE = 1.6


@dataclass(frozen=True, eq=False)
class PreparedVolume:
    """A reduced volume: ``values`` (k, j, i) int16 on ``grid``.

    quantity = ``values * slope + intercept``. The index axes run as nearly along L, P and H as the
    acquisition allows. ``low`` is where tissue begins and ``high`` its 99th percentile, in the
    quantity; ``source_shape_kji`` tells what it was reduced from.
    """

    key: str
    values: NDArray[np.int16]
    grid: Grid
    slope: float
    intercept: float
    modality: str
    is_hu: bool
    low: float
    high: float
    source_shape_kji: tuple[int, int, int]

    def level(self, quantity: float) -> float:
        """Return the place of a quantity on the scale of ``values``."""
        return (quantity - self.intercept) / self.slope

    def quantities_at(self, points_lps_mm: Floats) -> Floats:
        """Return the trilinear quantity at points (n, 3); NaN outside the voxel centres' box."""
        return self._interpolated(self.grid.index(points_lps_mm))

    def differences_at(self, points_lps_mm: Floats) -> Floats:
        """Return how much the quantity changes over one voxel of mean size, at points (n, 3)."""
        index = self.grid.index(points_lps_mm)
        upper = np.array(self.grid.shape_kji[::-1], dtype=np.float64) - 1
        sizes = np.array(self.grid.spacing_ijk_mm) / np.mean(self.grid.spacing_ijk_mm)
        total = np.zeros(len(index))
        for axis in range(3):
            step = np.zeros(3)
            step[axis] = 1.0
            ahead = self._interpolated(np.minimum(index + step, upper))
            behind = self._interpolated(np.maximum(index - step, 0.0))
            total += ((ahead - behind) / (2 * sizes[axis])) ** 2
        return np.asarray(np.sqrt(total))

    def _interpolated(self, index: Floats) -> Floats:
        upper = np.array(self.grid.shape_kji[::-1], dtype=np.float64) - 1
        outside = ((index < -1e-6) | (index > upper + 1e-6)).any(axis=1)
        low = np.clip(np.floor(index), 0, upper - 1).astype(np.intp)
        part = np.clip(index - low, 0.0, 1.0)
        total = np.zeros(len(index))
        for corner in np.ndindex(2, 2, 2):
            at = low + corner
            weight = np.where(corner, part, 1 - part).prod(axis=1)
            total += weight * self.values[at[:, 2], at[:, 1], at[:, 0]]
        return np.where(outside, np.nan, total * self.slope + self.intercept)


def reduced_shape(
    shape_kji: tuple[int, int, int], spacing_ijk_mm: tuple[float, float, float], max_voxels: int
) -> tuple[int, int, int]:
    """Return the shape, at most ``max_voxels``, whose voxels are as nearly cubes as they can be.

    No axis gains voxels. At least two stay on each, for interpolation.
    """
    counts = np.array(shape_kji, dtype=np.float64)
    extents = counts * np.array(spacing_ijk_mm[::-1])

    def at(size_mm: float) -> tuple[int, int, int]:
        k, j, i = np.maximum(np.minimum(counts, np.floor(extents / size_mm)), 2).astype(int)
        return int(k), int(j), int(i)

    fine, coarse = float(min(spacing_ijk_mm)) * 0.999, float(extents.max())
    if np.prod(at(fine)) <= max_voxels:
        return at(fine)
    for _ in range(40):
        middle = (fine + coarse) / 2
        fine, coarse = (middle, coarse) if np.prod(at(middle)) > max_voxels else (fine, middle)
    return at(coarse)


def _is_hu(picture: Picture) -> bool:
    return picture.quantity.unit == _HU


def _sample(picture: Picture) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Return every n-th voxel (k, j, i) as a quantity, unread slices as NaN, and the steps."""
    steps = tuple(max(1, n // 64) for n in picture.grid.shape_kji)
    chosen_k = np.arange(0, picture.grid.shape_kji[0], steps[0])
    slices = []
    for k in chosen_k:
        values = picture.quantity.slice_values(picture.stored[k, :: steps[1], :: steps[2]], int(k))
        slices.append(values if picture.loaded_k[k] else np.full_like(values, np.nan))
    return np.stack(slices), (steps[0], steps[1], steps[2])


def _occupied(
    sample: NDArray[np.float32], air: float, steps: tuple[int, int, int], shape: tuple[int, ...]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return start and stop (kji) of the box that holds everything above ``air``, with a rim."""
    present = sample > air
    start, stop = [0, 0, 0], list(shape)
    if present.any():
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            found = np.flatnonzero(present.any(axis=others))
            start[axis] = max(0, (int(found[0]) - 1) * steps[axis])
            stop[axis] = min(shape[axis], (int(found[-1]) + 1) * steps[axis] + 1)
    # Interpolation needs two voxels on every axis.
    for axis in range(3):
        start[axis] = min(start[axis], shape[axis] - 2)
        stop[axis] = max(stop[axis], start[axis] + 2)
    return (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])


def _averaged(
    picture: Picture,
    start: tuple[int, int, int],
    stop: tuple[int, int, int],
    size: tuple[int, int, int],
    ticket: Ticket,
) -> NDArray[np.float32]:
    """Return the block averaged by area to ``size`` (kji); NaN where no slice was read."""
    total = np.zeros(size, dtype=np.float32)
    weights = np.zeros(size[0], dtype=np.float32)
    ratio = (stop[0] - start[0]) / size[0]
    for k in range(start[0], stop[0]):
        ticket.check()
        if not picture.loaded_k[k]:
            continue
        stored = picture.stored[k, start[1] : stop[1], start[2] : stop[2]]
        values = np.nan_to_num(picture.quantity.slice_values(stored, k))
        plane = cv2.resize(values, (size[2], size[1]), interpolation=cv2.INTER_AREA)
        low, high = k - start[0], k - start[0] + 1
        for d in range(int(low / ratio), min(size[0], int(np.ceil(high / ratio - 1e-9)))):
            weight = min(high, (d + 1) * ratio) - max(low, d * ratio)
            total[d] += np.float32(weight) * plane
            weights[d] += weight
    total[weights > 0] /= weights[weights > 0][:, None, None]
    total[weights == 0] = np.nan
    return total


def _softened(values: NDArray[np.float32], sizes_kji_mm: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the values after a 1-2-1 filter along the axes of fine sampling.

    Ray casting takes its shading from differences of neighbours; without this, noise and steps of
    8-bit data show as rings on every surface. Unread slices (NaN) keep to themselves.
    """
    soft = values
    for axis, size in enumerate(sizes_kji_mm):
        if size > _FINE * min(sizes_kji_mm):
            continue
        rim = [(1, 1) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(soft, rim, mode="edge")
        ahead, behind = (np.moveaxis(padded, axis, 0)[cut] for cut in (slice(2, None), slice(-2)))
        middle = np.moveaxis(soft, axis, 0)
        mixed = 0.5 * middle + 0.25 * (ahead + behind)
        soft = np.moveaxis(np.where(np.isfinite(mixed), mixed, middle), 0, axis)
    return soft


def _reduced_grid(
    grid: Grid, start: tuple[int, int, int], stop: tuple[int, int, int], size: tuple[int, int, int]
) -> Grid:
    """Return the grid of ``size`` voxels (kji) that fill the block ``[start, stop)``."""
    ratio_ijk = (np.array(stop) - np.array(start))[::-1] / np.array(size)[::-1]
    affine = grid.ijk_to_lps.copy()
    affine[:3, 3] = grid.world(np.array(start)[::-1] + (ratio_ijk - 1) / 2)
    affine[:3, :3] *= ratio_ijk
    return Grid(size, affine)


def _along_patient_axes(values: NDArray[np.int16], grid: Grid) -> tuple[NDArray[np.int16], Grid]:
    """Return the same voxels with i, j, k as nearly along L, P, H as a permutation allows."""
    cosines = grid.directions
    order = max(
        permutations(range(3)), key=lambda axes: sum(abs(cosines[n, a]) for n, a in enumerate(axes))
    )
    affine = np.eye(4)
    affine[:3, :3] = grid.ijk_to_lps[:3, order]
    affine[:3, 3] = grid.ijk_to_lps[:3, 3]
    turned = values.transpose([2 - a for a in order[::-1]])
    for axis in range(3):
        if cosines[axis, order[axis]] < 0:
            turned = np.flip(turned, axis=2 - axis)
            affine[:3, 3] += affine[:3, axis] * (turned.shape[2 - axis] - 1)
            affine[:3, axis] *= -1
    k, j, i = turned.shape
    return np.ascontiguousarray(turned), Grid((k, j, i), affine)


def _quantised(
    values: NDArray[np.float32], *, is_hu: bool
) -> tuple[NDArray[np.int16], float, float]:
    """Return int16 levels with slope and intercept; what was not read becomes the lowest."""
    if is_hu:
        whole = np.clip(np.nan_to_num(values, nan=_LOWEST_HU), _LOWEST_HU, _HIGHEST_HU)
        return np.rint(whole).astype(np.int16), 1.0, 0.0
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    slope = (high - low) / _LEVELS if high > low else 1.0
    levels = np.rint((np.nan_to_num(values, nan=low) - low) / slope)
    return levels.astype(np.int16), slope, low


def prepare_volume(
    picture: Picture, max_voxels: int = SOFTWARE_VOXELS, ticket: Ticket | None = None
) -> PreparedVolume:
    """Return ``picture`` trimmed to what is not air, averaged to at most ``max_voxels``.

    Slices that are not read yet count as air. Averaging is by area, so that nothing aliases and
    every voxel keeps its place; grids of any orientation, handedness and shear are kept as such.

    Raises
    ------
    Unsupported
        Images without a place in the patient, colour, or fewer than two voxels along an axis.
    """
    shape = picture.grid.shape_kji
    if not picture.is_volume or picture.is_colour or min(shape) < 2:
        raise Unsupported(
            "There is no 3-D view of images that do not form a grey volume.",
            remedy="Choose a series of several parallel slices.",
        )
    is_hu = _is_hu(picture)
    sample, steps = _sample(picture)
    seen = sample[np.isfinite(sample)]
    low, high = np.percentile(seen, (1, 99.5)) if seen.size else (0.0, 1.0)
    air = _AIR_HU if is_hu else low + 0.06 * (high - low)
    start, stop = _occupied(sample, air, steps, shape)
    block = (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2])
    size = reduced_shape(block, picture.grid.spacing_ijk_mm, max_voxels)
    averaged = _averaged(picture, start, stop, size, ticket or Ticket())
    reduced = _reduced_grid(picture.grid, start, stop, size)
    softened = _softened(averaged, reduced.spacing_ijk_mm[::-1])
    levels, slope, intercept = _quantised(softened, is_hu=is_hu)
    values, grid = _along_patient_axes(levels, reduced)
    tissue = seen[seen > air]
    brightest = np.percentile(tissue, 99) if tissue.size else high
    return PreparedVolume(
        key=picture.key,
        values=values,
        grid=grid,
        slope=slope,
        intercept=intercept,
        modality=picture.identity.series.modality,
        is_hu=is_hu,
        low=float(air),
        high=float(max(brightest, air + 1e-6)),
        source_shape_kji=shape,
    )
