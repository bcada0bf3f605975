"""Diffusion that stops at edges: Perona and Malik, and by curvature."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Asked,
    Filter,
    Parameter,
    PlaneContext,
    VolumeContext,
    in_own_scale,
    noise_sd,
)

Values = NDArray[np.float32]


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _iterations(parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return 2 * int(parameters["iterations"])


def _between(axis: int, n_axes: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the indices of the first and the second pixel of each pair along ``axis``."""
    first = tuple(slice(None, -1) if a == axis else slice(None) for a in range(n_axes))
    second = tuple(slice(1, None) if a == axis else slice(None) for a in range(n_axes))
    return first, second


def _diffused(current: Values, edge: float, weights: tuple[float, ...], step: float) -> Values:
    """Return values after one explicit step; what one pixel gives its neighbour gets."""
    change = np.zeros_like(current)
    for axis, weight in enumerate(weights):
        first, second = _between(axis, current.ndim)
        slope = current[second] - current[first]
        flow = slope * np.float32(1 / edge)
        np.multiply(flow, flow, out=flow)
        np.negative(flow, out=flow)
        np.exp(flow, out=flow)
        flow *= slope
        flow *= np.float32(step * weight)
        change[first] += flow
        change[second] -= flow
    change += current
    return change


def _weights(distances_mm: tuple[float, ...]) -> tuple[float, ...]:
    """Return the weight of each axis: neighbours that lie twice as far count a quarter."""
    nearest = min(distances_mm)
    return tuple((nearest / mm) ** 2 for mm in distances_mm)


def _perona(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    edge = noise_sd(values) * float(parameters["edge"])
    if edge <= 1e-9:
        return values
    for _ in range(int(parameters["iterations"])):
        values = _diffused(values, edge, _weights(context.pixel_mm), 0.2)
    return values


def _perona_volume(
    values: Values, parameters: Mapping[str, Any], context: VolumeContext, asked: Asked
) -> Values:
    edge = noise_sd(values) * float(parameters["edge"])
    count = int(parameters["iterations"])
    current = values.copy()
    for n in range(count if edge > 0 else 0):
        asked.check()
        current = _diffused(current, edge, _weights(context.spacing_kji_mm), 1 / 7)
        asked.report((n + 1) / count)
    return current


def _curvature(values: Values, parameters: Mapping[str, Any], context: PlaneContext) -> Values:
    import SimpleITK as sitk

    if min(values.shape) < 2:
        return values
    image = sitk.GetImageFromArray(values)
    # Spacing relative to the finer axis: the step is stable for pixels of 1 and more.
    finest = min(context.pixel_mm)
    image.SetSpacing([context.pixel_mm[1] / finest, context.pixel_mm[0] / finest])
    found = sitk.CurvatureFlow(image, 0.1, int(parameters["iterations"]))
    return np.asarray(sitk.GetArrayFromImage(found), dtype=np.float32)


PERONA_MALIK = Filter(
    key="perona_malik",
    title="Anisotropic diffusion (Perona-Malik)",
    purpose="Lets values even out except across edges, which stay sharp.",
    caution="Edges near the threshold turn into steps, and weak ones are lost with the noise.",
    source="Perona and Malik, IEEE TPAMI 12 (1990), doi:10.1109/34.56205",
    parameters=(
        Parameter("edge", "Edges exceed", "float", 3.0, 0.5, 12.0, 0.1, "σ"),
        Parameter("iterations", "Iterations", "int", 10, 1, 50, 1),
    ),
    function=in_own_scale(_perona),
    reach_px=_whole,
    group="Noise",
    is_slow=True,
    volume_function=in_own_scale(_perona_volume),
)
CURVATURE = Filter(
    key="curvature_flow",
    title="Curvature flow",
    purpose="Evens out ragged contours of equal value and lets straight edges stand.",
    caution="Small round structures shrink and vanish; corners are rounded.",
    source="Malladi and Sethian, Graphical Models 58 (1996), doi:10.1006/gmip.1996.0011",
    parameters=(Parameter("iterations", "Iterations", "int", 5, 1, 30, 1),),
    function=in_own_scale(_curvature),
    reach_px=_iterations,
    group="Noise",
    is_slow=True,
)
FILTERS = (PERONA_MALIK, CURVATURE)
