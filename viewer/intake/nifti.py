"""NIfTI files: one picture for each volume, placed by sform or qform, RAS turned to LPS."""

import gzip
import io
import zlib
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Floats, Grid
from viewer.domain.quantity import PIXELS_ONLY
from viewer.domain.study import Identity, Instance, Patient, Series, Study
from viewer.domain.volume import Display, ValueMap, Window
from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.intake.find import Found
from viewer.intake.limits import MAX_FRAMES, MAX_INFLATE_RATIO, MAX_VOXEL_MM
from viewer.intake.source import NiftiPixels, PictureSource

_RAS_TO_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))
_HEADER_BYTES = 1024
_EXPORT_AGAIN = "Export the image again."
_NAMES = (".nii.gz", ".nii", ".hdr", ".img")


def nifti_pictures(found: Found, size: int, *, is_gzipped: bool) -> list[PictureSource]:
    """Return the pictures of a NIfTI file, one for each volume in time.

    Raises
    ------
    Damaged
        The affine is nonsense, or the file is shorter than its header says.
    Unsupported
        Complex or colour values, or more than four dimensions.
    """
    header = _header(found.path, is_gzipped=is_gzipped)
    try:
        shape_kji, n_volumes = _shape(header.get_data_shape())
        dtype = np.dtype(header.get_data_dtype())
    except InputRefused:
        raise
    except Exception as error:
        raise Damaged("The NIfTI header is broken.", remedy=_EXPORT_AGAIN) from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise Unsupported(f"NIfTI values of type {dtype} are not read.", remedy=_EXPORT_AGAIN)
    offset = int(header.get_data_offset())
    per_volume = int(np.prod(shape_kji)) * dtype.itemsize
    _check_size(size, offset, per_volume * n_volumes, is_gzipped=is_gzipped)
    return [
        _picture(
            found,
            header,
            shape_kji,
            dtype,
            (number, n_volumes),
            NiftiPixels(
                found.path, found.shown, is_gzipped, offset + number * per_volume, dtype.str
            ),
        )
        for number in range(n_volumes)
    ]


def open_nifti(path: str, *, is_gzipped: bool) -> IO[bytes]:
    """Return the (inflated) bytes of the file."""
    if is_gzipped:
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return Path(path).open("rb")


def _header(path: str, *, is_gzipped: bool) -> Any:
    from nibabel import Nifti1Header, Nifti2Header

    try:
        with open_nifti(path, is_gzipped=is_gzipped) as file:
            head = file.read(_HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged("The NIfTI file cannot be unpacked.", remedy="Copy it again.") from error
    if head[344:347] == b"ni1" or head[4:7] == b"ni2":
        raise Unsupported(
            "The image of this NIfTI header lies in a second file, which is not read.",
            remedy="Convert the pair to one .nii file.",
        )
    kind: Any = Nifti2Header if head[4:7] == b"n+2" else Nifti1Header
    try:
        return kind.from_fileobj(io.BytesIO(head), check=False)
    except Exception as error:
        raise Damaged("The NIfTI header is broken.", remedy=_EXPORT_AGAIN) from error


def _shape(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], int]:
    n_i, n_j, n_k, n_t, *more = (*(int(n) for n in shape), *(1,) * 4)[: max(4, len(shape))]
    if not shape or min(shape) < 1 or n_t > MAX_FRAMES:
        raise Damaged("The NIfTI header gives no usable size.", remedy=_EXPORT_AGAIN)
    if any(n > 1 for n in more):
        raise Unsupported("NIfTI images of five dimensions are not read.", remedy=_EXPORT_AGAIN)
    return (n_k, n_j, n_i), n_t


def _check_size(size: int, offset: int, expected: int, *, is_gzipped: bool) -> None:
    there = max((size * MAX_INFLATE_RATIO if is_gzipped else size) - offset, 0)
    if there < expected:
        percent = int(100 * there / expected)
        raise Damaged(
            f"The file is cut off after {percent} % of its pixels.", remedy="Copy it again."
        )


def _affine_lps(header: Any) -> tuple[Floats, bool]:
    """Return the affine, and whether the file really gives one."""
    is_given = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    try:
        with np.errstate(all="ignore"):
            affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except Exception as error:
        raise Damaged(_NONSENSE, remedy=_EXPORT_AGAIN) from error
    return _RAS_TO_LPS @ affine, is_given


_NONSENSE = "The NIfTI file's affine is nonsense, so nothing can be placed in the patient."


def _grid(header: Any, shape_kji: tuple[int, int, int]) -> tuple[Grid, bool]:
    affine, is_given = _affine_lps(header)
    try:
        grid = Grid(shape_kji, affine)
    except InputRefused as refusal:
        raise Damaged(_NONSENSE, remedy=_EXPORT_AGAIN) from refusal
    if max(grid.spacing_ijk_mm) > MAX_VOXEL_MM or np.abs(affine[:3, 3]).max() > 1e6:
        raise Damaged(_NONSENSE, remedy=_EXPORT_AGAIN)
    return grid, is_given


def _picture(
    found: Found,
    header: Any,
    shape_kji: tuple[int, int, int],
    dtype: np.dtype[Any],
    turn: tuple[int, int],
    pixels: NiftiPixels,
) -> PictureSource:
    number, n_volumes = turn
    grid, is_given = _grid(header, shape_kji)
    title = _title(found.shown)
    if n_volumes > 1:
        title = f"{title} (volume {number + 1})"
    findings: tuple[Finding, ...] = ()
    if not is_given:
        text = "The file does not say how it lies in the patient; sides may be wrong."
        findings = (Finding(Severity.WARNING, title, text),)
    key = _key(found)
    return PictureSource(
        key=f"{key}#{number + 1}" if number else key,
        identity=_identity(found, key, title, shape_kji[0]),
        grid=grid,
        shape_kji=shape_kji,
        n_files=1,
        title=title,
        findings=findings,
        quantity=_quantity(header, shape_kji[0]),
        display=_display(header),
        dtype=dtype.newbyteorder("="),
        is_colour=False,
        pixels=pixels,
        spacing=PIXELS_ONLY,
    )


def _title(shown: str) -> str:
    name = Path(shown).name
    return next((name.removesuffix(end) for end in _NAMES if name.endswith(end)), name)


def _key(found: Found) -> str:
    """Return a UID that is the same whenever this file is opened."""
    return f"2.25.{int.from_bytes(sha256(found.shown.encode()).digest()[:15], 'big')}"


def _identity(found: Found, key: str, title: str, n_slices: int) -> Identity:
    return Identity(
        Patient(),
        Study(f"{key}.1"),
        Series(key, None, "", title),
        tuple(Instance("", key, found.path, k + 1) for k in range(n_slices)),
    )


def _quantity(header: Any, n_slices: int) -> ValueMap:
    slope, intercept = header.get_slope_inter()
    if slope is None or not np.isfinite(slope) or slope == 0:
        return ValueMap.identity(n_slices)
    offset = 0.0 if intercept is None or not np.isfinite(intercept) else float(intercept)
    return ValueMap(np.full(n_slices, float(slope)), np.full(n_slices, offset))


def _display(header: Any) -> Display:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    if np.isfinite([low, high]).all() and high > low:
        return Display((Window((low + high) / 2, high - low),))
    return Display()
