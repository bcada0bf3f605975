"""Segment surfaces in the scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.domain.geometry import Floats
from viewer.rendering.primitives import Rgb

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData


@dataclass(frozen=True, eq=False)
class SegmentSurface:
    """One segment's surface (``meshes.surface``) and how it is shown; ``rgb`` is 0-255.

    ``uid`` and ``number`` name the segmentation and the segment: a scene keeps what it has built
    for the same name and the same mesh.
    """

    uid: str
    number: int
    polydata: "vtkPolyData"
    rgb: Rgb
    visible: bool = True
    opacity: float = 1.0


class _Shown:
    """The actor of one surface, and what finds where a line meets it."""

    def __init__(self, segment: SegmentSurface) -> None:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        self.segment = segment
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(segment.polydata)
        mapper.ScalarVisibilityOff()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        shading = self.actor.GetProperty()
        shading.SetInterpolationToPhong()
        shading.SetAmbient(0.35)
        shading.SetDiffuse(0.8)
        shading.SetSpecular(0.25)
        shading.SetSpecularPower(24)
        self._locator: Any = None
        self.show(segment)

    def show(self, segment: SegmentSurface) -> None:
        """Take colour, opacity and visibility from ``segment``."""
        self.segment = segment
        shading = self.actor.GetProperty()
        shading.SetColor(*(c / 255 for c in segment.rgb))
        shading.SetOpacity(segment.opacity)
        self.actor.SetVisibility(segment.visible and segment.opacity > 0)

    def hit(self, start: Floats, end: Floats) -> Floats | None:
        """Return the first point (3,) of the surface on the way, None if it is missed."""
        from vtkmodules.vtkCommonCore import mutable
        from vtkmodules.vtkCommonDataModel import vtkStaticCellLocator

        if not self.actor.GetVisibility():
            return None
        if self._locator is None:
            self._locator = vtkStaticCellLocator()
            self._locator.SetDataSet(self.segment.polydata)
            self._locator.BuildLocator()
        part, side, point, inner = mutable(0.0), mutable(0), [0.0] * 3, [0.0] * 3
        found = self._locator.IntersectWithLine(start, end, 1e-6, part, point, inner, side)
        return np.array(point) if found else None


class SurfaceProps:
    """All surfaces in a renderer; those of the same name and mesh are kept from call to call."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._shown: dict[tuple[str, int], _Shown] = {}

    def set_segments(self, segments: Sequence[SegmentSurface]) -> None:
        """Show exactly these."""
        before, self._shown = self._shown, {}
        for segment in segments:
            name = (segment.uid, segment.number)
            kept = before.get(name)
            if kept is not None and kept.segment.polydata is segment.polydata:
                before.pop(name)
                kept.show(segment)
            else:
                kept = _Shown(segment)
                self._renderer.AddActor(kept.actor)
            self._shown[name] = kept
        for gone in before.values():
            self._renderer.RemoveActor(gone.actor)

    def bounds_lps_mm(self) -> tuple[Floats, Floats] | None:
        """Return the lowest and highest corner (3,) of all surfaces, None if there are none."""
        boxes = [np.array(shown.segment.polydata.GetBounds()) for shown in self._shown.values()]
        if not boxes:
            return None
        low = np.min([box[0::2] for box in boxes], axis=0)
        return low, np.max([box[1::2] for box in boxes], axis=0)

    def first_hit(self, start: Floats, end: Floats) -> Floats | None:
        """Return the point (3,) nearest to ``start`` where a line meets a visible surface."""
        hits = [shown.hit(start, end) for shown in self._shown.values()]
        met = [point for point in hits if point is not None]
        return min(met, key=lambda p: float(np.linalg.norm(p - start)), default=None)
