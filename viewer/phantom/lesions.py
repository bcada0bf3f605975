"""Lesions of known size, shape and place."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.phantom.tissue import Field, soft

LesionKind = Literal["smooth", "spiculated"]


@dataclass(frozen=True)
class LesionShape:
    """A lesion as asked for: an ellipsoid, or a core with spikes (unit vectors, lengths mm)."""

    kind: LesionKind
    centre_lps_mm: Floats
    radius_mm: float
    stretch: Floats
    spikes: Floats
    hu: float


def a_shape(
    rng: np.random.Generator, kind: LesionKind, centre_lps_mm: Floats, radius_mm: float, hu: float
) -> LesionShape:
    """Return a random lesion of a kind, size and place."""
    stretch = rng.uniform(0.88, 1.12, 3) if kind == "smooth" else rng.uniform(0.9, 1.1, 3)
    n = int(rng.integers(11, 18)) if kind == "spiculated" else 0
    directions = rng.normal(size=(n, 3))
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    lengths = rng.uniform(1.25, 1.75, (n, 1)) * radius_mm
    return LesionShape(kind, centre_lps_mm, radius_mm, stretch, directions * lengths, hu)


def distance_mm(shape: LesionShape, points_lps_mm: Floats) -> NDArray[np.float32]:
    """Return about the signed distance (...,) of points (..., 3) to the lesion's surface.

    Exact for a sphere (all of ``stretch`` 1).
    """
    delta = points_lps_mm - shape.centre_lps_mm
    core = 0.78 * shape.radius_mm if shape.kind == "spiculated" else shape.radius_mm
    best = np.linalg.norm(delta / shape.stretch, axis=-1) - core
    for spike in shape.spikes:
        length = float(np.linalg.norm(spike))
        along = np.clip(delta @ spike / length, 0, length)
        off = np.linalg.norm(delta - along[..., None] * spike / length, axis=-1)
        width = 0.30 * shape.radius_mm * (1 - along / length) + 0.35
        best = np.minimum(best, off - width)
    return np.asarray(best, dtype=np.float32)


def draw(
    values: Field, labels: NDArray[np.uint8], grid: Grid, shape: LesionShape, number: int
) -> None:
    """Blend a lesion into ``values`` and give its voxels (occupancy >= 0.5) ``number``."""
    reach_mm = shape.radius_mm * 2.2 + 3
    reach = np.linalg.norm(grid.lps_to_ijk[:3, :3], axis=1) * reach_mm
    index = grid.index(shape.centre_lps_mm)
    low = np.maximum(np.floor(index - reach), 0).astype(int)
    high = np.minimum(np.ceil(index + reach) + 1, grid.shape_kji[::-1]).astype(int)
    if (low >= high).any():
        return
    i, j, k = (np.arange(a, b) for a, b in zip(low, high, strict=True))
    mesh = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1)
    distance = distance_mm(shape, grid.world(mesh[..., ::-1]))
    box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
    occupancy = soft(distance, 0.5)
    part = values[box]
    part += occupancy * (np.float32(shape.hu) - part)
    labels[box][distance <= 0] = number


def places(
    rng: np.random.Generator, lung: Field, grid: Grid, radii_mm: list[float], gap_mm: float = 5.0
) -> list[Floats | None]:
    """Return a centre inside the lungs for each radius, apart from each other; None: no room."""
    depth = -lung  # distance to the surface, about
    # Spikes reach to twice the radius; half of that may come near the pleura, never through it.
    found: list[Floats | None] = []
    for radius in radii_mm:
        room = np.argwhere(depth > radius * 1.35 + 2)
        place: Floats | None = None
        for at in rng.permutation(len(room))[:60]:
            point = grid.world(room[at][::-1])
            near = [
                float(np.linalg.norm(point - other)) < radius * 2 + radii_mm[n] * 2 + gap_mm
                for n, other in enumerate(found)
                if other is not None
            ]
            index = grid.index(point)
            margin = radius * 2.2 / np.array(grid.spacing_ijk_mm)
            inside = (index > margin).all() and (
                index < np.array(grid.shape_kji[::-1]) - 1 - margin
            ).all()
            if inside and not any(near):
                place = point
                break
        found.append(place)
    return found
