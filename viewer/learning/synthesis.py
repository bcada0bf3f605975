"""Images from label maps alone, at random: what a network for any contrast is trained on.

After Billot et al. 2023 (SynthSeg, doi:10.1016/j.media.2023.102789): every label gets a grey of its
own by chance, and the head is turned, bent, shaded, blurred, thinned out and made noisy, further than
real images ever are. A network that still finds the parts has learnt shapes, not a contrast.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.inference.sampling import between_percentiles

Labels = NDArray[np.uint8]
Image = NDArray[np.float32]
Shape = tuple[int, int, int]

CLASSES = (
    "background", "cerebral white matter", "cerebral cortex", "lateral ventricles",
    "deep grey matter", "hippocampus and amygdala", "cerebellum", "brain stem",
)  # fmt: skip
# FreeSurfer's numbers (FreeSurferColorLUT.txt), left and right, of each class.
MEMBERS: Mapping[int, tuple[int, ...]] = {
    1: (2, 41, 77, 85),
    2: (3, 42),
    3: (4, 5, 14, 15, 43, 44),
    4: (10, 11, 12, 13, 26, 28, 49, 50, 51, 52, 58, 60),
    5: (17, 18, 53, 54),
    6: (7, 8, 46, 47),
    7: (16,),
}
# Left and right look the same: they share a grey.
_TWINS = {41: 2, 42: 3, 43: 4, 44: 5, 46: 7, 47: 8, 49: 10, 50: 11, 51: 12, 52: 13, 53: 17,
          54: 18, 58: 26, 60: 28}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chances:
    """How far images vary; each is the largest of a range that is drawn from evenly.

    ``turn_rad``, ``scale`` and ``shear`` are of the whole head, ``bend_mm`` of the deformation whose
    control points lie ``bend_step`` voxels apart; ``bias`` is the logarithm of the shading,
    ``slice_mm`` the thickest slice, ``noise`` a deviation in parts of the range of greys.
    """

    turn_rad: float = 0.25
    scale: float = 0.15
    shear: float = 0.02
    bend_mm: float = 4.0
    bend_step: int = 16
    bias: float = 0.5
    blur_mm: float = 1.0
    slice_mm: float = 6.0
    noise: float = 0.1
    gamma: float = 0.4


def class_map(labels: NDArray[np.integer]) -> Labels:
    """Return the class of ``CLASSES`` (k, j, i) of each voxel; other tissue is background."""
    found = np.zeros(labels.shape, dtype=np.uint8)
    for number, members in MEMBERS.items():
        found[np.isin(labels, members)] = number
    return found


def synthetic(
    labels: NDArray[np.integer],
    spacing_mm: float,
    random: np.random.Generator,
    chances: Chances | None = None,
    patch: Shape | None = None,
) -> tuple[Image, Labels]:
    """Return an image in 0..1 and its classes (k, j, i), of which nothing is like ``labels`` but shape.

    ``patch`` is the size of what is returned, about a random place; the size of ``labels`` unless
    given. Deterministic for a state of ``random``.

    Raises
    ------
    InputRefused
        The map is no volume, or holds nothing.
    """
    if labels.ndim != 3 or not labels.any():
        raise InputRefused("The label map is no volume, or holds nothing.")
    chances = chances or Chances()
    size = patch or (labels.shape[0], labels.shape[1], labels.shape[2])
    moved = _moved(labels, spacing_mm, size, random, chances)
    image = _greys(moved, random)
    image = _degraded(image, spacing_mm, random, chances)
    return _between(image, random, chances), class_map(moved)


def _moved(
    labels: NDArray[np.integer],
    spacing_mm: float,
    size: Shape,
    random: np.random.Generator,
    chances: Chances,
) -> NDArray[np.integer]:
    """Return the labels (nearest) under a random affine and elastic map."""
    from scipy import ndimage

    matrix = _affine(random, chances)
    middle = (np.array(labels.shape) - 1) / 2
    free = np.maximum(0, (np.array(labels.shape) - np.array(size)) / 2)
    centre = middle + random.uniform(-1, 1, 3) * free
    steps = [np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in size]
    index = np.stack(np.meshgrid(*steps, indexing="ij"))
    at = np.tensordot(matrix.astype(np.float32), index, axes=1)
    at += centre.astype(np.float32)[:, None, None, None]
    most = chances.bend_mm / spacing_mm
    for axis in range(3):
        at[axis] += most * random.random() * _smooth(size, chances.bend_step, random)
    found: NDArray[np.integer] = ndimage.map_coordinates(labels, at, order=0, mode="constant")
    return found


def _affine(random: np.random.Generator, chances: Chances) -> NDArray[np.float64]:
    """Return the matrix from the image's index to that of the labels."""
    matrix = np.diag(1 + random.uniform(-chances.scale, chances.scale, 3))
    shear = random.uniform(-chances.shear, chances.shear, (3, 3))
    np.fill_diagonal(shear, 0)
    matrix = matrix @ (np.eye(3) + shear)
    for axis, angle in enumerate(random.uniform(-chances.turn_rad, chances.turn_rad, 3)):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _smooth(size: Shape, step: int, random: np.random.Generator) -> Image:
    """Return a smooth field (k, j, i), roughly between -1 and 1: random values, interpolated."""
    from scipy import ndimage

    coarse = tuple(max(2, -(-n // step) + 1) for n in size)
    values = random.uniform(-1, 1, coarse).astype(np.float32)
    factors = [n / c for n, c in zip(size, coarse, strict=True)]
    field: Image = ndimage.zoom(values, factors, order=1, mode="nearest", grid_mode=True)
    return field


def _greys(labels: NDArray[np.integer], random: np.random.Generator) -> Image:
    """Return an image in which each label has a mean and a deviation of its own."""
    highest = int(labels.max()) + 1
    means = random.uniform(0.05, 1.0, highest).astype(np.float32)
    deviations = random.uniform(0.0, 0.08, highest).astype(np.float32)
    for right, left in _TWINS.items():
        if right < highest and left < highest:
            means[right], deviations[right] = means[left], deviations[left]
    means[0] = 0.0 if random.random() < 0.7 else means[0]
    noise = random.standard_normal(labels.shape, dtype=np.float32)
    image: Image = means[labels] + deviations[labels] * noise
    return image


def _degraded(
    image: Image, spacing_mm: float, random: np.random.Generator, chances: Chances
) -> Image:
    """Return the image under shading, blur, thick slices along one axis, and noise."""
    from scipy import ndimage

    size = (image.shape[0], image.shape[1], image.shape[2])
    image = image * np.exp(chances.bias * random.random() * _smooth(size, 32, random))
    blur = random.uniform(0.3, max(0.3, chances.blur_mm)) / spacing_mm
    sigmas = [blur, blur, blur]
    slice_mm = random.uniform(spacing_mm, max(spacing_mm, chances.slice_mm))
    axis, is_thick = int(random.integers(3)), random.random() < 0.5
    if is_thick:
        # A slice profile's width at half its height is 2.355 deviations.
        sigmas[axis] = max(blur, slice_mm / spacing_mm / 2.355)
    image = ndimage.gaussian_filter(image, sigmas)
    if is_thick and slice_mm > 1.5 * spacing_mm:
        image = _thinned(image, axis, slice_mm / spacing_mm)
    noise = random.random() * chances.noise * random.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(image + noise, dtype=np.float32)


def _thinned(image: Image, axis: int, step: float) -> Image:
    """Return what is left of the image if only every ``step``-th plane was taken."""
    n = image.shape[axis]
    kept = np.arange(0, n, step)
    planes = np.take(image, np.minimum(np.rint(kept).astype(int), n - 1), axis=axis)
    at = np.clip(np.arange(n) / step, 0, len(kept) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(kept) - 1)
    share = (at - low).astype(np.float32)
    share = share.reshape([-1 if n == axis else 1 for n in range(3)])
    found: Image = np.take(planes, low, axis) * (1 - share) + np.take(planes, high, axis) * share
    return found


def _between(image: Image, random: np.random.Generator, chances: Chances) -> Image:
    """Return the image between its percentiles in 0..1, as the pipeline shows scans, under a gamma."""
    grey = between_percentiles(image)
    return np.asarray(grey ** np.exp(random.uniform(-chances.gamma, chances.gamma)), np.float32)
