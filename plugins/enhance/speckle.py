"""Speckle of ultrasound: noise that grows with the signal (Lee, Frost, SRAD)."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import Filter, InputRefused, Parameter, PlaneContext, box_moments

Values = NDArray[np.float32]
_SMALLEST = 1e-30
_STEP = 0.5
_SIZES = ("3", "5", "7", "9")


def _half_window(parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return int(parameters["size_px"]) // 2


def _iterations(parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return 2 * int(parameters["iterations"])


def _share(values: Values) -> tuple[Values, np.float32] | None:
    """Return values over the largest, and that; None for a picture of zeros."""
    if float(values.min()) < 0:
        raise InputRefused(
            "Speckle is noise of intensities, and this picture has negative values.",
            remedy="Use a filter for additive noise.",
        )
    most = np.float32(values.max())
    return None if most <= _SMALLEST else (values / most, most)


def _variation(share: Values, size: int) -> tuple[Values, Values]:
    """Return the local mean and the squared coefficient of variation."""
    mean, variance = box_moments(share, (size, size))
    variance /= np.maximum(mean * mean, np.float32(1e-12))
    return mean, variance


def _lee(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    found = _share(values)
    if found is None:
        return values.copy()
    share, most = found
    mean, variation = _variation(share, int(parameters["size_px"]))
    speckle = np.float32(float(parameters["speckle"]) ** 2)
    gain = np.maximum(1 - speckle / np.maximum(variation, np.float32(1e-12)), 0) / (1 + speckle)
    return np.asarray((mean + gain * (share - mean)) * most)


def _frost(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    found = _share(values)
    if found is None:
        return values.copy()
    share, most = found
    size = int(parameters["size_px"])
    _, variation = _variation(share, size)
    variation *= np.float32(-float(parameters["damping"]))
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    distance = np.hypot(y, x)
    total, weights = np.zeros_like(share), np.zeros_like(share)
    # All pixels at one distance share a weight: one sum for each ring instead of each pixel.
    for radius in np.unique(distance):
        ring = (distance == radius).astype(np.float32)
        weight = np.exp(variation * np.float32(radius))
        around = cv2.filter2D(share, cv2.CV_32F, ring, borderType=cv2.BORDER_REFLECT)
        total += weight * around
        weights += weight * np.float32(ring.sum())
    return np.asarray(total / weights * most)


def _srad(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    found = _share(values)
    if found is None:
        return values.copy()
    current, most = found
    current = np.maximum(current, np.float32(1e-4))  # it divides by the intensity
    start = float(parameters["speckle"])
    for n in range(int(parameters["iterations"])):
        current = _srad_step(current, start * float(np.exp(-n * _STEP / 6)))
    return np.asarray(current * most)


def _srad_step(current: Values, speckle: float) -> Values:
    padded = cv2.copyMakeBorder(current, 1, 1, 1, 1, cv2.BORDER_REFLECT)
    north, south = padded[:-2, 1:-1] - current, padded[2:, 1:-1] - current
    west, east = padded[1:-1, :-2] - current, padded[1:-1, 2:] - current
    slope = (north**2 + south**2 + west**2 + east**2) / current**2
    bend = (north + south + west + east) / current
    variation = (slope / 2 - bend**2 / 16) / (1 + bend / 4) ** 2
    noise = np.float32(speckle**2)
    flow = 1 / (1 + np.maximum(variation - noise, -noise / 2) / (noise * (1 + noise)))
    flow = np.clip(flow, 0, 1).astype(np.float32)
    padded_flow = cv2.copyMakeBorder(flow, 1, 1, 1, 1, cv2.BORDER_REFLECT)
    change = padded_flow[2:, 1:-1] * south + flow * north
    change += padded_flow[1:-1, 2:] * east + flow * west
    change *= np.float32(_STEP / 4)
    return np.asarray(np.maximum(current + change, np.float32(1e-4)))


LEE = Filter(
    key="lee",
    title="Lee (speckle)",
    purpose="Smooths speckle where it varies as speckle does, and leaves stronger structure.",
    caution="Speckle stays beside edges, and tissue texture that is speckle is lost.",
    source="Lee, IEEE TPAMI 2 (1980), doi:10.1109/TPAMI.1980.4766994",
    parameters=(
        Parameter("size_px", "Window", "choice", "5", unit="px", choices=_SIZES),
        Parameter("speckle", "Speckle contrast", "float", 0.25, 0.02, 1.0, 0.01),
    ),
    function=_lee,
    reach_px=_half_window,
    group="Noise",
    modalities=("US", "IVUS", "OCT"),
)
FROST = Filter(
    key="frost",
    title="Frost (speckle)",
    purpose="Averages with weights that fall the faster the more the surroundings vary.",
    caution="Small bright echoes are spread out, and tissue texture is lost.",
    source="Frost et al., IEEE TPAMI 4 (1982), doi:10.1109/TPAMI.1982.4767223",
    parameters=(
        Parameter("size_px", "Window", "choice", "5", unit="px", choices=_SIZES),
        Parameter("damping", "Damping", "float", 2.0, 0.1, 20.0, 0.1),
    ),
    function=_frost,
    reach_px=_half_window,
    group="Noise",
    modalities=("US", "IVUS", "OCT"),
)
SRAD = Filter(
    key="srad",
    title="Speckle-reducing diffusion (SRAD)",
    purpose="Diffuses where the picture varies as speckle does, and sharpens what stands out.",
    caution="Texture is wiped out, and borders that look clean may be chance.",
    source="Yu and Acton, IEEE TIP 11 (2002), doi:10.1109/TIP.2002.804276",
    parameters=(
        Parameter("iterations", "Iterations", "int", 20, 1, 60, 1),
        Parameter("speckle", "Speckle contrast", "float", 0.3, 0.05, 1.0, 0.01),
    ),
    function=_srad,
    reach_px=_iterations,
    group="Noise",
    is_slow=True,
    modalities=("US", "IVUS", "OCT"),
)
FILTERS = (LEE, FROST, SRAD)
