"""Overlays (groups 60xx) and display shutters of an image's header."""

import numpy as np

from viewer.domain.graphics import Overlay, Shutter
from viewer.errors import InputRefused
from viewer.intake import tags
from viewer.intake.frames import Frame
from viewer.intake.header import Elements

_OVERLAY_TAGS = frozenset(
    group | element
    for group in tags.OVERLAY_GROUPS
    for element in (tags.OVERLAY_DATA, tags.OVERLAY_BIT_POSITION)
)


def overlays_of(frame: Frame) -> tuple[Overlay, ...]:
    """Return the bitmaps that lie on a frame; broken ones are left out."""
    if _OVERLAY_TAGS.isdisjoint(frame.header.values):
        return ()
    found = []
    for group in tags.OVERLAY_GROUPS:
        if group | tags.OVERLAY_DATA not in frame.header:
            continue
        try:
            overlay = _overlay(frame, group)
        except (InputRefused, ValueError):
            continue
        if overlay is not None:
            found.append(overlay)
    return tuple(found)


def hides_overlay_in_pixels(frame: Frame) -> bool:
    """Whether an overlay lies in unused bits of the pixels (retired in 2004), not in its own."""
    header = frame.header
    if _OVERLAY_TAGS.isdisjoint(header.values):
        return False
    return any(
        (header.short(group | tags.OVERLAY_BIT_POSITION) or 0) > 0
        for group in tags.OVERLAY_GROUPS
        if group | tags.OVERLAY_BIT_POSITION in header and group | tags.OVERLAY_DATA not in header
    )


def _overlay(frame: Frame, group: int) -> Overlay | None:
    header = frame.header
    rows = header.short(group | tags.OVERLAY_ROWS)
    columns = header.short(group | tags.OVERLAY_COLUMNS)
    origin = header.binary(group | tags.OVERLAY_ORIGIN, "h")
    if not rows or not columns or len(origin) != 2:
        return None
    bits = header.values[group | tags.OVERLAY_DATA]
    n_frames = header.whole(group | tags.OVERLAY_FRAMES)
    if n_frames is not None and frame.file.n_frames > 1:
        first = header.short(group | tags.OVERLAY_FRAME_ORIGIN) or 1
        at = frame.number - first
        if not 0 <= at < n_frames:
            return None
        if n_frames > 1:
            bits = _bits_of_frame(bits, at, rows * columns)
    label = header.text(group | tags.OVERLAY_LABEL) or header.text(group | tags.OVERLAY_DESCRIPTION)
    row, column = int(origin[0]) - 1, int(origin[1]) - 1
    return Overlay(rows, columns, row, column, bits[: (rows * columns + 7) // 8], label)


def _bits_of_frame(bits: bytes, at: int, n_bits: int) -> bytes:
    """Return one frame's bits: frames follow each other without filling up to whole bytes."""
    first = at * n_bits // 8
    part = np.frombuffer(bits[first : (at + 1) * n_bits // 8 + 1], dtype=np.uint8)
    loose = np.unpackbits(part, bitorder="little")
    start = at * n_bits - first * 8
    return np.packbits(loose[start : start + n_bits], bitorder="little").tobytes()


def shutter_of(elements: Elements) -> Shutter | None:
    """Return the shutter that a header asks for; None without a usable one."""
    kinds = elements.texts(tags.SHUTTER_SHAPE)
    if not kinds:
        return None
    return Shutter.of(
        kinds,
        edges=[elements.number(tag) for tag in tags.SHUTTER_EDGES],
        centre=elements.numbers(tags.SHUTTER_CENTRE),
        radius=elements.number(tags.SHUTTER_RADIUS),
        vertices=elements.numbers(tags.SHUTTER_VERTICES),
    )
