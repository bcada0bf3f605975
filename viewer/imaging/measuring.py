"""The one place that turns shapes into numbers, with a receipt for each."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from viewer import __version__
from viewer.domain.calibration import Calibration
from viewer.domain.geometry import Floats, nearest, rectangle_corners, unit
from viewer.domain.measurement import KINDS, Receipt
from viewer.domain.quantity import (
    AREA,
    EXCESS_KURTOSIS,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MAXIMUM,
    MEAN,
    MEDIAN,
    MINIMUM,
    SHORT_AXIS,
    SKEWNESS,
    STANDARD_DEVIATION,
    VOLUME,
    VOXEL_COUNT,
    Quantity,
)
from viewer.domain.scale_region import ScaleRegion, region_of_shape
from viewer.domain.segmentation import OriginKind, Segmentation
from viewer.domain.volume import ImageStack, Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.imaging.diameters import longest_diameter, slice_diameters
from viewer.imaging.statistics import (
    Ellipse,
    RoiStatistics,
    ellipse_voxels,
    mask_statistics,
    statistics_of,
)

Measured = tuple[tuple[Quantity, ...], Receipt]
PROGRAM = f"Negatoscope {__version__}"
VOXEL_RULE = "voxels whose centre lies inside, on the nearest layer; SD divides by N"
DIAMETER_RULE = "longest diameter, to a quarter of a voxel beyond the outermost centres"
_RIGHT_ANGLE = 1e-3
_FEW = 3
_FARTHEST_MM = 1e6  # a kilometre: squares of more lose the digits that count
# Two lines of one shape: where distances across images are not known, both lie in one image.
_IN_ONE_IMAGE = frozenset({"bidirectional", "cobb", "cardiothoracic_ratio", "angle", "polyline"})


def measured(
    kind: str,
    points_lps_mm: ArrayLike,
    picture: Picture,
    calibrations: Sequence[Calibration] = (),
) -> Measured:
    """Return the quantities and the receipt of a shape.

    ``kind`` and the meaning of the points (n, 3) are those of ``domain.measurement.KINDS``. The
    same points give the same numbers in any view. Of an ImageStack points lie in picture space,
    and lengths carry the unit of its spacing ("{pixels}" where that is unknown). ``calibrations``
    are those that were made by hand; the one of the shape's image, if any, is applied.

    Raises
    ------
    InputRefused
        The shape has no extent, lies outside, or crosses slices whose distances are not known.
    """
    points = np.asarray(points_lps_mm, dtype=np.float64).reshape(-1, 3)
    if kind not in KINDS:
        raise InputRefused(f"There is no measurement called {kind}.")
    if not KINDS[kind].takes(len(points)):
        fewest = KINDS[kind].n_points
        wanted = f"at least {fewest}" if KINDS[kind].is_open_ended else str(fewest)
        raise InputRefused(f"{KINDS[kind].title} needs {wanted} points; there are {len(points)}.")
    if not np.isfinite(points).all():
        raise InputRefused("A point that is not finite cannot be measured.")
    if np.abs(points).max(initial=0.0) > _FARTHEST_MM:
        raise InputRefused("What lies outside the picture cannot be measured.")
    if kind in _IN_ONE_IMAGE:
        for point in points[1:]:
            refuse_across(points[0], point, picture)
    region = _ultrasound_region(kind, points, picture)
    found = _as_stated(kind, points, picture)
    if region is not None:
        found = region.applied(*found)
    calibration = calibration_at(points, picture, calibrations)
    return found if calibration is None else calibration.applied(*found)


def _ultrasound_region(kind: str, points: Floats, picture: Picture) -> ScaleRegion | None:
    """Return the ultrasound region that a shape lies in; InputRefused where it lies in two."""
    if not isinstance(picture, ImageStack) or not picture.regions_k or not len(points):
        return None
    if KINDS[kind].drawn in ("ellipse", "rectangle"):
        points = rectangle_corners(points)
    index = picture.grid.index(points)
    k = int(nearest(index[0, 2]))
    if not 0 <= k < len(picture.regions_k):
        return None
    return region_of_shape(picture.regions_k[k], index[:, :2])


def calibration_at(
    points: Floats, picture: Picture, calibrations: Sequence[Calibration]
) -> Calibration | None:
    """Return the calibration of the image that the first of points (n, 3) lies on, or None."""
    instances = picture.identity.instances
    if not calibrations or not len(points) or picture.is_volume:
        return None
    k = int(nearest(picture.grid.index(points[0])[2]))
    if not 0 <= k < len(instances):
        return None
    uid = instances[k].sop_instance_uid
    return next((found for found in calibrations if found.sop_instance_uid == uid), None)


def _as_stated(kind: str, points: Floats, picture: Picture) -> Measured:
    if KINDS[kind].is_annotation:
        if not picture.grid.contains(points).any():
            raise InputRefused("An annotation must lie in the picture.")
        return (), receipt_of(picture, points, None, "an annotation: nothing is measured")
    if kind == "distance":
        return _distance(points, picture)
    if kind == "bidirectional":
        return _bidirectional(points, picture)
    if kind == "ellipse":
        return _ellipse(points, picture)
    return _further(kind, points, picture)


def _further(kind: str, points: Floats, picture: Picture) -> Measured:
    from viewer.imaging import measuring_shapes as shapes
    from viewer.imaging import measuring_special as special

    table: dict[str, Callable[[Floats, Picture], Measured]] = {
        "polyline": shapes.polyline,
        "angle": shapes.angle,
        "cobb": shapes.cobb,
        "cardiothoracic_ratio": shapes.cardiothoracic,
        "probe": shapes.probe,
        "rectangle": shapes.rectangle,
        "polygon": shapes.polygon,
        "freehand": shapes.freehand,
        "livewire": shapes.livewire,
        "suv_peak": shapes.suv_peak,
        "wall_to_wall": special.wall_to_wall,
        "calcium_score": special.calcium_score,
    }
    if kind not in table:
        raise InputRefused(f"{KINDS[kind].title} is measured from voxels, not from points.")
    return table[kind](points, picture)


def length_between(start: Floats, end: Floats, picture: Picture) -> float:
    """Return the length of a line; InputRefused where it has none, or none that is known."""
    refuse_across(start, end, picture)
    if not picture.grid.contains(np.stack((start, end))).any():
        raise InputRefused("What lies outside the picture cannot be measured.")
    length = float(np.linalg.norm(end - start))
    if length < 1e-6:
        raise InputRefused("A distance without length is refused.")
    return length


def refuse_across(start: Floats, end: Floats, picture: Picture) -> None:
    """Refuse what runs across images whose distance is not known."""
    if not picture.is_volume and abs(float(end[2] - start[2])) > 1e-6:
        raise InputRefused("A distance between different images of a stack is not defined.")
    index = picture.grid.index(np.stack((start, end)))
    if picture.is_unsafe and abs(float(index[1, 2] - index[0, 2])) > 1e-3:
        raise InputRefused(
            "The distances between these slices are not safe to measure.",
            remedy="Measure within one slice.",
        )


def _distance(points: Floats, picture: Picture) -> Measured:
    length = length_between(points[0], points[1], picture)
    unit_name = picture.spacing.length_unit
    receipt = receipt_of(picture, points, None, "straight line between two points")
    return (Quantity(LENGTH, length, unit_name),), receipt


def _bidirectional(points: Floats, picture: Picture) -> Measured:
    long, short = (length_between(points[a], points[b], picture) for a, b in ((0, 1), (2, 3)))
    angle = abs(float(unit(points[1] - points[0]) @ unit(points[3] - points[2])))
    if angle > _RIGHT_ANGLE:
        raise InputRefused("The two diameters must stand at a right angle.")
    name = picture.spacing.length_unit
    receipt = receipt_of(picture, points, None, "two perpendicular straight lines")
    return (Quantity(LONG_AXIS, long, name), Quantity(SHORT_AXIS, short, name)), receipt


def _ellipse(points: Floats, picture: Picture) -> Measured:
    ellipse = Ellipse.of(points)
    for end in points[1:]:
        refuse_across(points[0], end, picture)
    voxels = ellipse_voxels(picture, ellipse)
    area = Quantity(AREA, ellipse.area_mm2, "mm2" if picture.spacing.is_known else "{pixels}2")
    if picture.is_colour and len(voxels):
        rule = "area of the ellipse itself; colour has no single value, so none is given"
        return (area,), receipt_of(picture, points, None, rule)
    found = statistics_of(picture, voxels)
    few = "; fewer than 3 voxels" if found.n < _FEW else ""
    rule = f"area of the ellipse itself; {VOXEL_RULE}{few}"
    receipt = receipt_of(picture, points, found, rule)
    return (area, *values_of(found)), receipt


def values_of(found: RoiStatistics) -> tuple[Quantity, ...]:
    """Return the quantities of a region's statistics, in the order of panels."""
    return (
        Quantity(MEAN, found.mean, found.unit),
        Quantity(STANDARD_DEVIATION, found.sd, found.unit),
        Quantity(MINIMUM, found.minimum, found.unit),
        Quantity(MAXIMUM, found.maximum, found.unit),
        Quantity(MEDIAN, found.median, found.unit),
        Quantity(VOXEL_COUNT, float(found.n), "{voxels}"),
        *(
            Quantity(concept, value, "1")
            for concept, value in (
                (SKEWNESS, found.skewness),
                (EXCESS_KURTOSIS, found.excess_kurtosis),
            )
            if value is not None
        ),
    )


def receipt_of(
    picture: Picture, points: Floats, found: RoiStatistics | None, rule: str, network: str = ""
) -> Receipt:
    """Return what numbers were made of; ``found`` None: no values were used."""
    if found is None:
        k = nearest(picture.grid.index(points)[:, 2]).tolist()
        slices: Sequence[int] = sorted({n for n in k if 0 <= n < picture.grid.shape_kji[0]})
    else:
        slices = found.slices_k
    if found is not None and found.n_padding:
        rule = f"{rule}; {counted(found.n_padding, 'voxel')} of padding left out of the statistics"
    if not picture.grid.contains(points).all():
        rule = f"{rule}; part of the shape lies outside the picture"
    instances = picture.identity.instances
    uids = tuple(dict.fromkeys(instances[k].sop_instance_uid for k in slices if k < len(instances)))
    return Receipt(
        series_uid=picture.identity.series.uid,
        sop_instance_uids=uids,
        n_voxels=None if found is None else found.n,
        value_chain=_chain_text(picture, slices) if found is not None else "no values are used",
        spacing=picture.spacing,
        rule=rule,
        program=PROGRAM,
        network=network,
    )


def _chain_text(picture: Picture, slices: Sequence[int]) -> str:
    quantity = picture.quantity
    name = quantity.name or "stored values"
    slopes = quantity.slope_k[list(slices)]
    intercepts = quantity.intercept_k[list(slices)]
    if (slopes == slopes[0]).all() and (intercepts == intercepts[0]).all():
        return f"stored x {slopes[0]:g} + {intercepts[0]:g} = {name}"
    return f"stored x slope + intercept of each slice = {name}"


def measured_segment(
    segmentation: Segmentation, number: int, picture: Picture
) -> tuple[tuple[Quantity, ...], Receipt, Floats]:
    """Return quantities, receipt, and the ends (2, 3) of the longest diameter of a segment.

    Volume is voxel count x voxel size; of the diameter see ``diameters``.

    Raises
    ------
    InputRefused
        The segment is empty, the grids differ, or the geometry is not safe.
    """
    mask = segmentation.labels == number
    name = segmentation.segment(number).name
    if not mask.any():
        raise InputRefused("The segment is empty: it has no volume.", where=name)
    if segmentation.grid != picture.grid:
        raise InputRefused("The segment lies on another grid than the picture.", where=name)
    if not picture.is_volume or picture.is_unsafe:
        raise InputRefused("These images form no safe volume, so a volume cannot be measured.")
    found = mask_statistics(picture, mask)
    ends, length = longest_diameter(mask, segmentation.grid)
    volume = int(np.count_nonzero(mask)) * segmentation.grid.voxel_volume_mm3 / 1000
    origin = segmentation.origin
    network = origin.short if origin.kind is OriginKind.NETWORK else ""
    rule = f"voxel count x voxel size; {DIAMETER_RULE}; {VOXEL_RULE}"
    receipt = receipt_of(picture, ends, found, rule, network)
    receipt = replace(receipt, mask_sha256=segmentation.fingerprint(number))
    quantities = (
        Quantity(VOLUME, volume, "ml"),
        Quantity(LONGEST_DIAMETER_3D, length, "mm"),
        *values_of(found),
    )
    return quantities, receipt, ends


def segment_bidirectional(segmentation: Segmentation, number: int) -> Floats:
    """Return (4, 3): ends of the longest diameter on the largest slice, and of the widest across it.

    Both run inside the segment's outline on the acquired slice with the most voxels.

    Raises
    ------
    InputRefused
        The segment is empty.
    """
    mask = segmentation.labels == number
    counts = mask.sum(axis=(1, 2))
    if not counts.any():
        raise InputRefused(
            "The segment is empty: it has no diameters.", where=segmentation.segment(number).name
        )
    k = int(np.argmax(counts))
    return slice_diameters(mask[k], segmentation.grid, k)
