"""Why an outline holds no voxel, in words: what a hand drew in vain is told, with the true reason."""

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.geometry import Floats, Grid, Plane
from viewer.errors import InputRefused

_FLAT = 1e-6  # of the outline's length: so thin is a line


def nothing_inside(grid: Grid, points_lps_mm: ArrayLike, plane: Plane) -> InputRefused:
    """Return the refusal of an outline (n, 3) on ``plane`` that holds the centre of no voxel.

    It says which is so, asked in this order: the corners lie on one line, the outline lies outside
    the grid, or it is too small or too thin.
    """
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    flat = plane.pixel(points)[:, :2]
    if _lies_on_one_line(flat):
        return InputRefused(
            "All points of the outline lie on one line, so it encloses no area.",
            remedy="Draw around something.",
        )
    index = grid.index(points)
    last = np.array(grid.shape_kji[::-1]) - 0.5
    if (index.max(axis=0) < -0.5).any() or (index.min(axis=0) > last).any():
        return InputRefused(
            "The outline lies outside the volume.", remedy="Draw it where the images are."
        )
    return InputRefused(
        "The outline is too small or too thin: no voxel has its centre in it.",
        remedy="Draw it wider, or on finer images.",
    )


def _lies_on_one_line(flat: Floats) -> bool:
    """Whether points (n, 2) have no width: the lesser singular value is nothing."""
    values = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False)
    return bool(values[0] == 0 or values[-1] <= _FLAT * values[0])
