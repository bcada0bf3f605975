"""Unsharp masking."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext

_CUT = 4.0


def _sigmas_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, float]:
    sigma = float(parameters["sigma_mm"])
    return sigma / context.pixel_mm[0], sigma / context.pixel_mm[1]


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return int(np.ceil(_CUT * max(_sigmas_px(parameters, context))))


def _sharp(
    values: NDArray[np.float32], parameters: Mapping[str, Any], context: PlaneContext
) -> NDArray[np.float32]:
    row, column = (max(sigma, 1e-3) for sigma in _sigmas_px(parameters, context))
    size = tuple(2 * int(np.ceil(_CUT * sigma)) + 1 for sigma in (column, row))
    smooth = cv2.GaussianBlur(
        values, size, sigmaX=column, sigmaY=row, borderType=cv2.BORDER_REFLECT
    )
    amount = np.float32(parameters["amount"])
    return np.asarray(values + amount * (values - smooth), dtype=np.float32)


FILTER = Filter(
    key="unsharp",
    title="Unsharp mask",
    purpose="Makes edges and fine structures stand out.",
    caution="Noise grows, and bright or dark rims appear beside edges.",
    source="Levi, Computer Graphics and Image Processing 3 (1974), 163-177",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 1.2, 0.2, 6.0, 0.1, "mm"),
        Parameter("amount", "Amount", "float", 0.8, 0.0, 3.0, 0.05),
    ),
    function=_sharp,
    reach_px=_reach,
    group="Edges",
)
