"""What filters share: Gaussian derivatives, local moments, the noise of a picture, its own scale.

All mirror the border with the edge pixel doubled (scipy's "reflect"), one rule for every filter.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
P = ParamSpec("P")

_CUT = 4.0  # kernels reach four sigma: beyond lies less than 0.01 % of the weight
_LEAST = 1e-30  # a smaller range is rounding of float32 near its smallest numbers
_SAMPLE = 262_144


def gaussian_reach_px(sigma_px: float) -> int:
    """Return how far ``smoothed`` and ``gaussian_derivative`` look (pixels)."""
    return max(1, int(np.ceil(_CUT * sigma_px)))


def smoothed(values: Values, sigma_px: tuple[float, float]) -> Values:
    """Return (row, column) values after a Gaussian of ``sigma_px`` (row, column)."""
    row, column = (max(sigma, 1e-3) for sigma in sigma_px)
    size = (2 * gaussian_reach_px(column) + 1, 2 * gaussian_reach_px(row) + 1)
    found = cv2.GaussianBlur(values, size, sigmaX=column, sigmaY=row, borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def derivative_kernel(sigma_px: float, order: int) -> NDArray[np.float64]:
    """Return a sampled Gaussian (order 0) or its first or second derivative per pixel.

    Cut kernels leak: the derivatives are corrected, so that a constant gives 0, a ramp has slope 1
    and a parabola the second derivative 2.
    """
    sigma = max(sigma_px, 0.3)  # a narrower one has no samples that tell a slope
    reach = gaussian_reach_px(sigma)
    x = np.arange(-reach, reach + 1, dtype=np.float64)
    weight = np.exp(-0.5 * (x / sigma) ** 2)
    weight /= weight.sum()
    if order == 0:
        return weight
    if order == 1:
        slope = x * weight
        return np.asarray(slope / (slope * x).sum())
    bend = (x**2 / sigma**2 - 1) * weight
    bend -= bend.sum() * weight
    return np.asarray(bend * (2.0 / (bend * x**2).sum()))


def gaussian_derivative(
    values: Values, sigma_px: tuple[float, float], orders: tuple[int, int]
) -> Values:
    """Return a derivative of the smoothed (row, column) values, per pixel (or pixel²)."""
    row, column = (derivative_kernel(s, o) for s, o in zip(sigma_px, orders, strict=True))
    # Correlation runs the other way round than the derivative only for even kernels: it fits.
    found = cv2.sepFilter2D(values, cv2.CV_32F, column, row, borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def hessian(
    values: Values, sigma_mm: float, pixel_mm: tuple[float, float]
) -> tuple[Values, Values, Values]:
    """Return the second derivatives (row-row, row-column, column-column), times sigma².

    They are in the values' own unit, so that scales compare (Lindeberg 1998, gamma 1).
    """
    row_mm, column_mm = pixel_mm
    sigma = (sigma_mm / row_mm, sigma_mm / column_mm)
    across = (
        (sigma_mm / row_mm) ** 2,
        sigma_mm**2 / (row_mm * column_mm),
        (sigma_mm / column_mm) ** 2,
    )
    orders = (2, 0), (1, 1), (0, 2)
    first, mixed, second = (
        gaussian_derivative(values, sigma, order) * np.float32(factor)
        for order, factor in zip(orders, across, strict=True)
    )
    return first, mixed, second


def eigenvalues(rr: Values, rc: Values, cc: Values) -> tuple[Values, Values]:
    """Return the smaller and the larger eigenvalue of symmetric 2 x 2 matrices."""
    middle = (rr + cc) * np.float32(0.5)
    spread = cv2.magnitude((rr - cc) * np.float32(0.5), rc)
    return middle - spread, middle + spread


def box_mean(values: Values, size_px: tuple[int, int]) -> Values:
    """Return the mean over a window of odd ``size_px`` (rows, columns)."""
    rows, columns = size_px
    found = cv2.boxFilter(values, cv2.CV_64F, (columns, rows), borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def box_moments(values: Values, size_px: tuple[int, int]) -> tuple[Values, Values]:
    """Return mean and variance over a window of odd ``size_px`` (rows, columns).

    The sums run in float64: in float32 a variance of 100 at a level of 60,000 came out negative.
    """
    rows, columns = size_px
    border = cv2.BORDER_REFLECT
    mean = np.asarray(cv2.boxFilter(values, cv2.CV_64F, (columns, rows), borderType=border))
    squares = cv2.sqrBoxFilter(values, cv2.CV_64F, (columns, rows), borderType=border)
    variance = np.asarray(squares - mean * mean, dtype=np.float64)
    np.maximum(variance, 0, out=variance)
    return mean.astype(np.float32), variance.astype(np.float32)


def window_px(size_mm: float, pixel_mm: tuple[float, float]) -> tuple[int, int]:
    """Return the odd window (rows, columns; 3 or more) nearest to ``size_mm``."""
    rows, columns = (max(3, 2 * round((size_mm / mm - 1) / 2) + 1) for mm in pixel_mm)
    return rows, columns


def noise_sd(values: Values) -> float:
    """Return the standard deviation of white noise in (..., row, column) values.

    Median of the diagonal Haar details over 0.6745 (Donoho and Johnstone, Biometrika 81, 1994,
    doi:10.1093/biomet/81.3.425). Exact zeros are left out: filled and clipped parts have no noise.
    Smoothed or interpolated pictures give less than they had. 0 if nothing can be said.
    """
    rows, columns = (n // 2 * 2 for n in values.shape[-2:])
    even = values[..., :rows, :columns]
    step = max(1, int(np.sqrt(even.size / 4 / _SAMPLE)))
    top, bottom = even[..., 0::2, :][..., ::step, :], even[..., 1::2, :][..., ::step, :]
    detail = (top[..., 0::2] - top[..., 1::2]) - (bottom[..., 0::2] - bottom[..., 1::2])
    detail = np.abs(detail[..., ::step]).ravel()
    detail = detail[detail > 0]
    return float(np.median(detail)) / 2 / 0.6745 if detail.size else 0.0


def sampled_percentiles(values: Values, percents: tuple[float, ...]) -> tuple[float, ...]:
    """Return percentiles from at most about 260,000 evenly spread pixels."""
    flat = values.reshape(-1, values.shape[-1])
    step = max(1, int(np.sqrt(values.size / _SAMPLE)))
    return tuple(float(one) for one in np.percentile(flat[::step, ::step], percents))


def in_own_scale(
    function: Callable[Concatenate[Values, P], Values],
) -> Callable[Concatenate[Values, P], Values]:
    """Return ``function`` computing on values brought to [-1, 1], for one that does not care.

    It then meets no overflow and no loss of small differences on a large level, whatever the unit.
    A constant picture comes back as it is.
    """

    @wraps(function)
    def run(values: Values, /, *args: P.args, **kwargs: P.kwargs) -> Values:
        middle, half = _level(values)
        if half <= _LEAST:
            return values.copy()
        found = np.asarray(function(_unit(values, middle, half), *args, **kwargs))
        found = found.astype(np.float32, copy=False) * np.float32(half)
        found += np.float32(middle)
        return found

    return run


def on_own_scale(
    function: Callable[Concatenate[Values, P], Values],
) -> Callable[Concatenate[Values, P], Values]:
    """Return ``function`` as ``in_own_scale`` does, for one whose result is 0 on a constant."""

    @wraps(function)
    def run(values: Values, /, *args: P.args, **kwargs: P.kwargs) -> Values:
        middle, half = _level(values)
        if half <= _LEAST:
            return np.zeros_like(values)
        found = np.asarray(function(_unit(values, middle, half), *args, **kwargs))
        return found.astype(np.float32, copy=False) * np.float32(half)

    return run


def free_of_scale(
    function: Callable[Concatenate[Values, P], Values],
) -> Callable[Concatenate[Values, P], Values]:
    """Return ``function`` on [-1, 1] for one whose result has no unit, and is 0 on a constant."""

    @wraps(function)
    def run(values: Values, /, *args: P.args, **kwargs: P.kwargs) -> Values:
        middle, half = _level(values)
        if half <= _LEAST:
            return np.zeros_like(values)
        found = np.asarray(function(_unit(values, middle, half), *args, **kwargs))
        return found.astype(np.float32, copy=False)

    return run


def _level(values: Values) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return float(np.float32(low / 2 + high / 2)), high / 2 - low / 2


def _unit(values: Values, middle: float, half: float) -> Values:
    found = values - np.float32(middle)
    found /= np.float32(half)
    return np.ascontiguousarray(found)
