"""Values on another grid."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Grid

_RIM = 1e-9  # voxels: a centre on the very edge is inside, come what rounding may


def target_grid(grid: Grid, spacing_ijk_mm: ArrayLike) -> Grid:
    """Return a grid along the patient's axes (L, P, H) that covers ``grid`` at another spacing."""
    spacing = np.asarray(spacing_ijk_mm, dtype=np.float64)
    corners = grid.corners_lps_mm
    low, high = corners.min(axis=0), corners.max(axis=0)
    i, j, k = (int(n) for n in np.maximum(1, np.ceil((high - low) / spacing - 1e-6)))
    middle = (low + high) / 2
    origin = middle - (np.array([i, j, k]) - 1) / 2 * spacing
    return Grid.from_axes((k, j, i), origin_lps_mm=origin, spacing_ijk_mm=spacing)


def resampled(
    values: NDArray[Any], grid: Grid, target: Grid, *, order: Literal[0, 1] = 1, fill: float = 0.0
) -> NDArray[Any]:
    """Return ``values`` (k, j, i on ``grid``) at the voxel centres of ``target``.

    ``order`` 1 is trilinear in float32, 0 the nearest voxel in the same dtype. Centres outside the
    voxels of ``grid`` get ``fill``; those in the outermost half voxel take the outermost value. No
    smoothing: reducing by more than two aliases, so average first where that matters.
    """
    from scipy import ndimage

    matrix = grid.lps_to_ijk @ target.ijk_to_lps
    # scipy wants (k, j, i) -> (k, j, i).
    linear, offset = matrix[:3, :3][::-1, ::-1], matrix[:3, 3][::-1]
    source = values if order == 0 else np.asarray(values, dtype=np.float32)
    inside: NDArray[Any]
    inside = ndimage.affine_transform(
        source, linear, offset, target.shape_kji, order=order, mode="nearest", prefilter=False
    )
    for k, slice_ in enumerate(inside):  # one slice at a time: a mask of it all would be large
        slice_[_outside(linear, offset + linear[:, 0] * k, grid.shape_kji, target.shape_kji)] = fill
    return np.asarray(inside)


def _outside(
    linear: NDArray[np.float64],
    offset: NDArray[np.float64],
    shape: tuple[int, int, int],
    target: tuple[int, int, int],
) -> NDArray[np.bool_]:
    """Return where (j, i) a slice of the target lies outside the voxels of the source."""
    out = np.zeros(target[1:], dtype=bool)
    j, i = (np.arange(n, dtype=np.float64) for n in target[1:])
    for axis in range(3):
        at = offset[axis] + (linear[axis, 1] * j)[:, None] + (linear[axis, 2] * i)[None, :]
        out |= (at < -0.5 - _RIM) | (at > shape[axis] - 0.5 + _RIM)
    return out
