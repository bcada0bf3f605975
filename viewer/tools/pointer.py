"""One event of the pointer, in the pixels of a plane and in the patient."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from viewer.domain.geometry import Plane
from viewer.domain.measurement import Point

PointerKind = Literal["press", "move", "release", "double"]
Button = Literal["left", "middle", "right"]


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """What the pointer did; an integer pixel is its centre, as in ``Plane``.

    A double click comes as the toolkit tells it: press, release, double, release.
    """

    kind: PointerKind
    x_px: float
    y_px: float
    plane: Plane
    button: Button = "left"
    modifiers: frozenset[str] = frozenset()
    pressure: float = 1.0

    @property
    def xy(self) -> tuple[float, float]:
        """Where it is in the plane's pixels."""
        return self.x_px, self.y_px

    @property
    def lps_mm(self) -> Point:
        """Where it is in the patient."""
        x, y, z = (float(v) for v in self.plane.world(self.xy))
        return x, y, z

    def seen_in(self, plane: Plane) -> Self | None:
        """Return the same place in another plane; None if it does not lie there (0.001 mm).

        So a drag goes on after the picture was panned or zoomed beneath it.
        """
        x, y, depth = (float(v) for v in plane.pixel(self.lps_mm))
        return replace(self, x_px=x, y_px=y, plane=plane) if abs(depth) < 1e-3 else None
