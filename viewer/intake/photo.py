"""PNG, JPEG and TIFF files: pictures without a patient, a place and a scale.

The resolution that such files carry is one of printers and scanners: it says nothing of the body,
so lengths stay in pixels.
"""

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.volume import Display, ValueMap, Window
from viewer.errors import Unsupported
from viewer.intake.described import identity_of, key_of, title_of
from viewer.intake.find import Found
from viewer.intake.limits import MAX_PICTURE_BYTES
from viewer.intake.photo_headers import PhotoHeader, photo_header
from viewer.intake.recognise import Kind
from viewer.intake.source import PhotoPixels, PictureSource

_NO_SCALE = "The picture is not calibrated; lengths are in pixels."


def photo_pictures(found: Found, size: int, kind: Kind) -> list[PictureSource]:
    """Return the picture of a file of ``kind`` PNG, JPEG or TIFF; pages of one size are a stack.

    Raises
    ------
    Damaged
        The header is broken, or the file is too short for its picture.
    Unsupported
        The picture is too large, or its samples are not grey or RGB.
    """
    if size > MAX_PICTURE_BYTES:
        raise Unsupported(
            f"{kind.name} files above {MAX_PICTURE_BYTES >> 30} GiB are not read.",
            remedy="Export a smaller one.",
        )
    header = photo_header(found.path, kind, size)
    title, key = title_of(found), key_of(found)
    dtype = np.dtype(np.uint8) if header.is_colour else header.dtype
    return [
        PictureSource(
            key=key,
            identity=identity_of(found, title, header.n_pages),
            grid=None,
            shape_kji=(header.n_pages, header.rows, header.columns),
            n_files=1,
            title=title,
            findings=tuple(Finding(level, title, text) for level, text in _remarks(header)),
            quantity=ValueMap.identity(header.n_pages),
            display=_display(header),
            dtype=dtype,
            is_colour=header.is_colour,
            pixels=PhotoPixels(found.path, found.shown, kind.name, header.begins_at),
        )
    ]


def _display(header: PhotoHeader) -> Display:
    """Return the full range for eight bits; what the picture uses of more is for the viewer."""
    windows = (Window(128.0, 256.0),) if header.dtype == np.uint8 and not header.is_colour else ()
    return Display(windows, header.inverted)


def _remarks(header: PhotoHeader) -> list[tuple[Severity, str]]:
    remarks = [(Severity.NOTE, _NO_SCALE)]
    if 2 <= header.turn <= 8:
        text = "The file asks to be turned or mirrored for viewing; it is shown as it was stored."
        remarks.append((Severity.WARNING, text))
    if header.has_alpha:
        remarks.append((Severity.NOTE, "Its transparency is left out."))
    if header.is_colour and header.dtype.itemsize == 2:
        remarks.append((Severity.NOTE, "Of its 16-bit colours the upper 8 bits are shown."))
    if header.n_left_out:
        n_pages = header.n_left_out + 1
        text = f"The file holds {n_pages} pictures that are not alike; the first one is shown."
        remarks.append((Severity.WARNING, text))
    return remarks
