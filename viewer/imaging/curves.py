"""Closed curves that a hand drew, made even and smooth."""

import numpy as np

from viewer.domain.geometry import Floats

_STEP = 0.5  # pixels between points of an even curve
_MOST = 4000


def even_loop(points: Floats, step: float = _STEP) -> Floats:
    """Return a closed curve (n, 2) as points at even distances of at most ``step`` along it."""
    closed = np.concatenate((points, points[:1]))
    lengths = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    at = np.concatenate(([0.0], np.cumsum(lengths)))
    if at[-1] == 0:
        return points
    count = int(np.clip(np.ceil(at[-1] / step), 3, _MOST))
    places = np.arange(count) * at[-1] / count
    return np.column_stack([np.interp(places, at, closed[:, axis]) for axis in range(2)])


def smooth_loop(points: Floats, sigma: float) -> Floats:
    """Return a closed curve (n, 2) after a Gaussian of ``sigma`` (its own unit) along it.

    Its area is kept: the curve is scaled about its middle by what smoothing took, so that a circle
    stays the circle it was (Taubin's shrinkage, corrected globally). Curves shorter than six
    sigma are only made even.
    """
    even = even_loop(points)
    closed = np.concatenate((even, even[:1]))
    length = float(np.linalg.norm(np.diff(closed, axis=0), axis=1).sum())
    if length < 6 * sigma or len(even) < 4:
        return even
    frequency = np.fft.fftfreq(len(even), d=length / len(even))
    weight = np.exp(-2 * (np.pi * frequency * sigma) ** 2)
    turning = np.fft.ifft(np.fft.fft(even[:, 0] + 1j * even[:, 1]) * weight)
    smooth = np.column_stack((turning.real, turning.imag))
    before, after = _area(even), _area(smooth)
    if after <= 0 or not 0.5 < before / after < 2:
        return smooth
    middle = smooth.mean(axis=0)
    return np.asarray(middle + (smooth - middle) * np.sqrt(before / after))


def _area(line: Floats) -> float:
    x, y = (line - line[0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
