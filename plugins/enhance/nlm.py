"""Non-local means, also for the noise of MR magnitudes (Rician)."""

from collections.abc import Mapping
from typing import Any

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
    in_own_scale,
    noise_sd,
    nonlocal_means,
    nonlocal_means_volume,
)

Values = NDArray[np.float32]
_SMALLEST = 1e-30


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _nlm(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    noise = noise_sd(values)
    if noise <= 0:
        return values
    h = noise * float(parameters["strength"])
    return nonlocal_means(values, noise, h=h, search_px=int(parameters["search_px"]))


def _nlm_volume(
    values: Values, parameters: Mapping[str, Any], _context: VolumeContext, asked: Asked
) -> Values:
    noise = noise_sd(values)
    if noise <= 0:
        return values.copy()
    # The search in space is cubed: half the reach in the plane already sees as many voxels.
    search = max(1, int(parameters["search_px"]) // 2)
    h = noise * float(parameters["strength"])
    return nonlocal_means_volume(values, noise, h=h, search_px=search, asked=asked)


def _refuse_negative(values: Values) -> float:
    """Return the largest value of what must be magnitudes."""
    if float(values.min()) < 0:
        raise InputRefused(
            "Rician noise is that of magnitudes, and this picture has negative values.",
            remedy="Use non-local means instead.",
        )
    return float(values.max())


def _rician(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    most = _refuse_negative(values)
    noise = noise_sd(values / np.float32(most)) if most > _SMALLEST else 0.0
    if noise <= 0:
        return values
    share = values / np.float32(most)
    h = noise * float(parameters["strength"])
    squares = nonlocal_means(
        share, noise, h=h, search_px=int(parameters["search_px"]), of_squares=True
    )
    squares -= np.float32(2 * noise * noise)  # the mean of squares of a magnitude has this bias
    return np.asarray(np.sqrt(np.maximum(squares, 0)) * np.float32(most))


NLM = Filter(
    key="nlm",
    title="Non-local means",
    purpose="Averages places that look alike, so that noise goes and repeated structure stays.",
    caution="What is there only once, such as a small lesion, may be averaged into its surroundings.",
    source="Buades, Coll and Morel, CVPR 2005, doi:10.1109/CVPR.2005.38",
    parameters=(
        Parameter("strength", "Strength", "float", 0.8, 0.2, 3.0, 0.1, "σ"),
        Parameter("search_px", "Search", "int", 5, 2, 10, 1, "px"),
    ),
    function=in_own_scale(_nlm),
    reach_px=_whole,
    group="Noise",
    is_slow=True,
    volume_function=in_own_scale(_nlm_volume),
)
RICIAN = Filter(
    key="rician",
    title="Rician noise (MR)",
    purpose="Takes noise of MR magnitudes away together with the grey veil it puts over dark parts.",
    caution="Dark tissue can turn black where the noise was estimated too high.",
    source="Manjon et al., Medical Image Analysis 12 (2008), doi:10.1016/j.media.2008.02.004",
    parameters=(
        Parameter("strength", "Strength", "float", 0.8, 0.2, 3.0, 0.1, "σ"),
        Parameter("search_px", "Search", "int", 5, 2, 10, 1, "px"),
    ),
    function=_rician,
    reach_px=_whole,
    group="Noise",
    is_slow=True,
    modalities=("MR",),
)
FILTERS = (NLM, RICIAN)
