"""Decodes PNG, JPEG and TIFF pictures by imagecodecs (libpng, libjpeg-turbo, libtiff)."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.volume import Voxels
from viewer.errors import Damaged, OutOfResources
from viewer.intake.limits import MAX_PICTURE_BYTES
from viewer.intake.source import PhotoPixels

_COPY_AGAIN = "Copy the file again from its source."
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"


class PhotoSlices:
    """Decodes a picture, or the pages of one; the file is read once."""

    def __init__(self, pixels: PhotoPixels) -> None:
        self._pixels = pixels
        self._data = b""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the file's bytes go."""
        self._data = b""

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target`` with page ``k``; colours of 16 bits lose their lower eight."""
        with self._lock:
            if not self._data:
                self._data = self._read()
        target[...] = _fitted(self._decoded(self._data, k), target)

    def _read(self) -> bytes:
        with Path(self._pixels.path).open("rb") as file:
            data = file.read(MAX_PICTURE_BYTES + 1)
        if len(data) > MAX_PICTURE_BYTES:  # it has grown since it was looked at
            raise OutOfResources("The picture is too large.", remedy="Export a smaller one.")
        return data

    def _decoded(self, data: bytes, k: int) -> NDArray[Any]:
        import imagecodecs

        form = self._pixels.form
        if form == "JPEG" and not self._has_end(data):
            # The decoder would fill the missing part with grey that nobody photographed.
            raise Damaged("The JPEG picture is cut off.", remedy=_COPY_AGAIN)
        try:
            if form == "PNG":
                return np.asarray(imagecodecs.png_decode(data))
            if form == "JPEG":
                return np.asarray(imagecodecs.jpeg8_decode(data))
            return np.asarray(imagecodecs.tiff_decode(data, index=k))
        except (RuntimeError, ValueError, TypeError, OSError, IndexError) as error:
            raise Damaged(f"The {form} picture is broken.", remedy=_COPY_AGAIN) from error

    def _has_end(self, data: bytes) -> bool:
        scan = data.find(_START_OF_SCAN, self._pixels.begins_at)
        return scan >= 0 and data.find(_END_OF_IMAGE, scan) >= 0


def _fitted(samples: NDArray[Any], target: Voxels) -> NDArray[Any]:
    """Return the samples that are shown, in the shape and type of ``target``."""
    n_wanted = 3 if target.ndim == 3 else 1
    if samples.ndim == 3 and samples.shape[1:] == target.shape[:2] and samples.shape[0] >= n_wanted:
        samples = np.moveaxis(samples, 0, -1)  # a TIFF with its colours in planes
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.ndim != 3 or samples.shape[-1] < n_wanted or samples.shape[:2] != target.shape[:2]:
        raise Damaged("The picture has another size than its header says.", remedy=_COPY_AGAIN)
    samples = samples[..., :3] if n_wanted == 3 else samples[..., 0]
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if n_wanted == 3 and samples.dtype == np.uint16:
        return (samples >> 8).astype(np.uint8)
    if samples.dtype != target.dtype:
        raise Damaged("The picture has other samples than its header says.", remedy=_COPY_AGAIN)
    return samples
