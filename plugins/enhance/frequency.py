"""Filters by spatial frequency, in cycles per mm, and the spectrum itself."""

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
    free_of_scale,
    in_own_scale,
    on_own_scale,
)

Values = NDArray[np.float32]
_MOST_PAD_PX = 128
_FLOOR = 1e-6  # -120 dB: float32 knows no less


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _cosine_frequencies(shape: tuple[int, ...], pixel_mm: tuple[float, float]) -> Values:
    """Return each cosine's frequency (row, column) in cycles per mm."""
    down, across = (
        (np.arange(n) / (2 * n * mm)).astype(np.float32)
        for n, mm in zip(shape, pixel_mm, strict=True)
    )
    return np.asarray(np.hypot(down[:, None], across[None, :]), dtype=np.float32)


def _below(frequency: Values, cut: float, order: int) -> Values:
    """Return Butterworth's gain: 1 far below ``cut``, half the power at it."""
    share = np.minimum(frequency / np.float32(cut), np.float32(100))
    return np.asarray(1 / np.sqrt(1 + share ** np.float32(2 * order)), dtype=np.float32)


def _inverse(frequency: Values, cut: float) -> Values:
    return np.asarray(np.float32(cut) / np.maximum(frequency, np.float32(1e-9)), dtype=np.float32)


def _weighed(values: Values, gain: Values) -> Values:
    """Return values with each cosine weighed: the border is mirrored, and no edges meet."""
    from scipy.fft import dctn, idctn

    spectrum = dctn(values, norm="ortho")
    spectrum *= gain
    return np.asarray(idctn(spectrum, norm="ortho", overwrite_x=True), dtype=np.float32)


def _low(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    frequency = _cosine_frequencies(values.shape, context.pixel_mm)
    return _weighed(values, _below(frequency, float(parameters["cut"]), int(parameters["order"])))


def _high(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    frequency = _cosine_frequencies(values.shape, context.pixel_mm)
    order = int(parameters["order"])
    share = _inverse(frequency, float(parameters["cut"]))
    gain = _below(share, 1.0, order)
    gain[0, 0] = 0
    return _weighed(values, gain)


def _band(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    frequency = _cosine_frequencies(values.shape, context.pixel_mm)
    order = int(parameters["order"])
    low, high = sorted((float(parameters["from"]), float(parameters["to"])))
    gain = _below(frequency, high, order)
    share = _inverse(frequency, low)
    gain *= _below(share, 1.0, order)
    gain[0, 0] = 0
    return _weighed(values, gain)


def _notched(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    from scipy.fft import irfft2, next_fast_len, rfft2

    width = float(parameters["width"])
    pad = min(_MOST_PAD_PX, max(8, int(np.ceil(1 / (width * min(context.pixel_mm))))))
    shape = [next_fast_len(n + 2 * pad, real=True) for n in values.shape]
    rows, columns = values.shape
    below, right = shape[0] - rows - pad, shape[1] - columns - pad
    padded = cv2.copyMakeBorder(values, pad, below, pad, right, cv2.BORDER_REFLECT)
    turn = np.deg2rad(float(parameters["angle_deg"]))
    centre = float(parameters["frequency"])
    down = np.fft.fftfreq(shape[0], context.pixel_mm[0])[:, None].astype(np.float32)
    across = np.fft.rfftfreq(shape[1], context.pixel_mm[1])[None, :].astype(np.float32)
    gain = np.ones((shape[0], shape[1] // 2 + 1), dtype=np.float32)
    for sign in (1, -1):  # a real wave has two frequencies
        away = (across - np.float32(sign * centre * np.cos(turn))) ** 2
        away = away + (down + np.float32(sign * centre * np.sin(turn))) ** 2
        gain *= 1 - np.exp(away * np.float32(-1 / (2 * width**2)))
    gain[0, 0] = 1
    found = irfft2(rfft2(padded) * gain, s=shape)
    return np.asarray(found[pad : pad + rows, pad : pad + columns], dtype=np.float32)


def _spectrum(values: Values, _parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    """Return the power of each frequency in dB below the strongest, frequency 0 in the middle."""
    from scipy.fft import fft2, fftshift

    mean = np.float32(values.mean(dtype=np.float64))
    power = np.abs(fftshift(fft2(values - mean)))
    most = float(power.max())
    if most <= 0:
        return np.zeros_like(values)
    return np.asarray(20 * np.log10(np.maximum(power / np.float32(most), np.float32(_FLOOR))))


def _cut(key: str, title: str, default: float) -> Parameter:
    return Parameter(key, title, "float", default, 0.005, 10.0, 0.005, "1/mm")


_ORDER = Parameter("order", "Steepness", "int", 2, 1, 8, 1)
LOW = Filter(
    key="low_pass",
    title="Low pass",
    purpose="Keeps what is coarser than a number of cycles per mm.",
    caution="Fine structure is gone, and steep settings put ripples beside edges.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 4.8",
    parameters=(_cut("cut", "Up to", 0.4), _ORDER),
    function=in_own_scale(_low),
    reach_px=_whole,
    group="Frequency",
)
HIGH = Filter(
    key="high_pass",
    title="High pass",
    purpose="Keeps what is finer than a number of cycles per mm; the level becomes 0.",
    caution="Densities are no longer those of tissue: only differences within small parts are left.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 4.9",
    parameters=(_cut("cut", "From", 0.05), _ORDER),
    function=on_own_scale(_high),
    reach_px=_whole,
    group="Frequency",
)
BAND = Filter(
    key="band_pass",
    title="Band pass",
    purpose="Keeps structures between two numbers of cycles per mm; the level becomes 0.",
    caution="Noise in the band looks like structure of just that size.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 4.10",
    parameters=(_cut("from", "From", 0.05), _cut("to", "Up to", 0.4), _ORDER),
    function=on_own_scale(_band),
    reach_px=_whole,
    group="Frequency",
)
NOTCH = Filter(
    key="notch",
    title="Notch",
    purpose="Takes one regular wave away, such as the lines of a grid or of radio interference.",
    caution="True structure of the same spacing and direction goes with it.",
    source="Gonzalez and Woods, Digital Image Processing, 4th ed. (2018), section 4.10",
    parameters=(
        _cut("frequency", "Frequency", 0.5),
        Parameter("angle_deg", "Angle", "float", 0.0, -90.0, 90.0, 0.5, "°"),
        Parameter("width", "Width", "float", 0.03, 0.002, 1.0, 0.002, "1/mm"),
    ),
    function=in_own_scale(_notched),
    reach_px=_whole,
    group="Frequency",
)
SPECTRUM = Filter(
    key="spectrum",
    title="Spectrum (FFT view)",
    purpose="Shows the strength of each spatial frequency in dB, the lowest in the middle.",
    caution="It is no picture of the patient: places in it are frequencies, so measure no lengths.",
    source="Cooley and Tukey, Math. Computation 19 (1965), doi:10.1090/S0025-5718-1965-0178586-1",
    parameters=(),
    function=free_of_scale(_spectrum),
    reach_px=_whole,
    group="Frequency",
    unit_after="dB",
)
FILTERS = (LOW, HIGH, BAND, NOTCH, SPECTRUM)
