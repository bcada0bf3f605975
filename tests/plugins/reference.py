"""What the tests against other implementations share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.methods import PlaneContext
from viewer.extensions.discover import load_extensions

Values = NDArray[np.float32]
FILTERS = load_extensions().filters
UNIT = PlaneContext((1.0, 1.0), "[hnsf'U]")
OBLONG = PlaneContext((2.0, 0.5), "[hnsf'U]")


def run(key: str, values: NDArray[Any], context: PlaneContext = UNIT, **settings: Any) -> Values:
    """Return what the filter of this key makes of the values."""
    filter_ = FILTERS[key]
    return filter_.function(values.astype(np.float32), filter_.checked(settings), context)


def noise(shape: tuple[int, int] = (40, 50), level: float = 40, sd: float = 30) -> Values:
    """Return white noise, always the same."""
    return np.random.default_rng(8).normal(level, sd, shape).astype(np.float32)


def tissue(sd: float = 25) -> tuple[Values, Values]:
    """Return a picture of even regions with sharp and soft borders, and it with white noise."""
    y, x = np.mgrid[:96, :96].astype(np.float32)
    clean = 40 + 200 * (np.hypot(y - 40, x - 50) < 20) - 120 * (x > 80)
    clean = (clean + 60 * np.exp(-((y - 75) ** 2 + (x - 25) ** 2) / 120)).astype(np.float32)
    draw = np.random.default_rng(2).normal(0, sd, clean.shape)
    return clean, (clean + draw).astype(np.float32)


def rms(values: NDArray[Any]) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.asarray(values, dtype=np.float64) ** 2)))


def worst(found: NDArray[Any], expected: NDArray[Any], margin: int = 0) -> float:
    """Return the largest difference, ``margin`` pixels from the border or more."""
    inner = tuple(slice(margin, n - margin) for n in found.shape)
    return float(np.abs(found[inner] - expected[inner]).max())
