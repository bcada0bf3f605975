"""Stored values, where they are, what they mean, and how the file asks to show them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Floats, Grid, nearest
from viewer.domain.graphics import Overlay, Shutter
from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.scale_region import ScaleRegion
from viewer.domain.study import Identity
from viewer.errors import InputRefused

Voxels = NDArray[Any]


class WindowFunction(StrEnum):
    """VOI LUT functions (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class VoiTable:
    """A VOI look-up table (PS3.3 C.11.2.1.1): the greys of values ``first``, ``first + step``, ...

    ``entries`` are little-endian uint16, 0 black and 65535 white. Values below and above the table
    take its first and last grey.
    """

    first: float
    step: float
    entries: bytes

    def __post_init__(self) -> None:
        """Refuse tables that say nothing."""
        if len(self.entries) < 2 or len(self.entries) % 2 or not self.step > 0:
            raise InputRefused("A VOI look-up table needs entries and a step above 0.")

    @property
    def n_entries(self) -> int:
        """How many values have a grey of their own."""
        return len(self.entries) // 2

    def greys(self) -> Floats:
        """Return the greys (n,), 0 to 1."""
        return np.frombuffer(self.entries, dtype="<u2").astype(np.float64) / 65535


@dataclass(frozen=True, slots=True)
class Window:
    """Which values become black and white, in the unit of the picture's quantity.

    With a ``table``, the greys between are the table's, not the function's; centre and width then
    say which values the table covers.
    """

    center: float
    width: float
    name: str = ""
    function: WindowFunction = WindowFunction.LINEAR
    table: VoiTable | None = None

    def __post_init__(self) -> None:
        """Refuse widths that PS3.3 forbids."""
        if not (np.isfinite(self.center) and np.isfinite(self.width)) or self.width <= 0:
            raise InputRefused("A window needs a finite centre and a width above 0.")

    @classmethod
    def of_table(cls, table: VoiTable, name: str = "") -> "Window":
        """Return the window that is a look-up table."""
        width = table.n_entries * table.step
        return cls(table.first + (width - table.step) / 2, width, name, table=table)

    def scaled(self, slope: float, intercept: float = 0.0) -> "Window":
        """Return the window of values that went through ``slope`` (above 0) and ``intercept``."""
        table = self.table
        if table is not None:
            table = VoiTable(table.first * slope + intercept, table.step * slope, table.entries)
        return Window(
            self.center * slope + intercept, self.width * slope, self.name, self.function, table
        )


@dataclass(frozen=True, eq=False)
class ValueMap:
    """Stored value -> quantity, slice by slice: ``stored * slope_k[k] + intercept_k[k]``.

    ``unit`` is UCUM ("[hnsf'U]", "Bq/ml", "{SUVbw}g/ml", "1"); ``name`` is what a person calls it
    ("HU", "SUVbw", "" for arbitrary values). Slopes are per slice since PET and Philips MR vary.
    ``padding`` is the range of stored values (both ends included) that fill the image where nothing
    was imaged (PS3.3 C.7.5.1.1.2): they have no value, and no part in statistics.
    """

    slope_k: Floats
    intercept_k: Floats
    unit: str = "1"
    name: str = ""
    padding: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Validate and freeze."""
        slope = np.atleast_1d(np.array(self.slope_k, dtype=np.float64))
        intercept = np.atleast_1d(np.array(self.intercept_k, dtype=np.float64))
        if slope.shape != intercept.shape or slope.ndim != 1:
            raise InputRefused("Slopes and intercepts must come in pairs, one for each slice.")
        if not (np.isfinite(slope).all() and np.isfinite(intercept).all()) or (slope == 0).any():
            raise InputRefused("A rescale slope of 0, or one that is not finite, is refused.")
        for array in (slope, intercept):
            array.setflags(write=False)
        object.__setattr__(self, "slope_k", slope)
        object.__setattr__(self, "intercept_k", intercept)

    @classmethod
    def identity(cls, n_slices: int, unit: str = "1", name: str = "") -> "ValueMap":
        """Return the map that leaves stored values as they are."""
        return cls(np.ones(n_slices), np.zeros(n_slices), unit, name)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, ValueMap):
            return NotImplemented
        return (
            np.array_equal(self.slope_k, other.slope_k)
            and np.array_equal(self.intercept_k, other.intercept_k)
            and (self.unit, self.name, self.padding) == (other.unit, other.name, other.padding)
        )

    def __hash__(self) -> int:
        """Hash by value."""
        pairs = (self.slope_k.tobytes(), self.intercept_k.tobytes())
        return hash((*pairs, self.unit, self.name, self.padding))

    def is_padding(self, stored: Voxels) -> NDArray[np.bool_]:
        """Return where stored values are padding, not an image of anything."""
        if self.padding is None:
            return np.zeros(np.shape(stored), dtype=bool)
        low, high = self.padding
        return np.asarray((stored >= low) & (stored <= high))

    @property
    def is_uniform(self) -> bool:
        """Whether one slope and intercept serve all slices."""
        return bool(
            (self.slope_k == self.slope_k[0]).all()
            and (self.intercept_k == self.intercept_k[0]).all()
        )

    def slice_values(self, stored: Voxels, k: int) -> NDArray[np.float32]:
        """Return the quantity (float32) of stored values that all lie in slice ``k``."""
        slope = np.float32(self.slope_k[k])
        return np.asarray(stored, dtype=np.float32) * slope + np.float32(self.intercept_k[k])

    def values_at(self, stored: Voxels, k: NDArray[np.int64]) -> Floats:
        """Return the quantity (float64) of stored values (n,) that lie in slices ``k`` (n,)."""
        values = np.asarray(stored, dtype=np.float64)
        return np.asarray(values * self.slope_k[k] + self.intercept_k[k])

    def block(self, stored: Voxels, first_k: int = 0) -> NDArray[np.float32]:
        """Return the quantity (float32) of a block (k, j, i) that starts at slice ``first_k``."""
        k = slice(first_k, first_k + stored.shape[0])
        slope = self.slope_k[k].astype(np.float32)[:, None, None]
        intercept = self.intercept_k[k].astype(np.float32)[:, None, None]
        return np.asarray(stored, dtype=np.float32) * slope + intercept


@dataclass(frozen=True, slots=True)
class Display:
    """What the file asks the screen to do.

    ``windows`` are in the quantity's unit; ``windows_k`` holds the file's own window of each slice
    where they differ. ``inverted`` is MONOCHROME1 or an INVERSE presentation LUT: applied last.
    ``overlays_k`` and ``shutters_k`` hold the bitmaps and the shutter of each slice; () if no slice
    has any.
    """

    windows: tuple[Window, ...] = ()
    inverted: bool = False
    windows_k: tuple[Window, ...] = ()
    overlays_k: tuple[tuple[Overlay, ...], ...] = ()
    shutters_k: tuple[Shutter | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices that form a grid. ``stored`` is (k, j, i) in the file's own dtype.

    ``stored`` is filled while the decoder works; ``loaded_k`` (bool) says which slices are there.
    Everything else is frozen. ``key`` names the volume for good: the series UID, and "#n" for the
    n-th volume that a series was split into.
    """

    key: str
    stored: Voxels
    grid: Grid
    quantity: ValueMap
    display: Display
    identity: Identity
    findings: tuple[Finding, ...] = ()
    loaded_k: NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, dtype=bool))

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        if self.stored.shape[:3] != self.grid.shape_kji:
            raise InputRefused(
                f"Voxels of shape {self.stored.shape} do not fit a grid of {self.grid.shape_kji}."
            )
        if len(self.quantity.slope_k) != self.stored.shape[0]:
            raise InputRefused("A volume needs one rescale pair for each slice.")
        if not len(self.loaded_k):
            object.__setattr__(self, "loaded_k", np.ones(self.stored.shape[0], dtype=bool))

    @property
    def is_volume(self) -> bool:
        """Whether the slices form a grid in the patient (false for an ImageStack)."""
        return True

    @property
    def is_colour(self) -> bool:
        """Whether the stored values are RGB, (k, j, i, 3)."""
        return self.stored.ndim == 4

    @property
    def is_loaded(self) -> bool:
        """Whether every slice was decoded."""
        return bool(self.loaded_k.all())

    @property
    def spacing(self) -> Spacing:
        """In-plane spacing and where it comes from."""
        column, row, _ = self.grid.spacing_ijk_mm
        return Spacing(row, column, SpacingSource.PATIENT)

    @property
    def is_unsafe(self) -> bool:
        """Whether a finding locks the tools that it would falsify."""
        return any(f.severity is Severity.UNSAFE for f in self.findings)


@dataclass(frozen=True, eq=False)
class ImageStack(Volume):
    """Images that do not form a grid in the patient: shown as acquired, never resampled.

    ``grid`` lies in *picture space* (i right, j down, k = number of the image, 1 apart), in the
    unit of ``pixel_spacing``; it carries no anatomy: no letters unless ``orientation`` (the pair of
    PatientOrientation, "right", "down") is given, no MPR, no 3-D. ``regions_k`` are the ultrasound
    regions of each image where they matter: several, or one that does not cover it; () elsewhere.
    """

    pixel_spacing: Spacing = field(default=Spacing(1.0, 1.0, SpacingSource.NONE))
    orientation: tuple[str, str] | None = None
    regions_k: tuple[tuple[ScaleRegion, ...], ...] = ()

    @property
    def is_volume(self) -> bool:
        """Return False: there is no patient geometry across the slices."""
        return False

    @property
    def spacing(self) -> Spacing:
        """In-plane spacing and where it comes from."""
        return self.pixel_spacing


Picture = Volume  # a Volume or an ImageStack: ask ``is_volume``


def value_at(picture: Picture, index_ijk: Sequence[float]) -> float | None:
    """Return the quantity of the voxel nearest to ``index_ijk``.

    None outside the picture, in a slice not read yet, in padding, or for colour.
    """
    i, j, k = (int(n) for n in nearest(index_ijk))
    n_k, n_j, n_i = picture.grid.shape_kji
    if not (0 <= i < n_i and 0 <= j < n_j and 0 <= k < n_k) or picture.is_colour:
        return None
    if not picture.loaded_k[k]:
        return None
    if bool(picture.quantity.is_padding(picture.stored[k, j, i])):
        return None
    stored = float(picture.stored[k, j, i])
    return stored * float(picture.quantity.slope_k[k]) + float(picture.quantity.intercept_k[k])
