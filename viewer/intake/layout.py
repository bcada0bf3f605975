"""How the pixels of one file are laid out, checked against the bytes that are there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from viewer.errors import Damaged, Unsupported
from viewer.intake import tags
from viewer.intake.elements import Encoding
from viewer.intake.header import Elements, Header
from viewer.intake.limits import MAX_FRAMES
from viewer.intake.meta import NATIVE

_COPY_AGAIN = "Copy the file again from its source."
_LEAVE_OUT = "Leave it out, or export the images again."
_FLOATS = {tags.FLOAT_PIXEL_DATA: 32, tags.DOUBLE_FLOAT_PIXEL_DATA: 64}
_ALLOCATIONS = (1, 8, 12, 16, 32, 64)
# An item's head and eight bytes: every kind of frame takes more, RLE's header alone 64.
_LEAST_COMPRESSED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """One frame's samples (PS3.3 C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    planar: bool
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    is_float: bool = False

    @property
    def is_colour(self) -> bool:
        """Whether decoding ends in RGB."""
        return self.samples == 3 or self.photometric == "PALETTE COLOR"

    @property
    def sample_type(self) -> np.dtype[np.generic]:
        """The type of one decoded sample, in this machine's byte order."""
        if self.is_float:
            return np.dtype(f"f{self.bits_allocated // 8}")
        size = 1 if self.bits_allocated <= 8 else 2 if self.bits_allocated <= 16 else 4
        return np.dtype(f"{'i' if self.signed else 'u'}{size}")

    @property
    def frame_bits(self) -> int:
        """Length of one native frame in bits."""
        samples = 2 if self.photometric.startswith("YBR_FULL_422") else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    def native_bytes(self, n_frames: int) -> int:
        """Return the length of ``n_frames`` native frames; 1-bit frames are packed together."""
        return (self.frame_bits * n_frames + 7) // 8


@dataclass(frozen=True, slots=True)
class PixelFile:
    """One file with pixels. ``path`` is on this machine, ``shown`` is what the ledger calls it.

    The frames of a mosaic are tiles of one stored frame: ``sheet`` are its rows and columns.
    """

    path: str
    shown: str
    sop_class_uid: str
    sop_instance_uid: str
    layout: Layout
    n_frames: int
    syntax: str
    encoding: Encoding
    offset: int
    length: int | None
    deflated_at: int | None = None
    n_lost: int = 0
    is_swapped: bool = False
    sheet: tuple[int, int] | None = None

    @property
    def is_native(self) -> bool:
        """Whether the pixels lie in the file as they are."""
        return self.length is not None


_LAYOUT_TAGS = (
    tags.ROWS,
    tags.COLUMNS,
    tags.SAMPLES_PER_PIXEL,
    tags.BITS_ALLOCATED,
    tags.BITS_STORED,
    tags.HIGH_BIT,
    tags.PLANAR_CONFIGURATION,
    tags.PIXEL_REPRESENTATION,
    tags.PHOTOMETRIC,
)


def layout_of(header: Header) -> Layout:
    """Return the layout that a header describes.

    Raises
    ------
    Damaged
        Sizes that are absent, zero, double or contradict each other.
    Unsupported
        A sound layout that is not read.
    """
    pixel_tag = header.pixel.tag if header.pixel else tags.PIXEL_DATA
    values = tuple(map(header.values.get, _LAYOUT_TAGS))
    return _layout(values, header.encoding, pixel_tag)


@lru_cache(maxsize=256)
def _layout(values: tuple[bytes | None, ...], encoding: Encoding, pixel_tag: int) -> Layout:
    """Return the layout; cached, since the files of a series share it."""
    given = {tag: raw for tag, raw in zip(_LAYOUT_TAGS, values, strict=True) if raw is not None}
    header = Elements(given, encoding)
    rows, columns = header.short(tags.ROWS), header.short(tags.COLUMNS)
    if not rows or not columns:
        raise Damaged("The header gives no usable number of rows and columns.", remedy=_LEAVE_OUT)
    samples = header.short(tags.SAMPLES_PER_PIXEL) or 1
    if samples not in (1, 3):
        raise Unsupported(f"Images with {samples} samples a pixel are not read.", remedy=_LEAVE_OUT)
    allocated = _FLOATS.get(pixel_tag) or header.short(tags.BITS_ALLOCATED) or 0
    if allocated not in _ALLOCATIONS or (allocated == 64 and pixel_tag not in _FLOATS):
        raise Unsupported(f"Samples of {allocated} bits are not read.", remedy=_LEAVE_OUT)
    stored = header.short(tags.BITS_STORED) or allocated
    if not 1 <= stored <= allocated:
        raise Damaged(f"{stored} of {allocated} bits cannot be in use.", remedy=_LEAVE_OUT)
    high = header.short(tags.HIGH_BIT)
    high = stored - 1 if high is None or not stored - 1 <= high < allocated else high
    return Layout(
        rows,
        columns,
        samples,
        bool(header.short(tags.PLANAR_CONFIGURATION)),
        header.text(tags.PHOTOMETRIC) or ("RGB" if samples == 3 else "MONOCHROME2"),
        allocated,
        stored,
        high,
        bool(header.short(tags.PIXEL_REPRESENTATION)),
        pixel_tag in _FLOATS,
    )


def _number_of_frames(header: Header) -> int:
    if not header.text(tags.NUMBER_OF_FRAMES):
        return 1
    count = header.whole(tags.NUMBER_OF_FRAMES)
    if count is None or not 0 <= count <= MAX_FRAMES:
        raise Damaged("The number of frames in the header is no number.", remedy=_LEAVE_OUT)
    return max(count, 1)


def pixel_file(
    header: Header, path: str, shown: str, starts_with_item: Callable[[], bool]
) -> PixelFile:
    """Return the file with its layout, after its sizes were checked against its length.

    ``starts_with_item`` tells whether the pixel data begin with an item tag (encapsulated).
    ``n_lost`` counts frames of which not all bytes are there.

    Raises
    ------
    Damaged
        The header is unusable, or native pixels are cut off.
    Unsupported
        A sound layout that is not read.
    """
    layout, n_frames, pixel = layout_of(header), _number_of_frames(header), header.pixel
    if pixel is None:
        raise Damaged("The file holds no pixels.", remedy=_LEAVE_OUT)
    length = pixel.length
    # Files are seen that name a compressed syntax and hold plain pixels.
    if length is not None and header.syntax not in NATIVE and starts_with_item():
        length = None
    if length is None:
        n_there = _fragments_at_most(n_frames, header.size - pixel.offset)
    else:
        n_there = _whole_frames(layout, n_frames, min(length, header.size - pixel.offset))
        length = layout.native_bytes(n_there)
    return PixelFile(
        path,
        shown,
        header.text(tags.SOP_CLASS_UID) or header.media_class,
        header.text(tags.SOP_INSTANCE_UID),
        layout,
        n_there,
        header.syntax,
        header.encoding,
        pixel.offset,
        length,
        header.deflated_at,
        n_frames - n_there,
        # Bytes in words of 16 bits, the high one first (PS3.5 D.3).
        header.encoding.order == ">" and pixel.vr == b"OW" and layout.bits_allocated <= 8,
    )


def _fragments_at_most(n_frames: int, there: int) -> int:
    """Return how many compressed frames there can be: an item (8 bytes) with data for each."""
    return min(n_frames, max(there // _LEAST_COMPRESSED_BYTES, 1))


def _whole_frames(layout: Layout, n_frames: int, there: int) -> int:
    """Return how many frames are there in full; a file without any is damaged."""
    expected = layout.native_bytes(n_frames)
    if there >= expected:
        return n_frames
    n_whole = max(there, 0) * 8 // layout.frame_bits
    if n_whole:
        return n_whole
    percent = int(100 * max(there, 0) / expected)
    raise Damaged(f"The file is cut off after {percent} % of its pixels.", remedy=_COPY_AGAIN)
