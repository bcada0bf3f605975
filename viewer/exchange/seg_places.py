"""Where the frames of a SEG lie: by position and orientation of each frame, never by order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.domain.geometry import Floats, Grid
from viewer.errors import Damaged, Unsupported

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TOLERANCE_VOXELS = 0.05
_SAME_PLACE_MM = 0.01
_MOST_VOXELS = 1 << 31


@dataclass(frozen=True, eq=False)
class FramePlace:
    """One frame in the patient: centre of its first pixel, the step of a column and of a row."""

    origin_lps_mm: Floats
    column_step: Floats
    row_step: Floats
    spacing_mm: float  # stated distance between slices, else 0
    thickness_mm: float  # stated thickness, else 0

    @property
    def normal(self) -> Floats:
        """Unit vector across the frame."""
        across = np.cross(self.column_step, self.row_step)
        return np.asarray(across / np.linalg.norm(across))


def frame_places(dataset: "Dataset", where: str = "") -> tuple[FramePlace, ...] | None:
    """Return the place of every frame, or None where the object has no patient geometry.

    Raises
    ------
    Unsupported
        Slide coordinates.
    Damaged
        A frame without position or orientation among others that have one.
    """
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    if any("PlanePositionSlideSequence" in item for item in per_frame[:1]) or (
        "TotalPixelMatrixColumns" in dataset
    ):
        raise Unsupported("Segmentations of slides are not shown here.", where=where)
    if len(per_frame) != n_frames:
        raise Damaged("The frames are not described one by one.", where=where)
    first = _Groups(per_frame[0], shared)
    if not first.has("PlanePositionSequence") or not first.has("PlaneOrientationSequence"):
        return None
    try:
        return tuple(_place(_Groups(item, shared)) for item in per_frame)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise Damaged("A frame does not say where it lies.", where=where) from error


class _Groups:
    """Functional groups of one frame: its own ones first, then the shared ones."""

    def __init__(self, own: "Dataset", shared: "Dataset | None") -> None:
        self._parts = (own,) if shared is None else (own, shared)

    def has(self, keyword: str) -> bool:
        return any(part.get(keyword) for part in self._parts)

    def item(self, keyword: str) -> "Dataset":
        for part in self._parts:
            if sequence := part.get(keyword):
                item: Dataset = sequence[0]
                return item
        raise KeyError(keyword)


def _first(dataset: "Dataset", keyword: str) -> "Dataset | None":
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else None


def _numbers(value: Any, count: int) -> Floats:
    numbers = np.array([float(part) for part in value], dtype=np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError("not the right numbers")
    return numbers


def _place(groups: _Groups) -> FramePlace:
    measures = groups.item("PixelMeasuresSequence")
    row_mm, column_mm = _numbers(measures.PixelSpacing, 2)
    cosines = _numbers(groups.item("PlaneOrientationSequence").ImageOrientationPatient, 6)
    position = groups.item("PlanePositionSequence").ImagePositionPatient
    along, down = cosines[:3], cosines[3:]
    if row_mm <= 0 or column_mm <= 0 or np.linalg.norm(np.cross(along, down)) < 0.9:
        raise ValueError("no plane")
    spacing = abs(float(measures.get("SpacingBetweenSlices") or 0.0))
    thickness = abs(float(measures.get("SliceThickness") or 0.0))
    return FramePlace(_numbers(position, 3), along * column_mm, down * row_mm, spacing, thickness)


def slices_in(
    places: Sequence[FramePlace], shape_px: tuple[int, int], grid: Grid
) -> tuple[int, ...] | None:
    """Return which slice k of ``grid`` each frame is, or None if they lie on another grid.

    Every corner of every frame must fall on the right voxel within 0.05 voxels.
    """
    rows, columns = shape_px
    if (rows, columns) != grid.shape_kji[1:]:
        return None
    slices = []
    for place in places:
        far = place.origin_lps_mm + place.column_step * (columns - 1) + place.row_step * (rows - 1)
        side = place.origin_lps_mm + place.column_step * (columns - 1)
        found = grid.index(np.stack((place.origin_lps_mm, side, far)))
        k = round(float(found[0, 2]))
        wanted = np.array([(0, 0, k), (columns - 1, 0, k), (columns - 1, rows - 1, k)])
        if not 0 <= k < grid.shape_kji[0] or np.abs(found - wanted).max() > _TOLERANCE_VOXELS:
            return None
        slices.append(k)
    return tuple(slices)


def own_grid(
    places: Sequence[FramePlace], shape_px: tuple[int, int], where: str = ""
) -> tuple[Grid, tuple[int, ...]]:
    """Return the smallest regular grid that holds all frames, and the slice k of each frame.

    Slices that no frame covers (empty frames may be left out) stay empty; the stated spacing
    between slices is taken where the positions are multiples of it, else their smallest gap.

    Raises
    ------
    Unsupported
        Frames of mixed orientation or size, or at uneven distances.
    """
    first = places[0]
    normal = first.normal
    for place in places:
        bent = max(
            np.abs(place.column_step - first.column_step).max() * shape_px[1],
            np.abs(place.row_step - first.row_step).max() * shape_px[0],
        )
        if bent > _TOLERANCE_VOXELS * np.linalg.norm(first.column_step):
            raise Unsupported("The frames of this segmentation are not parallel.", where=where)
    depth = np.array([place.origin_lps_mm @ normal for place in places])
    order = np.argsort(depth, kind="stable")
    low, high = places[order[0]].origin_lps_mm, places[order[-1]].origin_lps_mm
    step_mm = _step(np.diff(depth[order]), first, where)
    slices = np.empty(len(places), dtype=np.int64)
    # gap by gap, so that a small error of the stated spacing does not add up
    slices[order] = np.concatenate(([0], np.cumsum(np.rint(np.diff(depth[order]) / step_mm))))
    n_slices = int(slices.max()) + 1
    if n_slices * shape_px[0] * shape_px[1] > _MOST_VOXELS:
        raise Unsupported("The segmentation covers too large a space.", where=where)
    slice_step = (high - low) / (n_slices - 1) if n_slices > 1 else normal * step_mm
    _check_straight(places, slices, low, slice_step, where)
    affine = np.eye(4)
    affine[:3, :3] = np.stack((first.column_step, first.row_step, slice_step), axis=1)
    affine[:3, 3] = low
    return Grid((n_slices, *shape_px), affine), tuple(int(k) for k in slices)


def _step(gaps: Floats, first: FramePlace, where: str) -> float:
    gaps = gaps[gaps > _SAME_PLACE_MM]
    if not len(gaps):
        return first.spacing_mm or first.thickness_mm or 1.0
    for step in (first.spacing_mm, float(gaps.min())):
        if step > 0 and (np.rint(gaps / step) >= 1).all():
            whole = np.rint(gaps / step) * step
            if np.abs(gaps - whole).max() <= _TOLERANCE_VOXELS * step:
                return step
    raise Unsupported(
        "The frames of this segmentation lie at uneven distances.",
        where=where,
        remedy="Open the series that it was made on first.",
    )


def _check_straight(
    places: Sequence[FramePlace], slices: Any, low: Floats, slice_step: Floats, where: str
) -> None:
    limit = _TOLERANCE_VOXELS * float(np.linalg.norm(slice_step))
    for place, k in zip(places, slices, strict=True):
        if np.abs(low + slice_step * k - place.origin_lps_mm).max() > max(limit, _SAME_PLACE_MM):
            raise Unsupported(
                "The frames of this segmentation do not stack up to a volume.",
                where=where,
                remedy="Open the series that it was made on first.",
            )
