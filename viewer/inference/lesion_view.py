"""One lesion as a classifier sees it, and what it says."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.imaging.resample import resampled
from viewer.inference.handover import Scan
from viewer.inference.pipeline import Report, check
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.sampling import normalised, sampled

_BLUR_MM = 3.0
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
    """Return (2, k, j, i): grey in 0..1 and the lesion's blurred share, centred on its middle.

    ``mask`` is the lesion's box, which starts at voxel ``start_kji`` of the scan. The blur leaves in
    the share where the lesion is and how large, but not its outline, which a network or a hand drew:
    the shape is to be judged from the picture.
    """
    from scipy import ndimage

    k, j, i = start_kji
    stop = (k + mask.shape[0], j + mask.shape[1], i + mask.shape[2])
    place = scan.grid.crop((k, j, i), stop)
    middle = place.world(np.argwhere(mask).mean(axis=0)[::-1])
    target = view_grid(middle, card)
    padded = np.pad(mask, 1).astype(np.float32)
    around = Grid(
        (padded.shape[0], padded.shape[1], padded.shape[2]),
        _shifted(place, (-1.0, -1.0, -1.0)),
    )
    share = resampled(padded, around, target, order=1, fill=0.0)
    sigma_kji = _BLUR_MM / np.array(card.spacing_ijk_mm[::-1])
    share = ndimage.gaussian_filter(share, sigma_kji, mode="constant")
    grey = normalised(sampled(scan, target, card.window_low), card)
    return np.stack((grey, np.asarray(share, dtype=np.float32)))


def view_grid(middle_lps_mm: NDArray[np.float64], card: NetworkCard) -> Grid:
    """Return the card's box along the patient's axes, centred on ``middle_lps_mm``."""
    half = (np.array(card.tile_kji[::-1]) - 1) / 2 * np.array(card.spacing_ijk_mm)
    return Grid.from_axes(
        card.tile_kji, origin_lps_mm=middle_lps_mm - half, spacing_ijk_mm=card.spacing_ijk_mm
    )


def _shifted(grid: Grid, index_ijk: tuple[float, float, float]) -> NDArray[np.float64]:
    affine = grid.ijk_to_lps.copy()
    affine[:3, 3] = grid.world(index_ijk)
    return affine
