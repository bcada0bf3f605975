"""From wall to wall: where the walls are along a line, finer than a voxel."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.domain.volume import Picture
from viewer.errors import InputRefused

Mask = NDArray[np.bool_]
_STEPS = 8  # samples a voxel
_SIGMA = 0.75  # voxels: smooths the profile's slope, and moves no symmetric edge
_REACH = 0.35  # of the line's length, either side of an end
_MOST_SAMPLES = 20_000
_FLAT = 1e-6


def walls(start: Floats, end: Floats, picture: Picture) -> tuple[Floats, Floats]:
    """Return where (3,) along a line the two walls are: the steepest slopes nearest to its ends.

    The profile is sampled by cubic splines eight times a voxel, also beyond the ends by up to a
    third of the length; its slope is that of a Gaussian of 0.75 voxel. Where the slope of an edge
    that is symmetric about its middle (an ideal wall, blurred) is steepest, there is the wall
    (Marr & Hildreth, Proc R Soc B 207 (1980), 187-217); a parabola through three samples gives the
    place between them.

    Raises
    ------
    InputRefused
        The line has no length, leaves the picture, or values do not change near one end.
    """
    length = float(np.linalg.norm(end - start))
    if length < 1e-6:
        raise InputRefused("A distance without length is refused.")
    along = (end - start) / length
    voxel = 1.0 / float(np.linalg.norm(picture.grid.lps_to_ijk[:3, :3] @ along))
    step = voxel / _STEPS
    reach = max(_REACH * length, 2 * voxel)
    n_inside = length / step
    if n_inside > _MOST_SAMPLES:
        raise InputRefused("The line is too long for its voxels.")
    at = np.arange(np.floor(-reach / step), np.ceil((length + reach) / step) + 1) * step
    slope, known = _slope(start + at[:, None] * along, picture)
    places = []
    for middle in (0.0, length):
        near = known & (np.abs(at - middle) <= min(reach, length / 2))
        places.append(start + _steepest(at, slope, near, step) * along)
    return places[0], places[1]


def _slope(points: Floats, picture: Picture) -> tuple[Floats, Mask]:
    """Return the profile's slope at points (n, 3), and where it is known."""
    from scipy.ndimage import gaussian_filter1d, map_coordinates

    index = picture.grid.index(points)
    sizes = np.array(picture.grid.shape_kji[::-1])
    inside = np.asarray(np.logical_and(index >= -0.5, index <= sizes - 0.5).all(axis=1))
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 4, 0, sizes - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 5, 1, sizes)
    block = tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    if not picture.loaded_k[block[0]].all():
        raise InputRefused("The line touches images that have not been read.")
    values = np.stack(
        [
            picture.quantity.slice_values(plane, k)
            for k, plane in zip(
                range(block[0].start, block[0].stop), picture.stored[block], strict=True
            )
        ]
    ).astype(np.float64)
    profile = map_coordinates(values, (index - low)[:, ::-1].T, order=3, mode="nearest")
    return gaussian_filter1d(profile, _SIGMA * _STEPS, order=1, mode="nearest"), inside


def _steepest(at: Floats, slope: Floats, near: Mask, step: float) -> float:
    candidates = np.flatnonzero(near)
    size = np.abs(slope)
    if not len(candidates) or float(size[candidates].max()) < _FLAT:
        raise InputRefused(
            "There is no wall near one end of the line: the values do not change there.",
            remedy="Draw from wall to wall.",
        )
    best = int(candidates[np.argmax(size[candidates])])
    if not 0 < best < len(at) - 1:
        return float(at[best])
    left, middle, right = size[best - 1 : best + 2]
    bend = left - 2 * middle + right
    shift = 0.0 if abs(bend) < 1e-12 else 0.5 * float((left - right) / bend)
    return float(at[best]) + float(np.clip(shift, -1, 1)) * step
