"""Analyze 7.5: a header (.hdr) and a data file (.img) beside it.

Source: Mayo Clinic, "ANALYZE 7.5 File Format" (dbh.h). The format cannot say which side is which:
its field ``orient`` was written in contradictory ways. So the slices are a stack without sides.
"""

import struct
from collections.abc import Mapping

import numpy as np

from viewer.domain.finding import Severity
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.errors import Damaged, Unsupported
from viewer.intake.beside import DataFile, image_beside
from viewer.intake.described import (
    COPY_AGAIN,
    EXPORT_AGAIN,
    UNKNOWN_SIDES,
    Described,
    Samples,
    no_size,
    pictures_of_volumes,
)
from viewer.intake.find import Found
from viewer.intake.source import PictureSource

HEADER_BYTES = 348
_SIZES_AT, _UNIT_AT, _TYPE_AT, _SPACING_AT, _OFFSET_AT = 40, 56, 70, 76, 108
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"}
_COLOURS = 128
_UNITS = frozenset(("mm", ""))  # the standard counts in millimetres where nothing is said
_SCALED = (
    Severity.NOTE,
    "The header carries a scale factor as SPM writes it, which is not applied.",
)


def analyze_pictures(
    found: Found, head: bytes, known: Mapping[str, str]
) -> tuple[list[PictureSource], DataFile]:
    """Return the pictures of an Analyze header ``head``, one for each volume, and the data file.

    ``known`` is for ``data_file``; the data file has the header's own name, ending in .img.

    Raises
    ------
    Damaged
        The header is broken, or the data file is absent or too short.
    Unsupported
        A type of samples that is not read.
    """
    if len(head) < HEADER_BYTES:
        raise Damaged("The Analyze header is cut off.", remedy=COPY_AGAIN)
    order = "<" if head[:4] == HEADER_BYTES.to_bytes(4, "little") else ">"
    described = _described(head, order)
    (offset,) = struct.unpack_from(order + "f", head, _OFFSET_AT)
    if not (np.isfinite(offset) and offset == int(offset)):
        raise Damaged("The Analyze header is broken.", remedy=EXPORT_AGAIN)
    data = image_beside(found, known)
    # A negative offset (volumes that begin at multiples of it) is refused with other nonsense.
    samples = Samples(data.found.path, data.size, int(offset))
    return pictures_of_volumes(found, described, samples), data


def _described(head: bytes, order: str) -> Described:
    n_axes, *sizes = struct.unpack_from(order + "8h", head, _SIZES_AT)
    kind, n_bits = struct.unpack_from(order + "2h", head, _TYPE_AT)
    used = sizes[:n_axes]
    if not 2 <= n_axes <= 7 or min(used) < 1 or max(sizes[4:n_axes], default=1) > 1:
        raise no_size("Analyze")
    n_i, n_j, n_k, n_t = (*used, 1, 1)[:4]
    is_colour = kind == _COLOURS
    if kind not in _TYPES and not is_colour:
        raise Unsupported("Analyze values of this type are not read.", remedy=EXPORT_AGAIN)
    dtype = np.dtype("u1" if is_colour else order + _TYPES[kind])
    n_samples = 3 if is_colour else 1
    if n_bits not in (0, 8 * dtype.itemsize * n_samples):
        raise Damaged("The Analyze header is broken.", remedy=EXPORT_AGAIN)
    (scale,) = struct.unpack_from(order + "f", head, _OFFSET_AT + 4)
    is_scaled = np.isfinite(scale) and scale not in (0.0, 1.0)
    return Described(
        "Analyze",
        (n_k, n_j, n_i),
        dtype,
        None,
        n_t,
        n_samples,
        is_colour=is_colour,
        spacing=_spacing(head, order),
        remarks=(UNKNOWN_SIDES, *((_SCALED,) if is_scaled else ())),
    )


def _spacing(head: bytes, order: str) -> Spacing:
    column_mm, row_mm = struct.unpack_from(order + "2f", head, _SPACING_AT + 4)
    unit = head[_UNIT_AT : _UNIT_AT + 4].split(b"\0")[0].decode("latin-1").strip().lower()
    is_sound = all(1e-6 < length < 1e3 for length in (column_mm, row_mm))
    if unit not in _UNITS or not is_sound:
        return PIXELS_ONLY
    return Spacing(row_mm, column_mm, SpacingSource.PATIENT)
