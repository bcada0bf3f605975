"""The frames of a SEG as arrays, unpacked by our own hands (PS3.5 section 8, 8.1.1 for 1 bit).

One bit a pixel is packed little end first and runs on across frames without filling up bytes.
"""

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, Unsupported

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Frame = NDArray[Any]  # (rows, columns), uint8 or uint16

_NATIVE = {
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
}
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
_RLE = "1.2.840.10008.1.2.5"
_JPEG_LS = {"1.2.840.10008.1.2.4.80"}
_JPEG_2000 = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"}


class Frames:
    """Decodes one frame at a time, so that a thousand need no memory at once.

    Raises
    ------
    Damaged
        The sizes in the header do not fit the pixel data.
    Unsupported
        A compression, or a number of bits, that segmentations do not use.
    """

    def __init__(self, dataset: "Dataset", where: str = "") -> None:
        self._where = where
        try:
            self.rows, self.columns = int(dataset.Rows), int(dataset.Columns)
            self.n_frames = int(dataset.get("NumberOfFrames") or 1)
            self._bits = int(dataset.BitsAllocated)
            self._syntax = str(dataset.file_meta.TransferSyntaxUID)
            self._data = bytes(dataset.PixelData)
            self._words = dataset["PixelData"].VR == "OW"
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Damaged("The segmentation has no pixels.", where=where) from error
        if self._bits not in {1, 8, 16} or self.rows < 1 or self.columns < 1 or self.n_frames < 1:
            raise Unsupported(f"Pixels of {self._bits} bits are no segmentation.", where=where)
        self._parts = None if self._syntax in _NATIVE else self._encapsulated()
        if self._parts is None:
            self._check_length()

    def frame(self, n: int) -> Frame:
        """Return frame ``n`` (from 0) as (rows, columns); 1-bit frames hold 0 and 1."""
        if self._parts is not None:
            return self._decoded(self._parts[n])
        size = self.rows * self.columns
        if self._bits == 1:
            return self._unpacked(self._data, n * size)
        kind = np.dtype("u1" if self._bits == 8 else self._order() + "u2")
        values = np.frombuffer(self._data, kind, size, n * size * kind.itemsize)
        return values.astype(kind.newbyteorder("=")).reshape(self.rows, self.columns)

    def _order(self) -> str:
        return ">" if self._syntax == _BIG_ENDIAN else "<"

    def _check_length(self) -> None:
        needed = (self.rows * self.columns * self.n_frames * self._bits + 7) // 8
        if len(self._data) < needed:
            raise Damaged(
                f"The pixels are cut short: {len(self._data)} of {needed} bytes.",
                where=self._where,
                remedy="Copy the file again.",
            )
        if self._syntax == _BIG_ENDIAN and self._bits == 1 and self._words:
            # words of a big-endian file come as they lie: swap them into the order of the bits
            self._data = np.frombuffer(self._data, ">u2").astype("<u2").tobytes()

    def _unpacked(self, data: bytes, first_bit: int) -> Frame:
        size = self.rows * self.columns
        start, skip = divmod(first_bit, 8)
        count = (skip + size + 7) // 8
        packed = np.frombuffer(data, np.uint8, count, start)
        bits = np.unpackbits(packed, bitorder="little")[skip : skip + size]
        return bits.reshape(self.rows, self.columns)

    def _encapsulated(self) -> list[bytes]:
        from pydicom.encaps import generate_frames

        known = _JPEG_2000 | _JPEG_LS | {_RLE, _DEFLATED_FRAMES}
        if self._syntax not in known:
            raise Unsupported(
                "This compression of segmentations is not known here.",
                where=self._where,
                remedy="Export it uncompressed.",
            )
        try:
            parts = list(generate_frames(self._data, number_of_frames=self.n_frames))
        except (ValueError, EOFError, struct.error, NotImplementedError) as error:
            raise Damaged("The compressed frames are broken.", where=self._where) from error
        if len(parts) < self.n_frames:
            raise Damaged("Some compressed frames are missing.", where=self._where)
        return parts

    def _decoded(self, part: bytes) -> Frame:
        if self._syntax in _JPEG_2000 | _JPEG_LS:
            return self._shaped(_codec(self._syntax, part, self._where))
        raw = self._inflated(part) if self._syntax == _DEFLATED_FRAMES else self._rle(part)
        if self._bits == 1:
            return self._unpacked(raw, 0)
        kind = np.dtype("u1" if self._bits == 8 else "<u2")
        return self._shaped(np.frombuffer(raw, kind, self.rows * self.columns))

    def _n_bytes(self) -> int:
        return (self.rows * self.columns * self._bits + 7) // 8

    def _shaped(self, values: Frame) -> Frame:
        if values.size != self.rows * self.columns:
            raise Damaged("A frame has the wrong size.", where=self._where)
        return values.reshape(self.rows, self.columns)

    def _whole(self, raw: bytes) -> bytes:
        if len(raw) < self._n_bytes():
            raise Damaged("A frame is cut short.", where=self._where, remedy="Copy it again.")
        return raw

    def _inflated(self, part: bytes) -> bytes:
        try:
            # never more than a frame holds, whatever the stream promises
            return self._whole(zlib.decompressobj(-15).decompress(part, self._n_bytes()))
        except zlib.error as error:
            raise Damaged("A deflated frame is broken.", where=self._where) from error

    def _rle(self, part: bytes) -> bytes:
        """Return one RLE frame (PS3.5 annex G); 16 bits come as a high and a low plane."""
        import imagecodecs

        try:
            n_planes, *offsets = struct.unpack_from("<16L", part)
            ends = [*offsets[1:n_planes], len(part)]
            planes = [
                bytes(imagecodecs.packbits_decode(part[start:end]))
                for start, end in zip(offsets[:n_planes], ends, strict=True)
            ]
        except (struct.error, ValueError, RuntimeError) as error:
            raise Damaged("An RLE frame is broken.", where=self._where) from error
        if self._bits == 16:
            size = self.rows * self.columns
            high, low = (np.frombuffer(plane, np.uint8, size) for plane in planes)
            return np.stack((low, high), axis=1).tobytes()
        return self._whole(planes[0])


def _codec(syntax: str, part: bytes, where: str) -> Frame:
    import imagecodecs

    decode = imagecodecs.jpegls_decode if syntax in _JPEG_LS else imagecodecs.jpeg2k_decode
    try:
        values: Frame = np.asarray(decode(part))
    except (ValueError, RuntimeError) as error:
        raise Damaged("A compressed frame is broken.", where=where) from error
    return values
