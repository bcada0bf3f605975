"""Averages and medians: mean, adaptive median, and the mean over time."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Asked,
    Filter,
    Parameter,
    PlaneContext,
    Unsupported,
    VolumeContext,
    box_mean,
    in_own_scale,
    window_px,
)

Values = NDArray[np.float32]


def _window_reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return max(window_px(float(parameters["size_mm"]), context.pixel_mm)) // 2


def _mean(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    return box_mean(values, window_px(float(parameters["size_mm"]), context.pixel_mm))


def _two(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return 2


def _adaptive(values: Values, _parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    """Grow the window from 3 to 5 where the median itself is an extreme."""
    found = values.copy()
    undecided = np.ones(values.shape, dtype=bool)
    values = np.ascontiguousarray(values)
    median = values
    for size in (3, 5):
        kernel = np.ones((size, size), dtype=np.uint8)
        low = cv2.erode(values, kernel, borderType=cv2.BORDER_REFLECT)
        high = cv2.dilate(values, kernel, borderType=cv2.BORDER_REFLECT)
        median = np.asarray(cv2.medianBlur(values, size), dtype=np.float32)
        sound = undecided & (median > low) & (median < high)
        impulse = sound & ((values <= low) | (values >= high))
        found[impulse] = median[impulse]
        undecided &= ~sound
    # Where even the large median is an extreme, it replaces only what is not on a plateau.
    lonely = undecided & (values != median)
    found[lonely] = median[lonely]
    return found


def _plane_of_time(_v: Values, _parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    raise Unsupported(
        "The mean over time needs several frames, and one image has none.",
        remedy="Make a series of it.",
    )


def _over_time(
    values: Values, parameters: Mapping[str, Any], _context: VolumeContext, asked: Asked
) -> Values:
    """Return each frame's mean with its neighbours (k is time), fewer at both ends."""
    half = int(parameters["frames"]) // 2
    n_k = len(values)
    found = np.empty_like(values)
    for k in range(n_k):
        asked.check()
        part = values[max(0, k - half) : k + half + 1]
        found[k] = part.mean(axis=0, dtype=np.float64)
        asked.report((k + 1) / n_k, f"frame {k + 1} of {n_k}")
    return found


MEAN = Filter(
    key="mean",
    title="Mean",
    purpose="Replaces each value by the mean of a window: the quickest way to less noise.",
    caution="Edges blur in steps, and fine regular structures can turn their contrast round.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.5",
    parameters=(Parameter("size_mm", "Window", "float", 2.0, 0.3, 20.0, 0.1, "mm"),),
    function=in_own_scale(_mean),
    reach_px=_window_reach,
    group="Noise",
)
ADAPTIVE_MEDIAN = Filter(
    key="adaptive_median",
    title="Adaptive median",
    purpose="Takes single bright and dark pixels away and leaves all others as they are.",
    caution="A calcification of one pixel is an impulse too, and vanishes.",
    source="Hwang and Haddad, IEEE TIP 4 (1995), doi:10.1109/83.370679",
    parameters=(),
    function=_adaptive,
    reach_px=_two,
    group="Noise",
)
TEMPORAL = Filter(
    key="temporal_mean",
    title="Mean over time (cine)",
    purpose="Averages neighbouring frames of a cine series, so that noise goes and what rests stays.",
    caution="What moves leaves a trail, and short events are diluted.",
    source="Sanchez, SPIE 1652 (1992), doi:10.1117/12.59430",
    parameters=(Parameter("frames", "Frames", "int", 3, 3, 15, 2, "frames"),),
    function=_plane_of_time,
    reach_px=lambda _parameters, _context: WHOLE,
    group="Noise",
    modalities=("US", "XA", "RF", "NM"),
    volume_function=_over_time,
)
FILTERS = (MEAN, ADAPTIVE_MEDIAN, TEMPORAL)
