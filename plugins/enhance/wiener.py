"""Wiener filters against noise: by local variance, and by the power spectrum."""

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
    window_px,
)

Values = NDArray[np.float32]


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _local(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    noise = (noise_sd(values) * float(parameters["strength"])) ** 2
    mean, variance = box_moments(values, window_px(float(parameters["size_mm"]), context.pixel_mm))
    share = variance - np.float32(noise)
    np.maximum(share, 0, out=share)
    share /= np.maximum(variance, np.float32(max(noise, 1e-30)))
    share *= values - mean
    share += mean
    return share


def _spectral(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    """Weigh each frequency by its power above the noise, smoothed over neighbouring ones."""
    from scipy.fft import dctn, idctn

    noise = (noise_sd(values) * float(parameters["strength"])) ** 2
    # The cosine transform mirrors the border, so that opposite edges do not meet.
    spectrum = dctn(values, norm="ortho")
    power = cv2.blur(spectrum * spectrum, (5, 5), borderType=cv2.BORDER_REFLECT)
    weight = np.maximum(power - np.float32(noise), 0)
    weight /= np.maximum(power, np.float32(max(noise, 1e-30)))
    weight[0, 0] = 1
    weight *= spectrum
    return np.asarray(idctn(weight, norm="ortho", overwrite_x=True), dtype=np.float32)


LOCAL = Filter(
    key="wiener",
    title="Wiener (local)",
    purpose="Smooths where the picture is as even as noise is, and leaves edges.",
    caution="Weak texture is taken for noise, and noise stays beside strong edges.",
    source="Lee, IEEE TPAMI 2 (1980), doi:10.1109/TPAMI.1980.4766994",
    parameters=(
        Parameter("size_mm", "Window", "float", 3.5, 0.3, 20.0, 0.1, "mm"),
        Parameter("strength", "Noise", "float", 1.0, 0.2, 3.0, 0.1, "σ"),
    ),
    function=in_own_scale(_local),
    reach_px=_whole,  # the noise is that of the whole picture
    group="Noise",
)
SPECTRAL = Filter(
    key="wiener_spectrum",
    title="Wiener (frequency domain)",
    purpose="Weakens the frequencies that hold no more than noise.",
    caution="Ripples appear beside strong edges, and weak fine structure is lost.",
    source="Wiener, Extrapolation, Interpolation and Smoothing of Stationary Time Series (1949)",
    parameters=(Parameter("strength", "Noise", "float", 1.0, 0.2, 3.0, 0.1, "σ"),),
    function=in_own_scale(_spectral),
    reach_px=_whole,
    group="Noise",
)
FILTERS = (LOCAL, SPECTRAL)
