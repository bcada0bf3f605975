"""Colour: palettes and luminance-chrominance to RGB, 8 bits a channel."""

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged
from viewer.intake import tags
from viewer.intake.header import Header

Rgb = NDArray[np.uint8]


def palette_of(header: Header) -> tuple[int, Rgb]:
    """Return (first stored value, RGB table (n, 3)) of a palette image (PS3.3 C.7.6.3.1.5).

    Raises
    ------
    Damaged
        The palette is missing or shorter than it says.
    """
    channels = []
    first = 0
    for descriptor_tag, data_tag, segmented_tag in zip(
        tags.PALETTE_DESCRIPTORS, tags.PALETTE_DATA, tags.PALETTE_SEGMENTED, strict=True
    ):
        descriptor = [int(v) for v in header.binary(descriptor_tag, "H")]
        if len(descriptor) != 3:
            raise Damaged("The colour palette is missing.", remedy="Export the image again.")
        n_entries, first, bits = descriptor[0] or 65536, descriptor[1], descriptor[2]
        raw = header.values.get(data_tag, b"")
        if not raw and header.values.get(segmented_tag):
            raw = _expanded(header.values[segmented_tag], header.encoding.order)
            bits = 16
        channels.append(_channel(raw, n_entries, bits, header.encoding.order))
    if len({len(channel) for channel in channels}) != 1:
        raise Damaged("The colour palette's parts differ in length.", remedy="Export it again.")
    return first, np.stack(channels, axis=1)


def _channel(raw: bytes, n_entries: int, bits: int, order: str) -> NDArray[np.uint8]:
    if len(raw) >= 2 * n_entries:
        table = np.frombuffer(raw, dtype=f"{order}u2", count=n_entries).astype(np.uint32)
        # Entries of 8 bits are at times stored in words of 16, and full scale is at times < 65535.
        top = 255 if bits == 8 and int(table.max(initial=0)) <= 255 else 65535
        return (table * 255 // top).astype(np.uint8)
    if len(raw) >= n_entries:
        return np.frombuffer(raw, dtype=np.uint8, count=n_entries)
    raise Damaged("The colour palette is cut off.", remedy="Export the image again.")


def _expanded(raw: bytes, order: str) -> bytes:
    """Return the entries of a segmented palette (PS3.3 C.7.9.2), 16 bits each, in ``order``."""
    words = np.frombuffer(raw[: len(raw) // 2 * 2], dtype=f"{order}u2").tolist()
    found: list[int] = []
    at = 0
    while at + 2 <= len(words):
        kind, length = words[at], words[at + 1]
        if kind == 0:
            found += words[at + 2 : at + 2 + length]
            at += 2 + length
        elif kind == 1 and found and at + 2 < len(words):
            ramp = np.linspace(found[-1], words[at + 2], length + 1)[1:]
            found += np.rint(ramp).astype(int).tolist()
            at += 3
        else:
            raise Damaged("The colour palette is segmented in a way that is not read.")
        if len(found) > 1 << 16:
            raise Damaged("The colour palette is longer than it may be.")
    return np.array(found, dtype=f"{order}u2").tobytes()


def coloured(stored: NDArray[np.generic], palette: tuple[int, Rgb]) -> Rgb:
    """Return the RGB (h, w, 3) of palette indices; beyond the ends the end colours hold."""
    first, table = palette
    index = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
    return np.asarray(np.take(table, index, axis=0), dtype=np.uint8)


def rgb_of_ybr(stored: NDArray[np.generic]) -> Rgb:
    """Return the RGB of YBR_FULL samples (h, w, 3) (PS3.3 C.7.6.3.1.2)."""
    y, b, r = (stored[..., n].astype(np.float32) for n in range(3))
    b -= 128
    r -= 128
    rgb = np.stack((y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b), axis=-1)
    return np.asarray(np.clip(np.rint(rgb), 0, 255), dtype=np.uint8)


def eight_bits(stored: NDArray[np.generic], bits_stored: int) -> Rgb:
    """Return colour samples of any depth as 8 bits a channel."""
    if stored.dtype == np.uint8:
        return np.asarray(stored, dtype=np.uint8)
    shift = max(bits_stored - 8, 0)
    return (stored.astype(np.uint32) >> shift).astype(np.uint8)
