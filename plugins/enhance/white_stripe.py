"""Normalisation of MR by what tissue shows in its histogram: WhiteStripe and Nyul's landmarks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import WHOLE, Asked, Filter, Parameter, PlaneContext, VolumeContext

Values = NDArray[np.float32]
_BINS = 512
_LEAST = 1e-30
_PERCENTS = np.array([1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99], dtype=np.float64)


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _foreground(values: Values) -> Values:
    """Return the values above their mean: in a head, tissue (Nyul and Udupa 1999)."""
    inside = values[values > values.mean(dtype=np.float64)]
    return inside if inside.size else values.ravel()


def _stripe(values: Values, contrast: str, width: float) -> tuple[float, float]:
    """Return mean and standard deviation of the values around the peak of white matter."""
    inside = _foreground(values)
    low, high = np.percentile(inside, (0.5, 99.5))
    if not high - low > _LEAST:
        return float(low), 0.0
    counts, edges = np.histogram(inside, _BINS, (float(low), float(high)))
    kernel = np.hanning(_BINS // 16 + 1)
    smooth = np.convolve(counts, kernel / kernel.sum(), mode="same")
    peaks = np.flatnonzero((smooth[1:-1] >= smooth[:-2]) & (smooth[1:-1] > smooth[2:])) + 1
    large = peaks[smooth[peaks] > 0.2 * smooth.max()]
    # White matter is the brightest tissue on T1; elsewhere it is the largest one.
    at = large[-1] if contrast == "T1" and large.size else int(np.argmax(smooth))
    middle = float(edges[at] + edges[at + 1]) / 2
    share = float(np.mean(inside <= middle))
    ends = np.clip([share - width / 100, share + width / 100], 0, 1)
    below, above = np.quantile(inside, ends)
    stripe = inside[(inside >= below) & (inside <= above)]
    if not stripe.size:
        return middle, 0.0
    return float(stripe.mean(dtype=np.float64)), float(stripe.std(dtype=np.float64))


def _white_stripe(values: Values, parameters: Mapping[str, Any], _context: object) -> Values:
    mean, sd = _stripe(values, str(parameters["contrast"]), float(parameters["width"]))
    if not sd > max(_LEAST, 1e-7 * abs(mean)):
        return np.zeros_like(values)
    found = values * np.float32(0.5)
    found -= np.float32(mean / 2)
    found /= np.float32(sd / 2)
    return found


def _nyul(values: Values, _parameters: Mapping[str, Any], _context: object) -> Values:
    """Map the landmarks of the foreground to those of a standard scale, piecewise linear."""
    marks = np.percentile(_foreground(values), _PERCENTS)
    if not marks[-1] - marks[0] > _LEAST:
        return np.zeros_like(values)
    steps = np.maximum(np.diff(marks), (marks[-1] - marks[0]) * 1e-6)
    marks = marks[0] + np.concatenate([[0.0], np.cumsum(steps)])
    found = np.interp(values, marks, _PERCENTS)
    # Beyond the outer landmarks the outer pieces go on.
    below, above = values < marks[0], values > marks[-1]
    found[below] = _PERCENTS[0] + (values[below] - marks[0]) * 9.0 / (marks[1] - marks[0])
    found[above] = _PERCENTS[-1] + (values[above] - marks[-1]) * 9.0 / (marks[-1] - marks[-2])
    return found.astype(np.float32)


def _stripe_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return _white_stripe(v, p, c)


def _nyul_volume(v: Values, p: Mapping[str, Any], c: VolumeContext, asked: Asked) -> Values:
    asked.check()
    return _nyul(v, p, c)


WHITE_STRIPE = Filter(
    key="white_stripe",
    title="Normalise: white stripe (MR)",
    purpose="Puts brain MR on a scale where white matter has mean 0 and standard deviation 1.",
    caution="The peak is looked for in the histogram: without brain in view it is some other tissue.",
    source="Shinohara et al., NeuroImage: Clinical 6 (2014), doi:10.1016/j.nicl.2014.08.008",
    parameters=(
        Parameter("contrast", "Contrast", "choice", "T1", choices=("T1", "other")),
        Parameter("width", "Half width", "float", 5.0, 1.0, 20.0, 1.0, "%"),
    ),
    function=_white_stripe,
    reach_px=_whole,
    group="Intensity",
    modalities=("MR",),
    unit_after="1",
    volume_function=_stripe_volume,
)
NYUL = Filter(
    key="nyul",
    title="Normalise: histogram landmarks (MR)",
    purpose="Puts MR on a scale of 0 to 100 by the percentiles of what is brighter than the mean.",
    caution="A large lesion moves the landmarks, so that healthy tissue looks changed.",
    source="Nyul, Udupa and Zhang, IEEE TMI 19 (2000), doi:10.1109/42.836373; uniform standard scale",
    parameters=(),
    function=_nyul,
    reach_px=_whole,
    group="Intensity",
    modalities=("MR",),
    unit_after="1",
    volume_function=_nyul_volume,
)
FILTERS = (WHITE_STRIPE, NYUL)
