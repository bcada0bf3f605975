"""Deconvolution: the blur of a known spread taken back (Wiener, Richardson and Lucy)."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Filter, Parameter, PlaneContext, in_own_scale, smoothed

Values = NDArray[np.float32]
_MOST_PAD_PX = 128


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _sigma_px(parameters: Mapping[str, Any], context: PlaneContext) -> tuple[float, float]:
    sigma = float(parameters["sigma_mm"])
    return sigma / context.pixel_mm[0], sigma / context.pixel_mm[1]


def _wiener(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    from scipy.fft import dctn, idctn

    row, column = _sigma_px(parameters, context)
    # The blur is even, so it is a product in the cosine transform, whose border is mirrored.
    down = np.exp(-0.5 * (np.pi * np.arange(values.shape[0]) / values.shape[0] * row) ** 2)
    across = np.exp(-0.5 * (np.pi * np.arange(values.shape[1]) / values.shape[1] * column) ** 2)
    blur = (down[:, None] * across[None, :]).astype(np.float32)
    noise = np.float32(10.0 ** (-float(parameters["signal_db"]) / 10))
    spectrum = dctn(values, norm="ortho")
    spectrum *= blur * (1 + noise) / (blur * blur + noise)  # 1 at frequency 0: the level stays
    return np.asarray(idctn(spectrum, norm="ortho", overwrite_x=True), dtype=np.float32)


def _taper(size: int, pad: int) -> Values:
    """Return weights that fall to 0 over the padding at both ends."""
    window = np.ones(size, dtype=np.float32)
    window[:pad] = np.sin(np.linspace(0, np.pi / 2, pad)) ** 2
    window[size - pad :] = window[:pad][::-1]
    return window


def _moved(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    from scipy.fft import irfft2, next_fast_len, rfft2

    length = float(parameters["length_mm"])
    turn = np.deg2rad(float(parameters["angle_deg"]))
    pad = min(_MOST_PAD_PX, max(16, int(np.ceil(4 * length / min(context.pixel_mm)))))
    shape = [next_fast_len(n + 2 * pad, real=True) for n in values.shape]
    extra = [n + pad for n in np.subtract(shape, np.add(values.shape, 2 * pad))]
    padded = cv2.copyMakeBorder(values, pad, int(extra[0]), pad, int(extra[1]), cv2.BORDER_REFLECT)
    # Opposite borders meet in the transform, and a step there would ring through the picture.
    padded = padded * _taper(shape[0], pad)[:, None] * _taper(shape[1], pad)[None, :]
    down = np.fft.fftfreq(shape[0], context.pixel_mm[0])[:, None]
    across = np.fft.rfftfreq(shape[1], context.pixel_mm[1])[None, :]
    # The transform of a line is known in closed form: no kernel, whatever the angle.
    blur = np.sinc((across * np.cos(turn) - down * np.sin(turn)) * length).astype(np.float32)
    noise = np.float32(10.0 ** (-float(parameters["signal_db"]) / 10))
    spectrum = rfft2(padded)
    spectrum *= blur * (1 + noise) / (blur * blur + noise)
    found = irfft2(spectrum, s=shape)
    rows, columns = values.shape
    return np.asarray(found[pad : pad + rows, pad : pad + columns], dtype=np.float32)


def _richardson(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    sigma = _sigma_px(parameters, context)
    lift = np.float32(1.0 + 1e-3)  # the values are -1 to 1 here, and light is never less than none
    given = values + lift
    current = given.copy()
    for _ in range(int(parameters["iterations"])):
        seen = np.maximum(smoothed(current, sigma), np.float32(1e-6))
        current *= smoothed(np.asarray(given / seen), sigma)
    current -= lift
    return current


_SIGNAL = Parameter("signal_db", "Signal over noise", "float", 25.0, 5.0, 60.0, 1.0, "dB")
WIENER = Filter(
    key="deblur_wiener",
    title="Deblur (Wiener)",
    purpose="Takes a blur of Gaussian shape back as far as the noise allows.",
    caution="Ripples beside edges look like structure; a sigma too large makes rims.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 5.8",
    parameters=(Parameter("sigma_mm", "Sigma", "float", 0.7, 0.05, 5.0, 0.05, "mm"), _SIGNAL),
    function=in_own_scale(_wiener),
    reach_px=_whole,
    group="Artifacts",
)
MOTION = Filter(
    key="deblur_motion",
    title="Deblur motion (Wiener)",
    purpose="Takes the smear of one straight even movement back.",
    caution="A wrong length or angle makes doubled edges where there are none.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 5.8",
    parameters=(
        Parameter("length_mm", "Length", "float", 2.0, 0.1, 20.0, 0.1, "mm"),
        Parameter("angle_deg", "Angle", "float", 0.0, -90.0, 90.0, 1.0, "°"),
        _SIGNAL,
    ),
    function=in_own_scale(_moved),
    reach_px=_whole,
    group="Artifacts",
)
RICHARDSON_LUCY = Filter(
    key="richardson_lucy",
    title="Deblur (Richardson-Lucy)",
    purpose="Takes a blur of Gaussian shape back step by step and never falls below the darkest.",
    caution="Noise turns into specks with each step, and bright points become too bright.",
    source="Richardson, J. Opt. Soc. Am. 62 (1972), doi:10.1364/JOSA.62.000055",
    parameters=(
        Parameter("sigma_mm", "Sigma", "float", 0.7, 0.05, 5.0, 0.05, "mm"),
        Parameter("iterations", "Iterations", "int", 10, 1, 20, 1),
    ),
    function=in_own_scale(_richardson),
    reach_px=_whole,  # the lift is that of the whole picture
    group="Artifacts",
    is_slow=True,
)
FILTERS = (WIENER, MOTION, RICHARDSON_LUCY)
