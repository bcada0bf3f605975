"""Slices of DICOM pictures: straight from the file where that is possible, else decoded."""

import sys

import numpy as np

from viewer.domain.volume import Voxels
from viewer.errors import Damaged
from viewer.intake import codecs
from viewer.intake.colours import coloured, eight_bits, rgb_of_ybr
from viewer.intake.fetch import OpenFile, OpenFiles
from viewer.intake.layout import Layout, PixelFile
from viewer.intake.mosaic import tile, whole_sheet
from viewer.intake.source import DicomPixels
from viewer.intake.video import is_video

_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"
_DIRECT_BITS = (8, 16, 32, 64)


class DicomSlices:
    """Reads the slices of one picture."""

    def __init__(self, pixels: DicomPixels) -> None:
        self._pixels = pixels
        self._files = OpenFiles()
        self._last_sheet: tuple[str, Voxels] | None = None

    def close(self) -> None:
        """Give the files back."""
        self._files.close()

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target`` with slice ``k``: stored values, or RGB for colour."""
        frame = self._pixels.frames[k]
        is_tile = frame.file.sheet is not None
        opened = self._files.take(whole_sheet(frame.file) if is_tile else frame.file)
        try:
            if is_tile:
                target[...] = self._sheet(opened)[tile(frame.index, frame.file)]
            elif self._is_direct(frame.file, target):
                _fill_directly(opened, frame.index, target)
            else:
                target[...] = self._finished(_samples(opened, frame.index), frame.file.layout)
        except (ValueError, IndexError, TypeError) as error:
            raise Damaged(
                "An image's pixels do not fit its header.", remedy="Export the image again."
            ) from error
        finally:
            self._files.give(opened)

    def _sheet(self, opened: OpenFile) -> Voxels:
        """Return the whole sheet of a mosaic; the last one is kept, its tiles come together."""
        known = self._last_sheet
        if known is None or known[0] != opened.file.path:
            samples = self._finished(_samples(opened, 0), opened.file.layout)
            known = (opened.file.path, samples)
            self._last_sheet = known
        return known[1]

    def _is_direct(self, file: PixelFile, target: Voxels) -> bool:
        """Whether the bytes in the file are the stored values."""
        layout = file.layout
        return (
            file.is_native
            and file.deflated_at is None
            and not file.is_swapped
            and not layout.is_colour
            and self._pixels.table is None
            and layout.bits_allocated in _DIRECT_BITS
            and layout.high_bit == layout.bits_stored - 1
            and (file.encoding.order == _NATIVE_ORDER or layout.bits_allocated == 8)
            and target.flags.c_contiguous
            and target.dtype == layout.sample_type
        )

    def _finished(self, samples: codecs.Samples, layout: Layout) -> Voxels:
        if self._pixels.table is not None:
            first, table = self._pixels.table
            return table[np.clip(samples.astype(np.int64) - first, 0, len(table) - 1)]
        if self._pixels.palette is not None:
            return coloured(samples, self._pixels.palette)
        if layout.samples != 3:
            return samples
        return eight_bits(samples, layout.bits_stored)


def _fill_directly(opened: OpenFile, index: int, target: Voxels) -> None:
    opened.fill(target.data.cast("B"), index)
    layout = opened.file.layout
    if not layout.is_float and layout.bits_stored < layout.bits_allocated:
        target[...] = codecs.masked(target, layout, is_native=True)


def _samples(opened: OpenFile, index: int) -> codecs.Samples:
    """Return the stored samples of a frame; colour as RGB."""
    file, layout = opened.file, opened.file.layout
    if is_video(file.syntax) and not file.is_native:
        return opened.video(index)
    if file.is_native:
        raw = codecs.native(opened.native(index), layout, file.encoding.order, index)
    else:
        raw = codecs.decoded(opened.compressed(index), layout, file.syntax)
    plain = codecs.is_plain(file.syntax, is_native=file.is_native)
    samples = codecs.masked(raw, layout, is_native=plain)
    is_ybr = layout.photometric in ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
    if is_ybr and not codecs.gives_rgb(file.syntax, is_native=file.is_native):
        return rgb_of_ybr(samples)
    return samples
