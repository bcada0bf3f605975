"""Total variation denoising."""

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
    least_variation,
    noise_sd,
)

Values = NDArray[np.float32]
_VOLUME_ITERATIONS = 30


def _whole(_parameters: Mapping[str, Any], _context: PlaneContext) -> int:
    return WHOLE


def _plane(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    from skimage.restoration import denoise_tv_chambolle

    weight = noise_sd(values) * float(parameters["strength"])
    if weight <= 1e-9 or min(values.shape) < 2:
        return values
    # Its usual stop comes too early: at weight 25 the error was 7.1 instead of 6.2 HU.
    found = denoise_tv_chambolle(values, weight=weight, eps=1e-5, max_num_iter=60)
    return np.asarray(found, dtype=np.float32)


def _volume(
    values: Values, parameters: Mapping[str, Any], _context: VolumeContext, asked: Asked
) -> Values:
    weight = noise_sd(values) * float(parameters["strength"])
    if weight <= 0:
        return values.copy()

    def tell(share: float) -> None:
        asked.check()
        asked.report(share)

    return least_variation(values, weight, n_iterations=_VOLUME_ITERATIONS, tell=tell)


FILTER = Filter(
    key="tv",
    title="Total variation",
    purpose="Removes noise and leaves sharp borders between even regions.",
    caution="Gentle slopes turn into steps, and fine texture into flat patches.",
    source="Chambolle, J. Math. Imaging Vis. 20 (2004), doi:10.1023/B:JMIV.0000011325.36760.1e",
    parameters=(Parameter("strength", "Strength", "float", 1.5, 0.2, 8.0, 0.1, "σ"),),
    function=in_own_scale(_plane),
    reach_px=_whole,
    group="Noise",
    is_slow=True,
    volume_function=in_own_scale(_volume),
)
