"""High boost, and the second derivatives that sharpening is made of: Laplacian, LoG, DoG."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Filter,
    Parameter,
    PlaneContext,
    box_mean,
    gaussian_derivative,
    gaussian_reach_px,
    in_own_scale,
    on_own_scale,
    smoothed,
    window_px,
)

Values = NDArray[np.float32]


def _one(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return 1


def _boost_reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return max(window_px(float(parameters["size_mm"]), context.pixel_mm)) // 2


def _sigma_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, float]:
    sigma = float(parameters["sigma_mm"])
    return sigma / context.pixel_mm[0], sigma / context.pixel_mm[1]


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    wider = float(parameters.get("ratio", 1.0))
    return gaussian_reach_px(max(0.3, *_sigma_px(parameters, context)) * wider)


def _boosted(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    mean = box_mean(values, window_px(float(parameters["size_mm"]), context.pixel_mm))
    return np.asarray(values + np.float32(parameters["amount"]) * (values - mean))


def _laplacian(values: Values, _parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    down, across = (1.0 / mm**2 for mm in context.pixel_mm)
    kernel = np.array(
        [[0, down, 0], [across, -2 * (down + across), across], [0, down, 0]], dtype=np.float32
    )
    found = cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    return np.asarray(found, dtype=np.float32)


def _log(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    sigma = _sigma_px(parameters, context)
    down = gaussian_derivative(values, sigma, (2, 0)) / np.float32(context.pixel_mm[0] ** 2)
    down += gaussian_derivative(values, sigma, (0, 2)) / np.float32(context.pixel_mm[1] ** 2)
    return down


def _dog(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    row, column = _sigma_px(parameters, context)
    ratio = float(parameters["ratio"])
    return smoothed(values, (row, column)) - smoothed(values, (row * ratio, column * ratio))


HIGH_BOOST = Filter(
    key="high_boost",
    title="High boost",
    purpose="Adds what a mean takes away, many times over if wanted, to show fine detail.",
    caution="Noise is raised as much as detail, and rims appear beside edges.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.6",
    parameters=(
        Parameter("size_mm", "Window", "float", 2.0, 0.3, 20.0, 0.1, "mm"),
        Parameter("amount", "Amount", "float", 1.5, 0.0, 10.0, 0.1),
    ),
    function=in_own_scale(_boosted),
    reach_px=_boost_reach,
    group="Edges",
)
LAPLACIAN = Filter(
    key="laplacian",
    title="Laplacian",
    purpose="Shows where values bend: fine lines and points, whatever their direction.",
    caution="It shows noise before anything else, and each edge twice.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.6",
    parameters=(),
    function=on_own_scale(_laplacian),
    reach_px=_one,
    group="Edges",
    unit_after="{unit}/mm2",
)
LOG = Filter(
    key="log",
    title="Laplacian of Gaussian",
    purpose="Shows blobs and edges of one size: dark where a bright blob of that size lies.",
    caution="Each edge shows a dark and a bright side, and structures of other sizes are missing.",
    source="Marr and Hildreth, Proc. R. Soc. Lond. B 207 (1980), doi:10.1098/rspb.1980.0020",
    parameters=(Parameter("sigma_mm", "Sigma", "float", 1.5, 0.2, 10.0, 0.1, "mm"),),
    function=on_own_scale(_log),
    reach_px=_reach,
    group="Edges",
    unit_after="{unit}/mm2",
)
DOG = Filter(
    key="dog",
    title="Difference of Gaussians",
    purpose="Shows structures between two sizes: bright ones bright, dark ones dark.",
    caution="Rims of the other sign surround each structure.",
    source="Marr and Hildreth, Proc. R. Soc. Lond. B 207 (1980), doi:10.1098/rspb.1980.0020",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 1.0, 0.1, 10.0, 0.1, "mm"),
        Parameter("ratio", "Wider by", "float", 1.6, 1.1, 5.0, 0.1),
    ),
    function=on_own_scale(_dog),
    reach_px=_reach,
    group="Edges",
)
FILTERS = (HIGH_BOOST, LAPLACIAN, LOG, DOG)
