"""Figures of merit of a picture, and of an enhanced one against its original.

They compare pictures; they are no measurements of a patient. All take values (row, column) in one
unit; NaN has no part.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SMALLEST_SSIM_PX = 11
_SMALLEST_NPS_PX = 8
_EDGE_BINS_PER_PX = 4
_EDGE_TAIL = 0.2  # of the profile at each end: what lies before and behind the edge
_EDGE_CONTRAST = 2.0  # times the noise of the tails; below it there is no edge to speak of
_FEW = 2


@dataclass(frozen=True, slots=True)
class NoisePower:
    """Radial noise power spectrum: frequency (cycles/mm) and power (unit² mm²), and its variance.

    The integral of the two-dimensional spectrum over all frequencies is ``variance``.
    """

    frequency_per_mm: tuple[float, ...]
    power: tuple[float, ...]
    variance: float


def signal_to_noise(values: Values, mask: Mask) -> float | None:
    """Return |mean| / SD (divided by N) inside ``mask``; None without pixels or without noise."""
    inside = _inside(values, mask)
    if inside.size < _FEW:
        return None
    sd = float(inside.std())
    return abs(float(inside.mean())) / sd if sd > 0 else None


def contrast_to_noise(values: Values, signal: Mask, background: Mask) -> float | None:
    """Return |difference of means| over the root mean square of both SDs; None without noise.

    Source: Rose's criterion as in ICRU Report 54 (1996); both regions count alike.
    """
    one, two = _inside(values, signal), _inside(values, background)
    if one.size < _FEW or two.size < _FEW:
        return None
    noise = float(np.sqrt((one.var() + two.var()) / 2))
    return abs(float(one.mean()) - float(two.mean())) / noise if noise > 0 else None


def peak_signal_to_noise(values: Values, reference: Values, data_range: float) -> float | None:
    """Return 10 log10(range² / mean square difference) in dB; None where nothing differs."""
    apart = values.astype(np.float64) - reference
    apart = apart[np.isfinite(apart)]
    if not apart.size or not data_range > 0:
        return None
    error = float(np.mean(apart**2))
    return float(10 * np.log10(data_range**2 / error)) if error > 0 else None


def structural_similarity(values: Values, reference: Values, data_range: float) -> float | None:
    """Return the mean structural similarity; None below 11 x 11 pixels.

    Source: Wang et al., IEEE TIP 13 (2004), doi:10.1109/TIP.2003.819861, Gaussian window of 1.5
    pixels. What is not a number takes the reference's value in both.
    """
    if min(values.shape) < _SMALLEST_SSIM_PX or not data_range > 0:
        return None
    from skimage.metrics import structural_similarity as similarity

    unknown = ~(np.isfinite(values) & np.isfinite(reference))
    one, two = values.astype(np.float64), reference.astype(np.float64)
    one[unknown] = two[unknown] = 0.0
    found: float = similarity(
        one,
        two,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(found)


def edge_width(values: Values, mask: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Return the distance (mm) over which one straight edge inside ``mask`` rises from 10 to 90 %.

    The direction is that of the mean gradient (structure tensor); pixels are sorted along it into
    bins of a quarter pixel (the slanted edge of ISO 12233). None where there is no clear edge.
    """
    inside = mask & np.isfinite(values)
    if inside.sum() < 4 * _EDGE_BINS_PER_PX**2:
        return None
    along, size_mm = _edge_direction(values, inside, pixel_mm), min(pixel_mm)
    rows, columns = np.nonzero(inside)
    depth = rows * pixel_mm[0] * along[0] + columns * pixel_mm[1] * along[1]
    bins = np.floor((depth - depth.min()) / size_mm * _EDGE_BINS_PER_PX).astype(np.int64)
    counts = np.bincount(bins)
    sums = np.bincount(bins, weights=values[inside].astype(np.float64))
    at = np.flatnonzero(counts)
    profile = sums[at] / counts[at]
    n = max(_FEW, int(len(profile) * _EDGE_TAIL))
    first, last = profile[:n], profile[-n:]
    low, high = float(np.median(first)), float(np.median(last))
    noise = float(np.hypot(first.std(), last.std()))
    if abs(high - low) <= max(_EDGE_CONTRAST * noise, 1e-9):
        return None
    share = (profile - low) / (high - low)
    first_at, last_at = (_crossing(share, level) for level in (0.1, 0.9))
    if first_at is None or last_at is None or last_at <= first_at:
        return None
    places = np.interp([first_at, last_at], np.arange(len(at)), at)
    return float((places[1] - places[0]) * size_mm / _EDGE_BINS_PER_PX)


def _edge_direction(
    values: Values, inside: Mask, pixel_mm: tuple[float, float]
) -> tuple[float, float]:
    """Return the unit vector (row, column; mm) across the edge, from low to high."""
    filled = np.where(np.isfinite(values), values, np.float32(np.nanmedian(values)))
    smooth = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 1.0)
    down, across = (g / mm for g, mm in zip(np.gradient(smooth), pixel_mm, strict=True))
    # Borders of the region itself are no edges of the picture.
    core = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    core = core if core.any() else inside
    y, x = down[core].astype(np.float64), across[core].astype(np.float64)
    tensor = np.array([[np.sum(y * y), np.sum(y * x)], [np.sum(y * x), np.sum(x * x)]])
    row, column = np.linalg.eigh(tensor)[1][:, -1]
    sign = 1.0 if row * y.sum() + column * x.sum() >= 0 else -1.0
    return float(row * sign), float(column * sign)


def _crossing(share: NDArray[np.float64], level: float) -> float | None:
    """Return where the profile crosses ``level`` last before it stays above, between samples."""
    middle = np.flatnonzero(share >= 0.5)
    if not middle.size:
        return None
    centre = int(middle[0])
    if level < 0.5:
        below = np.flatnonzero(share[: centre + 1] <= level)
        if not below.size:
            return None
        n = int(below[-1])
    else:
        above = np.flatnonzero(share[centre:] >= level)
        if not above.size:
            return None
        n = max(centre + int(above[0]) - 1, 0)
    step = share[min(n + 1, len(share) - 1)] - share[n]
    return n + (float((level - share[n]) / step) if step > 0 else 0.0)


def noise_power(values: Values, pixel_mm: tuple[float, float], n_bins: int = 10) -> NoisePower:
    """Return the radial noise power spectrum of a patch, after a plane was fitted and taken away.

    Source: ICRU Report 87 (2012), section 4; one patch only, so single bins are rough.

    Raises
    ------
    InputRefused
        The patch is smaller than 8 x 8 pixels, or holds pixels without a value.
    """
    if min(values.shape) < _SMALLEST_NPS_PX or not np.isfinite(values).all():
        raise InputRefused(
            "A noise power spectrum needs 8 x 8 pixels that all have values.",
            remedy="Draw the region larger.",
        )
    rows, columns = (np.arange(n, dtype=np.float64) for n in values.shape)
    y, x = np.meshgrid(rows - rows.mean(), columns - columns.mean(), indexing="ij")
    flat = values.astype(np.float64)
    flat = flat - flat.mean() - y * ((flat * y).sum() / (y * y).sum())
    flat = flat - x * ((flat * x).sum() / (x * x).sum())
    power = np.abs(np.fft.fft2(flat)) ** 2 * (pixel_mm[0] * pixel_mm[1] / flat.size)
    frequencies = [np.fft.fftfreq(n, mm) for n, mm in zip(flat.shape, pixel_mm, strict=True)]
    radius = np.hypot(*np.meshgrid(*frequencies, indexing="ij"))
    top = 0.5 / max(pixel_mm)
    bins = np.minimum((radius / top * n_bins).astype(np.int64), n_bins)
    counts = np.bincount(bins.ravel(), minlength=n_bins + 1)[:n_bins]
    sums = np.bincount(bins.ravel(), power.ravel(), minlength=n_bins + 1)[:n_bins]
    means = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
    middles = (np.arange(n_bins) + 0.5) * top / n_bins
    return NoisePower(tuple(middles.tolist()), tuple(means.tolist()), float(flat.var()))


def _inside(values: Values, mask: Mask) -> NDArray[np.float64]:
    found = values[mask].astype(np.float64)
    return found[np.isfinite(found)]
