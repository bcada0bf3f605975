"""The brightness of colour images, taken out, filtered and put back; hue stays as it was."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain
from viewer.domain.methods import Filter

_EYE = "OP"  # DICOM's modality of ophthalmic photography
Channel = Literal["luminance", "green"]
# ITU-R BT.601, the weights of DICOM's YBR_FULL (PS3.3 C.7.6.3.1.2).
_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def channel_for(chain: Chain, filters: Mapping[str, Filter]) -> Channel:
    """Return what a chain works on in colour images: green where a filter was made for the eye.

    In the green channel of the eye's ground vessels have the most contrast; its result is shown
    in grey.
    """
    steps = (filters[step.key] for step in chain.active.steps if step.key in filters)
    return "green" if any(_EYE in found.modalities for found in steps) else "luminance"


def brightness(rgb: NDArray[np.uint8], channel: Channel) -> NDArray[np.float32]:
    """Return the luminance or the green channel (h, w), float32 in 0..255, of colours (h, w, 3)."""
    if channel == "green":
        return np.asarray(rgb[..., 1], dtype=np.float32)
    return np.asarray(rgb.astype(np.float32) @ _WEIGHTS)


def with_brightness(
    rgb: NDArray[np.uint8], values: NDArray[np.float32], channel: Channel
) -> NDArray[np.uint8]:
    """Return colours (h, w, 3) of the new brightness ``values`` (h, w); NaN keeps the old one.

    Luminance: the same step is added to red, green and blue, which leaves both colour differences
    of YCbCr as they were, up to clipping. Green: grey of the new values.
    """
    if channel == "green":
        grey = np.where(np.isfinite(values), values, rgb[..., 1])
        level = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        return np.repeat(level[..., None], 3, axis=2)
    step = np.nan_to_num(values - brightness(rgb, channel))
    return np.asarray(np.clip(np.rint(rgb + step[..., None]), 0, 255), dtype=np.uint8)
