"""Total variation: the picture closest to the given one whose edges are shortest."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def least_variation(
    values: Values,
    weight: float,
    *,
    n_iterations: int = 60,
    tell: Callable[[float], None] = lambda _share: None,
) -> Values:
    """Return ``values`` (any number of axes) denoised by Chambolle's dual iteration.

    ``weight`` is in the values' unit; ``tell`` is called between iterations and may raise. Source:
    Chambolle, J. Math. Imaging Vis. 20 (2004), doi:10.1023/B:JMIV.0000011325.36760.1e.
    """
    n_axes = values.ndim
    dual = np.zeros((n_axes, *values.shape), dtype=np.float32)
    slope = np.zeros_like(dual)
    step = np.float32(1.0 / (2 * n_axes))
    found = values.copy()
    for n in range(n_iterations):
        tell(n / n_iterations)
        for axis in range(n_axes):
            inner = _but_last(axis, n_axes)
            np.subtract(found[_but_first(axis, n_axes)], found[inner], out=slope[axis][inner])
        length = np.sqrt(np.einsum("a...,a...->...", slope, slope))
        length *= step / np.float32(weight)
        length += 1
        dual -= step * slope
        dual /= length
        found = values + _divergence(dual)
    return found


def _but_last(axis: int, n_axes: int) -> tuple[slice, ...]:
    return tuple(slice(None, -1) if a == axis else slice(None) for a in range(n_axes))


def _but_first(axis: int, n_axes: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if a == axis else slice(None) for a in range(n_axes))


def _divergence(dual: Values) -> Values:
    found = -dual.sum(axis=0)
    n_axes = dual.shape[0]
    for axis in range(n_axes):
        found[_but_first(axis, n_axes)] += dual[axis][_but_last(axis, n_axes)]
    return np.asarray(found)
