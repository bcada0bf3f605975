"""A segmentation method that is being tried: its settings, its seeds, and what it shows by now."""

from dataclasses import dataclass, replace

import numpy as np

from viewer.domain.chain import Setting
from viewer.domain.geometry import Plane
from viewer.domain.method_text import MethodCall, PointLps
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.imaging.method_run import MethodRun
from viewer.rendering.primitives import Handle, Rgb

_COLOUR = (0xF0, 0xE4, 0x42)
_INSIDE: Rgb = (0x56, 0xB4, 0xE9)
_OUTSIDE: Rgb = (0xD5, 0x5E, 0x00)
_SEED_PX = 3.0
DRAFT_UID = "draft"


@dataclass(frozen=True, eq=False)
class Draft:
    """One try. ``found`` is its last result, None until there is one; ``fault`` why there is none.

    ``volume_key`` is the picture that it is tried on; ``flat``: on the shown slice alone.
    """

    call: MethodCall
    volume_key: str
    flat: bool = False
    found: MethodRun | None = None
    layer: Segmentation | None = None
    fault: str = ""

    def with_setting(self, name: str, value: Setting) -> "Draft":
        """Return the draft with one parameter changed."""
        parameters = {**dict(self.call.parameters), name: value}
        return replace(self, call=replace(self.call, parameters=tuple(sorted(parameters.items()))))

    def with_seeds(self, points: tuple[PointLps, ...], *, inside: bool) -> "Draft":
        """Return the draft with more seeds."""
        if inside:
            call = replace(self.call, seeds_lps_mm=(*self.call.seeds_lps_mm, *points))
        else:
            call = replace(self.call, outside_lps_mm=(*self.call.outside_lps_mm, *points))
        return replace(self, call=call)

    def without_seeds(self) -> "Draft":
        """Return the draft without seeds and without a result."""
        call = replace(self.call, seeds_lps_mm=(), outside_lps_mm=())
        return replace(self, call=call, found=None, layer=None, fault="")

    def shown(self, found: MethodRun, picture: Picture) -> "Draft":
        """Return the draft with a result, and the layer that shows it."""
        segment = Segment(1, "Preview", _COLOUR, opacity=0.35)
        labels = found.whole(picture.grid.shape_kji).view(np.uint8)
        origin = Origin(OriginKind.METHOD, self.call.key)
        layer = Segmentation(
            DRAFT_UID, "Preview", picture.key, picture.grid, labels, (segment,), origin
        )
        return replace(self, found=found, layer=layer, fault="")

    def seed_handles(self, plane: Plane, reach_mm: float) -> tuple[Handle, ...]:
        """Return the seeds that lie within ``reach_mm`` of a plane, as dots."""
        found = []
        for points, colour in (
            (self.call.seeds_lps_mm, _INSIDE),
            (self.call.outside_lps_mm, _OUTSIDE),
        ):
            for x, y, off in plane.pixel(np.array(points)).tolist() if points else ():
                if abs(off) <= reach_mm:
                    found.append(Handle((x, y), colour, _SEED_PX))
        return tuple(found)
