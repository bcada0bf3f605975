"""Histogram equalisation, and matching to a reference histogram."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Asked,
    Filter,
    Parameter,
    PlaneContext,
    VolumeContext,
    in_own_scale,
    sampled_percentiles,
)

Values = NDArray[np.float32]
_BINS = 4096
_QUANTILES = 1024
_RANGE = (0.2, 99.8)


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _cumulative(values: Values, low: float, high: float) -> tuple[NDArray[np.float64], Values]:
    """Return the share of values below each of the bins' edges, and each value's bin position."""
    position = np.clip((values - np.float32(low)) * np.float32(_BINS / (high - low)), 0, _BINS)
    whole = np.minimum(position.astype(np.int32), _BINS - 1)
    counts = np.bincount(whole.ravel(), minlength=_BINS)
    below = np.zeros(_BINS + 1)
    below[1:] = np.cumsum(counts) / values.size
    return below, np.asarray(position, dtype=np.float32)


def _through(position: Values, table: NDArray[np.float64]) -> Values:
    """Return the table's value at each bin position, linear between."""
    whole = np.minimum(position.astype(np.int32), _BINS - 1)
    steps = np.diff(table).astype(np.float32)
    found = steps.take(whole)
    found *= position - whole.astype(np.float32)
    found += table.astype(np.float32).take(whole)
    return found


def _equalised(values: Values, parameters: Mapping[str, Any], _context: object) -> Values:
    low, high = sampled_percentiles(values, _RANGE)
    if not high > low:
        low, high = float(values.min()), float(values.max())
    below, position = _cumulative(values, low, high)
    strength, span = float(parameters["strength"]), high - low
    # What lies beyond the range keeps its distance from it.
    change = (below - np.linspace(0, 1, _BINS + 1)) * strength * span
    return np.asarray(values + _through(position, change))


def _quantiles(shape: str) -> NDArray[np.float64]:
    """Return the quantile function of a reference histogram of mean 0 and sd 1, at even shares."""
    from scipy.special import ndtri

    share = np.linspace(0.001, 0.999, _QUANTILES + 1)
    if shape == "uniform":
        return np.asarray((share - 0.5) * np.sqrt(12.0))
    if shape == "normal":
        return np.asarray(ndtri(share))
    rayleigh = np.sqrt(-2 * np.log1p(-share))
    return np.asarray((rayleigh - np.sqrt(np.pi / 2)) / np.sqrt(2 - np.pi / 2))


def _matched(values: Values, parameters: Mapping[str, Any], _context: object) -> Values:
    low, high = float(values.min()), float(values.max())
    below, position = _cumulative(values, low, high)
    mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    reference = mean + sd * _quantiles(str(parameters["shape"]))
    share = np.linspace(0.0, 1.0, _QUANTILES + 1)
    wanted = np.interp(below, share, reference)
    strength = float(parameters["strength"])
    edges = np.linspace(low, high, _BINS + 1)
    return np.asarray(values + _through(position, (wanted - edges) * strength))


def _equalised_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return in_own_scale(_equalised)(v, p, c)


def _matched_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return in_own_scale(_matched)(v, p, c)


EQUALISE = Filter(
    key="equalise",
    title="Histogram equalisation",
    purpose="Gives most contrast to the values that most pixels have.",
    caution="Noise in large even regions is blown up, and small bright lesions lose contrast.",
    source="Pizer et al., CVGIP 39 (1987), doi:10.1016/S0734-189X(87)80186-X",
    parameters=(Parameter("strength", "Strength", "float", 0.6, 0.0, 1.0, 0.05),),
    function=in_own_scale(_equalised),
    reach_px=_whole,
    group="Intensity",
    volume_function=_equalised_volume,
)
MATCH = Filter(
    key="match",
    title="Histogram matching",
    purpose="Gives the picture a histogram of known shape, so that series of one kind look alike.",
    caution="How much of each tissue is in view decides its grey: a large lesion looks like tissue.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.3",
    parameters=(
        Parameter(
            "shape", "Reference", "choice", "normal", choices=("normal", "uniform", "rayleigh")
        ),
        Parameter("strength", "Strength", "float", 1.0, 0.0, 1.0, 0.05),
    ),
    function=in_own_scale(_matched),
    reach_px=_whole,
    group="Intensity",
    volume_function=_matched_volume,
)
FILTERS = (EQUALISE, MATCH)
