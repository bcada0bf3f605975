"""Normalisation: values brought to a scale on which pictures compare."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Asked, Filter, Parameter, PlaneContext, VolumeContext

Values = NDArray[np.float32]
_LEAST = 1e-30


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _scaled(values: Values, low: float, width: float) -> Values:
    """Return 0 at ``low`` and 1 a ``width`` above; 0 everywhere if there is no width."""
    if not width > _LEAST:
        return np.zeros_like(values)
    # The level goes first, in halves: the range of float32 is wider than its largest number.
    found = values * np.float32(0.5)
    found -= np.float32(low / 2)
    found /= np.float32(width / 2)
    return found


def _z_score(values: Values, _parameters: Mapping[str, Any], _context: object) -> Values:
    mean = float(values.mean(dtype=np.float64))
    sd = float(values.std(dtype=np.float64))
    return _scaled(values, mean, sd if sd > 1e-7 * abs(mean) else 0.0)


def _min_max(values: Values, _parameters: Mapping[str, Any], _context: object) -> Values:
    low, high = float(values.min()), float(values.max())
    return _scaled(values, low, high - low)


def _percentile(values: Values, parameters: Mapping[str, Any], _context: object) -> Values:
    low, high = np.percentile(values, (float(parameters["low"]), float(parameters["high"])))
    return np.clip(_scaled(values, float(low), float(high) - float(low)), 0, 1)


def _z_score_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return _z_score(v, p, c)


def _min_max_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return _min_max(v, p, c)


def _percentile_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return _percentile(v, p, c)


Z_SCORE = Filter(
    key="z_score",
    title="Normalise: z-score",
    purpose="Brings pictures of unknown scale to mean 0 and standard deviation 1, so they compare.",
    caution="The scale depends on what else is in the picture: much air or metal shifts all tissue.",
    source="Reinhold et al., SPIE 10949 (2019), doi:10.1117/12.2513089",
    parameters=(),
    function=_z_score,
    reach_px=_whole,
    group="Intensity",
    unit_after="1",
    volume_function=_z_score_volume,
)
MIN_MAX = Filter(
    key="min_max",
    title="Normalise: smallest to largest",
    purpose="Brings the smallest value to 0 and the largest to 1.",
    caution="One hot pixel or grain of metal sets the scale of everything else.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 2.6",
    parameters=(),
    function=_min_max,
    reach_px=_whole,
    group="Intensity",
    unit_after="1",
    volume_function=_min_max_volume,
)
PERCENTILE = Filter(
    key="percentile_range",
    title="Normalise: percentiles",
    purpose="Brings two percentiles to 0 and 1, so that a few extreme pixels do not set the scale.",
    caution="What lies beyond the percentiles is cut off, and can no longer be told apart.",
    source="Isensee et al., Nature Methods 18 (2021), doi:10.1038/s41592-020-01008-z",
    parameters=(
        Parameter("low", "Low", "float", 0.5, 0.0, 40.0, 0.5, "%"),
        Parameter("high", "High", "float", 99.5, 60.0, 100.0, 0.5, "%"),
    ),
    function=_percentile,
    reach_px=_whole,
    group="Intensity",
    unit_after="1",
    volume_function=_percentile_volume,
)
FILTERS = (Z_SCORE, MIN_MAX, PERCENTILE)
