"""Which voxels under a brush may be painted, judged by the values of the picture.

Values are the picture's quantity (HU, SUV, ...), never the enhanced picture.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Grid, nearest
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.rasterise import Block

Range = tuple[float, float]
# Values further than this many standard deviations from those where the stroke began are an edge.
_DEVIATIONS = 3.0
_CORE = 1 / 3


def values_under(block: Block, picture: Picture, grid: Grid) -> NDArray[np.float32]:
    """Return the values (k, j, i) of the picture in the box of ``block``.

    Raises
    ------
    InputRefused
        The picture lies on another grid than the segment, or has colours instead of values.
    """
    if picture.grid != grid or picture.is_colour:
        raise InputRefused(
            "These images have no values on the segment's grid, so the brush cannot go by them.",
            remedy='Choose "Paint only values: any value", and let the brush not stop at edges.',
        )
    k, j, i = (slice(a, a + n) for a, n in zip(block.start_kji, block.mask.shape, strict=True))
    return picture.quantity.block(picture.stored[k, j, i], k.start)


def within(block: Block, values: NDArray[np.float32], paint_range: Range) -> Block | None:
    """Return the voxels of ``block`` whose value lies in [low, high]; None when there are none."""
    low, high = paint_range
    mask = block.mask & (values >= low) & (values <= high)
    return Block(block.start_kji, mask) if mask.any() else None


def up_to_edges(
    block: Block,
    values: NDArray[np.float32],
    grid: Grid,
    path_lps_mm: ArrayLike,
    radius_mm: float,
) -> Block | None:
    """Return the voxels of ``block`` that look like the start of the stroke and hang with its path.

    Alike: within three standard deviations of the mean over the voxels within a third of the
    radius of the first point (at least one voxel). Hanging together: over faces, with a voxel of
    the path (n, 3) that is alike itself. None when nothing is.
    """
    from scipy.ndimage import label

    path = np.asarray(path_lps_mm, dtype=np.float64).reshape(-1, 3)
    box = np.stack(np.meshgrid(*(np.arange(n) for n in block.mask.shape), indexing="ij"), axis=-1)
    places = grid.world((box + block.start_kji)[..., ::-1])
    apart = np.linalg.norm(places - path[0], axis=-1)
    core = (apart <= radius_mm * _CORE) & block.mask
    if not core.any():
        core = block.mask & (apart == np.where(block.mask, apart, np.inf).min())
    known = values[core]
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    spread = _DEVIATIONS * max(float(known.std()), _least(values[block.mask]))
    alike = block.mask & (np.abs(values - float(known.mean())) <= spread)
    pieces, _ = label(alike)
    at = nearest(grid.index(path))[:, ::-1] - np.array(block.start_kji)
    inside = ((at >= 0) & (at < block.mask.shape)).all(axis=1)
    touched = np.unique(np.concatenate((pieces[tuple(at[inside].T)], pieces[core])))
    mask = np.isin(pieces, touched[touched > 0])
    return Block(block.start_kji, mask) if mask.any() else None


def _least(values: NDArray[np.float32]) -> float:
    """Return a spread below which nothing is an edge: a hundredth of all that lies under the brush."""
    finite = values[np.isfinite(values)]
    return float(np.ptp(finite)) / 100 if finite.size else 0.0
