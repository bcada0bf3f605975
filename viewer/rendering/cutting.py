"""What is cut away from the volume: half-spaces, for the mapper and for picking alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.errors import InputRefused


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """Everything on the side of ``point_lps_mm`` that ``inward`` (unit, LPS) points to is kept."""

    point_lps_mm: Floats
    inward: Floats


def box_half_spaces(low_lps_mm: ArrayLike, high_lps_mm: ArrayLike) -> tuple[HalfSpace, ...]:
    """Return the six half-spaces whose common part is the box between two corners (3,).

    Raises
    ------
    InputRefused
        The box has no inside.
    """
    low, high = (np.asarray(corner, dtype=np.float64) for corner in (low_lps_mm, high_lps_mm))
    if not (low < high).all():
        raise InputRefused("A cutting box without an inside would leave nothing to see.")
    axes = np.eye(3)
    below = tuple(HalfSpace(low, axis) for axis in axes)
    return below + tuple(HalfSpace(high, -axis) for axis in axes)


def beyond(plane: Plane) -> HalfSpace:
    """Return the half-space behind ``plane`` as its reader sees it; what lies before it is cut."""
    return HalfSpace(plane.origin_lps_mm, plane.normal)


def inside(points_lps_mm: Floats, kept: Sequence[HalfSpace]) -> NDArray[np.bool_]:
    """Return for each point (n, 3) whether every half-space keeps it."""
    keep = np.ones(len(points_lps_mm), dtype=bool)
    for half in kept:
        keep &= (points_lps_mm - half.point_lps_mm) @ half.inward >= 0
    return keep
