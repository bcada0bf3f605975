"""Runs an enhancement chain on one plane. Numbers for measurements never come from here."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain, Setting
from viewer.domain.methods import Filter, PlaneContext
from viewer.errors import ViewerError

Plane2D = NDArray[np.float32]


def enhanced(
    values: Plane2D, chain: Chain, filters: Mapping[str, Filter], context: PlaneContext
) -> Plane2D:
    """Return ``values`` (row, column; float32; the quantity) after all active steps.

    NaN stays where it was, and infinite values become NaN: filters see the median instead, since
    running sums would spread them. Steps that are switched off have no effect.

    Raises
    ------
    ViewerError
        A filter is unknown, raised, or returned another shape or values that are not finite.
    """
    missing = ~np.isfinite(values)
    current = np.array(values, dtype=np.float32)
    if missing.any():
        known = current[~missing]
        current[missing] = np.median(known) if known.size else 0.0
    for step in chain.active.steps:
        if step.key not in filters:
            raise ViewerError(f"There is no filter called {step.key}.", remedy="Remove the step.")
        current = _applied(filters[step.key], step.values(), current, context)
    current[missing] = np.nan
    return current


def _applied(
    filter_: Filter, parameters: Mapping[str, Setting], values: Plane2D, context: PlaneContext
) -> Plane2D:
    checked = _checked(filter_, parameters)
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is found below
            result = np.array(filter_.function(values, checked, context), dtype=np.float32)
    except ViewerError:
        raise
    except Exception as error:
        raise ViewerError(
            f"The filter failed: {type(error).__name__}.",
            where=filter_.title,
            remedy="The original is shown; switch the step off.",
        ) from error
    if result.shape != values.shape or not np.isfinite(result).all():
        raise ViewerError(
            "The filter returned no usable picture.",
            where=filter_.title,
            remedy="The original is shown; switch the step off.",
        )
    return result


def _checked(filter_: Filter, parameters: Mapping[str, Setting]) -> dict[str, Setting]:
    try:
        return filter_.checked(parameters)
    except ViewerError as error:
        raise type(error)(error.what, where=filter_.title, remedy=error.remedy) from error
