"""A volume as NIfTI-1 on its way to a server, and the labels that come back.

Written here, and not with a library, so that what leaves is known byte by byte: a header of numbers
alone, no description, no file name. NIfTI-1: nifti.nimh.nih.gov, nifti1.h.
"""

import gzip
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.errors import InputRefused

_HEADER = 348
_FLOAT32 = 16
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM = 2
_FARTHEST_MM = 0.05  # that a grid may have moved on its way through single precision
_MOST_LABELS = 255
_SPARE_BYTES = 1 << 16  # for extensions of the header that a server may add


class NotLabels(Exception):
    """What came back is no mask on the grid that was sent; the text says why, for the log."""


def nifti_gz(values: NDArray[np.float32], grid: Grid) -> bytes:
    """Return a volume (k, j, i) on ``grid`` as the bytes of a .nii.gz file."""
    k, j, i = values.shape
    affine = _LPS_TO_RAS @ grid.ijk_to_lps
    header = bytearray(_HEADER)
    struct.pack_into("<i", header, 0, _HEADER)
    struct.pack_into("<8h", header, 40, 3, i, j, k, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, _FLOAT32, 32)
    struct.pack_into("<8f", header, 76, 1.0, *grid.spacing_ijk_mm, 0.0, 0.0, 0.0, 0.0)
    struct.pack_into("<fff", header, 108, _HEADER + 4.0, 1.0, 0.0)
    header[123] = _MM
    struct.pack_into("<hh", header, 252, 0, 1)  # sform alone: it takes sheared grids too
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    data = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return gzip.compress(bytes(header) + bytes(4) + data, compresslevel=1, mtime=0)


def labels_from(data: bytes, grid: Grid) -> NDArray[np.uint8]:
    """Return the labels (k, j, i) in the bytes of a .nii or .nii.gz file, once they fit ``grid``.

    Raises
    ------
    NotLabels
        They are cut short, lie elsewhere, are larger than asked for, or are no labels.
    """
    n_voxels = int(np.prod(grid.shape_kji))
    raw = _unpacked(data, _HEADER + _SPARE_BYTES + 8 * n_voxels)
    if len(raw) < _HEADER + 4 or raw[344:348] != b"n+1\0":
        raise NotLabels("no NIfTI-1 file")
    order = "<" if struct.unpack_from("<i", raw, 0)[0] == _HEADER else ">"
    dim = struct.unpack_from(f"{order}8h", raw, 40)
    code = struct.unpack_from(f"{order}h", raw, 70)[0]
    offset, slope, intercept = struct.unpack_from(f"{order}fff", raw, 108)
    shape = (dim[3], dim[2], dim[1])
    if dim[0] not in (3, 4) or any(n != 1 for n in dim[4 : dim[0] + 1]) or shape != grid.shape_kji:
        raise NotLabels(f"shape {dim}")
    if code not in _TYPES or slope not in (0.0, 1.0) or intercept != 0.0:
        raise NotLabels(f"type {code}, slope {slope}")
    if not _HEADER <= offset <= _HEADER + _SPARE_BYTES or offset != int(offset):
        raise NotLabels("offset")
    _check_place(raw, order, grid)
    dtype = np.dtype(order + _TYPES[code])
    if len(raw) - int(offset) < n_voxels * dtype.itemsize:
        raise NotLabels("cut short")
    return _as_labels(np.frombuffer(raw, dtype, n_voxels, int(offset)).reshape(shape))


def _unpacked(data: bytes, most: int) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data[:most]
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        raw = machine.decompress(data, most)
    except zlib.error as error:
        raise NotLabels("no gzip") from error
    if machine.unconsumed_tail:
        raise NotLabels(f"more than {most} bytes")
    return raw


def _check_place(raw: bytes, order: str, grid: Grid) -> None:
    """Compare the corners where the file says where it lies; qform alone is not read."""
    if struct.unpack_from(f"{order}h", raw, 254)[0] <= 0:
        return
    affine = np.eye(4)
    affine[:3] = np.array(struct.unpack_from(f"{order}12f", raw, 280)).reshape(3, 4)
    if not np.isfinite(affine).all():
        raise NotLabels("no affine")
    try:
        there = Grid(grid.shape_kji, _LPS_TO_RAS @ affine)
    except InputRefused as error:
        raise NotLabels("no affine") from error
    apart = np.abs(there.corners_lps_mm - grid.corners_lps_mm).max()
    if not apart < _FARTHEST_MM + 1e-5 * np.abs(grid.corners_lps_mm).max():
        raise NotLabels("it lies elsewhere")


def _as_labels(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    low, high = values.min(), values.max()
    if not (0 <= float(low) <= float(high) <= _MOST_LABELS):
        raise NotLabels("values that are no labels")
    labels = values.astype(np.uint8)
    if values.dtype.kind == "f" and (labels != values).any():
        raise NotLabels("values between labels")
    return labels
