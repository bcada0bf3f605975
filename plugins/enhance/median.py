"""Median filter."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext


def _reach(parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return int(parameters["size_px"]) // 2


def _median(
    values: NDArray[np.float32], parameters: Mapping[str, Any], _context: PlaneContext
) -> NDArray[np.float32]:
    found = cv2.medianBlur(np.ascontiguousarray(values), int(parameters["size_px"]))
    return np.asarray(found, dtype=np.float32)


FILTER = Filter(
    key="median",
    title="Median",
    purpose="Takes single bright and dark pixels away, and keeps edges.",
    caution="Structures narrower than half the window vanish, corners are rounded.",
    source="Huang, Yang and Tang, IEEE TASSP 27 (1979), doi:10.1109/TASSP.1979.1163188",
    parameters=(Parameter("size_px", "Window", "choice", "3", unit="px", choices=("3", "5")),),
    function=_median,
    reach_px=_reach,
)
