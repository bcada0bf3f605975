"""From a scan to a mask, in one sequence, whatever engine computes.

Check, sample at the card's spacing along the patient's axes, normalise, tile, predict, blend,
restore the scan's own grid, threshold, separate the lesions. NumPy and SciPy only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.errors import InputRefused, OutOfResources, Unsupported
from viewer.imaging.components import components
from viewer.imaging.resample import resampled, target_grid
from viewer.inference.handover import Scan
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.sampling import normalised, sampled
from viewer.inference.tiling import Blend, blend_weights, tile_size, tiles

Report = Callable[[float, str], None]

_COARSE, _TOO_COARSE = 2.5, 6.0  # times the card's spacing
_FEWEST_SLICES = 3
_MOST_VOXELS = 400_000_000  # of the sampled grid: about 5 GB at work


@dataclass(frozen=True, eq=False)
class Found:
    """What a network found: ``labels`` (k, j, i) on the scan's own grid, 1 = the largest."""

    labels: NDArray[np.uint8]
    volumes_mm3: tuple[float, ...]
    notes: tuple[str, ...] = ()


def find(scan: Scan, card: NetworkCard, predictor: Predictor, report: Report) -> Found:
    """Return the lesions that ``predictor`` sees in ``scan``.

    ``report`` is called at least once a tile; it may raise to stop the work.

    Raises
    ------
    InputRefused
        The scan is not what the card asks for.
    OutOfResources
        It is too large.
    """
    notes = check(scan, card)
    report(0.0, "resampling")
    grid = canonical_grid(scan.grid, card)
    seen = normalised(sampled(scan, grid, card.window_low), card)
    probability = predict_tiles(seen, card, predictor, report)
    report(0.92, "restoring the scan's own grid")
    mask = restored(probability, grid, scan.grid, card.threshold)
    report(0.96, "separating lesions")
    labels, volumes = components(mask, scan.grid, min_volume_mm3=card.min_volume_mm3)
    return Found(labels, tuple(float(v) for v in volumes), notes)


def check(scan: Scan, card: NetworkCard) -> tuple[str, ...]:
    """Return what must be said about running ``card`` on ``scan``.

    Raises
    ------
    InputRefused
        Another modality, colour, or slices too few or too far apart.
    Unsupported
        The card wants something this program cannot do.
    """
    if card.n_classes != 2:
        raise Unsupported(f"{card.title} knows several classes at once, which cannot be run yet.")
    if scan.stored.ndim != 3:
        raise InputRefused(f"{card.title} reads grey pictures, not colour.")
    if scan.modality and card.modality and scan.modality != card.modality:
        raise InputRefused(
            f"{card.title} reads {card.modality}; this picture is {scan.modality}.",
            remedy="Choose another network or another series.",
        )
    if min(scan.grid.shape_kji) < _FEWEST_SLICES:
        raise InputRefused(f"{card.title} needs a volume of at least {_FEWEST_SLICES} slices.")
    ratio = max(scan.grid.spacing_ijk_mm) / max(card.spacing_ijk_mm)
    spacing = f"{max(scan.grid.spacing_ijk_mm):.1f} mm"
    if ratio > _TOO_COARSE:
        raise InputRefused(
            f"Voxels {spacing} apart are too coarse for {card.title}.",
            remedy="Choose a series of thinner slices.",
        )
    notes = []
    if ratio > _COARSE:
        notes.append(f"Voxels lie {spacing} apart; {card.title} was trained on finer ones.")
    if not scan.modality:
        notes.append(f"The file does not say what it is; {card.title} reads {card.modality}.")
    return tuple(notes)


def canonical_grid(grid: Grid, card: NetworkCard) -> Grid:
    """Return the grid that the network sees: along L, P and H, at the card's spacing.

    Raises
    ------
    OutOfResources
        It would hold more voxels than fit into memory.
    """
    extent = np.ptp(grid.corners_lps_mm, axis=0) / np.array(card.spacing_ijk_mm)
    if float(np.prod(np.ceil(extent))) > _MOST_VOXELS:
        raise OutOfResources(
            f"The volume is too large for {card.title}.",
            remedy="Crop it to the region of interest.",
        )
    return target_grid(grid, card.spacing_ijk_mm)


def predict_tiles(
    seen: NDArray[np.float32], card: NetworkCard, predictor: Predictor, report: Report
) -> NDArray[np.float32]:
    """Return the probability (k, j, i) of the finding; tiles of nothing but air are left at 0."""
    k, j, i = seen.shape
    tile = tile_size((k, j, i), card.tile_kji)
    weights = blend_weights(tile)
    blend = Blend((k, j, i))
    blocks = [block for block in tiles((k, j, i), tile) if seen[block].any()]
    for n, block in enumerate(blocks):
        report(0.05 + 0.85 * n / len(blocks), f"tile {n + 1} of {len(blocks)}")
        batch = np.zeros((1, 1, *tile), dtype=np.float32)
        part = seen[block]
        batch[0, 0, : part.shape[0], : part.shape[1], : part.shape[2]] = part
        logits = predictor.predict(batch)
        blend.add(block, sigmoid(logits[0, 0]), weights)
    return blend.result()


def restored(
    probability: NDArray[np.float32], grid: Grid, target: Grid, threshold: float
) -> NDArray[np.bool_]:
    """Return where the probability on ``target`` is at least ``threshold`` (k, j, i).

    The probability is interpolated, then thresholded: a mask moved voxel by voxel would be ragged.
    Only boxes around what exceeds the threshold are looked at.
    """
    from scipy import ndimage

    mask = np.zeros(target.shape_kji, dtype=bool)
    islands, _ = ndimage.label(probability >= threshold, structure=np.ones((3, 3, 3)))
    for box in ndimage.find_objects(islands):
        low = np.array([part.start - 1 for part in box])
        high = np.array([part.stop for part in box])
        corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij"))
        index = target.index(grid.world(corners.reshape(3, 8).T[:, ::-1]))[:, ::-1]
        size = np.array(target.shape_kji)
        first = np.clip(np.floor(index.min(axis=0)).astype(int), 0, size)
        last = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, size)
        if (last <= first).any():
            continue
        (a, b, c), (a_end, b_end, c_end) = first.tolist(), last.tolist()
        part = target.crop((a, b, c), (a_end, b_end, c_end))
        near = _near(probability, grid, part)
        mask[a:a_end, b:b_end, c:c_end] |= near >= threshold
    return mask


def _near(probability: NDArray[np.float32], grid: Grid, part: Grid) -> NDArray[np.float32]:
    """Interpolate from the block that ``part`` needs, with edges as the whole has them."""
    index = grid.index(part.corners_lps_mm)[:, ::-1]
    size = np.array(grid.shape_kji)
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, size - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, low + 1, size)
    (a, b, c), (a_end, b_end, c_end) = low.tolist(), high.tolist()
    block = probability[a:a_end, b:b_end, c:c_end]
    source = grid.crop((a, b, c), (a_end, b_end, c_end))
    return np.asarray(resampled(block, source, part, order=1, fill=0.0), dtype=np.float32)
