"""Contours and surfaces that move from the current segment until the image holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Asked,
    InputRefused,
    Parameter,
    Segmenter,
    SegmentRequest,
    SegmentResult,
    mask_box,
)

_AT_ONCE = 10  # rounds between two looks at whether somebody asked to stop


def _start(request: SegmentRequest) -> NDArray[np.bool_]:
    """Return what the contour starts from: the current segment, else balls about the seeds."""
    if request.current is not None and request.current.any():
        return request.current
    if not request.inside:
        raise InputRefused("There is nothing to start from.", remedy="Paint or click a start.")
    grid = np.ogrid[tuple(slice(0, n) for n in request.values.shape)]
    mask = np.zeros(request.values.shape, dtype=bool)
    radius = 4 * min(request.spacing_kji_mm[1:])
    for seed in request.inside:
        distance = sum(
            ((axis - at) * mm) ** 2
            for axis, at, mm in zip(grid, seed, request.spacing_kji_mm, strict=True)
        )
        mask |= distance <= radius**2
    return mask


def _scaled(request: SegmentRequest) -> NDArray[np.float32]:
    filled = np.where(np.isfinite(request.values), request.values, np.float32(0))
    low, high = np.percentile(filled, (0.5, 99.5))
    return np.asarray(np.clip((filled - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


def _squeezed(array: NDArray[Any]) -> NDArray[Any]:
    return array[0] if array.shape[0] == 1 else array


def _moved(
    request: SegmentRequest, mask: NDArray[np.bool_], box: tuple[slice, ...]
) -> SegmentResult:
    whole = np.zeros(request.values.shape, dtype=bool)
    whole[box] = mask.reshape(whole[box].shape)
    return SegmentResult(whole & request.known)


def _goes_on(
    request: SegmentRequest, mask: NDArray[np.bool_], box: tuple[slice, slice, slice]
) -> bool:
    """Show how far the contour has moved; return whether it shall move on."""
    return request.watch is None or request.goes_on(_moved(request, mask, box).mask)


def _chan_vese(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    from skimage.segmentation import morphological_chan_vese

    start = _start(request)
    box = mask_box(start, request, float(values["margin_mm"]))
    image, level = _squeezed(_scaled(request)[box]), _squeezed(start[box]).astype(np.int8)
    done, rounds = 0, int(values["rounds"])
    while done < rounds:
        asked.check()
        asked.report(done / rounds, f"round {done} of {rounds}")
        step = min(_AT_ONCE, rounds - done)
        before = level
        level = morphological_chan_vese(
            image, step, init_level_set=before, smoothing=int(values["smoothing"])
        )
        done += step
        if np.array_equal(before, level) or not _goes_on(request, level > 0, box):
            break
    return _moved(request, level > 0, box)


def _geodesic(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    from skimage.segmentation import (
        inverse_gaussian_gradient,
        morphological_geodesic_active_contour,
    )

    start = _start(request)
    box = mask_box(start, request, float(values["margin_mm"]))
    image = _squeezed(_scaled(request)[box])
    sigma = max(float(values["edge_mm"]) / min(request.spacing_kji_mm[1:]), 0.5)
    speed = inverse_gaussian_gradient(image, alpha=float(values["edge_weight"]), sigma=sigma)
    level = _squeezed(start[box]).astype(np.int8)
    done, rounds = 0, int(values["rounds"])
    while done < rounds:
        asked.check()
        asked.report(done / rounds, f"round {done} of {rounds}")
        step = min(_AT_ONCE, rounds - done)
        before = level
        level = morphological_geodesic_active_contour(
            speed,
            step,
            init_level_set=before,
            smoothing=int(values["smoothing"]),
            balloon=int(values["balloon"]),
            threshold=float(values["stop_at"]),
        )
        done += step
        if np.array_equal(before, level) or not _goes_on(request, level > 0, box):
            break
    return _moved(request, level > 0, box)


def _level_set(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Move a level set by propagation, curvature and edges (ITK's narrow band, in mm)."""
    import SimpleITK as sitk

    start = _start(request)
    box = mask_box(start, request, float(values["margin_mm"]))
    flat = request.values.shape[0] == 1
    spacing = tuple(request.spacing_kji_mm[::-1])[: 2 if flat else 3]

    def image_of(array: NDArray[Any]) -> Any:
        image = sitk.GetImageFromArray(np.ascontiguousarray(_squeezed(array)))
        image.SetSpacing(spacing)
        return image

    cut = image_of(_scaled(request)[box])
    slope = sitk.GradientMagnitudeRecursiveGaussian(cut, sigma=float(values["edge_mm"]))
    slopes = sitk.GetArrayViewFromImage(slope)
    middle = float(np.percentile(slopes, 90)) or 1e-6
    speed = sitk.BoundedReciprocal(sitk.Square(slope / (0.5 * middle)))
    level = sitk.SignedMaurerDistanceMap(
        image_of(start[box].astype(np.uint8)), squaredDistance=False, useImageSpacing=True
    )
    level = sitk.Cast(level, sitk.sitkFloat32)
    filter_ = sitk.GeodesicActiveContourLevelSetImageFilter()
    filter_.SetPropagationScaling(float(values["growth"]))
    filter_.SetCurvatureScaling(float(values["curvature"]))
    filter_.SetAdvectionScaling(1.0)
    filter_.SetMaximumRMSError(1e-4)
    done, rounds = 0, int(values["rounds"])
    speed = sitk.Cast(speed, sitk.sitkFloat32)
    while done < rounds:
        asked.check()
        asked.report(done / rounds, f"round {done} of {rounds}")
        step = min(20, rounds - done)
        filter_.SetNumberOfIterations(step)
        level = filter_.Execute(level, speed)
        done += step
        so_far = np.asarray(sitk.GetArrayViewFromImage(level)) <= 0
        if filter_.GetElapsedIterations() < step or not _goes_on(request, so_far, box):
            break
    found = np.asarray(sitk.GetArrayFromImage(level)) <= 0
    return _moved(request, found, box)


_ROUNDS = Parameter("rounds", "Rounds", "int", 100, 1, 1000, 1)
_SMOOTHING = Parameter("smoothing", "Smoothing", "int", 1, 0, 4, 1)
_MARGIN = Parameter("margin_mm", "May move by", "float", 20.0, 1.0, 200.0, 1.0, "mm")
_EDGE = Parameter("edge_mm", "Edge scale", "float", 1.5, 0.2, 10.0, 0.1, "mm")
CHAN_VESE = Segmenter(
    "chan_vese",
    "Chan-Vese",
    "Deformable",
    "Moves the border until inside and outside differ most in mean; needs no sharp edge.",
    "Expects two even regions: uneven light or a third tissue draws it away.",
    "Chan & Vese, IEEE Trans Image Process 10 (2001), 266-277; Marquez-Neila et al. (2014)",
    (_ROUNDS, _SMOOTHING, _MARGIN),
    _chan_vese,
    is_slow=True,
)
GEODESIC = Segmenter(
    "geodesic_contour",
    "Geodesic active contour",
    "Deformable",
    "Blows the border up, or lets it shrink, until it comes to lie on edges.",
    "Passes through gaps of the edge; too strong smoothing cuts thin parts off.",
    "Caselles, Kimmel & Sapiro, IJCV 22 (1997), 61-79; Marquez-Neila et al., PAMI 36 (2014), 2-17",
    (
        _ROUNDS,
        _SMOOTHING,
        Parameter("balloon", "Push", "int", 1, -2, 2, 1),
        Parameter("edge_weight", "Edge weight", "float", 400.0, 10.0, 5000.0, 10.0),
        Parameter("stop_at", "Stop at", "float", 0.6, 0.05, 0.99, 0.01),
        _EDGE,
        _MARGIN,
    ),
    _geodesic,
    is_slow=True,
)
LEVEL_SET = Segmenter(
    "level_set",
    "Level set",
    "Deformable",
    "Lets the segment grow or shrink with a visible speed and stiffness until edges hold it.",
    "Leaks where no edge is; the result depends on the start.",
    "Caselles, Kimmel & Sapiro, IJCV 22 (1997), 61-79 (ITK's implementation)",
    (
        _ROUNDS,
        Parameter("growth", "Growth", "float", 1.0, -5.0, 5.0, 0.1),
        Parameter("curvature", "Stiffness", "float", 0.5, 0.0, 5.0, 0.1),
        _EDGE,
        _MARGIN,
    ),
    _level_set,
    is_slow=True,
)
METHODS = (CHAN_VESE, GEODESIC, LEVEL_SET)
