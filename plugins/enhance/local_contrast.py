"""Contrast that adapts to the place: local gain, even background, homomorphic filtering."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Filter,
    Parameter,
    PlaneContext,
    box_moments,
    in_own_scale,
    noise_sd,
    smoothed,
    window_px,
)

Values = NDArray[np.float32]
_MOST_GAIN = 4.0


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _local(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    size = window_px(float(parameters["size_mm"]), context.pixel_mm)
    mean, variance = box_moments(values, size)
    sd = np.sqrt(variance)
    # The usual spread is aimed at; noise alone must not be brought there.
    aim = float(np.sqrt(variance.mean(dtype=np.float64)))
    floor = max(2 * noise_sd(values), aim / 50, 1e-6)
    gain = np.clip(np.float32(aim) / np.maximum(sd, np.float32(floor)), 1, _MOST_GAIN)
    gain -= 1
    return np.asarray(values + np.float32(parameters["amount"]) * gain * (values - mean))


def _sigma_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, float]:
    sigma = float(parameters["sigma_mm"])
    return sigma / context.pixel_mm[0], sigma / context.pixel_mm[1]


def _background(values: Values, sigma_px: tuple[float, float]) -> Values:
    """Return a wide Gaussian mean, on a grid shrunk to a quarter of sigma (120 times faster)."""
    rows, columns = values.shape
    shrunk = tuple(
        max(1, round(n / max(1.0, sigma / 4)))
        for n, sigma in zip(values.shape, sigma_px, strict=True)
    )
    if shrunk == values.shape:
        return smoothed(values, sigma_px)
    small = cv2.resize(values, (shrunk[1], shrunk[0]), interpolation=cv2.INTER_AREA)
    scale = shrunk[0] / rows, shrunk[1] / columns
    small = smoothed(np.asarray(small), (sigma_px[0] * scale[0], sigma_px[1] * scale[1]))
    found = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(found, dtype=np.float32)


def _flat(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    light = _background(values, _sigma_px(parameters, context))
    light -= np.float32(light.mean(dtype=np.float64))
    light *= np.float32(parameters["amount"])
    return np.asarray(values - light)


def _homomorphic(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    # Light multiplies, so its logarithm adds; a small lift keeps the darkest pixel finite.
    lift = 1.0 + 0.05
    logarithm = np.log(values + np.float32(lift))
    light = _background(logarithm, _sigma_px(parameters, context))
    level = np.float32(light.mean(dtype=np.float64))
    low, high = np.float32(parameters["light"]), np.float32(parameters["detail"])
    found = level + low * (light - level) + high * (logarithm - light)
    return np.asarray(np.exp(np.minimum(found, 10)) - np.float32(lift))


LOCAL = Filter(
    key="local_contrast",
    title="Local contrast",
    purpose="Raises contrast where it is weak and leaves it where it is strong.",
    caution="Equal tissue looks different beside strong and weak structures, and texture is raised.",
    source="Narendra and Fitch, IEEE TPAMI 3 (1981), doi:10.1109/TPAMI.1981.4767175",
    parameters=(
        Parameter("size_mm", "Window", "float", 15.0, 1.0, 60.0, 1.0, "mm"),
        Parameter("amount", "Amount", "float", 0.6, 0.0, 1.5, 0.05),
    ),
    function=in_own_scale(_local),
    reach_px=_whole,  # the spread that it aims at is that of the whole picture
    group="Intensity",
)
FLATTEN = Filter(
    key="flatten",
    title="Even background",
    purpose="Takes slow changes of brightness away: uneven lighting, coil shading, the heel effect.",
    caution="Large lesions and organs are slow changes too: they fade, and their rims stand out.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 3.5",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 30.0, 2.0, 100.0, 1.0, "mm"),
        Parameter("amount", "Amount", "float", 0.8, 0.0, 1.0, 0.05),
    ),
    function=in_own_scale(_flat),
    reach_px=_whole,
    group="Intensity",
)
HOMOMORPHIC = Filter(
    key="homomorphic",
    title="Homomorphic",
    purpose="Separates light, which multiplies, from detail, and weighs each by its own factor.",
    caution="Dark noise is raised most, and slow changes of true density fade with the light.",
    source="Oppenheim, Schafer and Stockham, Proc. IEEE 56 (1968), doi:10.1109/PROC.1968.6570",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 20.0, 2.0, 100.0, 1.0, "mm"),
        Parameter("light", "Light", "float", 0.5, 0.0, 1.0, 0.05),
        Parameter("detail", "Detail", "float", 1.2, 0.5, 3.0, 0.05),
    ),
    function=in_own_scale(_homomorphic),
    reach_px=_whole,
    group="Intensity",
)
FILTERS = (LOCAL, FLATTEN, HOMOMORPHIC)
