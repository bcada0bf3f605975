"""Top-hat and bottom-hat: what is bright, or dark, and smaller than a disk."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext, on_own_scale

Values = NDArray[np.float32]
_LARGEST_PX = 12  # a disk costs by its area: larger ones are made of several steps


def _radius_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[int, int]:
    rows, columns = (max(1, round(float(parameters["radius_mm"]) / mm)) for mm in context.pixel_mm)
    return rows, columns


def _steps(radius: tuple[int, int]) -> tuple[tuple[int, int], int]:
    count = -(-max(radius) // _LARGEST_PX)
    each = max(1, round(radius[0] / count)), max(1, round(radius[1] / count))
    return each, count


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    each, count = _steps(_radius_px(parameters, context))
    return 2 * max(each) * count


def _hat(
    operation: int, values: Values, parameters: Mapping[str, Any], context: PlaneContext
) -> Values:
    (rows, columns), count = _steps(_radius_px(parameters, context))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * columns + 1, 2 * rows + 1))
    found = cv2.morphologyEx(values, operation, disk, iterations=count)
    return np.asarray(found, dtype=np.float32)


def _top(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    return _hat(cv2.MORPH_TOPHAT, values, parameters, context)


def _bottom(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    return _hat(cv2.MORPH_BLACKHAT, values, parameters, context)


_RADIUS = (Parameter("radius_mm", "Radius", "float", 3.0, 0.3, 15.0, 0.1, "mm"),)
TOP_HAT = Filter(
    key="top_hat",
    title="Top-hat",
    purpose="Shows what is bright and smaller than the disk, such as calcifications, and no rest.",
    caution="Noise is small and bright too, and large lesions are missing.",
    source="Meyer, J. Histochemistry and Cytochemistry 27 (1979), doi:10.1177/27.1.86548",
    parameters=_RADIUS,
    function=on_own_scale(_top),
    reach_px=_reach,
    group="Edges",
)
BOTTOM_HAT = Filter(
    key="bottom_hat",
    title="Bottom-hat",
    purpose="Shows what is dark and smaller than the disk, such as fracture lines, as bright.",
    caution="Noise is small and dark too, and bright and dark are turned round.",
    source="Serra, Image Analysis and Mathematical Morphology (1982)",
    parameters=_RADIUS,
    function=on_own_scale(_bottom),
    reach_px=_reach,
    group="Edges",
)
FILTERS = (TOP_HAT, BOTTOM_HAT)
