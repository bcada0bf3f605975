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
from viewer.domain.prompt import Prompt
from viewer.errors import InputRefused, OutOfResources, Unsupported
from viewer.imaging.components import components, largest_first
from viewer.imaging.resample import resampled, target_grid
from viewer.inference.adapted import adapted, own_tile, rescaled, seen_spacing_ijk_mm, standard
from viewer.inference.handover import Scan
from viewer.inference.instances import Detection, apart, detections_in, without_doubles
from viewer.inference.many_classes import blended_classes, restored_labels
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.prompted import (
    NOTHING,
    checked_prompt,
    meant,
    seen_region,
    tracer_notes,
    tracer_seen,
)
from viewer.inference.sampling import between_percentiles, normalised, sampled
from viewer.inference.tiling import Blend, Block, blend_weights, tiles

Report = Callable[[float, str], None]

_COARSE, _TOO_COARSE = 2.5, 6.0  # times the card's spacing
_FEWEST_SLICES = 3
FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3))
_MOST_VOXELS = 400_000_000  # of the sampled grid: about 5 GB at work


@dataclass(frozen=True, eq=False)
class Found:
    """What a network found: ``labels`` (k, j, i) on the scan's own grid.

    Lesions are numbered from the largest, classes as the card lists them; ``volumes_mm3`` is theirs
    by number (0 for a class that is not there), ``names`` the classes' names.
    """

    labels: NDArray[np.uint8]
    volumes_mm3: tuple[float, ...]
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def find(
    scan: Scan,
    card: NetworkCard,
    predictor: Predictor,
    report: Report,
    prompt: Prompt = NOTHING,
) -> Found:
    """Return what ``predictor`` sees in ``scan``, of what ``prompt`` points at if it does.

    ``report`` is called at least once a tile; it may raise to stop the work.

    Raises
    ------
    InputRefused
        The scan is not what the card asks for, or the prompt not what it takes.
    OutOfResources
        The scan is too large.
    """
    notes = check(scan, card)
    checked_prompt(prompt, card, scan)
    report(0.0, "resampling")
    grid = seen_region(canonical_grid(scan.grid, card), prompt)
    seen = seen_of(scan, grid, card, prompt)
    if card.answers == "classes":
        return _classes(scan, card, grid, tile_answers(seen, card, predictor, report), notes)
    if card.answers == "instances":
        return _instances(scan, card, grid, tile_answers(seen, card, predictor, report), notes)
    probability = predict_tiles(seen, card, predictor, report)
    report(0.92, "restoring the scan's own grid")
    mask = restored(probability, grid, scan.grid, card.threshold)
    report(0.96, "separating lesions")
    mask, said = meant(mask, scan.grid, prompt)
    labels, volumes = components(mask, scan.grid, min_volume_mm3=card.min_volume_mm3)
    if not prompt.is_empty:  # one thing was pointed at: its parts are one finding
        labels = np.minimum(labels, 1)
        volumes = volumes.sum(keepdims=True)[: len(volumes)]
    return Found(labels, tuple(float(v) for v in volumes), (*notes, *said))


def shown_to(scan: Scan, card: NetworkCard) -> tuple[NDArray[np.float32], Grid]:
    """Return what the network of ``card`` sees of ``scan`` (channel, k, j, i), and on which grid.

    Raises
    ------
    InputRefused, OutOfResources
        As for ``find``.
    """
    check(scan, card)
    grid = canonical_grid(scan.grid, card)
    return seen_of(scan, grid, card, NOTHING), grid


def seen_of(scan: Scan, grid: Grid, card: NetworkCard, prompt: Prompt) -> NDArray[np.float32]:
    """Return what the network is shown of ``scan`` on ``grid``: (channel, k, j, i) in 0..1."""
    if card.scaling == "tracer":
        return tracer_seen(scan, grid, prompt)
    if card.scaling == "percentiles":
        values = sampled(scan, grid, np.nan)
        return between_percentiles(values)[None]
    if card.scaling == "standard":
        return standard(sampled(scan, grid, np.nan), card)[None]
    return rescaled(normalised(sampled(scan, grid, card.window_low), card), card)[None]


def _classes(
    scan: Scan, card: NetworkCard, grid: Grid, answers: "TileAnswers", notes: tuple[str, ...]
) -> Found:
    inner = blended_classes(
        grid.shape_kji, answers.tile_kji, card.n_classes, answers.blocks, answers.logits
    )
    answers.report(0.92, "restoring the scan's own grid")
    labels = restored_labels(inner, grid, scan.grid, card.n_classes)
    counts = np.bincount(labels.ravel(), minlength=card.n_classes)[1:]
    volumes = tuple(float(n) * scan.grid.voxel_volume_mm3 for n in counts)
    names = card.classes[1:] if len(card.classes) == card.n_classes else ()
    return Found(labels, volumes, notes, names)


def _instances(
    scan: Scan, card: NetworkCard, grid: Grid, answers: "TileAnswers", notes: tuple[str, ...]
) -> Found:
    weights = blend_weights(answers.tile_kji)
    blend = Blend(grid.shape_kji)
    seen: list[Detection] = []
    for n, block in enumerate(answers.blocks):
        logits = answers.logits(n, block)
        blend.add(block, sigmoid(logits[0]), weights)
        seen += detections_in(logits, block)
    answers.report(0.92, "restoring the scan's own grid")
    mask = restored(blend.result(), grid, scan.grid, card.threshold)
    labels = apart(mask, scan.grid, grid, without_doubles(seen))
    labels, volumes = largest_first(labels, scan.grid, card.min_volume_mm3)
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
    if card.n_classes != 2 and card.answers != "classes":
        raise Unsupported(f"{card.title} knows several classes, and its card does not say so.")
    if scan.stored.ndim != 3:
        raise InputRefused(f"{card.title} reads grey pictures, not colour.")
    if scan.modality and card.modality and scan.modality != card.modality:
        raise InputRefused(
            f"{card.title} reads {card.modality}; this picture is {scan.modality}.",
            remedy="Choose another network or another series.",
        )
    if min(scan.grid.shape_kji) < _FEWEST_SLICES and not card.option("flat", 0):
        raise InputRefused(f"{card.title} needs a volume of at least {_FEWEST_SLICES} slices.")
    ratio = max(scan.grid.spacing_ijk_mm) / max(seen_spacing_ijk_mm(scan.grid, card))
    spacing = f"{max(scan.grid.spacing_ijk_mm):.1f} mm"
    if ratio > _TOO_COARSE:
        raise InputRefused(
            f"Voxels {spacing} apart are too coarse for {card.title}.",
            remedy="Choose a series of thinner slices.",
        )
    notes = list(tracer_notes(scan)) if card.scaling == "tracer" else []
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
    spacing_ijk_mm = seen_spacing_ijk_mm(grid, card)
    extent = np.ptp(grid.corners_lps_mm, axis=0) / np.array(spacing_ijk_mm)
    if float(np.prod(np.ceil(extent))) > _MOST_VOXELS:
        raise OutOfResources(
            f"The volume is too large for {card.title}.",
            remedy="Crop it to the region of interest.",
        )
    return target_grid(grid, spacing_ijk_mm)


@dataclass(frozen=True, eq=False)
class TileAnswers:
    """A volume's tiles, and the network's answer to each when asked for."""

    seen: NDArray[np.float32]
    tile_kji: tuple[int, int, int]
    blocks: list[Block]
    n_flips: int
    predictor: Predictor
    report: Report

    def logits(self, n: int, block: Block) -> NDArray[np.float32]:
        """Return the logits (output, k, j, i) of tile number ``n``, mean over the card's flips."""
        self.report(0.05 + 0.85 * n / len(self.blocks), f"tile {n + 1} of {len(self.blocks)}")
        part = self.seen[(slice(None), *block)]
        batch = np.zeros((1, len(part), *self.tile_kji), dtype=np.float32)
        k, j, i = part.shape[1:]
        batch[0, :, :k, :j, :i] = part
        total = self.predictor.predict(batch)[0]
        if self.n_flips == 1:
            return np.asarray(total, dtype=np.float32)
        for axes in FLIPS[1:]:
            turned = np.ascontiguousarray(np.flip(batch[0], axes))[None]
            total = total + np.flip(self.predictor.predict(turned)[0], axes)
        return np.asarray(total / np.float32(len(FLIPS)), dtype=np.float32)


def tile_answers(
    seen: NDArray[np.float32], card: NetworkCard, predictor: Predictor, report: Report
) -> TileAnswers:
    """Return the tiles of ``seen`` (channel, k, j, i) in which there is anything at all."""
    _, k, j, i = seen.shape
    tile = own_tile((k, j, i), card)
    blocks = [b for b in tiles((k, j, i), tile) if seen[(slice(None), *b)].any()]
    return TileAnswers(seen, tile, blocks, card.n_flips, adapted(predictor, card), report)


def predict_tiles(
    seen: NDArray[np.float32], card: NetworkCard, predictor: Predictor, report: Report
) -> NDArray[np.float32]:
    """Return the probability (k, j, i) of the finding in ``seen`` (channel, k, j, i).

    Tiles of nothing but air are left at 0.
    """
    answers = tile_answers(seen, card, predictor, report)
    weights = blend_weights(answers.tile_kji)
    _, k, j, i = seen.shape
    blend = Blend((k, j, i))
    for n, block in enumerate(answers.blocks):
        blend.add(block, sigmoid(answers.logits(n, block)[0]), weights)
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
