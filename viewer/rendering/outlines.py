"""Outlines of segments on a plane: in the segment's colour, dashed violet until accepted."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.domain.measurement import Review
from viewer.domain.segmentation import OriginKind, Segment, Segmentation
from viewer.imaging.contour import chamfered, contours
from viewer.imaging.section import Section
from viewer.rendering import palettes
from viewer.rendering.primitives import Line

OUTLINE_PX = 2.0


@dataclass(frozen=True, eq=False)
class Outline:
    """Closed polygons of one segment: (n, 2) pixels of the plane, or (n, 3) LPS mm."""

    polygons: tuple[Floats, ...]
    segment: Segment
    is_proposal: bool = False


@lru_cache(maxsize=64)
def _polygons(mask: bytes, width: int) -> tuple[Floats, ...]:
    """Return the chamfered outlines of a mask; zooming and panning ask for the same ones again."""
    rows = np.frombuffer(mask, dtype=np.bool_).reshape(-1, width)
    return tuple(chamfered(polygon) for polygon in contours(rows))


def outlines_of(
    labels: NDArray[np.uint8], section: Section, segmentation: Segmentation
) -> tuple[Outline, ...]:
    """Return the outlines of a segmentation's visible segments on ``section``.

    ``labels`` (h, w) lie on the section's raster (``imaging.section.label_section``). A segment of
    a network is a proposal until somebody has accepted or edited it.
    """
    # Only the box that holds labels is looked at: a frame must not pay for the whole slice.
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(labels))
    if not width:
        return ()
    box = labels[top : top + height, left : left + width]
    present = set(np.flatnonzero(np.bincount(box.reshape(-1), minlength=256)).tolist())
    linear, shift = section.to_plane[:, :2], section.to_plane @ (left, top, 1.0)
    by_network = segmentation.origin.kind is OriginKind.NETWORK
    found = []
    for segment in segmentation.segments:
        if not (segment.visible and segment.outline and segment.number in present):
            continue
        polygons = tuple(
            np.asarray(polygon @ linear.T + shift)
            for polygon in _polygons((box == segment.number).tobytes(), box.shape[1])
        )
        proposal = by_network and segment.review is Review.UNREVIEWED
        found.append(Outline(polygons, segment, proposal))
    return tuple(found)


def segment_outlines(outlines: Iterable[Outline], plane: Plane) -> tuple[Line, ...]:
    """Return the outlines as lines, 2 px wide, ready to paint."""
    lines = []
    for outline in outlines:
        colour = palettes.AI if outline.is_proposal else outline.segment.colour
        for polygon in outline.polygons:
            on_plane = polygon.shape[-1] == 2
            xy = polygon if on_plane else plane.pixel(polygon)[:, :2]
            points = tuple(map(tuple, xy.tolist()))
            lines.append(Line(points, colour, OUTLINE_PX, dashed=outline.is_proposal, closed=True))
    return tuple(lines)
