"""Detail by scale: a Laplacian pyramid whose weak details are raised more than its strong ones."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale

Values = NDArray[np.float32]
_DEEPEST = 8
_SMALLEST_PX = 4


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _pyramid(values: Values, deepest: int) -> list[Values]:
    levels = [values]
    while len(levels) <= deepest and min(levels[-1].shape) >= 2 * _SMALLEST_PX:
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), dtype=np.float32))
    return levels


def _up(small: Values, shape: tuple[int, ...]) -> Values:
    return np.asarray(cv2.pyrUp(small, dstsize=(shape[1], shape[0])), dtype=np.float32)


def _raised(detail: Values, gain: float, knee: float) -> Values:
    """Return details with ``gain`` where they are weaker than ``knee``, less where stronger."""
    if gain == 1:
        return detail
    share = np.abs(detail)
    share += np.float32(knee)
    np.divide(np.float32(knee * (gain - 1)), share, out=share)
    share += 1
    share *= detail
    return share


def _boosted(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    levels = _pyramid(values, _DEEPEST)
    if len(levels) == 1:
        return values
    pixel_mm = float(np.sqrt(context.pixel_mm[0] * context.pixel_mm[1]))
    fine, coarse = float(parameters["fine"]), float(parameters["coarse"])
    border = float(parameters["border_mm"])
    last = len(levels) - 1
    result = levels[last]
    for level in range(last - 1, -1, -1):
        detail = levels[level] - _up(levels[level + 1], levels[level].shape)
        gain = fine if pixel_mm * 2**level <= border else coarse
        # The spread of this level is what "weak" means on it, and no unit is needed.
        knee = max(2 * float(detail.std(dtype=np.float64)), 1e-6)
        result = _up(result, levels[level].shape) + _raised(detail, gain, knee)
    return np.asarray(result)


FILTER = Filter(
    key="detail_boost",
    title="Multi-scale detail (bone, soft tissue)",
    purpose="Raises weak details of fine scale (bone) or coarse scale (soft tissue) in X-ray.",
    caution="Noise counts as fine detail, and the true ratio of densities is lost.",
    source="Vuylsteke and Schoeters, SPIE 2167 (1994), doi:10.1117/12.175090",
    parameters=(
        Parameter("fine", "Fine (bone)", "float", 1.8, 0.2, 5.0, 0.1),
        Parameter("coarse", "Coarse (soft tissue)", "float", 1.2, 0.2, 5.0, 0.1),
        Parameter("border_mm", "Fine is up to", "float", 1.0, 0.1, 20.0, 0.1, "mm"),
    ),
    function=in_own_scale(_boosted),
    reach_px=_whole,
    group="Intensity",
    modalities=("CR", "DX", "MG", "RF", "XA"),
)
