"""Labels of another grid on this one: exactly where the lattices agree, else by nearest voxel."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid, nearest

Labels = NDArray[np.uint8]
_SAME = 1e-3  # of a voxel


def lattice_offset(theirs: Grid, ours: Grid) -> tuple[int, int, int] | None:
    """Return where (i, j, k of ours) their first voxel lies; None if the lattices differ.

    They agree when every voxel centre of theirs is one of ours (extended beyond its edge), with
    the same axes, within a thousandth of a voxel over the whole of theirs.
    """
    last = np.array(theirs.shape_kji[::-1], dtype=np.float64) - 1
    start, stop = ours.index(theirs.world(np.zeros(3))), ours.index(theirs.world(last))
    corner = np.rint(start)
    turned = ours.lps_to_ijk[:3, :3] @ theirs.ijk_to_lps[:3, :3]
    drift = np.abs(turned - np.eye(3)) * np.maximum(last, 1)
    if drift.max() > _SAME or np.abs([start - corner, stop - corner - last]).max() > _SAME:
        return None
    i, j, k = (int(n) for n in corner)
    return i, j, k


def moved(labels: Labels, offset_ijk: tuple[int, int, int], ours: Grid) -> tuple[Labels, int]:
    """Return the labels (k, j, i) on our grid, and how many labelled voxels lie outside it."""
    result = np.zeros(ours.shape_kji, dtype=np.uint8)
    target, source = [], []
    for start, size, limit in zip(offset_ijk[::-1], labels.shape, ours.shape_kji, strict=True):
        low, high = max(0, start), min(limit, start + size)
        target.append(slice(low, max(low, high)))
        source.append(slice(low - start, max(low, high) - start))
    part = labels[tuple(source)]
    if part.size:
        result[tuple(target)] = part
    return result, int(np.count_nonzero(labels)) - int(np.count_nonzero(result))


def resampled_labels(labels: Labels, theirs: Grid, ours: Grid) -> Labels:
    """Return for each voxel of ours the label of the nearest voxel of theirs, 0 outside."""
    result = np.zeros(ours.shape_kji, dtype=np.uint8)
    j, i = np.meshgrid(*(np.arange(n) for n in ours.shape_kji[1:]), indexing="ij")
    limits = np.array(theirs.shape_kji[::-1])
    for k in range(ours.shape_kji[0]):
        at = nearest(theirs.index(ours.world(np.stack((i, j, np.full_like(i, k)), axis=-1))))
        inside = np.asarray(((at >= 0) & (at < limits)).all(axis=-1))
        a, b, c = np.where(inside[..., None], at, 0).transpose(2, 0, 1)
        result[k] = np.where(inside, labels[c, b, a], np.uint8(0))
    return result
