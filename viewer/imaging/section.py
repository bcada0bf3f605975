"""Cuts a plane out of a picture: the stored voxels themselves where that is possible.

A plane that runs along the grid's own axes shows stored voxels, unresampled; painting scales them.
Any other plane is interpolated trilinearly in index space, so that oblique, sheared and left-handed
grids all take one path.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Grid, Plane, nearest
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture, Voxels
from viewer.errors import InputRefused
from viewer.imaging.reslice import reslice, reslice_labels

OUTSIDE, VOXELS, UNREAD = 0, 1, 2
_MOST_NATIVE_PX = 2048
# A plane counts as aligned if it drifts less than this many voxels over the whole picture.
_DRIFT = 0.25


@dataclass(frozen=True, eq=False)
class Section:
    """A cut through a picture.

    Attributes
    ----------
    values
        (h, w) in the stored dtype, or float32 if ``is_quantity``; colour is (h, w, 3) uint8.
    to_plane
        (2, 3): pixel centre (x, y, 1) of the section -> pixel centre of the plane.
    pixel_mm
        Size of a pixel of the section: (row step, column step).
    k
        The acquired slice, if this is exactly one; else None.
    is_quantity
        Whether ``values`` are the quantity already.
    coverage
        (h, w) uint8: 0 outside the picture, 1 voxels, 2 slice not read yet; None: all voxels.
    axes
        Index axes (0 = i, 1 = j, 2 = k) along columns and rows; None if interpolated.
    """

    values: Voxels
    to_plane: Floats
    pixel_mm: tuple[float, float]
    k: int | None = None
    is_quantity: bool = False
    coverage: NDArray[np.uint8] | None = None
    axes: tuple[int, int] | None = None


@dataclass(frozen=True)
class IndexFrame:
    """A plane in index space: the index of pixel (0, 0) and the steps to the right and down."""

    origin: Floats
    right: Floats
    down: Floats

    @classmethod
    def of(cls, grid: Grid, plane: Plane) -> "IndexFrame":
        """Return ``plane`` as seen from ``grid``."""
        linear = grid.lps_to_ijk[:3, :3]
        return cls(
            grid.index(plane.origin_lps_mm),
            linear @ (plane.right * plane.pixel_mm),
            linear @ (plane.down * plane.pixel_mm),
        )

    def axes(self, shape_kji: tuple[int, int, int]) -> tuple[int, int] | None:
        """Return the index axes (0 = i, 1 = j, 2 = k) along right and down, None if oblique."""
        found = []
        for step in (self.right, self.down):
            sizes = [abs(part) for part in step.tolist()]
            axis = sizes.index(max(sizes))
            drift = max(sizes[:axis] + sizes[axis + 1 :]) / sizes[axis]
            if drift * shape_kji[2 - axis] > _DRIFT:
                return None
            found.append(axis)
        return (found[0], found[1]) if found[0] != found[1] else None

    def layer(self, axes: tuple[int, int], shape_kji: tuple[int, int, int]) -> int:
        """Return the layer nearest to a plane along ``axes``, where it crosses the grid's middle.

        The layer may lie outside. A plane that drifts a little is judged in the picture, not at
        its own corner, which may be far away.
        """
        across, down = axes
        through = 3 - across - down
        at = self.origin[through]
        for axis, step in ((across, self.right), (down, self.down)):
            middle = (shape_kji[2 - axis] - 1) / 2
            at += (middle - self.origin[axis]) / step[axis] * step[through]
        return int(nearest(at))


def section(picture: Picture, plane: Plane, *, native: bool = False) -> Section:
    """Return the cut of ``plane`` through ``picture``.

    Parameters
    ----------
    native
        Interpolate an oblique plane at the picture's own resolution over its whole extent instead
        of the plane's pixels, so that filters do not depend on zoom and pan.

    Raises
    ------
    InputRefused
        The images form no volume, or hold colour, and the plane does not run along one of them.
    """
    frame = IndexFrame.of(picture.grid, plane)
    axes = frame.axes(picture.grid.shape_kji)
    if axes is not None and (picture.is_volume or 2 not in axes):
        return _aligned(picture, frame, axes)
    if not picture.is_volume or picture.is_colour:
        raise InputRefused(
            "These images do not form a volume, so other planes cannot be shown.",
            remedy="Read them as they were acquired.",
        )
    if native:
        return _native(picture, plane)
    return _oblique(picture, plane, frame)


def quantity_of(cut: Section, picture: Picture) -> NDArray[np.float32]:
    """Return the cut's values as the picture's quantity, float32 (h, w); NaN where there is none.

    Outside the picture and in slices not read yet there is no value: what is stored there would be
    one, and filters would smear it into the picture.
    """
    if cut.is_quantity:
        values = np.array(cut.values, dtype=np.float32)
    else:
        values = picture.quantity.slice_values(cut.values, cut.k or 0)
    if cut.coverage is not None:
        values[cut.coverage != VOXELS] = np.nan
    return values


def _aligned(picture: Picture, frame: IndexFrame, axes: tuple[int, int]) -> Section:
    across, down = axes
    through = 3 - across - down
    to_plane = np.zeros((2, 3))
    for row, (axis, step) in enumerate(((across, frame.right), (down, frame.down))):
        to_plane[row, row] = 1 / step[axis]
        to_plane[row, 2] = -frame.origin[axis] / step[axis]
    spacing = picture.grid.spacing_ijk_mm
    pixel_mm = (spacing[down], spacing[across])
    at = frame.layer(axes, picture.grid.shape_kji)
    shape = picture.grid.shape_kji
    if not 0 <= at < shape[2 - through]:
        size = (shape[2 - down], shape[2 - across])
        nothing = np.zeros(size, dtype=np.uint8)
        values = np.zeros(size + picture.stored.shape[3:], dtype=picture.stored.dtype)
        return Section(values, to_plane, pixel_mm, coverage=nothing)
    values = oriented(picture.stored, across, down, at)
    coverage = _read_coverage(picture, across, down, at, values.shape[:2])
    if through == 2:
        return Section(values, to_plane, pixel_mm, at, coverage=coverage, axes=axes)
    if picture.quantity.is_uniform:
        return Section(values, to_plane, pixel_mm, coverage=coverage, axes=axes)
    # Slopes differ from slice to slice: rows (or columns) are mapped one by one.
    slope, intercept = picture.quantity.slope_k, picture.quantity.intercept_k
    along = (slice(None), None) if down == 2 else (None, slice(None))
    mapped = values.astype(np.float64) * slope[along] + intercept[along]
    return Section(
        mapped.astype(np.float32), to_plane, pixel_mm, is_quantity=True, coverage=coverage
    )


def oriented(stored: Voxels, across: int, down: int, at: int) -> Voxels:
    """Return the contiguous 2-D array with ``across`` as columns and ``down`` as rows."""
    through = 3 - across - down
    flat = stored[(slice(None),) * (2 - through) + (at,)]
    if across > down:
        flat = flat.swapaxes(0, 1)
    return np.ascontiguousarray(flat)


def _read_coverage(
    picture: Picture, across: int, down: int, at: int, shape: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    loaded = picture.loaded_k
    if loaded.all():
        return None
    if 2 not in (across, down):
        return None if loaded[at] else np.full(shape[:2], UNREAD, dtype=np.uint8)
    line = np.where(loaded, np.uint8(VOXELS), np.uint8(UNREAD))
    along = line[:, None] if down == 2 else line[None, :]
    return np.ascontiguousarray(np.broadcast_to(along, shape[:2]))


def _oblique(picture: Picture, plane: Plane, frame: IndexFrame) -> Section:
    values, is_quantity = reslice(picture, frame.origin, frame.right, frame.down, plane.size_px)
    coverage = _inside(frame, picture.grid.shape_kji, plane.size_px)
    if not picture.loaded_k.all():
        coverage[_touches_unread(picture, frame, plane.size_px) & (coverage > 0)] = UNREAD
    to_plane = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    pixel = (plane.pixel_mm, plane.pixel_mm)
    return Section(values, to_plane, pixel, is_quantity=is_quantity, coverage=coverage)


def _inside(
    frame: IndexFrame, shape_kji: tuple[int, int, int], size_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return 1 where a pixel lies in some voxel: each axis bounds x for a row, in closed form."""
    width, height = size_px
    rows = np.arange(height, dtype=np.float64)
    first = np.full(height, -np.inf)
    last = np.full(height, np.inf)
    for axis in range(3):
        start = frame.origin[axis] + rows * frame.down[axis]
        low, high = -0.5, shape_kji[2 - axis] - 0.5
        step = frame.right[axis]
        if abs(step) < 1e-12:
            out = (start < low) | (start > high)
            first[out], last[out] = np.inf, -np.inf
            continue
        one, two = (low - start) / step, (high - start) / step
        first = np.maximum(first, np.minimum(one, two))
        last = np.minimum(last, np.maximum(one, two))
    columns = np.arange(width, dtype=np.float64)[None, :]
    mask = (columns >= first[:, None]) & (columns <= last[:, None])
    return mask.view(np.uint8)


def _touches_unread(
    picture: Picture, frame: IndexFrame, size_px: tuple[int, int]
) -> NDArray[np.bool_]:
    width, height = size_px
    k = (
        frame.origin[2]
        + np.arange(width)[None, :] * frame.right[2]
        + np.arange(height)[:, None] * frame.down[2]
    )
    last = picture.grid.shape_kji[0] - 1
    below = np.clip(np.floor(k), 0, last).astype(np.int64)
    above = np.clip(np.ceil(k), 0, last).astype(np.int64)
    unread = ~picture.loaded_k
    return np.asarray(unread[below] | unread[above])


def _native(picture: Picture, plane: Plane) -> Section:
    corners = picture.grid.corners_lps_mm
    x, y = corners @ plane.right, corners @ plane.down
    extent = max(float(np.ptp(x)), float(np.ptp(y)))
    pixel = max(min(picture.grid.spacing_ijk_mm), extent / _MOST_NATIVE_PX)
    size = (max(1, int(np.ceil(np.ptp(x) / pixel))), max(1, int(np.ceil(np.ptp(y) / pixel))))
    depth = float(plane.origin_lps_mm @ plane.normal)
    origin = plane.right * x.min() + plane.down * y.min() + plane.normal * depth
    whole = replace(
        plane,
        origin_lps_mm=origin + (plane.right + plane.down) * pixel / 2,
        pixel_mm=pixel,
        size_px=size,
    )
    cut = _oblique(picture, whole, IndexFrame.of(picture.grid, whole))
    scale = pixel / plane.pixel_mm
    shift = plane.pixel(whole.origin_lps_mm)
    to_plane = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    return replace(cut, to_plane=to_plane)


def label_section(segmentation: Segmentation, plane: Plane, like: Section) -> NDArray[np.uint8]:
    """Return the labels (h, w) on the raster of ``like``, nearest voxel by patient position."""
    grid = segmentation.grid
    height, width = like.values.shape[:2]
    points = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]) @ like.to_plane.T
    origin, right, down = grid.index(plane.world(points))
    frame = IndexFrame(origin, right - origin, down - origin)
    axes = frame.axes(grid.shape_kji)
    if axes is not None and _same_raster(frame, axes, grid, (height, width)):
        at = frame.layer(axes, grid.shape_kji)
        if 0 <= at < grid.shape_kji[axes[0] + axes[1] - 1]:
            return np.asarray(oriented(segmentation.labels, axes[0], axes[1], at))
        return np.zeros((height, width), dtype=np.uint8)
    return reslice_labels(
        segmentation.labels, frame.origin, frame.right, frame.down, (width, height)
    )


def _same_raster(
    frame: IndexFrame, axes: tuple[int, int], grid: Grid, shape: tuple[int, int]
) -> bool:
    """Whether the raster's pixels are exactly the grid's voxels, from the first to the last."""
    across, down = axes
    steps_are_one = (
        abs(frame.right[across] - 1) < 1e-6
        and abs(frame.down[down] - 1) < 1e-6
        and abs(frame.origin[across]) < 1e-3
        and abs(frame.origin[down]) < 1e-3
    )
    fits = (grid.shape_kji[2 - down], grid.shape_kji[2 - across]) == shape
    return bool(steps_are_one and fits)
