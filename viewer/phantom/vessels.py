"""Pulmonary vessels: random trees from the hila, tapering to the periphery."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.phantom.tissue import Build, Field, Points, soft

_HILA = ((-46.0, 8.0, 2.0), (48.0, 12.0, 2.0))
_SMALLEST_MM = 0.5


@dataclass(frozen=True, slots=True)
class Branch:
    """A straight piece of a vessel, millimetres."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float


def tree(build: Build, n_stems: int = 15) -> list[Branch]:
    """Return the branches of both lungs; those that leave the lungs are cut when they are drawn."""
    rng = np.random.default_rng((build.seed, 3))
    branches: list[Branch] = []
    for hilum in _HILA:
        for _ in range(n_stems):
            outward = np.array(
                [
                    np.sign(hilum[0]) * rng.uniform(0.3, 1.3),
                    rng.normal(0.15, 0.75),
                    rng.normal(0, 0.9),
                ]
            )
            start = np.array(hilum) + rng.normal(0, 5, 3)
            _grow(branches, rng, start * build.size, outward, float(rng.uniform(2.4, 4.4)), 0)
    return branches


def _grow(
    branches: list[Branch],
    rng: np.random.Generator,
    start: Floats,
    direction: Floats,
    radius: float,
    depth: int,
) -> None:
    if radius < _SMALLEST_MM or depth > 9:
        return
    direction = direction / np.linalg.norm(direction)
    end = start + direction * rng.uniform(9, 19)
    branches.append(Branch(tuple(start), tuple(end), radius))
    # Murray's law (1926): cubes of the radii add up at a fork.
    share = rng.uniform(0.35, 0.8)
    for part in (share, 1 - share):
        bend = direction + rng.normal(0, 0.42, 3)
        _grow(branches, rng, end, bend, radius * part ** (1 / 3) * 0.93, depth + 1)


def hila_mm(p: Points, build: Build) -> Field:
    """Return the distance (mm) to the nearer of the two roots of the vessels."""
    right, left = (
        (p.x - np.float32(x * build.size)) ** 2
        + (p.y - np.float32(y * build.size)) ** 2
        + (p.z - np.float32(z * build.size)) ** 2
        for x, y, z in _HILA
    )
    return np.asarray(np.sqrt(np.minimum(right, left)), dtype=np.float32)


def draw(values: Field, branches: list[Branch], grid: Grid, lung: Field, hu: float) -> None:
    """Blend the branches into ``values`` (k, j, i), inside the lungs only."""
    low, high = _boxes(grid, branches)
    parts = _parts(grid)
    for n in np.flatnonzero((low < high).all(axis=1)):
        (i0, j0, k0), (i1, j1, k1) = low[n].tolist(), high[n].tolist()
        box = (slice(k0, k1), slice(j0, j1), slice(i0, i1))
        inside = lung[box] < 0.5
        if not inside.any():
            continue
        points = parts[0][:, k0:k1] + parts[1][:, :, j0:j1] + parts[2][:, :, :, i0:i1]
        occupancy = soft(_distance(points, branches[n]), 0.9) * inside
        part = values[box]
        part += occupancy * (np.float32(hu) - part)


def _parts(grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Return what k, j and i add to the patient coordinates (3, k, j, i) of a voxel."""
    k, j, i = (np.arange(n, dtype=np.float64) for n in grid.shape_kji)
    a = grid.ijk_to_lps[:3, :, None]
    return (
        (a[:, 2] * k + a[:, 3])[:, :, None, None],
        (a[:, 1] * j)[:, None, :, None],
        (a[:, 0] * i)[:, None, None, :],
    )


def _distance(points: Floats, branch: Branch) -> NDArray[np.float32]:
    start, end = np.array(branch.start), np.array(branch.end)
    edge = end - start
    delta = points - start[:, None, None, None]
    share = np.tensordot(edge, delta, 1) / float(edge @ edge)
    share = np.minimum(np.maximum(share, 0), 1)
    delta -= share * edge[:, None, None, None]
    length = np.sqrt((delta * delta).sum(axis=0))
    return np.asarray(length - branch.radius, dtype=np.float32)


def _boxes(grid: Grid, branches: list[Branch]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and one past the last voxel (n, 3; i j k) that each branch can touch."""
    ends = grid.index(np.array([(branch.start, branch.end) for branch in branches]))
    thickness = np.array([branch.radius + 1.2 for branch in branches])
    reach = thickness[:, None] * np.linalg.norm(grid.lps_to_ijk[:3, :3], axis=1)
    low = np.maximum(np.ceil(ends.min(axis=1) - reach), 0)
    high = np.minimum(np.floor(ends.max(axis=1) + reach) + 1, grid.shape_kji[::-1])
    return low.astype(np.int64), high.astype(np.int64)
