"""Measurements of one purpose: from wall to wall, and calcium."""

from dataclasses import replace

import numpy as np

from viewer.domain.geometry import Floats
from viewer.domain.measurement import Receipt
from viewer.domain.quantity import (
    CALCIUM_AREA,
    CALCIUM_SCORE,
    CALCIUM_VOLUME,
    LENGTH,
    Quantity,
)
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.calcium import THRESHOLD_HU, Calcium, calcium
from viewer.imaging.measuring import Measured, length_between, receipt_of
from viewer.imaging.measuring_shapes import region_of
from viewer.imaging.statistics import Indices, statistics_of
from viewer.imaging.walls import walls

_HU = "[hnsf'U]"


def wall_to_wall(points: Floats, picture: Picture) -> Measured:
    """Return the distance of the two walls nearest to the ends of a line (``imaging.walls``)."""
    length_between(points[0], points[1], picture)
    if picture.is_colour:
        raise InputRefused("Colour has no single value to find a wall by.")
    first, second = walls(points[0], points[1], picture)
    moved = [float(np.linalg.norm(a - b)) for a, b in ((first, points[0]), (second, points[1]))]
    unit = picture.spacing.length_unit
    readable = "mm" if picture.spacing.is_known else "pixels"
    rule = (
        "between the steepest slopes nearest to the ends of the line, which lie "
        f"{moved[0]:.2f} and {moved[1]:.2f} {readable} from its ends"
    )
    receipt = replace(
        receipt_of(picture, points, None, rule),
        value_chain=f"profile of {picture.quantity.name or 'stored values'}",
        interpolation="cubic splines along the line, 8 samples a voxel; slope by a Gaussian of "
        "0.75 voxel",
    )
    return (Quantity(LENGTH, float(np.linalg.norm(second - first)), unit),), receipt


def calcium_score(points: Floats, picture: Picture) -> Measured:
    """Return the share of an outlined region of one acquired slice in the calcium score."""
    _needs_hu(picture)
    voxels = region_of(points, picture, "region").voxels
    if len(voxels) and np.ptp(voxels[:, 2]):
        raise InputRefused("A calcium score is taken on acquired slices; this region runs across.")
    return _scored(picture, voxels, points)


def segment_calcium(
    segmentation: Segmentation, number: int, picture: Picture
) -> tuple[tuple[Quantity, ...], Receipt]:
    """Return the calcium score of the voxels of a segment, with its receipt.

    Raises
    ------
    InputRefused
        The values are no HU, the geometry is not safe, the grids differ, or the segment is empty.
    """
    _needs_hu(picture)
    name = segmentation.segment(number).name
    if segmentation.grid != picture.grid:
        raise InputRefused("The segment lies on another grid than the picture.", where=name)
    voxels = np.argwhere(segmentation.labels == number)[:, ::-1]
    if not len(voxels):
        raise InputRefused("The segment is empty: it has no calcium score.", where=name)
    quantities, receipt = _scored(picture, voxels, picture.grid.world(voxels[:1]))
    return quantities, replace(receipt, mask_sha256=segmentation.fingerprint(number))


def _needs_hu(picture: Picture) -> None:
    if picture.quantity.unit != _HU:
        raise InputRefused("A calcium score needs Hounsfield units.", remedy="Choose a CT series.")
    if not picture.is_volume or picture.is_unsafe:
        raise InputRefused("These images form no safe volume, so no calcium score is given.")


def _scored(picture: Picture, voxels: Indices, points: Floats) -> Measured:
    statistics = statistics_of(picture, voxels)  # refuses what was not read, and padding alone
    low = voxels.min(axis=0)
    shape = (voxels.max(axis=0) - low + 1)[::-1]
    region = np.zeros(shape, dtype=bool)
    region[tuple((voxels - low).T[::-1])] = True
    i, j, k = (slice(int(a), int(a) + n) for a, n in zip(low, region.shape[::-1], strict=True))
    values = np.stack(
        [
            picture.quantity.slice_values(picture.stored[at, j, i], at)
            for at in range(k.start, k.stop)
        ]
    )
    stored = picture.stored[k, j, i]
    region &= ~picture.quantity.is_padding(stored)
    across, down, apart = picture.grid.spacing_ijk_mm
    found = calcium(values, region, pixel_mm2=across * down, slice_mm=apart)
    return _quantities(found), receipt_of(picture, points, statistics, _rule(found, apart))


def _quantities(found: Calcium) -> tuple[Quantity, ...]:
    return (
        Quantity(CALCIUM_SCORE, found.score, "1"),
        Quantity(CALCIUM_AREA, found.area_mm2, "mm2"),
        Quantity(CALCIUM_VOLUME, found.volume_mm3, "mm3"),
    )


def _rule(found: Calcium, apart_mm: float) -> str:
    return (
        f"Agatston: {found.n_islands} islands of at least 1 mm2 above {THRESHOLD_HU:g} HU, "
        f"{found.n_voxels} voxels; area x weight of the peak (130: 1, 200: 2, 300: 3, 400: 4), "
        f"x {apart_mm:g} mm / 3 mm; not validated for other than 120 kV and non-contrast CT"
    )
