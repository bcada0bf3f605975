"""Small studies for tests, in the words of the domain."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.domain.volume import Display, ValueMap, Volume, Window

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def rotation(axis: ArrayLike, degrees: float) -> NDArray[np.float64]:
    """Return the rotation matrix (3, 3) about ``axis`` (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def an_identity(n_slices: int, *, series_uid: str = "1.2.3.4") -> Identity:
    """Return the identity of an invented CT series with ``n_slices`` instances."""
    return Identity(
        Patient("Test^Builder", "T-1", "", "19610402", "F"),
        Study("1.2.3", "20261120", "091400", "Chest", "A1", "Test Hospital"),
        Series(series_uid, 3, "CT", "built"),
        tuple(Instance(CT_IMAGE, f"{series_uid}.{k + 1}", number=k + 1) for k in range(n_slices)),
        "1.2.3.9",
    )


@dataclass(frozen=True)
class VolumeBuilder:
    """Builds a CT volume in HU; every ``with_`` method returns a new builder."""

    grid: Grid
    values_hu: NDArray[np.int16] = field(repr=False)
    slope: float = 1.0
    intercept: float = 0.0

    def with_sphere(
        self, *, radius_mm: float, value_hu: int = 400, centre_lps_mm: ArrayLike | None = None
    ) -> "VolumeBuilder":
        """Set every voxel whose centre lies within ``radius_mm`` of the centre."""
        centre = self.grid.centre_lps_mm if centre_lps_mm is None else np.asarray(centre_lps_mm)
        inside = np.linalg.norm(self.points_lps_mm() - centre, axis=-1) <= radius_mm
        return replace(self, values_hu=np.where(inside, np.int16(value_hu), self.values_hu))

    def with_ramp(self, gradient_lps_hu_per_mm: ArrayLike) -> "VolumeBuilder":
        """Add a linear ramp in patient space, rounded to HU."""
        ramp = self.points_lps_mm() @ np.asarray(gradient_lps_hu_per_mm, dtype=np.float64)
        return replace(self, values_hu=(self.values_hu + np.rint(ramp)).astype(np.int16))

    def with_values(self, values: ArrayLike) -> "VolumeBuilder":
        """Replace all values."""
        array = np.array(values, dtype=np.int16)
        return replace(self, values_hu=array.reshape(self.grid.shape_kji))

    def points_lps_mm(self) -> NDArray[np.float64]:
        """Return the centres of all voxels (k, j, i, 3)."""
        k, j, i = np.indices(self.grid.shape_kji)
        return self.grid.world(np.stack((i, j, k), axis=-1))

    def build(self, **changes: Any) -> Volume:
        """Return the volume; keyword arguments replace its fields."""
        n_k = self.grid.shape_kji[0]
        volume = Volume(
            key="1.2.3.4",
            stored=self.values_hu.copy(),
            grid=self.grid,
            quantity=ValueMap(
                np.full(n_k, self.slope), np.full(n_k, self.intercept), "[hnsf'U]", "HU"
            ),
            display=Display((Window(40, 400, "soft tissue"),)),
            identity=an_identity(n_k),
        )
        return replace(volume, **changes)


def a_volume(
    shape_kji: tuple[int, int, int] = (20, 32, 40),
    *,
    spacing_ijk_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    directions: ArrayLike | None = None,
    origin_lps_mm: ArrayLike = (0.0, 0.0, 0.0),
    value_hu: int = 0,
) -> VolumeBuilder:
    """Return a builder of a constant CT volume."""
    grid = Grid.from_axes(
        shape_kji,
        origin_lps_mm=origin_lps_mm,
        spacing_ijk_mm=spacing_ijk_mm,
        directions=directions,
    )
    return VolumeBuilder(grid, np.full(shape_kji, value_hu, dtype=np.int16))


def a_segmentation(
    volume: Volume, mask: NDArray[np.bool_], *, kind: OriginKind = OriginKind.HAND
) -> Segmentation:
    """Return a segmentation with one segment, "Lesion 1", where ``mask`` (k, j, i) is true."""
    return Segmentation(
        uid="1.2.3.4.5",
        name="Lesions",
        volume_key=volume.key,
        grid=volume.grid,
        labels=mask.astype(np.uint8),
        segments=(Segment(1, "Lesion 1", (144, 238, 144), tracking_uid="1.2.3.4.5.1"),),
        origin=Origin(kind),
    )
