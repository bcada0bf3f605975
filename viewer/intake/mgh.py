"""FreeSurfer's MGH and MGZ (gzipped) files.

Source: the FreeSurfer wiki, "MghFormat": a big-endian header of 284 bytes in which the directions
of the axes (RAS) and the point at the middle of the volume are given.
"""

import struct
import zlib
from contextlib import closing

import numpy as np

from viewer.domain.geometry import Floats
from viewer.errors import Damaged, Unsupported
from viewer.intake.described import (
    COPY_AGAIN,
    EXPORT_AGAIN,
    UNKNOWN_SIDES,
    Described,
    Samples,
    nonsense,
    pictures_of_volumes,
)
from viewer.intake.find import Found
from viewer.intake.limits import MAX_ORIGIN_MM
from viewer.intake.raw_slices import unpacked_bytes
from viewer.intake.recognise import MGH_HEADER
from viewer.intake.source import Packing, PictureSource

_DATA_AT = 284
_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
_RAS_TO_LPS = np.array((-1.0, -1.0, 1.0))
_PLACE = struct.Struct(">3f9f3f")


def mgh_pictures(found: Found, size: int, *, is_gzipped: bool) -> list[PictureSource]:
    """Return the pictures of an MGH file, one for each frame.

    Raises
    ------
    Damaged
        The header is nonsense, or the file is shorter than it says.
    Unsupported
        A type of samples that is not read.
    """
    packing = Packing.GZIP if is_gzipped else Packing.NONE
    head = _head(found.path, packing)
    _, n_i, n_j, n_k, n_frames, kind, _, is_placed = MGH_HEADER.unpack_from(head)
    if kind not in _TYPES:
        raise Unsupported("MGH values of this type are not read.", remedy=EXPORT_AGAIN)
    described = Described(
        "MGH",
        (n_k, n_j, n_i),
        np.dtype(_TYPES[kind]),
        _affine(head, (n_i, n_j, n_k)) if is_placed else None,
        n_frames,
        remarks=() if is_placed else (UNKNOWN_SIDES,),
    )
    start, offset = (0, _DATA_AT) if is_gzipped else (_DATA_AT, 0)
    return pictures_of_volumes(found, described, Samples(found.path, size, start, packing, offset))


def _head(path: str, packing: Packing) -> bytes:
    try:
        with closing(unpacked_bytes(path, packing)) as file:
            head = file.read(_DATA_AT)
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged("The MGZ file cannot be unpacked.", remedy=COPY_AGAIN) from error
    if len(head) < _DATA_AT:
        raise Damaged("The MGH file ends within its header.", remedy=COPY_AGAIN)
    return head


def _affine(head: bytes, size_ijk: tuple[int, int, int]) -> Floats:
    """Return the affine to LPS; the header's point is the one at index size / 2."""
    numbers = np.array(_PLACE.unpack_from(head, MGH_HEADER.size), dtype=np.float64)
    if not (np.abs(numbers) <= MAX_ORIGIN_MM).all():  # true of what is not finite, too
        raise nonsense("MGH")
    spacing, columns, middle = numbers[:3], numbers[3:12].reshape(3, 3).T, numbers[12:]
    ras = columns * spacing
    affine = np.eye(4)
    affine[:3, :3] = _RAS_TO_LPS[:, None] * ras
    affine[:3, 3] = _RAS_TO_LPS * (middle - ras @ (np.array(size_ijk) / 2))
    return affine
