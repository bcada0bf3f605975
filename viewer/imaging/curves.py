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


def spline_loop(corners: Floats, per_edge: int = 12) -> Floats:
    """Return a smooth closed curve (n * per_edge, d) through ``corners`` (n, d), in their order.

    Catmull-Rom with centripetal knots, which makes neither cusps nor loops between two corners
    (Yuksel, Schaefer & Keyser, Computer-Aided Design 43 (2011), 747-755). Fewer than three
    different corners are given back as they are.
    """
    step = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    kept = corners[step > 1e-9]
    if len(kept) < 3:
        return corners
    p0, p1, p2, p3 = (np.roll(kept, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t1 = np.sqrt(np.linalg.norm(p1 - p0, axis=2, keepdims=True))
    t2 = t1 + np.sqrt(np.linalg.norm(p2 - p1, axis=2, keepdims=True))
    t3 = t2 + np.sqrt(np.linalg.norm(p3 - p2, axis=2, keepdims=True))
    t = t1 + (t2 - t1) * (np.arange(per_edge) / per_edge)[None, :, None]
    # Barry & Goldman's pyramid: linear blends of linear blends.
    a1 = p0 + (p1 - p0) * (t / t1)
    a2 = p1 + (p2 - p1) * ((t - t1) / (t2 - t1))
    a3 = p2 + (p3 - p2) * ((t - t2) / (t3 - t2))
    b1 = a1 + (a2 - a1) * (t / t2)
    b2 = a2 + (a3 - a2) * ((t - t1) / (t3 - t1))
    curve = b1 + (b2 - b1) * ((t - t1) / (t2 - t1))
    return np.asarray(curve.reshape(-1, corners.shape[1]))
