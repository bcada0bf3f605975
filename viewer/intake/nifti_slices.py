"""Slices of NIfTI pictures, plain or gzipped."""

import threading
import zlib
from typing import IO

import numpy as np

from viewer.domain.volume import Voxels
from viewer.errors import Damaged
from viewer.intake.nifti import open_nifti
from viewer.intake.source import NiftiPixels

_COPY_AGAIN = "Copy the file again from its source."


class NiftiSlices:
    """Reads slices of one volume. A gzipped file is inflated once, as far as it is needed."""

    def __init__(self, pixels: NiftiPixels, shape_kji: tuple[int, int, int]) -> None:
        self._pixels = pixels
        self._shape = shape_kji[1:]
        self._type = np.dtype(pixels.stored_type)
        self._slice_bytes = int(np.prod(self._shape)) * self._type.itemsize
        self._file: IO[bytes] | None = None
        self._inflated = bytearray()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target`` with slice ``k``."""
        with self._lock:
            raw = self._bytes(k)
        if len(raw) != self._slice_bytes:
            raise Damaged("The file ends before its pixels do.", remedy=_COPY_AGAIN)
        target[...] = np.frombuffer(raw, dtype=self._type).reshape(self._shape)

    def _bytes(self, k: int) -> bytes:
        try:
            if self._file is None:
                self._file = open_nifti(self._pixels.path, is_gzipped=self._pixels.is_gzipped)
                self._file.seek(self._pixels.offset)
            if not self._pixels.is_gzipped:
                self._file.seek(self._pixels.offset + k * self._slice_bytes)
                return self._file.read(self._slice_bytes)
            end = (k + 1) * self._slice_bytes
            if len(self._inflated) < end:
                self._inflated += self._file.read(end - len(self._inflated))
            return bytes(self._inflated[end - self._slice_bytes : end])
        except (EOFError, zlib.error) as error:
            raise Damaged("The gzipped file is broken or cut off.", remedy=_COPY_AGAIN) from error
