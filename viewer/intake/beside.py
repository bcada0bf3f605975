"""Data files that lie beside their header: .raw, .zraw, .img.

A name from inside a file is only ever looked up in the folder of the header itself, so that no
header can reach for files elsewhere.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from viewer.errors import Damaged, InputRefused, Unsupported
from viewer.intake.find import Found

_FORBIDDEN = frozenset('/\\:"')
_HDR = re.compile(r"\.(hdr)(\.gz)?$", re.IGNORECASE)
_MAX_NAME = 255
_TOGETHER = "Put both files into one folder, and open the folder."


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file that was found, and its length in bytes."""

    found: Found
    size: int


def data_file(header: Found, name: str, known: Mapping[str, str]) -> DataFile:
    """Return the file ``name`` beside ``header``.

    ``known`` takes what the ledger calls a file to its path: the files of an archive lie beside
    each other there alone.

    Raises
    ------
    InputRefused
        The name is a path, or what it names is not a plain file.
    Unsupported
        Several files are named.
    Damaged
        There is no such file.
    """
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise Unsupported(
            "The pixels of this header lie in several files, which are not read.",
            remedy="Convert them to one file.",
        )
    if not _is_plain_name(name):
        raise InputRefused(
            "The header names a data file that does not lie beside it, which is not opened.",
            remedy="Put both files into one folder, and mend the name in the header.",
        )
    shown = str(PurePath(header.shown).with_name(name))
    path = known.get(shown)
    if path is None and header.path == header.shown:
        path = shown
    if path is None:
        raise _absent(name)
    return DataFile(Found(path, shown), _length(path, name))


def image_beside(header: Found, known: Mapping[str, str]) -> DataFile:
    """Return the data file of a header called x.hdr: x.img; of x.hdr.gz it is x.img.gz.

    Raises
    ------
    Damaged
        There is no such file.
    """
    name = PurePath(header.shown).name
    match = _HDR.search(name)
    stem, rest = (name[: match.start()], match[2] or "") if match else (name, "")
    image = ".IMG" if match and match[1].isupper() else ".img"
    names = [stem + image + rest, stem + ".img" + rest]
    for name in names:
        try:
            return data_file(header, name, known)
        except Damaged:
            continue
    raise _absent(names[0])


def _is_plain_name(name: str) -> bool:
    is_short = 0 < len(name) <= _MAX_NAME
    return (
        is_short and name not in (".", "..") and name.isprintable() and not set(name) & _FORBIDDEN
    )


def _length(path: str, name: str) -> int:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise _absent(name) from error
    if not stat.S_ISREG(status.st_mode):
        raise InputRefused("The header names a data file that is no file.", remedy=_TOGETHER)
    return status.st_size


def _absent(name: str) -> Damaged:
    return Damaged(f"The file with its pixels, {name}, is not beside it.", remedy=_TOGETHER)
