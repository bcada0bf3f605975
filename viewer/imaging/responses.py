"""Response maps of the convolutional filters that the Image Biomarker Standardisation Initiative set.

Source: IBSI reference manual 2, Depeursinge et al., arXiv:2006.05470, and Whybra et al., Radiology
310 (2024), doi:10.1148/radiol.231319. Arrays are (j, i) or (k, j, i) with voxels of one size; names
of kernels are written in the manual's order, along i first. The tests hold the manual's own response
maps and feature values within their tolerances. Radiomics features and plug-ins share these maps.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused

Values = NDArray[np.floating[Any]]
Kernel = NDArray[np.float64]
Boundary = Literal["zero", "nearest", "periodic", "mirror"]
Pooling = Literal["none", "average", "max"]

BOUNDARIES: dict[Boundary, Literal["constant", "nearest", "wrap", "reflect"]] = {
    "zero": "constant",
    "nearest": "nearest",
    "periodic": "wrap",
    "mirror": "reflect",  # the edge voxel is doubled
}
# Laws 1980; normalised to unit energy as the manual asks (section 3.3).
LAWS: dict[str, Kernel] = {
    name: np.array(taps, dtype=np.float64) / np.linalg.norm(taps)
    for name, taps in (
        ("L3", (1, 2, 1)),
        ("E3", (-1, 0, 1)),
        ("S3", (-1, 2, -1)),
        ("L5", (1, 4, 6, 4, 1)),
        ("E5", (-1, -2, 0, 2, 1)),
        ("S5", (-1, 0, 2, 0, -1)),
        ("W5", (-1, 2, 0, -2, 1)),
        ("R5", (1, -4, 6, -4, 1)),
    )
}


def separable_response(
    values: Values, kernels: Sequence[Kernel | None], boundary: Boundary = "mirror"
) -> Values:
    """Return ``values`` convolved along each axis with its kernel (None: left as it is).

    A kernel of even length has its origin right of the middle, as a wavelet's has.
    """
    from scipy.ndimage import convolve1d

    found = values
    for axis, kernel in enumerate(kernels):
        if kernel is not None:
            found = convolve1d(found, kernel, axis=axis, mode=BOUNDARIES[boundary])
    return found


def rotated_kernels(kernels: Sequence[Kernel]) -> tuple[tuple[Kernel, ...], ...]:
    """Return the kernels of each axis after every rotation by right angles, each set once.

    Four rotations in a plane, 24 in space (manual, section 2.3.2). Turning a separable filter
    exchanges kernels between axes and reverses some; even ones are their own reverse.
    """
    found: dict[tuple[bytes, ...], tuple[Kernel, ...]] = {}
    n = len(kernels)
    for order, signs in product(permutations(range(n)), product((1, -1), repeat=n)):
        matrix = np.zeros((n, n))
        matrix[range(n), order] = signs
        if np.linalg.det(matrix) > 0:
            turned = tuple(
                np.ascontiguousarray(kernels[at][::sign])
                for at, sign in zip(order, signs, strict=True)
            )
            found.setdefault(tuple(one.tobytes() for one in turned), turned)
    return tuple(found.values())


def pooled(maps: Iterator[Values], pooling: Pooling) -> Values:
    """Return the mean or the largest of some response maps, the first alone for "none"."""
    found = np.array(next(maps))
    count = 1
    for one in maps if pooling != "none" else ():
        count += 1
        if pooling == "max":
            np.maximum(found, one, out=found)
        else:
            found += one
    return found / count if pooling == "average" else found


def mean_response(values: Values, support_px: int, boundary: Boundary = "mirror") -> Values:
    """Return the mean over a square or cube of odd ``support_px`` (manual, section 3.1)."""
    kernel = np.full(support_px, 1 / support_px)
    return separable_response(values, [kernel] * values.ndim, boundary)


def log_response(
    values: Values, sigma_px: Sequence[float], boundary: Boundary = "mirror", cut: float = 4.0
) -> Values:
    """Return the Laplacian of Gaussian, cut at ``cut`` sigma (manual, section 3.2; per voxel²)."""
    gauss, bend = [], []
    for sigma in sigma_px:
        reach = int(np.floor(cut * sigma + 0.5))
        x = np.arange(-reach, reach + 1, dtype=np.float64)
        gauss.append(np.exp(-0.5 * (x / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma))
        bend.append(gauss[-1] * (x**2 / sigma**4 - 1 / sigma**2))
    found = np.zeros_like(values, dtype=np.result_type(values, np.float32))
    for axis in range(values.ndim):
        kernels = [bend[n] if n == axis else gauss[n] for n in range(values.ndim)]
        found += separable_response(values, kernels, boundary)
    return found


def laws_response(
    values: Values,
    names: str,
    boundary: Boundary = "mirror",
    *,
    pooling: Pooling = "none",
    energy_px: int = 0,
) -> Values:
    """Return the response to Laws' kernels such as "E5L5S5" (along i, j, k; manual, section 3.3).

    With ``energy_px``, the texture energy: the mean of its absolute values no further away than so
    many voxels along each axis, computed after the rotations were pooled.

    Raises
    ------
    InputRefused
        ``names`` does not name one kernel for each axis.
    """
    parts = [names[at : at + 2] for at in range(0, len(names), 2)]
    if len(parts) != values.ndim or any(part not in LAWS for part in parts):
        raise InputRefused(
            f"Laws' kernels are named one for each axis, such as {'E5L5S5'[: 2 * values.ndim]}."
        )
    found = _turned(values, [LAWS[part] for part in reversed(parts)], boundary, pooling)
    return mean_response(np.abs(found), 2 * energy_px + 1, boundary) if energy_px else found


def wavelet_response(
    values: Values,
    wavelet: str,
    bands: str,
    level: int = 1,
    boundary: Boundary = "mirror",
    *,
    pooling: Pooling = "none",
) -> Values:
    """Return one band of an undecimated separable wavelet transform (manual, section 3.5).

    ``bands`` says low or high pass for each axis ("LHL": along i, j, k); ``wavelet`` is a name of
    PyWavelets. Levels after the first are taken of what passed all low passes before, with zeros
    between the taps (à trous).

    Raises
    ------
    InputRefused
        ``bands`` does not say L or H for each axis.
    """
    import pywt

    if len(bands) != values.ndim or set(bands) - set("LH"):
        raise InputRefused(f"Bands are named L or H for each axis, such as {'LHL'[: values.ndim]}.")
    taps = pywt.Wavelet(wavelet)
    low, high = (np.array(one, dtype=np.float64) for one in (taps.dec_lo, taps.dec_hi))
    if level == 1:
        return _turned(
            values, [low if b == "L" else high for b in reversed(bands)], boundary, pooling
        )
    # A turn concerns all levels: the kernels of one axis go along together.
    pairs = [np.stack([low, low if b == "L" else high]) for b in reversed(bands)]
    turns = [tuple(pairs)] if pooling == "none" else list(_turned_pairs(pairs))
    return pooled((_deeper(values, turn, level, boundary) for turn in turns), pooling)


def _turned_pairs(pairs: Sequence[Kernel]) -> Iterator[tuple[Kernel, ...]]:
    width = pairs[0].shape[1]
    for turn in rotated_kernels([pair.T.reshape(width, 2) for pair in pairs]):
        yield tuple(np.ascontiguousarray(one.T) for one in turn)


def _deeper(values: Values, pairs: Sequence[Kernel], level: int, boundary: Boundary) -> Values:
    found = values
    for n in range(level):
        last = 1 if n == level - 1 else 0
        found = separable_response(found, [_spread(pair[last], n) for pair in pairs], boundary)
    return found


def _spread(kernel: Kernel, n: int) -> Kernel:
    """Return the kernel with 2**n - 1 zeros after each tap."""
    found = np.zeros(len(kernel) << n)
    found[:: 1 << n] = kernel
    return found


def _turned(
    values: Values, kernels: Sequence[Kernel], boundary: Boundary, pooling: Pooling
) -> Values:
    turns = (tuple(kernels),) if pooling == "none" else rotated_kernels(kernels)
    return pooled((separable_response(values, turn, boundary) for turn in turns), pooling)
