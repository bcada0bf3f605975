"""Compressed frames to samples, with the checks that keep hostile streams small.

imagecodecs decodes with the interpreter free, so that two threads gain (performance.md 3).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, Unsupported
from viewer.intake.header import inflated
from viewer.intake.layout import Layout

Samples = NDArray[Any]

_PREFIX = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_JPEG = frozenset(_PREFIX + tail for tail in ("50", "51", "52", "53", "54", "55"))
_JPEG_LOSSLESS = frozenset(_PREFIX + tail for tail in ("57", "70"))
_JPEG_LS = frozenset((_PREFIX + "80", _PREFIX + "81"))
_JPEG_2000 = frozenset(_PREFIX + tail for tail in ("90", "91", "92", "93", "201", "202", "203"))
_JPEG_XL = frozenset(_PREFIX + tail for tail in ("110", "111", "112"))
_COPY_AGAIN = "Copy the file again from its source."
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_FRAME = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xF7))


def decoded(data: bytes, layout: Layout, syntax: str) -> Samples:
    """Return one frame (rows, columns) or (rows, columns, 3), before masks and colour.

    Raises
    ------
    Unsupported
        The transfer syntax is not read.
    Damaged
        The stream is broken, or describes an image of another size than the header.
    """
    decoder = _decoder(data, syntax)
    if decoder in (_jpeg, _lossless, _jpeg_ls, _jpeg_2000):
        _check_stream(data, layout)
    try:
        samples = decoder(data, layout)
    except (RuntimeError, ValueError, TypeError, OSError, IndexError) as error:
        raise Damaged("An image's compressed pixels are broken.", remedy=_COPY_AGAIN) from error
    return _shaped(samples, layout)


def _decoder(data: bytes, syntax: str) -> Callable[[bytes, Layout], Samples]:
    table: tuple[tuple[frozenset[str], Callable[[bytes, Layout], Samples]], ...] = (
        (_JPEG, _jpeg),
        (_JPEG_LOSSLESS, _lossless),
        (_JPEG_LS, _jpeg_ls),
        (_JPEG_2000, _jpeg_2000),
        (frozenset((RLE,)), _rle),
        (_JPEG_XL, _jpeg_xl),
        (frozenset((DEFLATED_FRAMES,)), _deflated),
    )
    for syntaxes, decoder in table:
        if syntax in syntaxes:
            return decoder
    if data[:2] == b"\xff\xd8":
        return _jpeg
    if data[:4] == b"\xff\x4f\xff\x51":
        return _jpeg_2000
    raise Unsupported(
        f"The transfer syntax {syntax or 'of its pixels'} is not read.",
        remedy="Export the images uncompressed.",
    )


def is_plain(syntax: str, *, is_native: bool) -> bool:
    """Whether decoding gives the file's words as they are, foreign bits included."""
    return is_native or syntax in (RLE, DEFLATED_FRAMES)


def gives_rgb(syntax: str, *, is_native: bool) -> bool:
    """Whether decoding ends in RGB although the header says luminance and chrominance."""
    keeps = _JPEG_LS | _JPEG_LOSSLESS | {RLE, DEFLATED_FRAMES}
    return not is_native and syntax not in keeps


def _shaped(samples: Samples, layout: Layout) -> Samples:
    wanted: tuple[int, ...] = (layout.rows, layout.columns)
    if layout.samples == 3:
        wanted = (*wanted, 3)
    if samples.shape != wanted and samples.size != int(np.prod(wanted)):
        size = "x".join(map(str, samples.shape))
        raise Damaged(
            f"An image holds {size} samples instead of the header's {'x'.join(map(str, wanted))}.",
            remedy=_COPY_AGAIN,
        )
    return samples.reshape(wanted)


def _jpeg(data: bytes, layout: Layout) -> Samples:
    import imagecodecs

    if layout.samples == 3 and layout.photometric == "RGB" and not _says_chrominance(data):
        found = imagecodecs.jpeg8_decode(data, colorspace="rgb", outcolorspace="rgb")
    else:
        found = imagecodecs.jpeg_decode(data)
    return np.asarray(found)


def _says_chrominance(data: bytes) -> bool:
    """Whether the stream itself says YCbCr (JFIF, or Adobe's transform 1), against the header."""
    head = data[:4096]
    at = head.find(b"\xff\xee\x00\x0eAdobe")
    return b"JFIF\0" in head or (at >= 0 and head[at + 15 : at + 16] == b"\x01")


def _lossless(data: bytes, _layout: Layout) -> Samples:
    import imagecodecs

    try:
        return np.asarray(imagecodecs.ljpeg_decode(data))
    except (RuntimeError, ValueError, IndexError):
        return np.asarray(imagecodecs.jpegsof3_decode(data))


def _jpeg_ls(data: bytes, _layout: Layout) -> Samples:
    import imagecodecs

    # Where a stream ends within a code, CharLS 2.4 counts zeros for seconds: a marker stops it.
    return np.asarray(imagecodecs.jpegls_decode(data + _END_OF_IMAGE))


def _jpeg_2000(data: bytes, _layout: Layout) -> Samples:
    import imagecodecs

    return np.asarray(imagecodecs.jpeg2k_decode(data))


def _jpeg_xl(data: bytes, _layout: Layout) -> Samples:
    import imagecodecs

    return np.asarray(imagecodecs.jpegxl_decode(data))


def _rle(data: bytes, layout: Layout) -> Samples:
    import imagecodecs

    size = (layout.bits_allocated + 7) // 8
    flat = imagecodecs.dicomrle_decode(data, np.dtype(f"<u{size}"))
    samples = np.frombuffer(flat, dtype=f"<u{size}")
    if layout.samples == 3:
        planes = samples.reshape(3, layout.rows, layout.columns)
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return samples


def _deflated(data: bytes, layout: Layout) -> Samples:
    return native(inflated(data.rstrip(b"\0")), layout, "<", 0)


def native(data: bytes, layout: Layout, order: str, frame: int) -> Samples:
    """Return frame ``frame`` of native pixels ``data`` (from its first bit on), any allocation."""
    n_samples = layout.rows * layout.columns * layout.samples
    if layout.bits_allocated == 1:
        start = frame * layout.frame_bits % 8
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[start : start + n_samples].reshape(layout.rows, layout.columns)
    if layout.bits_allocated == 12:
        return _packed_twelve(data, n_samples).reshape(layout.rows, layout.columns)
    kind = np.dtype(f"{order}{'f' if layout.is_float else 'u'}{layout.bits_allocated // 8}")
    if layout.photometric.startswith("YBR_FULL_422"):
        return _upsampled(np.frombuffer(data, kind), layout)
    samples = np.frombuffer(data, kind, count=n_samples)
    if layout.samples == 1:
        return samples.reshape(layout.rows, layout.columns)
    if layout.planar:
        return np.moveaxis(samples.reshape(3, layout.rows, layout.columns), 0, -1)
    return samples.reshape(layout.rows, layout.columns, 3)


def _packed_twelve(data: bytes, n_samples: int) -> Samples:
    """Return samples of 12 bits, packed two to three bytes (ACR-NEMA)."""
    raw = np.frombuffer(data, np.uint8).astype(np.uint16)
    raw = raw[: len(raw) // 3 * 3].reshape(-1, 3)
    first = raw[:, 0] | (raw[:, 1] & 0x0F) << 8
    second = raw[:, 1] >> 4 | raw[:, 2] << 4
    return np.stack((first, second), axis=1).reshape(-1)[:n_samples]


def _upsampled(samples: Samples, layout: Layout) -> Samples:
    """Return full chrominance of YBR_FULL_422 (Y1 Y2 Cb Cr for each two pixels)."""
    quads = samples.reshape(layout.rows, layout.columns // 2, 4)
    full = np.empty((layout.rows, layout.columns, 3), dtype=samples.dtype)
    full[:, 0::2, 0], full[:, 1::2, 0] = quads[..., 0], quads[..., 1]
    for channel in (1, 2):
        full[..., channel] = np.repeat(quads[..., channel + 1], 2, axis=1)
    return full


def masked(samples: Samples, layout: Layout, *, is_native: bool) -> Samples:
    """Return samples cut to the bits in use and sign-extended, in the layout's own type.

    Foreign bits above the stored ones occur in real files, and decoders leave the sign away
    (README of the test data 3.2.6, 3.3.6). Only native samples can lie above bit 0. A lossy
    decoder may overshoot the bits in use a little: cutting that would turn white into black.
    """
    agrees = (samples.dtype.kind == "i") == layout.signed
    if layout.is_float or (agrees and not is_native):
        return samples.astype(layout.sample_type, copy=False)
    width = 8 * layout.sample_type.itemsize
    low = layout.high_bit + 1 - layout.bits_stored if is_native else 0
    unsigned = samples.astype(f"u{width // 8}", copy=False)
    spare = width - layout.bits_stored
    if not spare:
        return unsigned.view(layout.sample_type)
    shifted = (unsigned << (spare - low)).view(layout.sample_type)
    return np.asarray(shifted >> spare)


def _check_stream(data: bytes, layout: Layout) -> None:
    """Refuse a stream whose own header claims another size, before anything is allocated."""
    size = _jpeg_2000_size(data) if data[:2] != b"\xff\xd8" else _jpeg_size(data)
    if size is not None and size != (layout.rows, layout.columns):
        raise Damaged(
            f"An image is {size[1]} x {size[0]} pixels instead of the header's "
            f"{layout.columns} x {layout.rows}.",
            remedy=_COPY_AGAIN,
        )


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (rows, columns) of the frame header of a JPEG or JPEG-LS stream."""
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _START_OF_FRAME:
            rows = int.from_bytes(data[position + 5 : position + 7], "big")
            return rows, int.from_bytes(data[position + 7 : position + 9], "big")
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _jpeg_2000_size(data: bytes) -> tuple[int, int] | None:
    """Return (rows, columns) of the SIZ marker of a code stream, within a JP2 box or not."""
    at = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or at + 24 > len(data):
        return None
    right, bottom, left, top = (
        int.from_bytes(data[at + n : at + n + 4], "big") for n in (8, 12, 16, 20)
    )
    return bottom - top, right - left
