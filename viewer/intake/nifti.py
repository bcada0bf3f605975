"""NIfTI files: one picture for each volume, placed by sform or qform, RAS turned to LPS."""

import io
import zlib
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np

from viewer.domain.finding import Severity
from viewer.domain.geometry import Floats
from viewer.domain.volume import Display, Window
from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.intake.beside import DataFile, image_beside
from viewer.intake.described import (
    EXPORT_AGAIN,
    Described,
    Samples,
    no_size,
    nonsense,
    pictures_of_volumes,
)
from viewer.intake.find import Found
from viewer.intake.limits import MAX_FRAMES
from viewer.intake.raw_slices import unpacked_bytes
from viewer.intake.source import Packing, PictureSource

_RAS_TO_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))
_HEADER_BYTES = 1024
_NO_PLACE = "The file does not say how it lies in the patient; sides may be wrong."


def nifti_pictures(
    found: Found, size: int, known: Mapping[str, str], *, is_gzipped: bool
) -> tuple[list[PictureSource], DataFile | None]:
    """Return the pictures of a NIfTI file, one for each volume in time; of a pair its .img, too.

    ``known`` is for ``image_beside``.

    Raises
    ------
    Damaged
        The affine is nonsense, or the file is shorter than its header says.
    Unsupported
        Complex or colour values, or more than four dimensions.
    """
    packing = Packing.GZIP if is_gzipped else Packing.NONE
    header = _header(found.path, packing)
    try:
        shape_kji, n_volumes = _shape(header.get_data_shape())
        dtype = np.dtype(header.get_data_dtype())
        offset = int(header.get_data_offset())
    except InputRefused:
        raise
    except Exception as error:
        raise Damaged("The NIfTI header is broken.", remedy=EXPORT_AGAIN) from error
    affine, is_given = _affine_lps(header)
    described = Described(
        "NIfTI",
        shape_kji,
        dtype,
        affine,
        n_volumes,
        scale=_scale(header),
        display=_display(header),
        remarks=() if is_given else ((Severity.WARNING, _NO_PLACE),),
    )
    start, offset = (0, offset) if is_gzipped else (offset, 0)
    data = image_beside(found, known) if header["magic"].item()[:2] == b"ni" else None
    file = data or DataFile(found, size)
    samples = Samples(file.found.path, file.size, start, packing, offset)
    return pictures_of_volumes(found, described, samples), data


def _header(path: str, packing: Packing) -> Any:
    from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
    from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader

    kinds = {
        b"n+1": Nifti1Header,
        b"ni1": Nifti1PairHeader,
        b"n+2": Nifti2Header,
        b"ni2": Nifti2PairHeader,
    }
    try:
        with closing(unpacked_bytes(path, packing)) as file:
            head = file.read(_HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged("The NIfTI file cannot be unpacked.", remedy="Copy it again.") from error
    kind: Any = kinds.get(head[4:7]) or kinds.get(head[344:347], Nifti1Header)
    try:
        return kind.from_fileobj(io.BytesIO(head), check=False)
    except Exception as error:
        raise Damaged("The NIfTI header is broken.", remedy=EXPORT_AGAIN) from error


def _shape(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], int]:
    n_i, n_j, n_k, n_t, *more = (*(int(n) for n in shape), *(1,) * 4)[: max(4, len(shape))]
    if not shape or min(shape) < 1 or n_t > MAX_FRAMES:
        raise no_size("NIfTI")
    if any(n > 1 for n in more):
        raise Unsupported("NIfTI images of five dimensions are not read.", remedy=EXPORT_AGAIN)
    return (n_k, n_j, n_i), n_t


def _affine_lps(header: Any) -> tuple[Floats, bool]:
    """Return the affine, and whether the file really gives one."""
    is_given = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    try:
        with np.errstate(all="ignore"):
            affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except Exception as error:
        raise nonsense("NIfTI") from error
    with np.errstate(all="ignore"):  # what is not finite is refused as nonsense later
        return _RAS_TO_LPS @ affine, is_given


def _scale(header: Any) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if np.isfinite(intercept) else 0.0


def _display(header: Any) -> Display:
    low, high = float(header["cal_min"]), float(header["cal_max"])
    if np.isfinite([low, high]).all() and high > low:
        return Display((Window((low + high) / 2, high - low),))
    return Display()
