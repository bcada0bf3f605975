"""Where a network doubts its mask: the spread over mirrored views of the same scan.

Test-time augmentation (Wang et al. 2019, doi:10.1016/j.neucom.2019.01.103): the network sees the scan
mirrored in each way; the doubt of a voxel is the entropy of the views' mean probability, in bits
(0: sure, 1: as good as tossed). It shows where the answer hangs on the view, and where it was near
the threshold; it cannot know of what the network never learned.

One view after the other is blended, so memory is a few volumes, however many views there are.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.errors import Unsupported
from viewer.imaging.resample import resampled
from viewer.inference.handover import Scan
from viewer.inference.pipeline import FLIPS, Report, canonical_grid, restored, seen_of, tile_answers
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.prompted import NOTHING, seen_region
from viewer.inference.tiling import Blend, blend_weights

Floats = NDArray[np.float32]

METHOD = "entropy over mirrored views (test-time augmentation), bits 0..1"
INTERVAL = "lowest to highest over the mirrored views"
DOUBTFUL = 0.5  # bits: a mean probability between 0.11 and 0.89


@dataclass(frozen=True, eq=False)
class Doubt:
    """``bits`` (k, j, i) in 255 levels of 0..1 on the scan's own grid; volumes of each lesion by view.

    ``volumes_mm3`` and ``diameters_mm`` are (lesion, view): what each view alone would have drawn of
    a lesion, and the diameter of the ball of that volume.
    """

    levels: NDArray[np.uint8]
    volumes_mm3: NDArray[np.float64]

    @property
    def diameters_mm(self) -> NDArray[np.float64]:
        """The diameter of the ball of each volume."""
        return np.asarray(2 * np.cbrt(3 * self.volumes_mm3 / (4 * np.pi)))


def entropy_bits(probability: Floats) -> Floats:
    """Return the entropy of a two-sided chance, in bits: 0 at 0 and 1, 1 at a half."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), dtype=np.float32)


def check_doubt(card: NetworkCard) -> None:
    """Refuse a network whose doubt is not known how to draw.

    Raises
    ------
    Unsupported
        It draws several classes or instances, or flat pictures.
    """
    if card.task != "segment" or card.reads != "volume" or card.answers != "mask":
        raise Unsupported(
            f"The doubt of {card.title} cannot be drawn: only that of one mask in a volume can.",
            remedy="Run it without a doubt map.",
        )


def doubt_of(
    scan: Scan,
    labels: NDArray[np.uint8],
    card: NetworkCard,
    predictor: Predictor,
    report: Report,
    prompt: Prompt = NOTHING,
) -> Doubt:
    """Return how sure ``predictor`` is of ``labels``, which it found in ``scan``.

    Raises
    ------
    Unsupported
        As ``check_doubt``.
    """
    check_doubt(card)
    grid = seen_region(canonical_grid(scan.grid, card), prompt)
    seen = seen_of(scan, grid, card, prompt)
    views = tuple(axes for axes in FLIPS if len(axes) < 2)  # as it is, and along each axis
    total = np.zeros(grid.shape_kji, dtype=np.float32)
    own = _territories(labels, scan.grid)
    volumes = np.zeros((int(labels.max(initial=0)), len(views)))
    for n, axes in enumerate(views):

        def told(share: float, text: str, n: int = n) -> None:
            report((n + share) / len(views), f"view {n + 1} of {len(views)}, {text}")

        one = _seen_by(np.flip(seen, axes), card, predictor, told)
        one = np.flip(one, tuple(axis - 1 for axis in axes))
        total += one / np.float32(len(views))
        volumes[:, n] = _volumes(
            np.ascontiguousarray(one), grid, scan.grid, card, own, len(volumes)
        )
    return Doubt(_levels(entropy_bits(total), grid, scan.grid), volumes)


def _seen_by(seen: Floats, card: NetworkCard, predictor: Predictor, report: Report) -> Floats:
    """Return the probability (k, j, i) that one view gives, without the card's own mirrors."""
    answers = tile_answers(seen, replace(card, n_flips=1), predictor, report)
    weights = blend_weights(answers.tile_kji)
    k, j, i = seen.shape[1:]
    blend = Blend((k, j, i))
    for n, block in enumerate(answers.blocks):
        blend.add(block, sigmoid(answers.logits(n, block)[0]), weights)
    return blend.result()


def _territories(labels: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Return which lesion (k, j, i) each voxel is nearest to: what grows belongs to it."""
    from scipy import ndimage

    if labels.max(initial=0) <= 1:
        return np.ones(labels.shape, dtype=np.uint8)
    nearest = ndimage.distance_transform_edt(
        labels == 0,
        sampling=grid.spacing_ijk_mm[::-1],
        return_distances=False,
        return_indices=True,
    )
    return np.asarray(labels[tuple(nearest)], dtype=np.uint8)


def _volumes(
    probability: Floats,
    grid: Grid,
    target: Grid,
    card: NetworkCard,
    own: NDArray[np.uint8],
    n_lesions: int,
) -> NDArray[np.float64]:
    """Return the volume of each lesion, mm³, in the mask that one view would have drawn.

    Each voxel counts to the lesion that it is nearest to; islands smaller than the card reports are
    left out, as in the mask.
    """
    from scipy import ndimage

    mask = restored(probability, grid, target, card.threshold)
    islands, n_islands = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if n_islands:
        sizes = np.bincount(islands.ravel()) * target.voxel_volume_mm3
        sizes[0] = 0.0
        mask &= (sizes >= card.min_volume_mm3)[islands]
    counts = np.bincount(own[mask], minlength=n_lesions + 1)[1 : n_lesions + 1]
    return np.asarray(counts * target.voxel_volume_mm3, dtype=np.float64)


def _levels(bits: Floats, grid: Grid, target: Grid) -> NDArray[np.uint8]:
    """Return the doubt on the scan's own grid, a slice at a time."""
    levels = np.zeros(target.shape_kji, dtype=np.uint8)
    for k in range(target.shape_kji[0]):
        _, j, i = target.shape_kji
        part = target.crop((k, 0, 0), (k + 1, j, i))
        near = resampled(bits, grid, part, order=1, fill=0.0)
        levels[k] = np.rint(np.clip(near[0], 0.0, 1.0) * 255)
    return levels
