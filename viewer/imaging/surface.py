"""The closed surface of a mask, in patient coordinates, and the volume that it encloses."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid
from viewer.errors import InputRefused
from viewer.imaging.segment_shapes import box_of

Mask = NDArray[np.bool_]
Triangles = NDArray[np.int64]
# Voxels; enough to take the stairs off, too little to take a voxel-thin sheet away by much.
_SIGMA = 0.7
# A surface whose volume is further off than this share of the mask's is made of the bare mask.
VOLUME_TOLERANCE = 0.03


def surface(mask: Mask, grid: Grid) -> tuple[Floats, Triangles]:
    """Return points (n, 3; LPS mm) and triangles (m, 3; outward) around ``mask`` (k, j, i).

    Marching cubes (Lewiner et al., J. Graphics Tools 8, 2003) at one half of the mask, softened by
    0.7 voxel where that keeps the volume within 3 %. Closed also where the mask meets the image's
    edge.

    Raises
    ------
    InputRefused
        The mask is empty.
    """
    box = box_of(mask)
    if box is None:
        raise InputRefused(
            "An empty segment has no surface.", remedy="Paint something into it first."
        )
    padded = np.pad(mask[box], 3).astype(np.float32)
    start = np.array([part.start - 3 for part in box], dtype=np.float64)
    expected = float(mask[box].sum()) * grid.voxel_volume_mm3
    best = _marched(_softened(padded), start, grid)
    if best is None or abs(enclosed_mm3(*best) / expected - 1) > VOLUME_TOLERANCE:
        best = _marched(padded, start, grid)
    assert best is not None  # noqa: S101 - a mask with a voxel crosses one half
    return best


def _softened(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(padded, _SIGMA, mode="constant"))


def _marched(
    field: NDArray[np.float32], start_kji: Floats, grid: Grid
) -> tuple[Floats, Triangles] | None:
    if field.max() <= 0.5:
        return None
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(field, 0.5, allow_degenerate=False)
    points = grid.world((np.asarray(vertices, dtype=np.float64) + start_kji)[:, ::-1])
    triangles = np.asarray(faces, dtype=np.int64)
    if enclosed_mm3(points, triangles) < 0:
        triangles = triangles[:, ::-1]
    return points, np.ascontiguousarray(triangles)


def enclosed_mm3(points_lps_mm: Floats, triangles: Triangles) -> float:
    """Return the enclosed volume (divergence theorem), positive if the triangles face outward."""
    a, b, c = (points_lps_mm[triangles[:, n]] - points_lps_mm.mean(axis=0) for n in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
