"""N4: the slow change of brightness that MR coils leave."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    WHOLE,
    Asked,
    Filter,
    InputRefused,
    Parameter,
    PlaneContext,
    VolumeContext,
)

Values = NDArray[np.float32]
_PLANE_PX = 128
_VOLUME_PX = 64
_SMALLEST = 1e-30
_LEVELS = 4
_FEWEST = 8  # fewer pixels carry no field


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _share(values: Values) -> tuple[Values, np.float32]:
    most = np.float32(values.max())
    if float(values.min()) < 0:
        raise InputRefused("N4 divides by a field, and this picture has negative values.")
    return values / max(most, np.float32(_SMALLEST)), most


def _log_field(small: Values, parameters: Mapping[str, Any]) -> Values:
    """Return the logarithm of the field on the grid of ``small``, mean 0 in the body."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(small)
    mask = sitk.OtsuThreshold(image, 0, 1, 128)
    inside = sitk.GetArrayViewFromImage(mask) > 0
    if int(inside.sum()) < _FEWEST:
        return np.zeros_like(small)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([int(parameters["iterations"])] * _LEVELS)
    n4.SetBiasFieldFullWidthAtHalfMaximum(float(parameters["width"]))
    n4.Execute(image, mask)
    field = np.asarray(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)), dtype=np.float32)
    return np.asarray(field - np.float32(field[inside].mean()))


def _resized(values: Values, shape: tuple[int, int], interpolation: int) -> Values:
    found = cv2.resize(values, (shape[1], shape[0]), interpolation=interpolation)
    return np.asarray(found, dtype=np.float32).reshape(shape)


def _plane(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    share, most = _share(values)
    if most <= _SMALLEST or float(share.min()) == 1 or min(values.shape) < _FEWEST:
        return values.copy()
    shrink = max(1.0, max(values.shape) / _PLANE_PX)
    rows, columns = (max(_FEWEST, round(n / shrink)) for n in values.shape)
    field = _log_field(_resized(share, (rows, columns), cv2.INTER_AREA), parameters)
    field = _resized(field, (values.shape[0], values.shape[1]), cv2.INTER_LINEAR)
    return np.asarray(share * np.exp(-field) * most)


def _volume(
    values: Values, parameters: Mapping[str, Any], context: VolumeContext, asked: Asked
) -> Values:
    """Fit on a shrunk grid; the field is smooth, so its linear interpolation is off by 0.5 %."""
    share, most = _share(values)
    if most <= _SMALLEST or float(share.min()) == 1 or min(values.shape[1:]) < _FEWEST:
        return values.copy()
    if len(values) < _FEWEST:
        raise InputRefused(f"N4 in three dimensions needs {_FEWEST} slices or more.")
    asked.report(None, "fitting the field")
    shrink = max(1.0, max(values.shape[1:]) / _VOLUME_PX)
    rows, columns = (max(_FEWEST, round(n / shrink)) for n in values.shape[1:])
    # Slices are few and thick: they shrink only as far as voxels become cubes.
    ratio = context.spacing_kji_mm[1] * shrink / context.spacing_kji_mm[0]
    every = max(1, min(round(ratio), len(values) // _FEWEST))
    asked.check()
    small = np.stack([_resized(one, (rows, columns), cv2.INTER_AREA) for one in share[::every]])
    field = _log_field(small, parameters)
    asked.check()
    found = np.empty_like(values)
    for k in range(len(values)):
        asked.check()
        below = min(k // every, len(field) - 1)
        above = min(below + 1, len(field) - 1)
        part = np.float32(k / every - below)
        plane = field[below] * (1 - part) + field[above] * part
        plane = _resized(plane, (values.shape[1], values.shape[2]), cv2.INTER_LINEAR)
        found[k] = share[k] * np.exp(-plane) * most
        asked.report((k + 1) / len(values))
    return found


FILTER = Filter(
    key="n4",
    title="N4 bias field (MR)",
    purpose="Takes the slow change of brightness away that the coils of MR leave in one tissue.",
    caution="A large lesion of even brightness can be taken for coil shading and fade.",
    source="Tustison et al., IEEE TMI 29 (2010), doi:10.1109/TMI.2010.2046908",
    parameters=(
        Parameter("iterations", "Iterations", "int", 30, 5, 100, 5),
        Parameter("width", "Width of the field", "float", 0.15, 0.05, 0.5, 0.05),
    ),
    function=_plane,
    reach_px=_whole,
    group="Artifacts",
    is_slow=True,
    modalities=("MR",),
    volume_function=_volume,
)
