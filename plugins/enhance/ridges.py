"""Vessels, tubes and blobs from second derivatives: Frangi, Sato, Meijering, blobness."""

from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Asked,
    Filter,
    Parameter,
    PlaneContext,
    VolumeContext,
    eigenvalues,
    free_of_scale,
    gaussian_reach_px,
    hessian,
    on_own_scale,
    sorted_by_size,
    volume_hessian,
)

Values = NDArray[np.float32]
_FINEST_PX = 5.0  # a Gaussian of five pixels is the narrowest that a coarse grid gets
_BETA = 0.5  # Frangi's own


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _sigmas_mm(parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the scales: a line of width w answers most at a sigma of about w / (2 sqrt 2) up."""
    ends = sorted((float(parameters["thin_mm"]), float(parameters["thick_mm"])))
    return np.geomspace(ends[0] / 2, ends[1] / 2, int(parameters["scales"]))


def _coarser(sigma_mm: float, context: PlaneContext) -> list[int]:
    """Return how many pixels (row, column) one of the grid for this scale holds."""
    return [max(1, int(sigma_mm / mm / _FINEST_PX)) for mm in context.pixel_mm]


def _reach(parameters: Mapping[str, Any], context: PlaneContext) -> int:
    if max(_coarser(float(_sigmas_mm(parameters)[-1]), context)) > 1:
        return WHOLE  # where the coarse pixels lie depends on the size of the picture
    return gaussian_reach_px(max(0.3, float(_sigmas_mm(parameters)[-1]) / min(context.pixel_mm)))


def _bright(values: Values, parameters: Mapping[str, Any]) -> Values:
    return -values if parameters["lines"] == "dark" else values


def _scales(
    values: Values, parameters: Mapping[str, Any], context: PlaneContext
) -> Iterator[tuple[Values, Values]]:
    """Yield for each scale the eigenvalues, the one along a bright line first, across it last."""
    rows, columns = values.shape
    for sigma in _sigmas_mm(parameters):
        by = _coarser(float(sigma), context)
        if max(by) == 1 or min(values.shape) < 2 * max(by) * _FINEST_PX:
            yield eigenvalues(*hessian(values, float(sigma), context.pixel_mm))[::-1]
            continue
        # A wide Gaussian leaves nothing that a coarser grid would not hold.
        small = cv2.resize(values, (columns // by[1], rows // by[0]), interpolation=cv2.INTER_AREA)
        coarse = context.pixel_mm[0] * rows / (rows // by[0])
        across = context.pixel_mm[1] * columns / (columns // by[1])
        parts = hessian(np.asarray(small), float(sigma), (coarse, across))
        # Not the eigenvalues: they have kinks, which do not survive between samples.
        wide = (
            np.asarray(
                cv2.resize(one, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32
            )
            for one in parts
        )
        yield eigenvalues(*wide)[::-1]


def _frangi(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    best = np.zeros_like(values)
    found = []
    for upper, lower in _scales(_bright(values, parameters), parameters, context):
        strength = lower * lower + upper * upper
        ratio = np.abs(upper) / np.maximum(-lower, np.float32(1e-20))
        # A bright line bends down most across itself.
        ratio[upper >= -lower] = np.inf
        found.append((ratio, strength))
    most = max(float(strength.max()) for _, strength in found)
    if most <= 1e-14:
        return best
    # Half of the largest norm of all scales, as Frangi has it.
    scale = np.float32(-1 / (2 * (most / 4)))
    for ratio, strength in found:
        answer = np.exp(ratio * ratio * np.float32(-1 / (2 * _BETA**2)))
        answer *= -np.expm1(strength * scale)
        np.maximum(best, answer, out=best)
    return best


def _sato(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    best = np.zeros_like(values)
    for _, lower in _scales(_bright(values, parameters), parameters, context):
        np.maximum(best, -lower, out=best)
    return best


def _meijering(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    best = np.zeros_like(values)
    for upper, lower in _scales(_bright(values, parameters), parameters, context):
        # alpha = -1/3 in two dimensions makes the operator as flat along the line as can be.
        first, second = lower - upper / 3, upper - lower / 3
        answer = np.where(np.abs(first) > np.abs(second), first, second)
        most = float(-answer.min())
        if most > 1e-9:
            np.maximum(best, -answer / np.float32(most), out=best)
    return best


def _blobs(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    best = np.zeros_like(values)
    for upper, lower in _scales(_bright(values, parameters), parameters, context):
        inside = np.maximum(-upper, 0) * np.maximum(-lower, 0)
        np.maximum(best, np.sqrt(inside), out=best)
    return best


def _volume_scales(
    values: Values, parameters: Mapping[str, Any], context: VolumeContext, asked: Asked
) -> Iterator[NDArray[np.float32]]:
    sigmas = _sigmas_mm(parameters)
    for n, sigma in enumerate(sigmas):
        asked.check()
        parts = volume_hessian(values, float(sigma), context.spacing_kji_mm, asked.check)
        found = np.empty((3, *values.shape), dtype=np.float32)
        for k in range(len(values)):
            asked.check()
            found[:, k] = sorted_by_size(parts[:, k])
        asked.report((n + 1) / len(sigmas))
        yield found


def _frangi_volume(
    values: Values, parameters: Mapping[str, Any], context: VolumeContext, asked: Asked
) -> Values:
    best = np.zeros_like(values)
    least = np.float32(1e-20)
    for first, second, third in _volume_scales(
        _bright(values, parameters), parameters, context, asked
    ):
        strength = first**2 + second**2 + third**2
        most = float(strength.max())
        if most <= 1e-14:
            continue
        plate = np.abs(second) / np.maximum(np.abs(third), least)
        blob = np.abs(first) / np.maximum(np.sqrt(np.abs(second * third)), least)
        answer = (1 - np.exp(plate**2 * -2)) * np.exp(blob**2 * -2)
        answer *= 1 - np.exp(strength * np.float32(-2 / most))
        answer[(second > 0) | (third > 0)] = 0
        np.maximum(best, answer, out=best)
    return best


def _sato_volume(
    values: Values, parameters: Mapping[str, Any], context: VolumeContext, asked: Asked
) -> Values:
    """Return how much less than zero both eigenvalues across a line are (geometric mean)."""
    best = np.zeros_like(values)
    for parts in _volume_scales(_bright(values, parameters), parameters, context, asked):
        order = np.sort(parts, axis=0)
        both = np.maximum(-order[0], 0) * np.maximum(-order[1], 0)
        np.maximum(best, np.sqrt(both), out=best)
    return best


def _parameters(thin_mm: float, thick_mm: float) -> tuple[Parameter, ...]:
    return (
        Parameter("thin_mm", "Thinnest", "float", thin_mm, 0.2, 20.0, 0.1, "mm"),
        Parameter("thick_mm", "Thickest", "float", thick_mm, 0.2, 40.0, 0.1, "mm"),
        Parameter("scales", "Scales", "int", 3, 1, 6, 1),
        Parameter("lines", "They are", "choice", "bright", choices=("bright", "dark")),
    )


FRANGI = Filter(
    key="frangi",
    title="Vesselness (Frangi)",
    purpose="Shows, from 0 to 1, how much a place looks like a vessel of the given widths.",
    caution="Noise forms lines; where vessels branch or narrow the answer drops: that is no stenosis.",
    source="Frangi et al., MICCAI 1998, doi:10.1007/BFb0056195",
    parameters=_parameters(1.5, 5.0),
    function=free_of_scale(_frangi),
    reach_px=_whole,  # its scale is the largest answer in the picture
    group="Edges",
    is_slow=True,
    unit_after="1",
    volume_function=free_of_scale(_frangi_volume),
)
SATO = Filter(
    key="sato",
    title="Tubeness (Sato)",
    purpose="Shows lines of the given widths with the contrast that they have.",
    caution="Edges of large structures answer too, and noise forms lines.",
    source="Sato et al., Medical Image Analysis 2 (1998), doi:10.1016/S1361-8415(98)80009-1",
    parameters=_parameters(1.5, 5.0),
    function=on_own_scale(_sato),
    reach_px=_reach,
    group="Edges",
    is_slow=True,
    volume_function=on_own_scale(_sato_volume),
)
MEIJERING = Filter(
    key="meijering",
    title="Ridges (Meijering)",
    purpose="Shows thin faint lines, from 0 to 1, without breaks where they cross.",
    caution="It was made for neurites in low noise: grain forms a net of false lines.",
    source="Meijering et al., Cytometry 58A (2004), doi:10.1002/cyto.a.20022",
    parameters=_parameters(1.0, 3.0),
    function=free_of_scale(_meijering),
    reach_px=_whole,
    group="Edges",
    is_slow=True,
    unit_after="1",
)
BLOBNESS = Filter(
    key="blobness",
    title="Blobs (Hessian)",
    purpose="Shows round structures of the given sizes, such as nodules and calcifications.",
    caution="Ends, bends and crossings of vessels look round as well.",
    source="Lindeberg, Int. J. Computer Vision 30 (1998), doi:10.1023/A:1008045108935",
    parameters=_parameters(3.0, 10.0),
    function=on_own_scale(_blobs),
    reach_px=_reach,
    group="Edges",
    is_slow=True,
)
FILTERS = (FRANGI, SATO, MEIJERING, BLOBNESS)
