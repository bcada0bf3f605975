"""Gabor filters: waves of one length in many directions."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, Parameter, PlaneContext, on_own_scale

Values = NDArray[np.float32]
_MOST_PX = 63


def _half_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[int, int]:
    """Return half the kernel (rows, columns): three sigma of the envelope."""
    sigma = float(parameters["wavelength_mm"]) * float(parameters["width"])
    rows, columns = (min(_MOST_PX, max(1, int(np.ceil(3 * sigma / mm)))) for mm in context.pixel_mm)
    return rows, columns


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    return max(_half_px(parameters, context))


def _kernels(
    parameters: Mapping[str, Any], context: PlaneContext, angle: float
) -> tuple[Values, Values]:
    """Return the even kernel, which sums to nothing, and the odd one."""
    wavelength = float(parameters["wavelength_mm"])
    sigma = wavelength * float(parameters["width"])
    rows, columns = _half_px(parameters, context)
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1].astype(np.float64)
    y, x = y * context.pixel_mm[0], x * context.pixel_mm[1]
    envelope = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
    phase = 2 * np.pi / wavelength * (x * np.cos(angle) + y * np.sin(angle))
    even = envelope * np.cos(phase)
    even -= envelope * (even.sum() / envelope.sum())
    odd = envelope * np.sin(phase)
    return (
        np.asarray(even / envelope.sum(), dtype=np.float32),
        np.asarray(odd / envelope.sum(), dtype=np.float32),
    )


def _gabor(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    best = np.zeros_like(values)
    count = int(parameters["directions"])
    for n in range(count):
        parts = (
            cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
            for kernel in _kernels(parameters, context, n * np.pi / count)
        )
        np.maximum(best, cv2.magnitude(*parts), out=best)
    return best


FILTER = Filter(
    key="gabor",
    title="Gabor",
    purpose="Shows stripes and texture of one wavelength, whatever their direction.",
    caution="Edges answer at every wavelength, and noise has some of each.",
    source="Daugman, J. Opt. Soc. Am. A 2 (1985), doi:10.1364/JOSAA.2.001160",
    parameters=(
        Parameter("wavelength_mm", "Wavelength", "float", 4.0, 0.5, 30.0, 0.1, "mm"),
        Parameter("width", "Sigma", "float", 0.5, 0.2, 1.5, 0.05, "wavelengths"),
        Parameter("directions", "Directions", "int", 8, 2, 24, 1),
    ),
    function=on_own_scale(_gabor),
    reach_px=_reach,
    group="Edges",
    is_slow=True,
)
