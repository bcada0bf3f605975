"""Contrast-limited adaptive histogram equalisation."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext

_LEVELS = 65535.0
_SMALLEST_TILE_PX = 8


def _tiles(
    shape: tuple[int, ...], parameters: Mapping[str, Any], context: PlaneContext
) -> tuple[int, int]:
    size = float(parameters["tile_mm"])
    rows, columns = (
        int(np.clip(round(n * mm / size), 1, max(1, n // _SMALLEST_TILE_PX)))
        for n, mm in zip(shape, context.pixel_mm, strict=True)
    )
    return columns, rows


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return int(np.ceil(1.5 * float(parameters["tile_mm"]) / min(context.pixel_mm)))


def _equalised(
    values: NDArray[np.float32], parameters: Mapping[str, Any], context: PlaneContext
) -> NDArray[np.float32]:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return values
    levels = np.rint((values - low) * (_LEVELS / (high - low))).astype(np.uint16)
    equaliser = cv2.createCLAHE(
        clipLimit=float(parameters["clip"]), tileGridSize=_tiles(values.shape, parameters, context)
    )
    found = np.asarray(equaliser.apply(levels), dtype=np.float32)
    # OpenCV stretches to all 65,536 levels; the result goes back to the range that came in.
    equal = low + found * np.float32((high - low) / _LEVELS)
    share = np.float32(parameters["strength"])
    return np.asarray(values + share * (equal - values), dtype=np.float32)


FILTER = Filter(
    key="clahe",
    title="CLAHE",
    purpose="Spreads contrast in each part of the picture by its own histogram.",
    caution="Noise of flat regions looks like texture, and equal tissue differs from place to place.",
    source="Zuiderveld, Graphics Gems IV (1994), 474-485",
    parameters=(
        Parameter("clip", "Clip", "float", 2.0, 1.0, 8.0, 0.1),
        Parameter("tile_mm", "Tile", "float", 45.0, 10.0, 150.0, 5.0, "mm"),
        Parameter("strength", "Strength", "float", 0.6, 0.0, 1.0, 0.05),
    ),
    function=_equalised,
    reach_px=_reach,
)
