"""Single faults: dead pixels, and what metal leaves around itself on CT."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale, noise_sd

Values = NDArray[np.float32]


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _repaired(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    median = np.asarray(cv2.medianBlur(values, 5), dtype=np.float32)
    apart = np.abs(values - median)
    # The spread of what differs, by its median, but never below noise: edges differ as well.
    spread = max(1.4826 * float(np.median(apart)), noise_sd(values), 1e-6)
    return np.where(apart > np.float32(spread * float(parameters["limit"])), median, values)


def _radius_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[int, int]:
    rows, columns = (max(1, round(float(parameters["radius_mm"]) / mm)) for mm in context.pixel_mm)
    return rows, columns


def _metal_reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return max(_radius_px(parameters, context))


def _clipped(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    metal = (values >= np.float32(parameters["metal_hu"])).astype(np.uint8)
    if not metal.any():
        return values.copy()
    rows, columns = _radius_px(parameters, context)
    # A box grown from the metal: cheap at any radius, and streaks are no disks anyway.
    near = cv2.dilate(metal, np.ones((2 * rows + 1, 2 * columns + 1), dtype=np.uint8))
    low, high = sorted((float(parameters["dark_hu"]), float(parameters["bright_hu"])))
    return np.where(near > 0, np.clip(values, np.float32(low), np.float32(high)), values)


DEAD_PIXELS = Filter(
    key="dead_pixels",
    title="Dead pixels",
    purpose="Replaces single pixels that stand far out of their surroundings by the median there.",
    caution="A calcification or a wire of one pixel stands out as well, and vanishes.",
    source="AAPM Report 93 (2006); outliers as in Iglewicz and Hoaglin, How to Detect Outliers (1993)",
    parameters=(Parameter("limit", "Farther than", "float", 8.0, 3.0, 30.0, 0.5, "σ"),),
    function=in_own_scale(_repaired),
    reach_px=_whole,
    group="Artifacts",
)
METAL = Filter(
    key="metal_clip",
    title="Metal streaks (CT), clipped",
    purpose="Limits values around metal to those of tissue, so that streaks dazzle less.",
    caution="It repairs nothing: beneath a streak the values stay wrong, and air near metal is hidden.",
    source="Range limiting; for what it does not do see Kalender et al., Radiology 164 (1987), "
    "doi:10.1148/radiology.164.2.3602406",
    parameters=(
        Parameter("metal_hu", "Metal from", "float", 2500.0, 1000.0, 20000.0, 100.0, "HU"),
        Parameter("radius_mm", "Around it", "float", 40.0, 1.0, 200.0, 1.0, "mm"),
        Parameter("dark_hu", "Not below", "float", -200.0, -1024.0, 0.0, 10.0, "HU"),
        Parameter("bright_hu", "Not above", "float", 1500.0, 100.0, 3000.0, 50.0, "HU"),
    ),
    function=_clipped,
    reach_px=_metal_reach,
    group="Artifacts",
    modalities=("CT",),
)
FILTERS = (DEAD_PIXELS, METAL)
