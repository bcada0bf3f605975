"""Pulmonary vessels: random trees from the hila, tapering to the periphery."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.phantom.body import Build, Field, soft

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


def draw(values: Field, branches: list[Branch], grid: Grid, lung: Field, hu: float) -> None:
    """Blend the branches into ``values`` (k, j, i), inside the lungs only."""
    for branch in branches:
        box = _box(grid, branch)
        if box is None:
            continue
        k, j, i = (np.arange(s.start, s.stop) for s in box)
        mesh = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1)
        points = grid.world(mesh[..., ::-1])
        distance = _distance(points, branch)
        inside = lung[box] < 0.5
        occupancy = soft(distance, 0.9) * inside
        part = values[box]
        part += occupancy * (np.float32(hu) - part)


def _distance(points: Floats, branch: Branch) -> NDArray[np.float32]:
    start, end = np.array(branch.start), np.array(branch.end)
    edge = end - start
    share = np.clip((points - start) @ edge / float(edge @ edge), 0, 1)
    nearest = start + share[..., None] * edge
    return np.asarray(np.linalg.norm(points - nearest, axis=-1) - branch.radius, dtype=np.float32)


def _box(grid: Grid, branch: Branch) -> tuple[slice, slice, slice] | None:
    reach = np.linalg.norm(grid.lps_to_ijk[:3, :3], axis=1) * (branch.radius + 1.2)
    index = grid.index(np.array([branch.start, branch.end]))
    low = np.maximum(np.ceil(index.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + reach) + 1, grid.shape_kji[::-1]).astype(int)
    if (low >= high).any():
        return None
    return (slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0]))
