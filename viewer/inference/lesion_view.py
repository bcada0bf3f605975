"""One lesion as a classifier sees it, and what it says."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.inference.handover import Scan
from viewer.inference.pipeline import Report, check
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.sampling import normalised, sampled

# In equivalent radii of the lesion: the side of its box, and where what surrounds it fades out.
_SIDE = 5.5
_FADE_FROM, _FADE_TO = 2.3, 2.9
_FLIPS = tuple((k, j, i) for k in (False, True) for j in (False, True) for i in (False, True))


def scores(
    scan: Scan,
    labels: NDArray[np.uint8],
    card: NetworkCard,
    predictor: Predictor,
    report: Report,
) -> dict[int, float]:
    """Return segment number -> calibrated probability for every segment in ``labels``.

    The logit is averaged over the eight flips that the network was trained with, then divided by
    the temperature that its card states (Guo et al. 2017, arXiv 1706.04599).
    """
    from scipy import ndimage

    check(scan, card)
    temperature = float(dict(card.options).get("temperature", 1.0))
    boxes = [(n, box) for n, box in enumerate(ndimage.find_objects(labels), start=1) if box]
    found = {}
    for at, (number, box) in enumerate(boxes):
        report(at / len(boxes), f"lesion {at + 1} of {len(boxes)}")
        view = lesion_view(scan, labels[box] == number, tuple(p.start for p in box), card)
        logits = predictor.predict(flipped(view))
        found[number] = float(sigmoid(logits.mean(axis=0) / np.float32(temperature))[0])
    return found


def flipped(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the eight flips (8, channel, k, j, i) of a view (channel, k, j, i)."""
    axes = [tuple(axis for axis, on in enumerate(flip, start=1) if on) for flip in _FLIPS]
    return np.stack([np.flip(view, some) for some in axes])


def lesion_view(
    scan: Scan, mask: NDArray[np.bool_], start_kji: tuple[int, ...], card: NetworkCard
) -> NDArray[np.float32]:
    """Return (1, k, j, i): grey in 0..1 about the lesion's middle, fading out around the lesion.

    ``mask`` is the lesion's box, which starts at voxel ``start_kji`` of the scan. Only its middle
    and its volume are used: its outline was drawn by a network or a hand, and the shape is to be
    judged from the picture.
    """
    k, j, i = start_kji
    stop = (k + mask.shape[0], j + mask.shape[1], i + mask.shape[2])
    place = scan.grid.crop((k, j, i), stop)
    middle = place.world(np.argwhere(mask).mean(axis=0)[::-1])
    volume_mm3 = np.count_nonzero(mask) * scan.grid.voxel_volume_mm3
    target = view_grid(middle, volume_mm3, card)
    grey = normalised(sampled(scan, target, card.window_low), card)
    return np.asarray(grey * _fading(card.tile_kji), dtype=np.float32)[None]


def view_grid(middle_lps_mm: NDArray[np.float64], volume_mm3: float, card: NetworkCard) -> Grid:
    """Return a lesion's box along the patient's axes, centred on ``middle_lps_mm``.

    Its side is a multiple of the radius of a ball of the lesion's volume: shape is judged apart
    from size. (The card's spacing says which scans are fine enough, no more.)
    """
    radius_mm = (3 * volume_mm3 / (4 * np.pi)) ** (1 / 3)
    spacing_ijk_mm = _SIDE * radius_mm / np.array(card.tile_kji[::-1])
    half = (np.array(card.tile_kji[::-1]) - 1) / 2 * spacing_ijk_mm
    return Grid.from_axes(
        card.tile_kji, origin_lps_mm=middle_lps_mm - half, spacing_ijk_mm=spacing_ijk_mm
    )


def _fading(shape_kji: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the weight (k, j, i) of a box's voxels: 1 at and near the lesion, 0 in the corners."""
    steps = [(np.arange(n) - (n - 1) / 2) * _SIDE / n for n in shape_kji]
    radii = np.linalg.norm(np.stack(np.meshgrid(*steps, indexing="ij")), axis=0)
    return np.asarray(np.clip((_FADE_TO - radii) / (_FADE_TO - _FADE_FROM), 0.0, 1.0))
