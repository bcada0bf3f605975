"""Non-local means: the mean of pixels whose surroundings look alike."""

from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.methods import Asked

Values = NDArray[np.float32]
_STRIP_ROWS = 64  # strips stay in the cache of a core


def nonlocal_means(
    values: Values,
    noise: float,
    *,
    h: float,
    patch_px: int = 5,
    search_px: int = 5,
    of_squares: bool = False,
) -> Values:
    """Return the non-local mean of (row, column) values.

    Weights are exp(-max(d² - 2 noise², 0) / h²), d² the mean squared difference of patches of
    ``patch_px``; shifts go up to ``search_px`` each way. ``of_squares`` averages squared values
    instead, which a Rician correction needs. Source: Buades, Coll and Morel, CVPR 2005,
    doi:10.1109/CVPR.2005.38.
    """
    half = patch_px // 2
    pad = half + search_px
    border = np.asarray(
        cv2.copyMakeBorder(values, pad, pad, pad, pad, cv2.BORDER_REFLECT), dtype=np.float32
    )
    found = np.empty_like(values)
    for first in range(0, values.shape[0], _STRIP_ROWS):
        rows = min(_STRIP_ROWS, values.shape[0] - first)
        part = border[first : first + rows + 2 * pad]
        found[first : first + rows] = _strip(part, noise, h, patch_px, search_px, of_squares)
    return found


def _strip(
    part: Values, noise: float, h: float, patch_px: int, search_px: int, of_squares: bool
) -> Values:
    half = patch_px // 2
    pad = half + search_px
    rows, columns = part.shape[0] - 2 * pad, part.shape[1] - 2 * pad
    source = part * part if of_squares else part
    middle = source[pad : pad + rows, pad : pad + columns]
    total, weights = middle.copy(), np.ones_like(middle)
    bias, scale = np.float32(2 * noise * noise), np.float32(-1.0 / (h * h))
    span = range(-search_px, search_px + 1)
    for down, right in ((d, r) for d, r in product(range(search_px + 1), span) if (d, r) > (0, 0)):
        # One weight serves two pixels: that of (p, p + s) is that of (p + s, p). So weights are
        # computed for the strip and for its shift back.
        top, left = pad - down - half, pad - max(right, 0) - half
        height, width = rows + down + 2 * half, columns + abs(right) + 2 * half
        here = part[top : top + height, left : left + width]
        there = part[top + down : top + down + height, left + right : left + right + width]
        weight = here - there
        weight *= weight
        means = cv2.blur(weight, (patch_px, patch_px))[half : height - half, half : width - half]
        weight = np.asarray(means - bias, dtype=np.float32)
        np.maximum(weight, 0, out=weight)
        weight *= scale
        cv2.exp(weight, dst=weight)
        forward = weight[down:, max(right, 0) : max(right, 0) + columns]
        backward = weight[:rows, max(-right, 0) : max(-right, 0) + columns]
        for one, d, r in ((forward, down, right), (backward, -down, -right)):
            shifted = source[pad + d : pad + d + rows, pad + r : pad + r + columns]
            total += one * shifted
            weights += one
    return np.asarray(total / weights)


def nonlocal_means_volume(
    values: Values,
    noise: float,
    *,
    h: float,
    asked: Asked,
    patch_px: int = 3,
    search_px: int = 2,
) -> Values:
    """Return the non-local mean of (k, j, i) values with cubes as patches, as ``nonlocal_means``.

    Slices at the ends are mirrored. Blocks of a few slices, so that memory stays near twice that of
    the volume and ``asked.check`` is called often.
    """
    half = patch_px // 2
    pad = half + search_px
    n_k = values.shape[0]
    found = np.empty_like(values)
    for k in range(n_k):
        rows = np.arange(k - pad, k + pad + 1)
        part = np.pad(values[_mirrored(rows, n_k)], ((0, 0), (pad, pad), (pad, pad)), "symmetric")
        found[k] = _slice_of_volume(part, (noise, h), patch_px, search_px, asked)
        asked.report((k + 1) / n_k, f"slice {k + 1} of {n_k}")
    return found


def _mirrored(index: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return indices mirrored into 0..n-1, the edge doubled."""
    period = np.mod(index, 2 * n)
    return np.where(period < n, period, 2 * n - 1 - period)


def _slice_of_volume(
    part: Values, noise_h: tuple[float, float], patch_px: int, search_px: int, asked: Asked
) -> Values:
    half = patch_px // 2
    pad = half + search_px
    rows, columns = (n - 2 * pad for n in part.shape[1:])
    inner = slice(pad, pad + rows), slice(pad, pad + columns)
    total, weights = part[pad][inner].copy(), np.ones((rows, columns), dtype=np.float32)
    bias, scale = np.float32(2 * noise_h[0] ** 2), np.float32(-1.0 / noise_h[1] ** 2)
    span = range(-search_px, search_px + 1)
    here = part[pad - half : pad + half + 1, search_px:-search_px, search_px:-search_px]
    for step in product(span, span, span):
        if step == (0, 0, 0):
            continue
        asked.check()
        far, down, right = step
        there = part[
            pad - half + far : pad + half + 1 + far,
            search_px + down : part.shape[1] - search_px + down,
            search_px + right : part.shape[2] - search_px + right,
        ]
        weight = np.zeros(here.shape[1:], dtype=np.float32)
        for one, other in zip(here, there, strict=True):
            weight += (one - other) ** 2
        weight /= np.float32(patch_px)
        means = cv2.blur(weight, (patch_px, patch_px))[half : half + rows, half : half + columns]
        weight = np.asarray(np.maximum(means - bias, 0) * scale, dtype=np.float32)
        np.exp(weight, out=weight)
        row, column = pad + down, pad + right
        total += weight * part[pad + far, row : row + rows, column : column + columns]
        weights += weight
    return np.asarray(total / weights)
