"""A scan as a network wants to see it: at the card's spacing, along the patient's axes, in 0..1."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap
from viewer.imaging.resample import resampled
from viewer.inference.handover import Scan

Kji = tuple[int, int, int]


def normalised(values: NDArray[np.float32], card: NetworkCard) -> NDArray[np.float32]:
    """Return ``values`` with the card's window mapped to 0..1; NaN becomes 0."""
    span = np.float32(card.window_high - card.window_low)
    grey = np.clip((values - np.float32(card.window_low)) / span, 0.0, 1.0)
    return np.asarray(np.nan_to_num(grey, nan=0.0), dtype=np.float32)


def between_percentiles(
    values: NDArray[np.float32], low: float = 1.0, high: float = 99.0
) -> NDArray[np.float32]:
    """Return ``values`` with two of their percentiles mapped to 0..1; what is not finite becomes 0."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(values.shape, dtype=np.float32)
    first, last = (np.float32(v) for v in np.percentile(known, (low, high)))
    if not last > first:
        return np.zeros(values.shape, dtype=np.float32)
    grey = np.clip((values - first) / (last - first), 0.0, 1.0)
    return np.asarray(np.nan_to_num(grey, nan=0.0), dtype=np.float32)


def sampled(scan: Scan, target: Grid, fill: float) -> NDArray[np.float32]:
    """Return the scan's quantity (float32) at the voxel centres of ``target``.

    Where the scan is finer than ``target`` by a whole factor, voxels are averaged first, so that
    noise does not alias; then trilinear. ``fill`` stands outside the scan. Works on flipped,
    permuted, oblique and sheared grids alike.
    """
    part = cropped(scan, target)
    if part is None:
        return np.full(target.shape_kji, fill, dtype=np.float32)
    values, grid = pooled(part, target.spacing_ijk_mm)
    return np.asarray(resampled(values, grid, target, order=1, fill=fill), dtype=np.float32)


def cropped(scan: Scan, target: Grid, margin: int = 4) -> Scan | None:
    """Return the block of ``scan`` that ``target`` can see, None if it sees nothing."""
    index = scan.grid.index(target.corners_lps_mm)
    size = np.array(scan.grid.shape_kji[::-1])
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - margin, 0, size)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + margin + 1, 0, size)
    if (high <= low).any():
        return None
    (i, j, k), (i_end, j_end, k_end) = low.tolist(), high.tolist()
    quantity = ValueMap(
        scan.quantity.slope_k[k:k_end], scan.quantity.intercept_k[k:k_end], scan.quantity.unit
    )
    grid = scan.grid.crop((k, j, i), (k_end, j_end, i_end))
    return Scan(scan.stored[k:k_end, j:j_end, i:i_end], grid, quantity, scan.modality)


def pooled(
    scan: Scan, spacing_ijk_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], Grid]:
    """Return the quantity averaged over whole voxels to at most ``spacing_ijk_mm``, and its grid.

    ``spacing_ijk_mm`` belongs to a grid along the patient's axes; each of the scan's axes takes the
    one it runs along most.
    """
    wanted = [
        spacing_ijk_mm[int(np.argmax(np.abs(scan.grid.directions[:, axis])))] for axis in range(3)
    ]
    i, j, k = (
        min(max(1, int(want / have + 1e-6)), n)
        for want, have, n in zip(
            wanted, scan.grid.spacing_ijk_mm, scan.grid.shape_kji[::-1], strict=True
        )
    )
    if (k, j, i) == (1, 1, 1):
        return scan.quantity.block(scan.stored), scan.grid
    rows = [
        _mean(scan.quantity.block(scan.stored[first : first + k], first), (k, j, i))
        for first in range(0, scan.stored.shape[0], k)
    ]
    values = np.concatenate(rows)
    affine = scan.grid.ijk_to_lps.copy()
    affine[:3, 3] = scan.grid.world(((i - 1) / 2, (j - 1) / 2, (k - 1) / 2))
    affine[:3, :3] = affine[:3, :3] * np.array([i, j, k])
    return values, Grid((values.shape[0], values.shape[1], values.shape[2]), affine)


def _mean(block: NDArray[np.float32], factors: Kji) -> NDArray[np.float32]:
    """Return the mean over boxes of ``factors``; the rim is repeated to make the last box whole."""
    missing = [-n % f for n, f in zip(block.shape, factors, strict=True)]
    whole = np.pad(block, [(0, n) for n in missing], mode="edge")
    k, j, i = (n // f for n, f in zip(whole.shape, factors, strict=True))
    boxes = whole.reshape(k, factors[0], j, factors[1], i, factors[2])
    return np.asarray(boxes.mean(axis=(1, 3, 5), dtype=np.float32))
