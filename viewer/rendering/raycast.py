"""Which point of a volume a line of sight ends at, computed on the prepared volume."""

from collections.abc import Sequence

import numpy as np

from viewer.domain.geometry import Floats
from viewer.rendering.cutting import HalfSpace, inside
from viewer.rendering.prepared import PreparedVolume
from viewer.rendering.transfer import Transfer

_STEPS_PER_VOXEL = 4
# A third of the light is stopped here: what the reader takes for the surface. A volume that stops
# less than a fifth in all is not pointed at; what lies behind half of the light is hidden.
_SURFACE = 0.33
_OPAQUE = 0.5
_FAINT = 0.2


def opacity_along(
    prepared: PreparedVolume,
    transfer: Transfer,
    ray: tuple[Floats, Floats],
    kept: Sequence[HalfSpace] = (),
) -> tuple[Floats, Floats]:
    """Return distances (n,) along the ray (mm from its point) and the light stopped until each.

    ``ray`` is a point and a unit direction (LPS). Both arrays are empty where the ray misses.
    """
    point, direction = ray
    corners = prepared.grid.corners_lps_mm
    reach = (corners - point) @ direction
    step_mm = min(prepared.grid.spacing_ijk_mm) / _STEPS_PER_VOXEL
    distances = np.arange(reach.min(), reach.max() + step_mm, step_mm)
    points = point + distances[:, None] * direction
    values = prepared.quantities_at(points)
    seen = np.isfinite(values) & inside(points, kept)
    distances, values = distances[seen], values[seen]
    differences = prepared.differences_at(points[seen])
    passing = np.cumprod((1 - transfer.opacities(values, differences)) ** step_mm)
    return distances, np.asarray(1 - passing)


def first_opaque(distances: Floats, stopped: Floats) -> float | None:
    """Return the distance at which the volume looks solid, None where it is seen through."""
    if not len(stopped) or stopped[-1] < _FAINT:
        return None
    return float(distances[np.searchsorted(stopped, min(_SURFACE, stopped[-1] / 2))])


def is_clear_until(distance: float, distances: Floats, stopped: Floats) -> bool:
    """Return whether more than half of the light comes from ``distance`` (mm) to the eye."""
    before = stopped[distances < distance]
    return not len(before) or bool(before[-1] < _OPAQUE)
