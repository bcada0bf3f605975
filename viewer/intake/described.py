"""Pictures of files that hold whole volumes, from what their headers were understood to say."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Floats, Grid
from viewer.domain.quantity import PIXELS_ONLY, Spacing
from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.domain.volume import Display, ValueMap
from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.intake.find import Found
from viewer.intake.limits import (
    MAX_FRAMES,
    MAX_INFLATE_RATIO,
    MAX_INFLATED_BYTES,
    MAX_ORIGIN_MM,
    MAX_VOXEL_MM,
)
from viewer.intake.source import Packing, PictureSource, RawPixels

EXPORT_AGAIN = "Export the image again."
COPY_AGAIN = "Copy the file again from its source."
UNKNOWN_SIDES = (
    Severity.WARNING,
    "The file does not say how it lies in the patient; it is shown as stored, without sides.",
)
_ENDING = re.compile(
    r"\.(nii|nii\.gz|hdr|img|nhdr|nrrd|mh[ad]|mg[hz]|png|jpe?g|tiff?)$", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Described:
    """What the header of a volume file says.

    ``ijk_to_lps`` (4, 4) is None where the file does not say how it lies in the patient: then the
    slices become a stack with ``spacing``. Of ``n_volumes``, all of one size, the samples follow
    each other, or they are interleaved voxel by voxel (``is_interleaved``). Colours are RGB,
    interleaved, with ``n_samples`` 3, or 4 of which the last one is left out.
    """

    format: str
    shape_kji: tuple[int, int, int]
    stored_type: np.dtype[Any]
    ijk_to_lps: Floats | None
    n_volumes: int = 1
    n_samples: int = 1
    is_interleaved: bool = False
    is_colour: bool = False
    spacing: Spacing = PIXELS_ONLY
    scale: tuple[float, float] = (1.0, 0.0)
    display: Display = field(default_factory=Display)
    remarks: tuple[tuple[Severity, str], ...] = ()

    @property
    def volume_bytes(self) -> int:
        """Length of one volume in the file, all of its samples."""
        n_k, n_j, n_i = self.shape_kji
        return n_k * n_j * n_i * self.n_samples * self.stored_type.itemsize

    @property
    def n_bytes(self) -> int:
        """Length of all samples, unpacked."""
        return self.volume_bytes * (1 if self.is_interleaved else self.n_volumes)


@dataclass(frozen=True, slots=True)
class Samples:
    """Where the samples lie: a file, its length, and the byte at which they begin.

    ``offset`` counts unpacked bytes that come before them.
    """

    path: str
    size: int
    start: int
    packing: Packing = Packing.NONE
    offset: int = 0


def pictures_of_volumes(
    found: Found, described: Described, samples: Samples
) -> list[PictureSource]:
    """Return one picture for each volume.

    Raises
    ------
    Damaged
        The sizes are no sizes, the affine is nonsense, or the file is too short for its samples.
    Unsupported
        The type of the samples cannot be shown, or they unpack to more than 4 GiB.
    """
    _check_type(described)
    _check_length(described, samples)
    grid = None if described.ijk_to_lps is None else _grid(described, described.ijk_to_lps)
    return [
        _picture(found, described, samples, grid, number) for number in range(described.n_volumes)
    ]


def _check_type(described: Described) -> None:
    dtype = described.stored_type
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise Unsupported(
            f"{described.format} values of type {dtype} are not read.", remedy=EXPORT_AGAIN
        )
    if described.is_colour and (dtype.kind != "u" or dtype.itemsize > 2):
        raise Unsupported(
            f"{described.format} colours of type {dtype} are not read.", remedy=EXPORT_AGAIN
        )


def _check_length(described: Described, samples: Samples) -> None:
    """Compare what the header promises with what the file can hold, before anything is made."""
    if min(described.shape_kji) < 1 or not 1 <= described.n_volumes <= MAX_FRAMES:
        raise no_size(described.format)
    if samples.start < 0 or samples.offset < 0:
        raise Damaged("The header puts the pixels before the file.", remedy=EXPORT_AGAIN)
    there = max(samples.size - samples.start, 0)
    if samples.packing in (Packing.GZIP, Packing.ZLIB):
        there = max(there * MAX_INFLATE_RATIO - samples.offset, 0)
    if samples.packing is Packing.BZIP2:  # packs zeros without end: the next check bounds it
        there = described.n_bytes if there else 0
    if there < described.n_bytes:
        percent = int(100 * there / described.n_bytes)
        raise Damaged(f"The file is cut off after {percent} % of its pixels.", remedy=COPY_AGAIN)
    if samples.packing is not Packing.NONE and described.n_bytes > MAX_INFLATED_BYTES:
        raise Unsupported(
            "The file would unpack to more than 4 GiB.", remedy="Save it without compression."
        )


def no_size(name: str) -> Damaged:
    """Return the refusal of a header whose sizes are no sizes."""
    return Damaged(f"The {name} header gives no usable size.", remedy=EXPORT_AGAIN)


def nonsense(name: str) -> Damaged:
    """Return the refusal of a header that puts its voxels nowhere."""
    return Damaged(
        f"The {name} file's affine is nonsense, so nothing can be placed in the patient.",
        remedy=EXPORT_AGAIN,
    )


def _grid(described: Described, affine: Floats) -> Grid:
    if not (np.abs(affine) <= MAX_ORIGIN_MM).all():  # true of numbers that are not finite, too
        raise nonsense(described.format)
    try:
        grid = Grid(described.shape_kji, affine)
    except InputRefused as refusal:
        raise nonsense(described.format) from refusal
    if max(grid.spacing_ijk_mm) > MAX_VOXEL_MM:
        raise nonsense(described.format)
    return grid


def _picture(
    found: Found, described: Described, samples: Samples, grid: Grid | None, number: int
) -> PictureSource:
    title = title_of(found)
    if described.n_volumes > 1:
        title = f"{title} (volume {number + 1})"
    key = key_of(found)
    n_slices = described.shape_kji[0]
    slope, intercept = described.scale
    native = described.stored_type.newbyteorder("=")
    return PictureSource(
        key=f"{key}#{number + 1}" if number else key,
        identity=identity_of(found, title, n_slices),
        grid=grid,
        shape_kji=described.shape_kji,
        # Counted once, with the first volume: the sum over a series is its number of files.
        n_files=0 if number else 1 + (samples.path != found.path),
        title=title,
        findings=tuple(Finding(severity, title, text) for severity, text in described.remarks),
        quantity=ValueMap(np.full(n_slices, slope), np.full(n_slices, intercept)),
        display=described.display,
        dtype=np.dtype(np.uint8) if described.is_colour else native,
        is_colour=described.is_colour,
        pixels=_pixels(found, described, samples, number),
        spacing=described.spacing,
        label=f"volume {number + 1}" if described.n_volumes > 1 else "",
    )


def _pixels(found: Found, described: Described, samples: Samples, number: int) -> RawPixels:
    return RawPixels(
        samples.path,
        found.shown,
        samples.packing,
        samples.start,
        samples.offset + (0 if described.is_interleaved else number * described.volume_bytes),
        described.stored_type.str,
        described.n_samples,
        number if described.is_interleaved else 0,
        described.is_colour,
    )


def title_of(found: Found) -> str:
    """Return the name of the file without its ending."""
    return _ENDING.sub("", Path(found.shown).name)


def key_of(found: Found) -> str:
    """Return a UID that is the same whenever this file is opened."""
    return f"2.25.{int.from_bytes(sha256(found.shown.encode()).digest()[:15], 'big')}"


def identity_of(found: Found, title: str, n_slices: int) -> Identity:
    """Return the identity of a file that names nobody."""
    key = key_of(found)
    return Identity(
        Patient(),
        Study(f"{key}.1"),
        Series(key, None, "", title),
        tuple(Instance("", key, found.path, k + 1) for k in range(n_slices)),
    )
