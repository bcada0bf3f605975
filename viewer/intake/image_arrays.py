"""Many pictures in one NumPy file: an .npz with an array ``images`` (n, rows, columns)."""

import ast
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, InputRefused, OutOfResources

_NAME = "images"
_MOST_BYTES = 2 << 30
_LONGEST_HEADER = 1 << 16
_MOST_PIXELS = 100_000_000  # of one picture
_LARGE_BYTES, _MOST_RATIO = 256 << 20, 200  # of what unpacks to far more than it is
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    KeyError,
    SyntaxError,
    RecursionError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_ZIP = b"PK\x03\x04"
_ZIP_EMPTY = b"PK\x05\x06"


def signal_of_npz(path: Path) -> bool:
    """Return whether a file is to be read as such an .npz: by its name."""
    return path.suffix.lower() == ".npz"


def read_images_npz(path: Path) -> NDArray[Any]:
    """Return the array ``images``; objects are never loaded, and its size is looked at first.

    Raises
    ------
    InputRefused
        The file has no array of that name, or it is no array of grey pictures.
    Damaged
        It is no sound .npz.
    OutOfResources
        The pictures would not fit into memory.
    """
    where = str(path)
    try:
        if path.stat().st_size == 0:
            raise Damaged("The file is empty.", where=where)
        with path.open("rb") as file:
            start = file.read(4)
        if start not in (_ZIP, _ZIP_EMPTY):
            raise Damaged("This is no .npz file.", where=where)
        with zipfile.ZipFile(path) as archive:
            if f"{_NAME}.npy" not in archive.namelist():
                raise InputRefused(
                    f"The file holds no array called {_NAME}.",
                    where=where,
                    remedy=f"Save the pictures under the name {_NAME}, as (n, rows, columns).",
                )
            _refuse_bomb(archive.getinfo(f"{_NAME}.npy"), where)
            with archive.open(f"{_NAME}.npy") as stream:
                _look_at_header(stream, where)
        with np.load(path, allow_pickle=False) as held:
            return np.asarray(held[_NAME])
    except _BROKEN as error:
        raise Damaged("The file is no sound .npz of numbers.", where=where) from error
    except (NotImplementedError, RuntimeError, MemoryError) as error:
        raise Damaged("The file cannot be unpacked.", where=where) from error


def _refuse_bomb(member: zipfile.ZipInfo, where: str) -> None:
    """Refuse what unpacks to hundreds of times its size; small black pictures do that honestly."""
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > _LARGE_BYTES and ratio > _MOST_RATIO:
        raise OutOfResources(
            "The array would unpack to far more than the file holds.",
            where=where,
            remedy="Save it without compression, if it is yours.",
        )


def _look_at_header(stream: IO[bytes], where: str) -> None:
    """Refuse what is no grey pictures, or too much, by what the header says alone."""
    start = stream.read(10)
    if len(start) < 10 or start[:6] != b"\x93NUMPY":
        raise Damaged("The array has no NumPy header.", where=where)
    long = start[6] > 1
    size = start[8:] + (stream.read(2) if long else b"")
    (length,) = struct.unpack("<I" if long else "<H", size)
    if length > _LONGEST_HEADER:
        raise Damaged("The array's header is far too long.", where=where)
    header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    shape, kind = header["shape"], str(header["descr"])
    if "O" in kind or isinstance(header["descr"], list):
        raise InputRefused(
            "The array holds objects, which are never loaded.",
            where=where,
            remedy="Save it as numbers.",
        )
    if len(shape) != 3:
        raise InputRefused(
            f"Pictures of shape {tuple(shape)} are not (n, rows, columns).",
            where=where,
            remedy="Give grey pictures of one size, without a channel.",
        )
    n_bytes = int(np.prod([int(n) for n in shape], dtype=object)) * np.dtype(kind).itemsize
    large = int(shape[1]) * int(shape[2]) > _MOST_PIXELS
    if n_bytes > _MOST_BYTES or large or any(int(n) < 0 for n in shape):
        raise OutOfResources(
            "The pictures are too many or too large.", where=where, remedy="Give fewer."
        )
