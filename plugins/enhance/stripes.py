"""Stripes and rings: what detector elements of their own gain leave."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale, noise_sd

Values = NDArray[np.float32]
_FEWEST = 8


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _limited(profile: Values, most: float) -> Values:
    """Return the offsets, none of them larger than ``most``: anatomy is not a stripe."""
    return np.clip(profile, -most, most)


def _offsets(values: Values, size: int) -> Values:
    """Return each column's offset: the median of what differs from the columns beside it."""
    from scipy.ndimage import median_filter

    beside = median_filter(values, size=(1, size), mode="nearest")
    return np.asarray(np.median(values - beside, axis=0), dtype=np.float32)


def _destriped(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    upright = parameters["direction"] == "columns"
    turned = values if upright else values.T
    if min(turned.shape) < _FEWEST:
        return values
    step = max(1, turned.shape[0] // 512)  # the median of 512 rows is sure enough
    most = noise_sd(values) * float(parameters["limit"])
    profile = _limited(_offsets(turned[::step], int(parameters["size_px"])), most)
    return np.asarray(values - (profile[None, :] if upright else profile[:, None]))


def _deringed(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    """Subtract what all directions share at one distance from the centre, and its neighbours not."""
    import cv2

    rows, columns = values.shape
    if min(values.shape) < _FEWEST:
        return values
    middle = (
        (columns - 1) / 2 + float(parameters["right_mm"]) / context.pixel_mm[1],
        (rows - 1) / 2 + float(parameters["down_mm"]) / context.pixel_mm[0],
    )
    reach = int(np.ceil(np.hypot(rows, columns) / 2))
    angles = int(np.clip(4 * reach, 64, 1440))
    turn = np.arange(angles) * (2 * np.pi / angles)
    radius = np.arange(reach)
    across = (middle[0] + radius[None, :] * np.cos(turn)[:, None]).astype(np.float32)
    down = (middle[1] + radius[None, :] * np.sin(turn)[:, None]).astype(np.float32)
    polar = cv2.remap(values, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    most = noise_sd(values) * float(parameters["limit"])
    profile = _limited(_offsets(np.asarray(polar), int(parameters["size_px"])), most)
    profile[:2] = 0  # at the centre a ring is a point
    y, x = np.ogrid[:rows, :columns]
    distance = np.hypot(y - middle[1], x - middle[0])
    ring = np.interp(distance, radius, profile, right=0.0)
    return np.asarray(values - ring.astype(np.float32))


_COMMON = (
    Parameter("size_px", "Wider than a stripe", "int", 15, 5, 61, 2, "px"),
    Parameter("limit", "At most", "float", 2.0, 0.1, 20.0, 0.1, "σ"),
)
STRIPES = Filter(
    key="stripes",
    title="Stripes",
    purpose="Takes straight stripes away that run through the whole picture.",
    caution="A long straight structure along the stripes, such as a catheter, fades with them.",
    source="Median of columns; harm limited as in Münch et al., Optics Express 17 (2009), "
    "doi:10.1364/OE.17.008567",
    parameters=(
        Parameter("direction", "Stripes are", "choice", "columns", choices=("columns", "rows")),
        *_COMMON,
    ),
    function=in_own_scale(_destriped),
    reach_px=_whole,
    group="Artifacts",
)
RINGS = Filter(
    key="rings",
    title="Rings (CT)",
    purpose="Takes rings around the centre of a CT slice away, which faulty detectors draw.",
    caution="Round anatomy about the centre is weakened; it needs the whole slice as acquired.",
    source="Sijbers and Postnov, Phys. Med. Biol. 49 (2004), doi:10.1088/0031-9155/49/14/N06",
    parameters=(
        *_COMMON,
        Parameter("right_mm", "Centre to the right", "float", 0.0, -250.0, 250.0, 0.5, "mm"),
        Parameter("down_mm", "Centre down", "float", 0.0, -250.0, 250.0, 0.5, "mm"),
    ),
    function=in_own_scale(_deringed),
    reach_px=_whole,
    group="Artifacts",
    is_slow=True,
    modalities=("CT",),
)
FILTERS = (STRIPES, RINGS)
