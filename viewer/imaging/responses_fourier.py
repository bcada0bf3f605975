"""Response maps that are computed by Fourier transforms: Gabor, Simoncelli, Riesz.

Source: IBSI reference manual 2, arXiv:2006.05470, sections 3.4, 3.6 and 3.7; arrays as in
``responses``.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.imaging.responses import Boundary, Pooling, pooled

Values = NDArray[np.floating[Any]]

_PADDING: dict[Boundary, Any] = {
    "zero": "constant",
    "nearest": "edge",
    "periodic": "wrap",
    "mirror": "symmetric",
}
_CUT = 4.0  # sigma of the envelope: what lies beyond is less than 0.04 % of its top


def gabor_reach_px(sigma_mm: float, gamma: float, pixel_mm: tuple[float, float]) -> tuple[int, int]:
    """Return how far ``gabor_response`` looks (rows, columns)."""
    longest = sigma_mm * max(1.0, 1.0 / gamma)
    rows, columns = (max(1, int(np.ceil(_CUT * longest / mm))) for mm in pixel_mm)
    return rows, columns


def gabor_response(  # noqa: PLR0913 - the manual's parameters
    values: Values,
    pixel_mm: tuple[float, float],
    *,
    sigma_mm: float,
    wavelength_mm: float,
    gamma: float,
    theta_rad: Sequence[float],
    boundary: Boundary = "mirror",
    pooling: Pooling = "average",
) -> Values:
    """Return the modulus of Gabor responses of a (j, i) plane, pooled over directions.

    ``gamma`` is the envelope's sigma along the wave over that across; ``theta_rad`` turns the wave
    from i to j. Opposite directions answer alike, so half a turn of directions is enough.
    """
    from scipy.fft import fft2, ifft2, next_fast_len

    rows, columns = gabor_reach_px(sigma_mm, gamma, pixel_mm)
    single = values.dtype == np.float32
    padded = np.pad(values, ((rows, rows), (columns, columns)), mode=_PADDING[boundary])
    size = tuple(next_fast_len(n) for n in padded.shape)
    spectrum = fft2(padded, s=size)
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1].astype(np.float64)
    y, x = y * pixel_mm[0], x * pixel_mm[1]

    def maps() -> Iterator[Values]:
        for theta in theta_rad:
            along = x * np.cos(theta) + y * np.sin(theta)
            across = y * np.cos(theta) - x * np.sin(theta)
            envelope = np.exp(-(along**2 + (gamma * across) ** 2) / (2 * sigma_mm**2))
            kernel = envelope * np.exp(2j * np.pi / wavelength_mm * along)
            gain = fft2(kernel.astype(np.complex64) if single else kernel, s=size)
            gain *= spectrum
            found = ifft2(gain, overwrite_x=True)
            yield np.abs(found[2 * rows : padded.shape[0], 2 * columns : padded.shape[1]])

    return pooled(maps(), pooling)


def simoncelli_response(
    values: Values, level: int = 1, riesz: Sequence[int] | None = None
) -> Values:
    """Return a band of Simoncelli's isotropic wavelet, one octave wide, with periodic border.

    Level 1 is the finest: half a sample to an eighth of one a voxel. ``riesz`` gives the order of
    the Riesz transform along each array axis (manual, section 3.7), None: no transform.

    Raises
    ------
    InputRefused
        The orders are not one for each axis, negative, or all 0.
    """
    from scipy.fft import fftn, ifftn

    angular = _frequencies(values.shape)
    size = np.sqrt(sum(one**2 for one in angular))
    share = np.maximum(size, 1e-12) * 2.0 ** (level - 1)
    gain = np.where(
        (share > np.pi / 4) & (share <= np.pi), np.cos(np.pi / 2 * np.log2(2 * share / np.pi)), 0
    )
    if riesz is None:
        return np.real(ifftn(fftn(values) * gain))
    return np.real(ifftn(fftn(values) * (gain * _riesz(angular, size, riesz))))


def riesz_response(values: Values, orders: Sequence[int]) -> Values:
    """Return the Riesz transform of the given orders along each array axis, periodic border."""
    from scipy.fft import fftn, ifftn

    angular = _frequencies(values.shape)
    size = np.sqrt(sum(one**2 for one in angular))
    return np.real(ifftn(fftn(values) * _riesz(angular, size, orders)))


def _frequencies(shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Return the angular frequency (radians a voxel) along each axis, ready to be broadcast."""
    found: list[NDArray[np.float64]] = []
    for axis, n in enumerate(shape):
        sides = [1] * len(shape)
        sides[axis] = n
        found.append(np.asarray(2 * np.pi * np.fft.fftfreq(n), dtype=np.float64).reshape(sides))
    return found


def _riesz(
    angular: Sequence[NDArray[np.float64]], size: NDArray[np.float64], orders: Sequence[int]
) -> NDArray[np.complex128]:
    from math import factorial, prod

    if len(orders) != len(angular) or min(orders) < 0 or sum(orders) == 0:
        raise InputRefused("A Riesz transform has an order for each axis, not all of them 0.")
    total = sum(orders)
    weight = np.sqrt(factorial(total) / prod(factorial(one) for one in orders))
    found = np.full(size.shape, (-1j) ** total * weight, dtype=np.complex128)
    for one, order in zip(angular, orders, strict=True):
        found *= np.where(size > 0, one / np.maximum(size, 1e-300), 0) ** order
    return found
