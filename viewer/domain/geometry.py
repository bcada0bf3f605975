"""Where voxels and pixels are in the patient.

Arrays are indexed ``[k, j, i]`` (slice, row, column). Points in space are DICOM patient coordinates
(LPS, millimetres; PS3.3 C.7.6.2.1.1). Index points are ``(i, j, k)``; an integer index is the
*centre* of its voxel.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.errors import InputRefused

Floats = NDArray[np.float64]
PlaneName = Literal["axial", "coronal", "sagittal"]

_PARALLEL = 1e-3
_TIE = 1e-6  # voxels: indices are exact to about 1e-10, no eye or number feels a millionth
_AXIS_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))
# sin(1 degree): field.md 4.5, a plane is named with compound letters when it is oblique by more.
_OBLIQUE = float(np.sin(np.radians(1.0)))


def _frozen(values: ArrayLike, shape: tuple[int, ...], what: str) -> Floats:
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise InputRefused(f"{what} has shape {array.shape}; it must be {shape}.")
    if not np.isfinite(array).all():
        raise InputRefused(f"{what} holds a number that is not finite.")
    array.setflags(write=False)
    return array


def unit(vector: ArrayLike) -> Floats:
    """Return ``vector`` (3,) at length 1.

    Raises
    ------
    InputRefused
        The vector is zero or not finite.
    """
    array = np.array(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length < 1e-12:
        raise InputRefused("A direction without length is no direction.")
    return array / length


def nearest(index: ArrayLike) -> NDArray[np.int64]:
    """Return the voxel numbers (...) whose centres are nearest to fractional indices (...).

    Half way between two voxels the higher one is meant, also where rounding errors say otherwise:
    picture, labels, brush and probe must agree about the slice that lies in a plane.
    """
    return np.asarray(np.floor(np.asarray(index, dtype=np.float64) + (0.5 + _TIE)), dtype=np.int64)


def orientation_letters(direction_lps: ArrayLike) -> str:
    """Return the anatomical letters that ``direction_lps`` (3,) points to, the largest part first.

    Compound letters ("RA") appear when a part exceeds the sine of 1 degree; DICOM's L R P A H F.
    """
    direction = unit(direction_lps)
    order = np.argsort(-np.abs(direction), kind="stable")
    letters = [
        _AXIS_LETTERS[axis][0 if direction[axis] > 0 else 1]
        for axis in order
        if abs(direction[axis]) > _OBLIQUE
    ]
    return "".join(letters)


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a volume are: ``shape_kji`` and the affine ``ijk_to_lps`` (4, 4), mm.

    The columns of the affine may be sheared (gantry tilt) and of either handedness. Equal by value.

    Raises
    ------
    InputRefused
        A voxel without extent, a singular affine, or a number that is not finite.
    """

    shape_kji: tuple[int, int, int]
    ijk_to_lps: Floats

    def __post_init__(self) -> None:
        """Validate, and freeze the affine."""
        shape = tuple(int(n) for n in self.shape_kji)
        if len(shape) != 3 or min(shape) < 1:
            raise InputRefused(f"A grid of shape {shape} holds no voxels.")
        affine = _frozen(self.ijk_to_lps, (4, 4), "The affine of a grid")
        if not np.allclose(affine[3], (0.0, 0.0, 0.0, 1.0), atol=1e-9):
            raise InputRefused("The last row of a grid's affine must be 0 0 0 1.")
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        if spacing.min() < 1e-6:
            raise InputRefused("A voxel without extent is refused.")
        if abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-4:
            raise InputRefused("The axes of the grid lie in one plane: its affine is nonsense.")
        object.__setattr__(self, "shape_kji", shape)
        object.__setattr__(self, "ijk_to_lps", affine)

    @classmethod
    def from_axes(
        cls,
        shape_kji: tuple[int, int, int],
        *,
        origin_lps_mm: ArrayLike = (0.0, 0.0, 0.0),
        spacing_ijk_mm: ArrayLike = (1.0, 1.0, 1.0),
        directions: ArrayLike | None = None,
    ) -> Self:
        """Build a grid from the centre of voxel (0, 0, 0), spacings and unit columns (3, 3)."""
        columns = np.eye(3) if directions is None else np.array(directions, dtype=np.float64)
        affine = np.eye(4)
        affine[:3, :3] = columns * np.array(spacing_ijk_mm, dtype=np.float64)
        affine[:3, 3] = np.array(origin_lps_mm, dtype=np.float64)
        return cls(shape_kji, affine)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, Grid):
            return NotImplemented
        return self.shape_kji == other.shape_kji and bool(
            np.array_equal(self.ijk_to_lps, other.ijk_to_lps)
        )

    def __hash__(self) -> int:
        """Hash by value."""
        return hash((self.shape_kji, self.ijk_to_lps.tobytes()))

    @cached_property
    def lps_to_ijk(self) -> Floats:
        """The inverse affine (4, 4)."""
        return np.asarray(np.linalg.inv(self.ijk_to_lps), dtype=np.float64)

    @cached_property
    def spacing_ijk_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j and k (for a sheared grid: along the edge)."""
        a, b, c = (float(v) for v in np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0))
        return a, b, c

    @cached_property
    def directions(self) -> Floats:
        """Unit columns (3, 3): where i, j and k point, LPS."""
        return np.asarray(self.ijk_to_lps[:3, :3] / np.array(self.spacing_ijk_mm))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, shear included."""
        return float(abs(np.linalg.det(self.ijk_to_lps[:3, :3])))

    @property
    def is_right_handed(self) -> bool:
        """Whether i x j points along k."""
        return bool(np.linalg.det(self.ijk_to_lps[:3, :3]) > 0)

    @property
    def is_orthogonal(self) -> bool:
        """Whether the axes stand at right angles (no gantry tilt) within 0.001."""
        return bool(np.abs(self.directions.T @ self.directions - np.eye(3)).max() < _PARALLEL)

    @property
    def is_axis_aligned(self) -> bool:
        """Whether every axis runs along a patient axis within 0.001."""
        return bool((np.abs(self.directions).max(axis=0) > 1 - _PARALLEL**2).all())

    def world(self, index_ijk: ArrayLike) -> Floats:
        """Return patient points (..., 3) of index points (..., 3)."""
        index = np.asarray(index_ijk, dtype=np.float64)
        return index @ self.ijk_to_lps[:3, :3].T + self.ijk_to_lps[:3, 3]

    def index(self, points_lps_mm: ArrayLike) -> Floats:
        """Return fractional index points (..., 3) as (i, j, k) of patient points (..., 3)."""
        points = np.asarray(points_lps_mm, dtype=np.float64)
        return points @ self.lps_to_ijk[:3, :3].T + self.lps_to_ijk[:3, 3]

    def contains(self, points_lps_mm: ArrayLike) -> NDArray[np.bool_]:
        """Return for each point (..., 3) whether it lies inside some voxel (half a voxel rim)."""
        index = self.index(points_lps_mm)
        upper = np.array(self.shape_kji[::-1]) - 0.5
        return np.asarray(((index >= -0.5) & (index <= upper)).all(axis=-1))

    @cached_property
    def centre_lps_mm(self) -> Floats:
        """The middle of the grid."""
        return self.world((np.array(self.shape_kji[::-1]) - 1) / 2)

    @cached_property
    def corners_lps_mm(self) -> Floats:
        """The eight outer corners (8, 3), half a voxel beyond the outermost centres."""
        high = np.array(self.shape_kji[::-1]) - 0.5
        picks = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")).reshape(3, 8).T
        return self.world(np.where(picks == 1, high, -0.5))

    def crop(self, start_kji: tuple[int, int, int], stop_kji: tuple[int, int, int]) -> "Grid":
        """Return the grid of the block ``[start, stop)``; voxels keep their places."""
        affine = self.ijk_to_lps.copy()
        affine[:3, 3] = self.world(start_kji[::-1])
        k, j, i = (b - a for a, b in zip(start_kji, stop_kji, strict=True))
        return Grid((k, j, i), affine)

    def axis_towards(self, direction_lps: ArrayLike) -> int:
        """Return which index axis (0 = i, 1 = j, 2 = k) runs most along ``direction_lps``."""
        return int(np.argmax(np.abs(self.directions.T @ unit(direction_lps))))


@dataclass(frozen=True, eq=False)
class Plane:
    """What a pane shows: a rectangle of pixels lying in the patient. Equal by value.

    ``origin_lps_mm`` is the *centre* of pixel (0, 0), the top left one; pixel x runs along ``right``
    and y along ``down`` (unit vectors); ``size_px`` is (width, height); ``slab_mm`` is the thickness
    that a slab projection covers (0: one plane). Letters and scale are read off this value alone.

    Raises
    ------
    InputRefused
        Directions that are not at right angles, or sizes that are not positive.
    """

    origin_lps_mm: Floats
    right: Floats
    down: Floats
    pixel_mm: float
    size_px: tuple[int, int]
    slab_mm: float = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        right = _frozen(unit(self.right), (3,), "The plane's right")
        down = _frozen(unit(self.down), (3,), "The plane's down")
        if abs(float(right @ down)) > _PARALLEL:
            raise InputRefused("The axes of a plane must stand at a right angle.")
        if not np.isfinite(self.pixel_mm) or self.pixel_mm <= 0 or min(self.size_px) < 1:
            raise InputRefused("A plane needs pixels of a positive size.")
        object.__setattr__(
            self, "origin_lps_mm", _frozen(self.origin_lps_mm, (3,), "The plane's origin")
        )
        object.__setattr__(self, "right", right)
        object.__setattr__(self, "down", down)
        object.__setattr__(self, "size_px", (int(self.size_px[0]), int(self.size_px[1])))

    def _key(self) -> tuple[bytes, bytes, bytes, float, tuple[int, int], float]:
        return (
            self.origin_lps_mm.tobytes(),
            self.right.tobytes(),
            self.down.tobytes(),
            self.pixel_mm,
            self.size_px,
            self.slab_mm,
        )

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return self._key() == other._key() if isinstance(other, Plane) else NotImplemented

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._key())

    @classmethod
    def centred(
        cls,
        centre_lps_mm: ArrayLike,
        right: ArrayLike,
        down: ArrayLike,
        pixel_mm: float,
        size_px: tuple[int, int],
    ) -> "Plane":
        """Return the plane whose middle (between pixels, if even) lies at ``centre_lps_mm``."""
        half = (np.array(size_px, dtype=np.float64) - 1) / 2 * pixel_mm
        origin = np.asarray(centre_lps_mm, dtype=np.float64)
        origin = origin - unit(right) * half[0] - unit(down) * half[1]
        return cls(origin, unit(right), unit(down), pixel_mm, size_px)

    @cached_property
    def normal(self) -> Floats:
        """Right x down: into the screen, away from the reader."""
        return _frozen(cross(self.right, self.down), (3,), "The plane's normal")

    @property
    def centre_lps_mm(self) -> Floats:
        """The middle of the rectangle."""
        return self.world((np.array(self.size_px) - 1) / 2)

    @cached_property
    def _lps_to_pixel(self) -> Floats:
        """Columns (3, 3): a shift in the patient -> pixels right, pixels down, mm along the normal."""
        rows = (self.right / self.pixel_mm, self.down / self.pixel_mm, self.normal)
        return np.ascontiguousarray(np.array(rows).T)

    def world(self, xy_px: ArrayLike) -> Floats:
        """Return patient points (..., 3) of pixel points (..., 2); integers are pixel centres."""
        xy = np.asarray(xy_px, dtype=np.float64) * self.pixel_mm
        return self.origin_lps_mm + xy[..., :1] * self.right + xy[..., 1:2] * self.down

    def pixel(self, points_lps_mm: ArrayLike) -> Floats:
        """Return (..., 3): x and y in pixels, and the signed distance along the normal in mm."""
        delta = np.asarray(points_lps_mm, dtype=np.float64) - self.origin_lps_mm
        return np.asarray(delta @ self._lps_to_pixel)

    def letters(self) -> dict[str, str]:
        """Return the orientation letters at the edges: keys left, right, top, bottom."""
        return {
            "left": orientation_letters(-self.right),
            "right": orientation_letters(self.right),
            "top": orientation_letters(-self.down),
            "bottom": orientation_letters(self.down),
        }

    def moved(self, distance_mm: float) -> "Plane":
        """Return the parallel plane ``distance_mm`` further along the normal."""
        return self._at(self.origin_lps_mm + self.normal * distance_mm)

    def _at(self, origin_lps_mm: Floats) -> "Plane":
        """Return the plane elsewhere: what was proven or derived of its directions still holds.

        Every scrolled frame comes through here, so directions are not validated once more.
        """
        twin = object.__new__(Plane)
        twin.__dict__.update(self.__dict__)
        origin = _frozen(origin_lps_mm, (3,), "The plane's origin")
        object.__setattr__(twin, "origin_lps_mm", origin)
        return twin

    def through(self, point_lps_mm: ArrayLike) -> "Plane":
        """Return the parallel plane that holds ``point_lps_mm`` (moved along the normal only)."""
        return self.moved(float(self.pixel(point_lps_mm)[2]))

    def panned(self, dx_px: float, dy_px: float) -> "Plane":
        """Return the plane after its picture was dragged by (dx, dy) screen pixels."""
        shift = (self.right * dx_px + self.down * dy_px) * self.pixel_mm
        return self._at(self.origin_lps_mm - shift)

    def zoomed(self, factor: float, about_px: tuple[float, float]) -> "Plane":
        """Return the plane magnified by ``factor``; the patient point under ``about_px`` stays."""
        fixed = self.world(about_px)
        pixel = self.pixel_mm / factor
        origin = fixed - (self.right * about_px[0] + self.down * about_px[1]) * pixel
        return replace(self, origin_lps_mm=origin, pixel_mm=pixel)

    def resized(self, size_px: tuple[int, int]) -> "Plane":
        """Return the plane with another number of pixels about the same centre and scale."""
        return replace(
            Plane.centred(self.centre_lps_mm, self.right, self.down, self.pixel_mm, size_px),
            slab_mm=self.slab_mm,
        )


# Radiological convention (field.md 4.5): axial seen from the feet, coronal from the front,
# sagittal with anterior on the left.
STANDARD_AXES: dict[PlaneName, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}


def fitted_plane(
    grid: Grid,
    name: PlaneName,
    size_px: tuple[int, int],
    *,
    through_lps_mm: ArrayLike | None = None,
    margin: float = 1.0,
) -> Plane:
    """Return the standard plane ``name`` in true patient geometry that shows all of ``grid``.

    It passes through ``through_lps_mm`` (default: the middle of the grid) and is centred on the
    grid in its own axes; ``margin`` > 1 leaves a rim.
    """
    right, down = (np.array(axis) for axis in STANDARD_AXES[name])
    return fitted_axes(grid, right, down, size_px, through_lps_mm=through_lps_mm, margin=margin)


def fitted_axes(
    grid: Grid,
    right: ArrayLike,
    down: ArrayLike,
    size_px: tuple[int, int],
    *,
    through_lps_mm: ArrayLike | None = None,
    margin: float = 1.0,
) -> Plane:
    """Return the plane with axes ``right`` and ``down`` that shows all of ``grid``."""
    rightward, downward = unit(right), unit(down)
    corners = grid.corners_lps_mm
    width = float(np.ptp(corners @ rightward))
    height = float(np.ptp(corners @ downward))
    pixel_mm = max(width / size_px[0], height / size_px[1]) * margin
    plane = Plane.centred(grid.centre_lps_mm, rightward, downward, pixel_mm, size_px)
    return plane if through_lps_mm is None else plane.through(through_lps_mm)


def acquired_plane(grid: Grid, size_px: tuple[int, int], slice_k: int) -> Plane:
    """Return the plane of acquired slice ``slice_k``, as stored: i to the right, j down."""
    right, down = grid.directions[:, 0], grid.directions[:, 1]
    down = unit(down - right * (right @ down))
    middle = grid.world(((grid.shape_kji[2] - 1) / 2, (grid.shape_kji[1] - 1) / 2, float(slice_k)))
    return fitted_axes(grid, right, down, size_px, through_lps_mm=middle)


def cross(first: Floats, second: Floats) -> tuple[float, float, float]:
    """Return first x second of two vectors (3,); numpy takes twenty times as long for one pair."""
    (a, b, c), (x, y, z) = first.tolist(), second.tolist()
    return b * z - c * y, c * x - a * z, a * y - b * x


def rectangle_corners(points: Floats) -> Floats:
    """Return the four corners (4, n) in order, of a centre and the ends of two half-sides (3, n)."""
    first, second = points[1] - points[0], points[2] - points[0]
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.stack([points[0] + a * first + b * second for a, b in signs])


def rectangle_points(corners: Floats) -> Floats:
    """Return centre and ends of two half-sides (3, n) of four corners in order (4, n)."""
    return np.stack(
        (corners.mean(axis=0), (corners[1] + corners[2]) / 2, (corners[2] + corners[3]) / 2)
    )
