"""The steepness of values, per mm: Sobel, Prewitt, Scharr, Roberts, Gaussian gradient, Canny."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Filter,
    Parameter,
    PlaneContext,
    free_of_scale,
    gaussian_derivative,
    gaussian_reach_px,
    on_own_scale,
)

Values = NDArray[np.float32]
_SIDES = {"sobel": (1.0, 2.0, 1.0), "prewitt": (1.0, 1.0, 1.0), "scharr": (3.0, 10.0, 3.0)}
_SHORT = 32_000.0  # int16 is all that Canny's gradients may be


def _one(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return 1


def _operator(
    weights: tuple[float, ...],
    values: Values,
    _parameters: Mapping[str, Any],
    context: PlaneContext,
) -> Values:
    side = np.array(weights) / sum(weights)
    slope = np.array([-0.5, 0.0, 0.5])
    border = cv2.BORDER_REFLECT
    row = cv2.sepFilter2D(values, cv2.CV_32F, side, slope / context.pixel_mm[0], borderType=border)
    column = cv2.sepFilter2D(
        values, cv2.CV_32F, slope / context.pixel_mm[1], side, borderType=border
    )
    return np.asarray(cv2.magnitude(row, column), dtype=np.float32)


def _roberts(values: Values, _parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    apart = float(np.hypot(*context.pixel_mm))
    falling = np.array([[1, 0], [0, -1]], dtype=np.float32) / np.float32(apart)
    rising = np.ascontiguousarray(falling[:, ::-1])
    parts = (
        cv2.filter2D(values, cv2.CV_32F, kernel, anchor=(0, 0), borderType=cv2.BORDER_REFLECT)
        for kernel in (falling, rising)
    )
    return np.asarray(cv2.magnitude(*parts), dtype=np.float32)


def _sigma_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, float]:
    sigma = float(parameters["sigma_mm"])
    return sigma / context.pixel_mm[0], sigma / context.pixel_mm[1]


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return gaussian_reach_px(max(0.3, *_sigma_px(parameters, context)))


def _slopes(
    values: Values, parameters: Mapping[str, Any], context: PlaneContext
) -> tuple[Values, Values]:
    sigma = _sigma_px(parameters, context)
    row = gaussian_derivative(values, sigma, (1, 0)) / np.float32(context.pixel_mm[0])
    column = gaussian_derivative(values, sigma, (0, 1)) / np.float32(context.pixel_mm[1])
    return row, column


def _gradient(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    return np.asarray(cv2.magnitude(*_slopes(values, parameters, context)), dtype=np.float32)


def _canny(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    row, column = _slopes(values, parameters, context)
    steep = np.asarray(cv2.magnitude(row, column))
    most = float(steep.max())
    if most <= 1e-9:
        return np.zeros_like(values)
    percents = sorted((float(parameters["low"]), float(parameters["high"])))
    low, high = np.percentile(steep, percents) * (_SHORT / most)
    across, down = (
        np.ascontiguousarray(np.rint(part * np.float32(_SHORT / most)), dtype=np.int16)
        for part in (column, row)
    )
    # Below 1 of 32,000 there is only rounding.
    edges = cv2.Canny(across, down, max(float(low), 1.0), max(float(high), 1.0), L2gradient=True)
    return np.asarray(edges > 0, dtype=np.float32)


def _described(key: str, title: str, source: str, function: Callable[..., Values]) -> Filter:
    return Filter(
        key=key,
        title=title,
        purpose="Shows how steeply values change from pixel to pixel, in any direction.",
        caution="Noise is steep too, and the map says nothing of bright or dark.",
        source=source,
        parameters=(),
        function=on_own_scale(function),
        reach_px=_one,
        group="Edges",
        unit_after="{unit}/mm",
    )


SOBEL = _described(
    "sobel",
    "Sobel gradient",
    "Sobel and Feldman (1968), in Duda and Hart, Pattern Classification and Scene Analysis (1973)",
    partial(_operator, _SIDES["sobel"]),
)
PREWITT = _described(
    "prewitt",
    "Prewitt gradient",
    "Prewitt, in Picture Processing and Psychopictorics (1970), 75-149",
    partial(_operator, _SIDES["prewitt"]),
)
SCHARR = _described(
    "scharr",
    "Scharr gradient",
    "Scharr, Optimale Operatoren in der digitalen Bildverarbeitung (2000), thesis, Heidelberg",
    partial(_operator, _SIDES["scharr"]),
)
ROBERTS = _described(
    "roberts",
    "Roberts gradient",
    "Roberts, Machine Perception of Three-Dimensional Solids (1963), thesis, MIT",
    _roberts,
)
GRADIENT = Filter(
    key="gradient",
    title="Gradient magnitude",
    purpose="Shows how steeply values change, after smoothing that keeps noise from showing.",
    caution="Edges closer than the smoothing melt into one, and shift where they bend.",
    source="Canny, IEEE TPAMI 8 (1986), doi:10.1109/TPAMI.1986.4767851",
    parameters=(Parameter("sigma_mm", "Sigma", "float", 1.0, 0.2, 10.0, 0.1, "mm"),),
    function=on_own_scale(_gradient),
    reach_px=_reach,
    group="Edges",
    unit_after="{unit}/mm",
)
CANNY = Filter(
    key="canny",
    title="Canny edges",
    purpose="Draws edges as thin lines: 1 on an edge, 0 elsewhere.",
    caution="A line says nothing of how sure it is; weak borders are missing and noise makes others.",
    source="Canny, IEEE TPAMI 8 (1986), doi:10.1109/TPAMI.1986.4767851",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 1.0, 0.2, 10.0, 0.1, "mm"),
        Parameter("low", "Goes on above", "float", 80.0, 10.0, 99.0, 1.0, "% of pixels"),
        Parameter("high", "Starts above", "float", 92.0, 10.0, 99.5, 0.5, "% of pixels"),
    ),
    function=free_of_scale(_canny),
    reach_px=lambda _parameters, _context: WHOLE,
    group="Edges",
    unit_after="1",
)
FILTERS = (SOBEL, PREWITT, SCHARR, ROBERTS, GRADIENT, CANNY)
