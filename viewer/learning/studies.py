"""Generated studies as training samples, and as pictures like any other."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.domain.volume import Display, ValueMap, Volume
from viewer.imaging.resample import resampled
from viewer.inference.handover import Scan
from viewer.inference.lesion_view import lesion_view
from viewer.inference.pipeline import canonical_grid
from viewer.inference.sampling import normalised, sampled
from viewer.jobs.job import Ticket
from viewer.learning.recipe import Recipe
from viewer.phantom.chest import PhantomStudy, make_chest, make_sample

Sample = Mapping[str, NDArray[np.uint8]]

# The field of view of a whole chest, along i, j and k.
CHEST_MM = (371.0, 371.0, 275.0)
VIEWS = 3  # of each lesion, with differently drawn outlines


def picture_of(study: PhantomStudy) -> Volume:
    """Return a generated study as a CT volume; nobody is in it."""
    n_k = study.grid.shape_kji[0]
    series_uid = f"2.25.{study.seed + 1}"
    return Volume(
        key=series_uid,
        stored=study.values_hu,
        grid=study.grid,
        quantity=ValueMap.identity(n_k, "[hnsf'U]", "HU"),
        display=Display(),
        identity=Identity(
            Patient("Phantom"),
            Study("2.25.1"),
            Series(series_uid, 1, "CT", "generated"),
            tuple(Instance("", f"{series_uid}.{k}") for k in range(n_k)),
        ),
    )


def truth_of(study: PhantomStudy, picture: Volume) -> Segmentation:
    """Return the true lesions as a segmentation."""
    segments = tuple(
        Segment(lesion.number, f"Lesion {lesion.number}", (255, 255, 0)) for lesion in study.lesions
    )
    origin = Origin(OriginKind.METHOD, "phantom")
    return Segmentation(
        "2.25.2", "Truth", picture.key, picture.grid, study.labels, segments, origin
    )


def training_studies(recipe: Recipe, ticket: Ticket) -> Iterator[PhantomStudy]:
    """Yield the studies to train on."""
    return _samples(recipe, recipe.seeds.train, ticket)


def validation_studies(recipe: Recipe, ticket: Ticket) -> Iterator[PhantomStudy]:
    """Yield the studies to calibrate on: parts of a chest that were never trained on."""
    return _samples(recipe, recipe.seeds.validation, ticket)


def _samples(recipe: Recipe, seeds: tuple[int, int], ticket: Ticket) -> Iterator[PhantomStudy]:
    for seed in range(*seeds):
        ticket.check()
        ticket.report(
            (seed - seeds[0]) / (seeds[1] - seeds[0]),
            f"generating study {seed - seeds[0] + 1} of {seeds[1] - seeds[0]}",
        )
        yield make_sample(
            seed,
            shape_kji=recipe.seeds.sample_shape_kji,
            max_lesions=recipe.seeds.max_lesions,
        )


def unseen_studies(recipe: Recipe, ticket: Ticket) -> Iterator[PhantomStudy]:
    """Yield the whole chests to test on, never seen before."""
    shape = recipe.seeds.test_shape_kji
    i, j, k = (mm / n for mm, n in zip(CHEST_MM, shape[::-1], strict=True))
    for seed in range(*recipe.seeds.test):
        ticket.check()
        yield make_chest(seed, shape_kji=shape, spacing_ijk_mm=(i, j, k))


def patches_sample(study: PhantomStudy, card: NetworkCard, patch: tuple[int, int, int]) -> Sample:
    """Return what a segmenter is trained on: grey (k, j, i) and lesion numbers, as bytes.

    Exactly what the pipeline will show it; at least as large as a patch.
    """
    scan = Scan.of(picture_of(study))
    grid = canonical_grid(scan.grid, card)
    grey = normalised(sampled(scan, grid, card.window_low), card)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    for lesion in study.lesions:
        share = resampled(
            (study.labels == lesion.number).astype(np.float32), study.grid, grid, order=1
        )
        labels[share >= 0.5] = lesion.number
    missing = [max(0, want - have) for want, have in zip(patch, grid.shape_kji, strict=True)]
    room = [(n // 2, n - n // 2) for n in missing]
    return {"grey": np.pad(as_bytes(grey), room), "labels": np.pad(labels, room)}


def as_bytes(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 0..1 as 0..255."""
    return np.asarray(np.rint(grey * 255), dtype=np.uint8)


def lesion_views(
    study: PhantomStudy, card: NetworkCard, rng: np.random.Generator
) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Return views (1, k, j, i) of the study's lesions as bytes, and 1 for spiculated, else 0.

    Each lesion comes in several outlines, since a network or a hand will draw it less exactly than
    the truth is known.
    """
    from scipy import ndimage

    scan = Scan.of(picture_of(study))
    boxes = ndimage.find_objects(study.labels)
    views, targets = [], []
    for lesion in study.lesions:
        box = boxes[lesion.number - 1] if lesion.number <= len(boxes) else None
        if box is None:
            continue
        start = tuple(max(0, part.start - 3) for part in box)
        wide = tuple(slice(a, part.stop + 3) for a, part in zip(start, box, strict=True))
        mask = study.labels[wide] == lesion.number
        for drawn in redrawn(mask, study, rng):
            views.append(as_bytes(lesion_view(scan, drawn, start, card)))
            targets.append(int(lesion.kind == "spiculated"))
    return views, targets


def redrawn(
    mask: NDArray[np.bool_], study: PhantomStudy, rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Return the mask (k, j, i), and versions of it smoothed and thresholded at random."""
    from scipy import ndimage

    spacing_kji = np.array(study.grid.spacing_ijk_mm[::-1])
    outlines = [mask]
    for _ in range(VIEWS - 1):
        blurred = ndimage.gaussian_filter(
            mask.astype(np.float32), rng.uniform(1.0, 3.0) / spacing_kji
        )
        drawn = blurred >= rng.uniform(0.25, 0.6)
        outlines.append(drawn if drawn.any() else mask)
    return outlines
