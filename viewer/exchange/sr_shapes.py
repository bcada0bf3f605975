"""Which coordinates belong to which number: the one table that SR's writer and reader share."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from viewer.domain.geometry import Floats, rectangle_corners
from viewer.domain.measurement import KINDS, Measurement
from viewer.domain.quantity import (
    ANGLE,
    CARDIOTHORACIC_RATIO,
    COBB_ANGLE,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    SHORT_AXIS,
    Code,
    Quantity,
)

# kind -> (concept that the points belong to, first point, one past the last point; None: all)
_LINES: dict[str, tuple[tuple[Code, int, int | None], ...]] = {
    "distance": ((LENGTH, 0, 2),),
    "bidirectional": ((LONG_AXIS, 0, 2), (SHORT_AXIS, 2, 4)),
    "polyline": ((LENGTH, 0, None),),
    "wall_to_wall": ((LENGTH, 0, 2),),
    "angle": ((ANGLE, 0, 3),),
    "cobb": ((COBB_ANGLE, 0, 2), (COBB_ANGLE, 2, 4)),
    "cardiothoracic_ratio": ((CARDIOTHORACIC_RATIO, 0, 2), (CARDIOTHORACIC_RATIO, 2, 4)),
    "segment": ((LONGEST_DIAMETER_3D, 0, 2),),
}


@dataclass(frozen=True, eq=False)
class Shape:
    """Points of a measurement as DICOM draws them; ``concept`` None: the region of the group."""

    graphic_type: str  # POINT, POLYLINE or ELLIPSE
    points_lps_mm: Floats  # (n, 3)
    concept: Code | None


def written_quantities(measurement: Measurement) -> tuple[Quantity, ...]:
    """Return the quantities that DICOM can hold: the finite ones."""
    return tuple(q for q in measurement.quantities if isfinite(q.value))


def shapes(measurement: Measurement) -> tuple[Shape, ...]:
    """Return how a measurement is drawn in SR.

    Lines belong to the number that they give; when it is not there, to the first number.
    """
    points = np.array(measurement.points_lps_mm, dtype=np.float64).reshape(-1, 3)
    region = _region(measurement.kind, points)
    if region is not None:
        return (region,)
    quantities = written_quantities(measurement)
    if not quantities or not len(points):
        return ()
    lines = _LINES.get(measurement.kind, ((quantities[0].concept, 0, None),))
    there = {_key(quantity.concept) for quantity in quantities}
    return tuple(
        Shape(
            "POINT" if len(points[first:last]) == 1 else "POLYLINE",
            points[first:last],
            concept if _key(concept) in there else quantities[0].concept,
        )
        for concept, first, last in lines
        if len(points) >= (last or 1)
    )


def _region(kind: str, points: Floats) -> Shape | None:
    """Return the region that a kind encloses (PS3.3 C.18.9: a closed line ends where it began)."""
    drawn = KINDS[kind].drawn if kind in KINDS else ""
    if drawn == "ellipse" and len(points) == 3:
        return Shape("ELLIPSE", ellipse_axes(points), None)
    if drawn == "rectangle" and len(points) == 3:
        return Shape("POLYLINE", _closed(rectangle_corners(points)), None)
    if drawn == "outline" and len(points) >= 3:
        return Shape("POLYLINE", _closed(points), None)
    return None


def _closed(corners: Floats) -> Floats:
    return np.concatenate((corners, corners[:1]))


def ellipse_axes(points: Floats) -> Floats:
    """Return the ends of the major and of the minor axis (4, 3) of centre and two half-axis ends.

    PS3.3 C.18.9.1.2 wants the major axis first.
    """
    centre, first, second = points
    halves = sorted((first - centre, second - centre), key=lambda half: -float(half @ half))
    return np.stack([centre + sign * half for half in halves for sign in (1.0, -1.0)])


def ellipse_points(axes: Floats) -> Floats:
    """Return centre and two half-axis ends (3, 3) of four axis ends (4, 3)."""
    return np.stack((axes.mean(axis=0), axes[0], axes[2]))


def same_points(ours: Floats, stored: Floats) -> bool:
    """Return whether points are equal as far as DICOM's 32-bit coordinates can tell."""
    return ours.shape == stored.shape and bool(
        np.allclose(np.float32(ours), stored, rtol=1e-6, atol=1e-4)
    )


def _key(code: Code) -> tuple[str, str]:
    return code.value, code.scheme


def same_code(first: Code | None, second: Code | None) -> bool:
    """Return whether two codes mean the same: value and scheme count, the wording does not."""
    if first is None or second is None:
        return first is second
    return _key(first) == _key(second)
