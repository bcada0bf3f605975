"""What a scan found: the account of the files, the pictures, and the layers that lie on them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding
from viewer.domain.geometry import Grid
from viewer.domain.ledger import Fate, LoadLedger
from viewer.domain.quantity import PIXELS_ONLY, Spacing
from viewer.domain.scale_region import ScaleRegion
from viewer.domain.study import Identity
from viewer.domain.uneven import SlicePlaces
from viewer.domain.volume import Display, ValueMap
from viewer.intake.layout import PixelFile


@dataclass(frozen=True, slots=True)
class FrameAddress:
    """One frame's pixels: which file, which frame in it (from 0)."""

    file: PixelFile
    index: int


@dataclass(frozen=True, eq=False)
class DicomPixels:
    """Where the slices of a DICOM picture are, and the tables that they go through.

    ``table`` is a modality LUT (first stored value, entries); ``palette`` is (first stored value,
    RGB uint8 (n, 3)).
    """

    frames: tuple[FrameAddress, ...]
    table: tuple[int, NDArray[Any]] | None = None
    palette: tuple[int, NDArray[np.uint8]] | None = None


class Packing(StrEnum):
    """How samples are packed in a file."""

    NONE = "raw"
    GZIP = "gzip"
    ZLIB = "zlib"  # deflate without gzip's header
    BZIP2 = "bzip2"


@dataclass(frozen=True, slots=True)
class RawPixels:
    """Where the samples of one volume are in a file, in the order (k, j, i, sample).

    ``start`` is the byte of the file where they (or what is packed) begin; ``offset`` is where this
    volume begins, in unpacked bytes. ``stored_type`` is NumPy's, with its byte order. Of
    ``n_samples`` a voxel, ``sample`` is meant, or the first three as red, green and blue.
    """

    path: str
    shown: str
    packing: Packing
    start: int
    offset: int
    stored_type: str
    n_samples: int = 1
    sample: int = 0
    is_colour: bool = False


@dataclass(frozen=True, slots=True)
class PhotoPixels:
    """A picture file whose ``form`` (PNG, JPEG, TIFF) is decoded as a whole; slices are pages.

    A JPEG picture's own frame header is at ``begins_at``.
    """

    path: str
    shown: str
    form: str
    begins_at: int = 0


@dataclass(frozen=True, eq=False)
class PictureSource:
    """One volume or stack that can be opened. A series may hold several.

    ``grid`` is None for a stack; ``shape_kji`` is always there. ``key`` is the series UID, with
    "#2", "#3", ... for the further parts of a series. ``label`` says what tells a part from the
    others ("temporal position 2"). ``every`` is above 1 where slices were left out on purpose
    (thinning.py). The fields after ``findings`` are for the decoder.
    """

    key: str
    identity: Identity
    grid: Grid | None
    shape_kji: tuple[int, int, int]
    n_files: int
    title: str
    findings: tuple[Finding, ...]
    quantity: ValueMap = field(repr=False)
    display: Display = field(repr=False)
    dtype: np.dtype[np.generic]
    is_colour: bool
    pixels: DicomPixels | RawPixels | PhotoPixels = field(repr=False)
    spacing: Spacing = PIXELS_ONLY
    orientation: tuple[str, str] | None = None
    regions_k: tuple[tuple[ScaleRegion, ...], ...] = ()
    places: SlicePlaces | None = field(default=None, repr=False)
    label: str = ""
    every: int = 1

    @property
    def is_volume(self) -> bool:
        """Whether the slices form a grid in the patient."""
        return self.grid is not None

    @property
    def n_bytes(self) -> int:
        """Memory that the pixels take."""
        n_k, n_j, n_i = self.shape_kji
        return n_k * n_j * n_i * self.dtype.itemsize * (3 if self.is_colour else 1)


@dataclass(frozen=True, slots=True)
class LayerFile:
    """An object that lies on a picture or beside it: SEG, SR, PR, KO, RTSTRUCT, PDF, ...

    ``series_uids`` and ``frame_of_reference_uids`` are those that it says it was made on.
    """

    path: str
    kind: str
    sop_class_uid: str
    referenced_series_uid: str = ""
    series_uids: frozenset[str] = frozenset()
    frame_of_reference_uids: frozenset[str] = frozenset()
    title: str = ""


@dataclass(frozen=True, eq=False)
class Scan:
    """Everything that was found; ``ledger`` names every file."""

    ledger: LoadLedger
    pictures: tuple[PictureSource, ...]
    layers: tuple[LayerFile, ...] = ()
    findings: tuple[Finding, ...] = ()

    def with_refused(self, fates: Iterable[Fate]) -> "Scan":
        """Return the scan with the fates of files amended that the decoder could not read."""
        amended = {fate.path: fate for fate in fates}
        kept = tuple(amended.get(fate.path, fate) for fate in self.ledger.fates)
        return replace(self, ledger=LoadLedger(self.ledger.n_files, kept))
