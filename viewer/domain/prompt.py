"""What a reader points at, for a network that asks where to look."""

from dataclasses import dataclass

import numpy as np

from viewer.errors import InputRefused

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A box and points in the patient's coordinates (LPS, mm); empty means "look everywhere".

    Parameters
    ----------
    box_lps_mm
        Two opposite corners (x0, y0, z0, x1, y1, z1) of a box along the patient's axes, around what
        is meant, or None.
    points_lps_mm
        Places inside what is meant.

    Raises
    ------
    InputRefused
        A number is not finite, or the box is empty.
    """

    box_lps_mm: tuple[float, float, float, float, float, float] | None = None
    points_lps_mm: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        """Sort the box's corners; refuse what has no extent."""
        if self.box_lps_mm is not None:
            corners = np.array(self.box_lps_mm, dtype=np.float64)
            if corners.shape != (6,) or not np.isfinite(corners).all():
                raise InputRefused("A box is six finite numbers: x0 y0 z0 x1 y1 z1 in mm.")
            low, high = np.sort(corners.reshape(2, 3), axis=0)
            if (high <= low).any():
                raise InputRefused("The box has no extent.", remedy="Draw it around the finding.")
            values = (*low.tolist(), *high.tolist())
            object.__setattr__(self, "box_lps_mm", values)
        points = np.array(self.points_lps_mm, dtype=np.float64)
        if len(self.points_lps_mm) and (
            points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all()
        ):
            raise InputRefused("A point is three finite numbers: x y z in mm.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is pointed at."""
        return self.box_lps_mm is None and not self.points_lps_mm
