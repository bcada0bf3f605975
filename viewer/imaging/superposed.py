"""What a file lays over its images, on the raster of a section."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from viewer.domain.graphics import Mask, Overlay, Shutter
from viewer.domain.volume import Picture
from viewer.imaging.section import OUTSIDE, VOXELS, Section


def shutter_at(picture: Picture, cut: Section) -> Shutter | None:
    """Return the shutter of the acquired image that ``cut`` shows, None if it has none."""
    shutters = picture.display.shutters_k
    return shutters[cut.k] if shutters and cut.k is not None else None


def shuttered(picture: Picture, cut: Section, shutter: Shutter | None) -> Section:
    """Return ``cut`` with what a shutter hides marked as outside the picture.

    Shutters are meant for an image as it was acquired; other sections stay as they are.
    """
    if shutter is None or cut.k is None:
        return cut
    hidden = _turned(_hidden(shutter, picture.grid.shape_kji[1:]), cut)
    coverage = np.full(hidden.shape, VOXELS, np.uint8) if cut.coverage is None else cut.coverage
    return replace(cut, coverage=np.where(hidden, np.uint8(OUTSIDE), coverage))


def overlay_labels(
    picture: Picture, cut: Section, more: tuple[Overlay, ...] = ()
) -> NDArray[np.uint8] | None:
    """Return 1 where a bitmap lies on the acquired image that ``cut`` shows, else 0.

    Bitmaps are the file's own and ``more``. None where there is none: on other sections, and on
    images without bitmaps.
    """
    if cut.k is None:
        return None
    own = picture.display.overlays_k
    overlays = (*(own[cut.k] if own else ()), *more)
    if not overlays:
        return None
    found = _drawn(overlays, picture.grid.shape_kji[1:])
    return np.ascontiguousarray(_turned(found, cut)).view(np.uint8)


@lru_cache(maxsize=8)
def _hidden(shutter: Shutter, shape: tuple[int, int]) -> Mask:
    return shutter.hidden(shape)


@lru_cache(maxsize=8)
def _drawn(overlays: tuple[Overlay, ...], shape: tuple[int, int]) -> Mask:
    return np.asarray(np.logical_or.reduce([overlay.mask(shape) for overlay in overlays]))


def _turned(mask: Mask, cut: Section) -> Mask:
    """Return a mask (rows, columns) of the image on the section's raster, which may be transposed."""
    return mask.T if cut.axes == (1, 0) else mask
