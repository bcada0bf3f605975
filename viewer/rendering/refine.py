"""A section on a finer raster, for a magnified picture at rest: display only, never measured.

The stored values are interpolated *before* the window is applied; scaling grey levels afterwards
draws steps along every edge that the window clips (performance.md, section 4: settle with a cubic
resize of the 16-bit data).
"""

from dataclasses import replace
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.imaging.section import Section

_MOST = 4
_NEAREST = cv2.INTER_NEAREST
_BLURS_BELOW = 1.25  # screen pixels per pixel of the section: below, nothing is gained
_MOST_PIXELS = 4_000_000


def refinement(section: Section, device_ratio: float = 1.0) -> tuple[int, int]:
    """Return how many times finer (across, down) the raster should be; (1, 1): leave it."""
    scale = np.linalg.norm(section.to_plane[:, :2], axis=0) * device_ratio
    height, width = section.values.shape[:2]
    across, down = (min(ceil(s), _MOST) if s > _BLURS_BELOW else 1 for s in scale)
    if height * width * across * down > _MOST_PIXELS:
        return 1, 1
    return across, down


def finer_values(values: NDArray[Any], across: int, down: int) -> NDArray[Any]:
    """Return values (h, w) or (h, w, 3) interpolated (bicubic) to (h * down, w * across).

    No value leaves the range of its neighbours (3 x 3), since a cubic kernel overshoots: a bright rim
    along every lung would look like a finding. OpenCV's kernel (a = -0.75) leaves a ripple of up to
    5 % of a step on slopes: for the eye, never for numbers.
    """
    height, width = values.shape[:2]
    size = (width * across, height * down)
    source = np.ascontiguousarray(values)
    # OpenCV resizes 8-bit, 16-bit and floating point values; other types go through float64.
    known = source.dtype.kind == "f" or source.dtype in (np.uint8, np.uint16, np.int16)
    work = source if known else source.astype(np.float64)
    finer = np.asarray(cv2.resize(work, size, interpolation=cv2.INTER_CUBIC))
    near = np.ones((3, 3), np.uint8)
    border = cv2.BORDER_REPLICATE
    low = cv2.resize(cv2.erode(work, near, borderType=border), size, interpolation=_NEAREST)
    high = cv2.resize(cv2.dilate(work, near, borderType=border), size, interpolation=_NEAREST)
    bounded = np.asarray(cv2.min(cv2.max(finer, low), high))
    return bounded if known else np.rint(bounded).astype(values.dtype)


def refined(section: Section, across: int, down: int) -> Section:
    """Return the section on a raster ``across`` x ``down`` times finer, in the same place."""
    if (across, down) == (1, 1):
        return section
    to_plane = section.to_plane.copy()
    # Pixel centres of the finer raster lie between the old ones: (x + 0.5) / n - 0.5.
    shift = np.array([0.5 / across - 0.5, 0.5 / down - 0.5])
    to_plane[:, 2] += section.to_plane[:, :2] @ shift
    to_plane[:, 0] /= across
    to_plane[:, 1] /= down
    coverage = section.coverage
    if coverage is not None:
        coverage = np.repeat(np.repeat(coverage, down, axis=0), across, axis=1)
    return replace(
        section,
        values=finer_values(section.values, across, down),
        to_plane=to_plane,
        pixel_mm=(section.pixel_mm[0] / down, section.pixel_mm[1] / across),
        coverage=coverage,
    )
