"""Vessels of the retina: matched filters in many directions."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext, in_own_scale

Values = NDArray[np.float32]
_DIRECTIONS = 12
_LONGEST_PX = 31


def _size_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, int]:
    """Return sigma of the vessel's profile and the half side of the kernel."""
    pixel = float(np.sqrt(context.pixel_mm[0] * context.pixel_mm[1]))
    sigma = float(np.clip(float(parameters["width_mm"]) / pixel / 2, 0.7, _LONGEST_PX / 3))
    return sigma, int(np.ceil(3 * sigma))


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return _size_px(parameters, context)[1]


def _kernel(sigma: float, half: int, angle: float) -> Values:
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    across = x * np.cos(angle) + y * np.sin(angle)
    along = y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-0.5 * (across / sigma) ** 2)
    kernel[np.hypot(along, across) > half + 0.5] = 0
    inside = kernel > 0
    kernel[inside] -= kernel[inside].mean()  # an even background gives nothing
    return np.asarray(kernel / np.abs(kernel).sum() * 2, dtype=np.float32)


def _vessels(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    sigma, half = _size_px(parameters, context)
    sign = np.float32(-1 if parameters["vessels"] == "dark" else 1)
    best = np.zeros_like(values)
    for n in range(_DIRECTIONS):
        kernel = _kernel(sigma, half, n * np.pi / _DIRECTIONS) * sign
        found = cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
        np.maximum(best, found, out=best)
    return np.asarray(values + sign * np.float32(parameters["amount"]) * best)


FILTER = Filter(
    key="retina_vessels",
    title="Retinal vessels",
    purpose="Raises the contrast of vessels, which are dark lines in the green of a fundus picture.",
    caution="Any line is taken for a vessel: edges of the disc, of lesions, and chance in noise.",
    source="Chaudhuri et al., IEEE TMI 8 (1989), doi:10.1109/42.34715",
    parameters=(
        Parameter("width_mm", "Vessel width", "float", 0.12, 0.02, 5.0, 0.02, "mm"),
        Parameter("amount", "Amount", "float", 1.5, 0.0, 5.0, 0.1),
        Parameter("vessels", "Vessels are", "choice", "dark", choices=("dark", "bright")),
    ),
    function=in_own_scale(_vessels),
    reach_px=_reach,
    group="Intensity",
    modalities=("OP", "OPT"),
)
