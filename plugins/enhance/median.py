"""Median filter."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Asked, Filter, Parameter, PlaneContext, VolumeContext

_SLICES = 8


def _reach(parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return int(parameters["size_px"]) // 2


def _median(
    values: NDArray[np.float32], parameters: Mapping[str, Any], _context: PlaneContext
) -> NDArray[np.float32]:
    found = cv2.medianBlur(np.ascontiguousarray(values), int(parameters["size_px"]))
    return np.asarray(found, dtype=np.float32)


def _volume(
    values: NDArray[np.float32],
    parameters: Mapping[str, Any],
    _context: VolumeContext,
    asked: Asked,
) -> NDArray[np.float32]:
    """Return the median of cubes, a few slices at a time."""
    from scipy.ndimage import median_filter

    size = int(parameters["size_px"])
    half, n_k = size // 2, len(values)
    found = np.empty_like(values)
    for first in range(0, n_k, _SLICES):
        asked.check()
        last = min(first + _SLICES, n_k)
        below = max(first - half, 0)
        block = median_filter(values[below : last + half], size=size, mode="nearest")
        found[first:last] = block[first - below : last - below]
        asked.report(last / n_k, f"slice {last} of {n_k}")
    return found


FILTER = Filter(
    key="median",
    title="Median",
    purpose="Takes single bright and dark pixels away, and keeps edges.",
    caution="Structures narrower than half the window vanish, corners are rounded.",
    source="Huang, Yang and Tang, IEEE TASSP 27 (1979), doi:10.1109/TASSP.1979.1163188",
    parameters=(Parameter("size_px", "Window", "choice", "3", unit="px", choices=("3", "5")),),
    function=_median,
    reach_px=_reach,
    group="Noise",
    volume_function=_volume,
)
