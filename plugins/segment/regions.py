"""Regions that grow from places which the reader pointed at."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Asked,
    InputRefused,
    Parameter,
    Segmenter,
    SegmentRequest,
    SegmentResult,
    box_notes,
    mask_box,
    seed_box,
    seed_marks,
)

_WIDEST = 1e6
_LEAK_FACTOR = 4.0


def _components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    from scipy import ndimage

    labels, n = ndimage.label(mask)
    return np.asarray(labels, dtype=np.int32), int(n)


def _connected(
    mask: NDArray[np.bool_], seeds: tuple[tuple[int, int, int], ...]
) -> NDArray[np.bool_]:
    """Return what of ``mask`` hangs together (by faces) with a seed."""
    labels, n = _components(mask)
    kept = np.zeros(n + 1, dtype=bool)
    for seed in seeds:
        kept[labels[seed]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def _seed_values(request: SegmentRequest) -> NDArray[np.float64]:
    found = np.array([request.values[seed] for seed in request.inside], dtype=np.float64)
    if not np.isfinite(found).all():
        raise InputRefused("A seed lies where nothing is known.", remedy="Click on the picture.")
    return found


def _leak(mask: NDArray[np.bool_], grown: list[int]) -> tuple[str, ...]:
    """Say when a region seems to have escaped: at the border, or by leaps of its size.

    ``grown`` are sizes for tolerances in equal steps up to the chosen one. Within an object they
    rise evenly; through a gap in its wall they leap.
    """
    notes = []
    sides = [axis for axis in range(3) if mask.shape[axis] > 1]
    touched = [
        axis for axis in sides if mask.take(0, axis=axis).any() or mask.take(-1, axis=axis).any()
    ]
    if touched:
        notes.append("The region reaches the edge of the image: it may have leaked.")
    leaps = [b / a for a, b in pairwise(grown) if a > 0]
    if leaps and max(leaps) > _LEAK_FACTOR and grown[-1] > 1000:
        notes.append("The region leaps as the tolerance grows: it may have leaked.")
    return tuple(notes)


def _growing(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    seeds = _seed_values(request)
    tolerance = float(values["tolerance"])
    mask = _connected(_like(request.values, seeds, tolerance) & request.known, request.inside)
    asked.check()
    # Two smaller tolerances tell whether the chosen one leaks; what they hold lies within it.
    box = mask_box(mask, request, 0.0) if mask.any() else np.s_[0:0, 0:0, 0:0]
    sizes = []
    for share in (0.5, 0.8):
        like = _like(request.values[box], seeds, tolerance * share) & mask[box]
        places = tuple(_moved(seed, box) for seed in request.inside if mask[seed])
        sizes.append(int(np.count_nonzero(_connected(like, places))))
        asked.check()
    sizes.append(int(np.count_nonzero(mask)))
    return SegmentResult(mask, notes=_leak(mask, sizes))


def _like(
    values: NDArray[np.float32], seeds: NDArray[np.float64], tolerance: float
) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        found = (values >= seeds.min() - tolerance) & (values <= seeds.max() + tolerance)
    return np.asarray(found)


def _moved(seed: tuple[int, int, int], box: tuple[slice, ...]) -> tuple[int, int, int]:
    k, j, i = (at - part.start for at, part in zip(seed, box, strict=True))
    return k, j, i


def _confidence(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Grow within mean +- factor x SD of the region, which is measured again in each round."""
    _seed_values(request)
    factor, rounds = float(values["factor"]), int(values["rounds"])
    radius = int(values["radius_px"])
    known = request.known
    sample = np.zeros(request.values.shape, dtype=bool)
    for seed in request.inside:
        sample[tuple(slice(max(0, at - radius), at + radius + 1) for at in seed)] = True
    mask = sample & known
    sizes = []
    for _ in range(rounds):
        asked.check()
        found = request.values[mask].astype(np.float64)
        mean, sd = float(found.mean()), float(found.std())
        with np.errstate(invalid="ignore"):
            like = np.abs(request.values - mean) <= factor * sd
        for seed in request.inside:
            like[seed] = True
        mask = _connected(like & known, request.inside)
        sizes.append(int(np.count_nonzero(mask)))
    return SegmentResult(mask, notes=_leak(mask, sizes))


def _neighbourhood(
    request: SegmentRequest, values: Mapping[str, Any], asked: Asked
) -> SegmentResult:
    """Grow where all voxels within a radius lie in the range: thin bridges do not leak."""
    from scipy import ndimage

    tolerance, radius = float(values["tolerance"]), float(values["radius_mm"])
    like = _like(request.values, _seed_values(request), tolerance) & request.known
    asked.check()
    size = tuple(
        2 * round(radius / mm) + 1 if n > 1 else 1
        for n, mm in zip(like.shape, request.spacing_kji_mm, strict=True)
    )
    # Beyond the image counts as like: an object cut by the edge is not eaten from there.
    core = ndimage.minimum_filter(like.view(np.uint8), size=size, mode="constant", cval=1) > 0
    for seed in request.inside:
        core[seed] = True
    mask = _connected(core, request.inside)
    asked.check()
    grown = ndimage.maximum_filter(mask.view(np.uint8), size=size, mode="constant") > 0
    mask = grown & like
    return SegmentResult(mask, notes=_leak(mask, []))


def _watershed(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Flood the gradient from the markers; what floods from inside is taken."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    filled = np.where(np.isfinite(request.values), request.values, np.float32(0))
    sigma = [
        float(values["smoothing_mm"]) / mm if n > 1 else 0.0
        for n, mm in zip(filled.shape, request.spacing_kji_mm, strict=True)
    ]
    slope = ndimage.gaussian_gradient_magnitude(filled, [max(s, 0.5) for s in sigma])
    asked.check()
    markers = np.zeros(filled.shape, dtype=np.int32)
    for seed in request.outside:
        markers[seed] = 2
    for seed in request.inside:
        markers[seed] = 1
    labels = watershed(slope, markers, mask=request.known)
    return SegmentResult(labels == 1)


def _walker(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Return where a random walker reaches an inside seed first, and how likely that is."""
    from skimage.segmentation import random_walker

    box = seed_box(request, float(values["margin_mm"]))
    cut, known = request.values[box], request.known[box]
    low, high = np.percentile(cut[known], (1, 99)) if known.any() else (0.0, 0.0)
    if high <= low:
        raise InputRefused(
            "All values about the marks are equal: no walk is likelier than another."
        )
    scaled = np.clip((np.where(known, cut, low) - low) / max(high - low, 1e-6), 0, 1)
    labels = np.where(known, seed_marks(request, box), -1).astype(np.int32)
    asked.check()
    spacing = np.array(request.spacing_kji_mm) / min(request.spacing_kji_mm)
    chances = random_walker(
        scaled,
        labels,
        beta=float(values["beta"]),
        mode="cg_j",
        tol=1e-4,
        # an iterative solver may leave [0, 1] by a little: it is brought back below
        prob_tol=1e-2,
        spacing=spacing,
        return_full_prob=True,
    )
    membership = np.zeros(request.values.shape, dtype=np.float32)
    membership[box] = np.where(known, np.clip(chances[0], 0.0, 1.0), 0)
    mask = membership > 0.5
    notes = box_notes(mask[box], request, box)
    if not request.outside:
        notes = (*notes, "Only the rim of the box counts as outside: mark what is outside too.")
    return SegmentResult(mask, membership, notes)


def _split_merge(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Split each plane into even squares, merge neighbours of like mean, take those with seeds."""
    from scipy import sparse

    tolerance = float(values["tolerance"])
    mask = np.zeros(request.values.shape, dtype=bool)
    for k in sorted({seed[0] for seed in request.inside}):
        asked.check()
        filled = np.where(np.isfinite(request.values[k]), request.values[k], np.float32(_WIDEST))
        means = _even_squares(filled, float(values["evenness"]))
        number = np.arange(means.size).reshape(means.shape)
        pairs = []
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            like = np.abs(means[one] - means[other]) <= tolerance
            pairs.append((number[one][like], number[other][like]))
        rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
        graph = sparse.coo_array((np.ones(len(rows), bool), (rows, columns)), (means.size,) * 2)
        found = sparse.csgraph.connected_components(graph, directed=False)[1]
        region = np.asarray(found).reshape(means.shape)
        taken = [region[j, i] for at, j, i in request.inside if at == k]
        mask[k] = np.isin(region, taken)
    return SegmentResult(mask)


def _even_squares(plane: NDArray[np.float32], evenness: float) -> NDArray[np.float32]:
    """Return the mean of the largest even square (by halving, from 64 pixels) about each pixel."""
    means = plane.copy()
    for size in (2, 4, 8, 16, 32, 64):
        rows, columns = (-(-n // size) * size for n in plane.shape)
        padded = np.pad(
            plane, ((0, rows - plane.shape[0]), (0, columns - plane.shape[1])), mode="edge"
        )
        blocks = padded.reshape(rows // size, size, columns // size, size)
        even = np.ptp(blocks, axis=(1, 3)) <= evenness
        mean = blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
        wide_even = np.kron(even, np.ones((size, size), bool))[: plane.shape[0], : plane.shape[1]]
        wide_mean = np.kron(mean, np.ones((size, size), np.float32))
        np.copyto(means, wide_mean[: plane.shape[0], : plane.shape[1]], where=wide_even)
    return means


_TOLERANCE = Parameter("tolerance", "Tolerance", "float", 50.0, 0.0, _WIDEST, 0.0, "value")
GROWING = Segmenter(
    "region_growing",
    "Region growing",
    "Regions",
    "Takes what hangs together with the clicked places and has values like theirs.",
    "Leaks through gaps in the wall; it says so when it reaches the edge or leaps in size.",
    "Adams & Bischof, IEEE Trans PAMI 16 (1994), 641-647",
    (_TOLERANCE,),
    _growing,
    frozenset({"seeds"}),
    is_local=True,
)
CONFIDENCE = Segmenter(
    "confidence_growing",
    "Confidence growing",
    "Regions",
    "Grows within mean and spread of what it has, so no tolerance has to be known.",
    "Each round may widen the range: a region that leaks goes on leaking.",
    "Ibanez et al., ITK Software Guide (2005), 9.1.3 (confidence connected)",
    (
        Parameter("factor", "SD factor", "float", 2.5, 0.5, 6.0, 0.1),
        Parameter("rounds", "Rounds", "int", 4, 1, 12, 1),
        Parameter("radius_px", "First radius", "int", 2, 0, 10, 1, "px"),
    ),
    _confidence,
    frozenset({"seeds"}),
)
NEIGHBOURHOOD = Segmenter(
    "neighbourhood_growing",
    "Neighbourhood growing",
    "Regions",
    "Grows only where a whole neighbourhood is alike, so thin bridges hold.",
    "Corners and thin parts of the object are rounded off or lost.",
    "Ibanez et al., ITK Software Guide (2005), 9.1.2 (neighbourhood connected)",
    (_TOLERANCE, Parameter("radius_mm", "Radius", "float", 1.5, 0.0, 20.0, 0.5, "mm")),
    _neighbourhood,
    frozenset({"seeds"}),
    is_local=True,
)
WATERSHED = Segmenter(
    "watershed",
    "Watershed",
    "Regions",
    "Floods from markers inside and outside until the floods meet on an edge.",
    "Where there is no edge between the markers, the border is where the floods happen to meet.",
    "Meyer, Signal Processing 38 (1994), 113-125",
    (Parameter("smoothing_mm", "Smoothing", "float", 1.0, 0.0, 10.0, 0.25, "mm"),),
    _watershed,
    frozenset({"seeds", "outside"}),
)
WALKER = Segmenter(
    "random_walker",
    "Random walker",
    "Regions",
    "Gives each voxel the chance that a walk reaches an inside mark first; bridges weak edges.",
    "Far from all marks the chances even out; without outside marks the box's rim counts as such.",
    "Grady, IEEE Trans PAMI 28 (2006), 1768-1783",
    (
        Parameter("beta", "Edge weight", "float", 130.0, 1.0, 5000.0, 1.0),
        Parameter("margin_mm", "Box margin", "float", 15.0, 1.0, 100.0, 1.0, "mm"),
    ),
    _walker,
    frozenset({"seeds"}),
    is_slow=True,
)
SPLIT_MERGE = Segmenter(
    "split_merge",
    "Split and merge",
    "Regions",
    "Splits a plane into even squares and merges those of like mean about the clicked places.",
    "Borders show the squares where the image is nearly even.",
    "Horowitz & Pavlidis, J ACM 23 (1976), 368-388",
    (
        Parameter("evenness", "Even within", "float", 60.0, 0.0, _WIDEST, 0.0, "value"),
        Parameter("tolerance", "Merge within", "float", 30.0, 0.0, _WIDEST, 0.0, "value"),
    ),
    _split_merge,
    frozenset({"seeds"}),
)
METHODS = (GROWING, CONFIDENCE, NEIGHBOURHOOD, WATERSHED, WALKER, SPLIT_MERGE)
