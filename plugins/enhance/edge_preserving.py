"""Smoothing that stops at edges: bilateral and guided filter."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Filter,
    Parameter,
    PlaneContext,
    box_mean,
    box_moments,
    in_own_scale,
    noise_sd,
    window_px,
)

Values = NDArray[np.float32]
_LARGEST_PX = 15


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _bilateral(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    noise = noise_sd(values) * float(parameters["strength"])
    if noise <= 0:
        return values
    pixel = float(np.sqrt(context.pixel_mm[0] * context.pixel_mm[1]))
    sigma = max(float(parameters["sigma_mm"]) / pixel, 0.3)
    size = min(_LARGEST_PX, 2 * int(np.ceil(2 * sigma)) + 1)
    found = cv2.bilateralFilter(values, size, noise, sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def _guided(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    size = window_px(float(parameters["size_mm"]), context.pixel_mm)
    noise = max((noise_sd(values) * float(parameters["strength"])) ** 2, 1e-20)
    mean, variance = box_moments(values, size)
    slope = variance / (variance + np.float32(noise))
    level = mean * (1 - slope)
    return np.asarray(box_mean(slope, size) * values + box_mean(level, size))


BILATERAL = Filter(
    key="bilateral",
    title="Bilateral",
    purpose="Averages neighbours of similar value, so that edges stay.",
    caution="Even regions turn into flat patches, and gentle slopes into steps.",
    source="Tomasi and Manduchi, ICCV 1998, doi:10.1109/ICCV.1998.710815",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 1.5, 0.1, 10.0, 0.1, "mm"),
        Parameter("strength", "Similar is within", "float", 2.5, 0.5, 10.0, 0.1, "σ"),
    ),
    function=in_own_scale(_bilateral),
    reach_px=_whole,
    group="Noise",
)
GUIDED = Filter(
    key="guided",
    title="Guided",
    purpose="Smooths even regions at little cost and keeps the slopes of edges.",
    caution="Halos of noise stay beside edges; weak edges fade with the noise.",
    source="He, Sun and Tang, IEEE TPAMI 35 (2013), doi:10.1109/TPAMI.2012.213",
    parameters=(
        Parameter("size_mm", "Window", "float", 5.0, 0.3, 30.0, 0.1, "mm"),
        Parameter("strength", "Edges exceed", "float", 2.0, 0.5, 10.0, 0.1, "σ"),
    ),
    function=in_own_scale(_guided),
    reach_px=_whole,
    group="Noise",
)
FILTERS = (BILATERAL, GUIDED)
