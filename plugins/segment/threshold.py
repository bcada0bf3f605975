"""Thresholds: a range, and ranges that a rule finds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Asked,
    InputRefused,
    Parameter,
    Preset,
    Segmenter,
    SegmentRequest,
    SegmentResult,
)

_WIDEST = 1e6
_BINS = 4096
_MOST_CLASSES = 5
_HU, _SUV = "[hnsf'U]", "{SUVbw}g/ml"


def _between(request: SegmentRequest, low: float, high: float, note: str = "") -> SegmentResult:
    with np.errstate(invalid="ignore"):
        mask = (request.values >= low) & (request.values <= high)
    return SegmentResult(mask, notes=(note,) if note else ())


def _sample(request: SegmentRequest) -> NDArray[np.float32]:
    found = request.values[request.known]
    if not found.size:
        raise InputRefused("There is nothing to look at.", remedy="Widen what is allowed.")
    return found


def _said(value: float, request: SegmentRequest) -> str:
    unit = {"[hnsf'U]": "HU", "{SUVbw}g/ml": "SUV", "1": ""}.get(request.unit, request.unit)
    return f"{value:.4g} {unit}".strip()


def _range(request: SegmentRequest, values: Mapping[str, Any], _asked: Asked) -> SegmentResult:
    low, high = float(values["low"]), float(values["high"])
    if low > high:
        raise InputRefused("The lower threshold lies above the upper one.")
    return _between(request, low, high)


def _otsu(request: SegmentRequest, values: Mapping[str, Any], _asked: Asked) -> SegmentResult:
    from skimage.filters import threshold_multiotsu, threshold_otsu

    sample = _sample(request)
    if float(np.ptp(sample)) == 0:
        raise InputRefused("All values are equal: there is no threshold between them.")
    n_classes, wanted = int(values["classes"]), int(values["class_number"])
    if wanted > n_classes:
        raise InputRefused(f"There are {n_classes} classes, not {wanted}.")
    counts, edges = np.histogram(sample, bins=_BINS if n_classes == 2 else 128)
    centres = (edges[:-1] + edges[1:]) / 2
    if n_classes == 2:
        cuts = np.array([threshold_otsu(hist=(counts, centres))])
    else:
        cuts = np.asarray(threshold_multiotsu(classes=n_classes, hist=(counts, centres)))
    low = -np.inf if wanted == 1 else float(np.nextafter(np.float32(cuts[wanted - 2]), np.inf))
    high = np.inf if wanted == n_classes else float(cuts[wanted - 1])
    told = ", ".join(_said(float(cut), request) for cut in cuts)
    return _between(request, low, high, f"Thresholds at {told}.")


def _percentile(request: SegmentRequest, values: Mapping[str, Any], _asked: Asked) -> SegmentResult:
    low_share, high_share = float(values["low_percent"]), float(values["high_percent"])
    if low_share > high_share:
        raise InputRefused("The lower percentile lies above the upper one.")
    low, high = np.percentile(_sample(request), (low_share, high_share))
    note = f"From {_said(float(low), request)} to {_said(float(high), request)}."
    return _between(request, float(low), float(high), note)


def _hysteresis(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    from scipy import ndimage

    weak, strong = float(values["weak"]), float(values["strong"])
    if weak > strong:
        raise InputRefused("The weak threshold lies above the strong one.")
    with np.errstate(invalid="ignore"):
        candidates, sure = request.values >= weak, request.values >= strong
    candidates &= request.known
    asked.check()
    labels, n = ndimage.label(candidates, structure=np.ones((3, 3, 3)))
    kept = np.zeros(n + 1, dtype=bool)
    kept[np.unique(labels[sure & candidates])] = True
    kept[0] = False
    return SegmentResult(kept[labels])


def _local(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Compare with the mean about each pixel, plane by plane (Sauvola for ``k`` > 0)."""
    import cv2

    radius, offset = float(values["radius_mm"]), float(values["offset"])
    weight = float(values["k"])
    shown = np.where(np.isfinite(request.values), request.values, np.float32(0))
    centre = float(shown.mean())
    size = tuple(2 * max(1, round(radius / mm)) + 1 for mm in request.spacing_kji_mm[:0:-1])
    mask = np.zeros(shown.shape, dtype=bool)
    for k, plane in enumerate(shown - np.float32(centre)):
        asked.check()
        mean = cv2.blur(plane, size, borderType=cv2.BORDER_REFLECT)
        square = cv2.blur(plane * plane, size, borderType=cv2.BORDER_REFLECT)
        sd = np.sqrt(np.maximum(square - mean * mean, 0))
        mask[k] = plane > mean + offset + weight * sd
    return SegmentResult(mask & request.known)


def _of_maximum(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """A share of the maximum, in what is allowed or about the seeds; connected to the maximum."""
    from scipy import ndimage

    known = request.known
    inside = np.where(known, request.values, -np.inf)
    if request.inside:
        at = max(request.inside, key=lambda place: inside[place])
        at = _climbed(inside, at)
    else:
        k, j, i = np.unravel_index(int(np.argmax(inside)), inside.shape)
        at = (int(k), int(j), int(i))
    highest = float(inside[at])
    if not np.isfinite(highest) or highest <= 0:
        raise InputRefused("There is no uptake here.", remedy="Click on the lesion.")
    asked.check()
    background = _background(request, inside, at) if bool(values["adapted"]) else 0.0
    low = background + float(values["percent"]) / 100 * (highest - background)
    labels, _ = ndimage.label((inside >= low) & known, structure=np.ones((3, 3, 3)))
    note = f"From {_said(low, request)}: {values['percent']:g} % of {_said(highest, request)}"
    if background:
        note += f" above a background of {_said(background, request)}"
    return SegmentResult(labels == labels[at], notes=(f"{note}.",))


def _climbed(values: NDArray[Any], at: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the local maximum that a climb from ``at`` over the 26 neighbours ends at."""
    while True:
        low = [max(0, n - 1) for n in at]
        box = values[tuple(slice(a, n + 2) for a, n in zip(low, at, strict=True))]
        step = np.unravel_index(int(np.argmax(box)), box.shape)
        k, j, i = (a + int(b) for a, b in zip(low, step, strict=True))
        if values[k, j, i] <= values[at]:
            return at
        at = (k, j, i)


def _background(request: SegmentRequest, values: NDArray[Any], at: tuple[int, int, int]) -> float:
    """Return the mean of a shell 10 to 20 mm beyond the 70 % contour's centre."""
    grid = np.ogrid[tuple(slice(0, n) for n in values.shape)]
    distance = np.sqrt(
        sum(
            ((axis - n) * mm) ** 2
            for axis, n, mm in zip(grid, at, request.spacing_kji_mm, strict=True)
        )
    )
    shell = (distance > 20) & (distance < 30) & np.isfinite(values) & (values < 0.5 * values[at])
    return float(values[shell].mean()) if shell.any() else 0.0


def _fixed_suv(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Take what has at least a fixed SUV: all of it, or what hangs together with the seeds."""
    from scipy import ndimage

    if request.unit != _SUV:
        raise InputRefused(
            "These values are no SUV, so an SUV does not divide them.",
            remedy="Open PET images that state dose, weight and times, or take a share of the maximum.",
        )
    known = request.known
    with np.errstate(invalid="ignore"):
        hot = (request.values >= float(values["suv"])) & known
    smallest = float(values["smallest_ml"]) * 1000 / float(np.prod(request.spacing_kji_mm))
    asked.check()
    if not request.inside and smallest <= 1:
        return SegmentResult(hot)
    labels, n = ndimage.label(hot, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    kept = sizes >= smallest
    kept[0] = False
    if request.inside:
        pointed = np.zeros(n + 1, dtype=bool)
        pointed[[labels[seed] for seed in request.inside]] = True
        kept &= pointed
    told = f"{int(kept.sum())} of {n} places from SUV {values['suv']:g}."
    return SegmentResult(kept[labels], notes=(told,))


def _hu(title: str, low: float, high: float, source: str) -> Preset:
    return Preset(title, (("low", low), ("high", high)), source, "CT", _HU)


# Ranges that the literature gives; where none is agreed on, what text books call usual.
_RANGE_PRESETS = (
    _hu("Bone: from 200 HU", 200.0, 3071.0, "usual; spongy bone lies below"),
    _hu("Lung: -1024 to -500 HU", -1024.0, -500.0, "usual; vessels and walls lie above"),
    _hu(
        "Emphysema: below -950 HU", -1024.0, -950.0,
        "Gevenois et al., Am J Respir Crit Care Med 154 (1996), 187-192",
    ),
    _hu("Fat: -190 to -30 HU", -190.0, -30.0, "Yoshizumi et al., Radiology 211 (1999), 283-286"),
    _hu("Muscle: -29 to 150 HU", -29.0, 150.0, "Aubrey et al., Acta Physiol 210 (2014), 489-497"),
    _hu("Contrast in vessels: 150 to 600 HU", 150.0, 600.0, "usual; bone is taken too"),
    _hu("Calcium: from 130 HU", 130.0, 3071.0, "Agatston et al., J Am Coll Cardiol 15 (1990), 827-832"),
)  # fmt: skip


def _suv(value: float, source: str) -> Preset:
    return Preset(f"SUV from {value:g}", (("suv", value),), source, "PT", _SUV)


RANGE = Segmenter(
    "threshold",
    "Range",
    "Threshold",
    "Takes every voxel between two values.",
    "Noise and partial volume make ragged edges; what has the same value elsewhere is taken too.",
    "Gonzalez & Woods, Digital Image Processing, 10.3",
    (
        Parameter("low", "From", "float", 0.0, -_WIDEST, _WIDEST, 0.0, "value"),
        Parameter("high", "To", "float", _WIDEST, -_WIDEST, _WIDEST, 0.0, "value"),
    ),
    _range,
    presets=_RANGE_PRESETS,
    is_pointwise=True,
)
OTSU = Segmenter(
    "otsu",
    "Otsu",
    "Threshold",
    "Finds the thresholds that divide the histogram best into classes.",
    "Expects classes of similar size: a small lesion in a large background is lost.",
    "Otsu, IEEE Trans SMC 9 (1979), 62-66; Liao et al., J Inf Sci Eng 17 (2001), 713-727",
    (
        Parameter("classes", "Classes", "int", 2, 2, _MOST_CLASSES, 1),
        Parameter("class_number", "Take class", "int", 2, 1, _MOST_CLASSES, 1),
    ),
    _otsu,
)
PERCENTILE = Segmenter(
    "percentile",
    "Percentile",
    "Threshold",
    "Takes the darkest, brightest or middle share of what is allowed.",
    "Always finds its share, also where there is nothing to find.",
    "Gonzalez & Woods, Digital Image Processing, 10.3",
    (
        Parameter("low_percent", "From", "float", 95.0, 0.0, 100.0, 0.5, "%"),
        Parameter("high_percent", "To", "float", 100.0, 0.0, 100.0, 0.5, "%"),
    ),
    _percentile,
)
HYSTERESIS = Segmenter(
    "hysteresis",
    "Hysteresis",
    "Threshold",
    "Takes weak voxels that hang together with strong ones.",
    "One strong voxel of noise brings all that hangs on it.",
    "Canny, IEEE Trans PAMI 8 (1986), 679-698",
    (
        Parameter("weak", "Weak from", "float", 100.0, -_WIDEST, _WIDEST, 0.0, "value"),
        Parameter("strong", "Strong from", "float", 300.0, -_WIDEST, _WIDEST, 0.0, "value"),
    ),
    _hysteresis,
)
LOCAL = Segmenter(
    "local_threshold",
    "Local adaptive",
    "Threshold",
    "Takes what is brighter than its surroundings, under uneven light.",
    "Larger even regions come out hollow; the radius must exceed the structure.",
    "Sauvola & Pietikainen, Pattern Recognition 33 (2000), 225-236",
    (
        Parameter("radius_mm", "Radius", "float", 10.0, 0.5, 100.0, 0.5, "mm"),
        Parameter("offset", "Above mean by", "float", 0.0, -1000.0, 1000.0, 0.0, "value"),
        Parameter("k", "SD factor", "float", 0.5, -3.0, 3.0, 0.05),
    ),
    _local,
    dimensions=(2, 3),
)
PET = Segmenter(
    "pet_percent",
    "Share of the maximum",
    "Threshold",
    "Takes what hangs on a hot spot down to a share of its maximum (41 %, 50 %), as PET reports do.",
    "Depends on noise in one voxel; too large for faint lesions, too small for uneven ones.",
    "Boellaard et al., EANM guideline 2.0, Eur J Nucl Med Mol Imaging 42 (2015), 328-354",
    (
        Parameter("percent", "Share", "float", 41.0, 5.0, 95.0, 1.0, "%"),
        Parameter("adapted", "Above the background", "bool", False),
    ),
    _of_maximum,
    modalities=("PT", "NM"),
)
SUV = Segmenter(
    "fixed_suv",
    "Fixed SUV",
    "Threshold",
    "Takes every place from a fixed SUV on; with clicks only the places that were clicked.",
    "Takes brain, heart, kidneys and bladder too; SUV depends on scanner, dose and waiting time.",
    "Barrington et al., J Nucl Med 62 (2021), 332-337",
    (
        Parameter("suv", "SUV from", "float", 4.0, 0.1, 50.0, 0.1, "g/mL"),
        Parameter("smallest_ml", "No place below", "float", 0.0, 0.0, 50.0, 0.1, "mL"),
    ),
    _fixed_suv,
    modalities=("PT",),
    presets=(
        _suv(2.5, "usual in earlier work"),
        _suv(3.0, "usual in earlier work"),
        _suv(4.0, "Barrington et al., J Nucl Med 62 (2021), 332-337"),
    ),
)
METHODS = (RANGE, OTSU, PERCENTILE, HYSTERESIS, LOCAL, PET, SUV)
