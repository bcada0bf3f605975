"""Six ways in which pictures are worse than they could be, in sizes that hide a target.

Sizes are shares of the picture's own contrast (98 % of its values), so that they mean the same in
HU, SUV and stored levels. All give float32 of the same shape.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Generator = np.random.Generator

_NOISE = 0.08
_SPECKLE = 0.25
_CONTRAST = 0.2
_UNEVEN = 0.6
_BLUR_PX = 1.8
_GRAIN = 0.015  # no picture is without noise: else sharpening would cost nothing


def span_of(clean: Field) -> float:
    """Return the contrast of a picture: from its 1st to its 99th percentile, above 0."""
    low, high = np.percentile(clean, (1.0, 99.0))
    return max(float(high - low), 1e-6)


def _grain(clean: Field, rng: Generator, share: float) -> Field:
    noise = rng.normal(0.0, share * span_of(clean), clean.shape)
    return np.asarray(clean + noise, dtype=np.float32)


def gaussian(clean: Field, rng: Generator) -> Field:
    """Return it with Gaussian noise of 8 % of its contrast."""
    return _grain(clean, rng, _NOISE)


def rician(clean: Field, rng: Generator) -> Field:
    """Return the magnitude of a complex picture with noise in both parts, as MR makes it."""
    low = float(clean.min())
    size = _NOISE * span_of(clean)
    parts = rng.normal(0.0, size, (2, *clean.shape))
    return np.asarray(np.hypot(clean - low + parts[0], parts[1]) + low, dtype=np.float32)


def speckle(clean: Field, rng: Generator) -> Field:
    """Return it with noise that grows with the value, a little smeared as ultrasound's is."""
    low = float(clean.min()) - 0.05 * span_of(clean)
    noise = rng.normal(0.0, 1.0, clean.shape).astype(np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7, borderType=cv2.BORDER_REFLECT))
    noise = noise * np.float32(_SPECKLE) / noise.std()
    return np.asarray((clean - low) * (1 + noise) + low, dtype=np.float32)


def low_contrast(clean: Field, rng: Generator) -> Field:
    """Return it with a fifth of its contrast, and grain that was not reduced with it."""
    middle = np.float32(np.median(clean))
    weak = np.asarray(middle + (clean - middle) * np.float32(_CONTRAST), dtype=np.float32)
    return np.asarray(
        weak + rng.normal(0.0, _GRAIN * span_of(clean), clean.shape), dtype=np.float32
    )


def uneven_light(clean: Field, rng: Generator) -> Field:
    """Return it with a slow slope of light across it."""
    angle = float(rng.uniform(0, 2 * np.pi))
    y, x = (np.linspace(-1, 1, n) for n in clean.shape)
    slope = y[:, None] * np.sin(angle) + x[None, :] * np.cos(angle)
    bowl = (y[:, None] ** 2 + x[None, :] ** 2) / 2
    light = (slope + bowl - bowl.mean()) * _UNEVEN * span_of(clean)
    return _grain(np.asarray(clean + light, dtype=np.float32), rng, _GRAIN)


def blur(clean: Field, rng: Generator) -> Field:
    """Return it through a Gaussian of 1.8 pixels, with grain."""
    soft = cv2.GaussianBlur(clean, (0, 0), _BLUR_PX, borderType=cv2.BORDER_REFLECT)
    return _grain(np.asarray(soft, dtype=np.float32), rng, _GRAIN)


DEGRADATIONS: Mapping[str, Callable[[Field, Generator], Field]] = MappingProxyType(
    {
        "gaussian": gaussian,
        "rician": rician,
        "speckle": speckle,
        "low_contrast": low_contrast,
        "uneven_light": uneven_light,
        "blur": blur,
    }
)


def degraded(clean: Field, name: str, rng: Generator) -> Field:
    """Return ``clean`` with one of the flaws; what counts or reflects never falls below 0."""
    worse = DEGRADATIONS[name](clean, rng)
    return np.maximum(worse, np.float32(0)) if float(clean.min()) >= 0 else worse
