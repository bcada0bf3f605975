"""Curves from value to value: contrast stretching, gamma and sigmoid."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale, sampled_percentiles

Values = NDArray[np.float32]
_RANGE = (0.2, 99.8)  # one grain of metal must not set the curve


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _range(values: Values) -> tuple[float, float]:
    low, high = sampled_percentiles(values, _RANGE)
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def _stretched(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    percents = float(parameters["low"]), float(parameters["high"])
    low, high = (float(one) for one in np.percentile(values, percents))
    if not high - low > 1e-6:
        return values
    found = (np.clip(values, low, high) - np.float32(low)) / np.float32((high - low) / 2)
    return np.asarray(found - np.float32(1))


def _gamma(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    low, high = _range(values)
    share = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    bent = np.power(share, np.float32(parameters["gamma"]), dtype=np.float32)
    bent -= share  # what lies beyond the range keeps its distance from it
    bent *= np.float32(high - low)
    return np.asarray(bent + values)


def _sigmoid(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    low, high = _range(values)
    span = high - low
    centre = low + span * float(parameters["centre"]) / 100
    width = span * float(parameters["width"]) / 100
    found = np.clip((values - np.float32(centre)) / np.float32(-width / 4), -80, 80)
    np.exp(found, out=found)
    found += 1
    np.divide(np.float32(span), found, out=found)
    found += np.float32(low)
    return np.asarray(found)


STRETCH = Filter(
    key="stretch",
    title="Contrast stretching",
    purpose="Spreads the values between two percentiles over the whole range of the picture.",
    caution="What lies beyond the percentiles is cut off, so its structure cannot be seen.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.2",
    parameters=(
        Parameter("low", "Low", "float", 1.0, 0.0, 40.0, 0.5, "%"),
        Parameter("high", "High", "float", 99.0, 60.0, 100.0, 0.5, "%"),
    ),
    function=in_own_scale(_stretched),
    reach_px=_whole,
    group="Intensity",
)
GAMMA = Filter(
    key="gamma",
    title="Gamma",
    purpose="Opens dark parts (below 1) or bright parts (above 1) without cutting anything off.",
    caution="Equal differences no longer look equal: contrast at the other end is lost.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.2",
    parameters=(Parameter("gamma", "Gamma", "float", 0.7, 0.2, 5.0, 0.05),),
    function=in_own_scale(_gamma),
    reach_px=_whole,
    group="Intensity",
)
SIGMOID = Filter(
    key="sigmoid",
    title="Sigmoid",
    purpose="Steepens contrast around one value and lets the ends run out softly.",
    caution="Contrast far from the centre is almost gone: lesions there can vanish.",
    source="Braun and Fairchild, J. Electronic Imaging 8 (1999), doi:10.1117/1.482706",
    parameters=(
        Parameter("centre", "Centre", "float", 50.0, 0.0, 100.0, 1.0, "% of range"),
        Parameter("width", "Width", "float", 50.0, 5.0, 200.0, 5.0, "% of range"),
    ),
    function=in_own_scale(_sigmoid),
    reach_px=_whole,
    group="Intensity",
)
FILTERS = (STRETCH, GAMMA, SIGMOID)
