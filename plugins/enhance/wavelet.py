"""Wavelet shrinkage."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale, noise_sd

Values = NDArray[np.float32]
_WAVELET = "db2"
_MOST_LEVELS = 4


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _shrunk(detail: Values, noise: float) -> Values:
    """Return one band after soft thresholding by the ratio of noise and signal (BayesShrink)."""
    signal = float(np.sqrt(max(float(np.mean(detail.astype(np.float64) ** 2)) - noise**2, 0.0)))
    threshold = noise**2 / signal if signal > 0 else float(np.abs(detail).max())
    least = np.maximum(np.abs(detail) - np.float32(threshold), 0)
    return np.asarray(np.copysign(least, detail), dtype=np.float32)


def _once(values: Values, noise: float) -> Values:
    import pywt

    levels = min(_MOST_LEVELS, pywt.dwt_max_level(min(values.shape), _WAVELET))
    if levels < 1:
        return values
    coarse, *bands = pywt.wavedec2(values, _WAVELET, mode="symmetric", level=levels)
    bands = [tuple(_shrunk(band, noise) for band in three) for three in bands]
    found = pywt.waverec2([coarse, *bands], _WAVELET, mode="symmetric")
    return np.asarray(found[: values.shape[0], : values.shape[1]], dtype=np.float32)


def _denoised(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    noise = noise_sd(values) * float(parameters["strength"])
    if noise <= 0:
        return values
    if not parameters["shifts"]:
        return _once(values, noise)
    found = np.zeros_like(values)
    padded = np.pad(values, 1, mode="symmetric")
    rows, columns = values.shape
    for down, right in product((0, 1), repeat=2):
        part = _once(np.ascontiguousarray(padded[down:, right:]), noise)
        found += part[1 - down : 1 - down + rows, 1 - right : 1 - right + columns]
    found /= 4
    return found


FILTER = Filter(
    key="wavelet",
    title="Wavelet shrinkage",
    purpose="Weakens details that are no larger than noise, at each scale by its own measure.",
    caution="Small ripples and blotches appear, which can look like texture.",
    source="Chang, Yu and Vetterli, IEEE TIP 9 (2000), doi:10.1109/83.862633",
    parameters=(
        Parameter("strength", "Noise", "float", 1.0, 0.2, 4.0, 0.1, "σ"),
        Parameter("shifts", "Mean of four shifts", "bool", True),
    ),
    function=in_own_scale(_denoised),
    reach_px=_whole,
    group="Noise",
)
