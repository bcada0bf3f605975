"""Slices of volumes whose samples lie in a file as they are, or packed by gzip, zlib or bzip2."""

import bz2
import gzip
import threading
import zlib
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from viewer.domain.volume import Voxels
from viewer.errors import Damaged
from viewer.intake.source import Packing, RawPixels

_COPY_AGAIN = "Copy the file again from its source."
_CHUNK = 1 << 16
_NAMES = {Packing.GZIP: "gzipped", Packing.ZLIB: "compressed", Packing.BZIP2: "bzip2"}


class Bytes(Protocol):
    """What unpacked bytes are read from."""

    def read(self, n_bytes: int, /) -> bytes:
        """Return the next bytes, fewer at the end."""
        ...

    def close(self) -> None:
        """Give the file back."""
        ...


class RawSlices:
    """Reads slices of one volume. A packed file is unpacked once, as far as it is needed."""

    def __init__(self, pixels: RawPixels, shape_kji: tuple[int, int, int]) -> None:
        self._pixels = pixels
        self._type = np.dtype(pixels.stored_type)
        self._shape = (*shape_kji[1:], pixels.n_samples)
        self._slice_bytes = int(np.prod(self._shape, dtype=object)) * self._type.itemsize
        self._file: Bytes | None = None
        self._next_k = 0
        self._waiting: dict[int, NDArray[Any]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
        self._waiting.clear()

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target`` with slice ``k``; colours of 16 bits lose their lower eight."""
        with self._lock:
            samples = self._seek(k) if self._pixels.packing is Packing.NONE else self._unpack(k)
        if self._pixels.is_colour and samples.dtype.itemsize == 2:
            samples = samples >> 8
        target[...] = samples

    def _seek(self, k: int) -> NDArray[Any]:
        if self._file is None:
            self._file = unpacked_bytes(self._pixels.path, Packing.NONE)
        file = cast("IO[bytes]", self._file)
        file.seek(self._pixels.start + self._pixels.offset + k * self._slice_bytes)
        return self._samples(file.read(self._slice_bytes))

    def _unpack(self, k: int) -> NDArray[Any]:
        """Unpack up to slice ``k``; slices on the way are kept until they are asked for."""
        if k in self._waiting:
            return self._waiting.pop(k)
        try:
            if self._file is None or k < self._next_k:
                self._rewind()
            for on_the_way in range(self._next_k, k):
                self._waiting[on_the_way] = self._following()
            return self._following()
        except (EOFError, zlib.error) as error:
            raise self._broken() from error
        except OSError as error:
            if error.errno is None:  # what gzip and bz2 say of a broken stream
                raise self._broken() from error
            raise

    def _rewind(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = unpacked_bytes(self._pixels.path, self._pixels.packing, self._pixels.start)
        self._next_k = 0
        left = self._pixels.offset
        while left:
            skipped = len(self._file.read(min(left, _CHUNK)))
            if not skipped:
                raise EOFError
            left -= skipped

    def _following(self) -> NDArray[Any]:
        assert self._file is not None  # noqa: S101 - _rewind has opened it
        samples = self._samples(self._file.read(self._slice_bytes))
        self._next_k += 1
        return samples

    def _samples(self, raw: bytes) -> NDArray[Any]:
        """Return what is meant of a slice: (rows, columns), or (rows, columns, 3) for colours."""
        if len(raw) != self._slice_bytes:
            raise Damaged("The file ends before its pixels do.", remedy=_COPY_AGAIN)
        samples = np.frombuffer(raw, dtype=self._type).reshape(self._shape)
        if self._pixels.is_colour:
            return samples[..., :3]
        picked = samples[..., self._pixels.sample]
        # A view would keep the other samples of a packed file in memory.
        return picked.copy() if self._pixels.n_samples > 1 else picked

    def _broken(self) -> Damaged:
        name = _NAMES[self._pixels.packing]
        return Damaged(f"The {name} file is broken or cut off.", remedy=_COPY_AGAIN)


def unpacked_bytes(path: str, packing: Packing, start: int = 0) -> Bytes:
    """Return what to read the unpacked bytes from that begin at byte ``start`` of the file.

    Reading raises EOFError, zlib.error or OSError where the packed bytes are broken.
    """
    file = Path(path).open("rb")  # noqa: SIM115 - the reader closes it
    file.seek(start)
    if packing is Packing.NONE:
        return file
    return _Unpacked(file, packing)


class _Unpacked:
    """Unpacks as much as is asked for, so that a bomb never goes off."""

    def __init__(self, file: IO[bytes], packing: Packing) -> None:
        self._file = file
        self._inner: IO[bytes] | _Inflated
        if packing is Packing.GZIP:
            self._inner = cast("IO[bytes]", gzip.GzipFile(fileobj=file))
        elif packing is Packing.BZIP2:
            self._inner = cast("IO[bytes]", bz2.BZ2File(file))
        else:
            self._inner = _Inflated(file)

    def read(self, n_bytes: int, /) -> bytes:
        return self._inner.read(n_bytes)

    def close(self) -> None:
        self._file.close()


class _Inflated:
    """A zlib stream without gzip's header, as MetaImage has it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def read(self, n_bytes: int, /) -> bytes:
        parts: list[bytes] = []
        left = n_bytes
        while left and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._file.read(_CHUNK)
            part = self._inflater.decompress(packed, left)
            if not packed and not part:
                raise EOFError
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
