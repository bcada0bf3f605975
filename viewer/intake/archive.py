"""ZIP archives: checked as a whole first, then unpacked under names of our own.

Names inside an archive never become names on this disk, so nothing can be written elsewhere.
"""

import atexit
import gzip
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from viewer.errors import Damaged, InputRefused, OutOfResources
from viewer.intake.find import Found
from viewer.intake.limits import (
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_MEMBERS,
    MAX_ARCHIVE_RATIO,
    SMALL_ARCHIVE_BYTES,
)
from viewer.jobs.job import Ticket
from viewer.places import cache_folder

_CHUNK = 1 << 20
_UNPACK = "Unpack it with another program, and open the folder."
_DO_NOT = "Do not use this archive; ask for another one."
_FOLDER = "archives"


def unpacked(path: str, shown: str, ticket: Ticket | None = None) -> list[Found]:
    """Unpack the archive at ``path`` into a private folder; return its files.

    Raises
    ------
    InputRefused
        It holds paths that lead outside, links, a bomb, or is encrypted; nothing was written.
    Damaged
        It is broken; what was unpacked is deleted again.
    OutOfResources
        The disk has no room for it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _check(members, Path(shown).name, Path(path).stat().st_size)
            return _extracted(archive, members, shown, ticket)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise Damaged(
            "The ZIP archive is broken.", where=Path(shown).name, remedy="Copy it again."
        ) from error


def gunzipped(path: str, shown: str) -> Found:
    """Inflate one gzipped file into a private folder; the ledger keeps its name.

    Raises
    ------
    Damaged
        It is broken, or it would grow beyond all measure.
    """
    limit = MAX_ARCHIVE_RATIO * Path(path).stat().st_size + SMALL_ARCHIVE_BYTES
    folder = _private_folder()
    target = folder / "inside"
    try:
        with gzip.open(path, "rb") as source, target.open("xb") as sink:
            _copied(cast("IO[bytes]", source), sink, limit)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Damaged("The gzipped file is broken or a bomb.", remedy="Copy it again.") from error
    return Found(str(target), shown)


def _check(members: list[zipfile.ZipInfo], where: str, size: int) -> None:
    """Refuse an archive as a whole by its directory, before anything is read from it."""
    for info in members:
        if _leads_outside(info.filename):
            raise InputRefused(
                "The ZIP archive holds a path that leads outside of it.",
                where=where,
                remedy=_DO_NOT,
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputRefused("The ZIP archive holds a link.", where=where, remedy=_DO_NOT)
        if info.flag_bits & 0x1:
            raise InputRefused(
                "The ZIP archive is protected by a password.", where=where, remedy=_UNPACK
            )
        if _is_bomb(info.file_size, info.compress_size):
            raise InputRefused(_BOMB, where=where, remedy=_UNPACK)
    if _OFFICE in {info.filename for info in members}:
        raise InputRefused(
            "This is no medical image file: it is an office document.",
            where=where,
            remedy="Leave it out.",
        )
    if len(members) > MAX_ARCHIVE_MEMBERS:
        raise InputRefused("The ZIP archive holds too many files.", where=where, remedy=_UNPACK)
    total = sum(info.file_size for info in members)
    packed = sum(info.compress_size for info in members)
    # Members that share their bytes are longer together than the archive itself.
    if total > MAX_ARCHIVE_BYTES or _is_bomb(total, min(packed, size)) or packed > size:
        raise InputRefused(_BOMB, where=where, remedy=_UNPACK)


_OFFICE = "[Content_Types].xml"
_BOMB = f"The ZIP archive would grow to more than {MAX_ARCHIVE_RATIO} times its size."


def _leads_outside(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/")


def _is_bomb(size: int, packed: int) -> bool:
    return size > SMALL_ARCHIVE_BYTES and size > MAX_ARCHIVE_RATIO * max(packed, 1)


def _extracted(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], shown: str, ticket: Ticket | None
) -> list[Found]:
    folder = _private_folder()
    if sum(info.file_size for info in members) > 0.9 * shutil.disk_usage(folder).free:
        shutil.rmtree(folder, ignore_errors=True)
        raise OutOfResources(
            "The disk has no room to unpack the ZIP archive.",
            where=Path(shown).name,
            remedy="Make room, or unpack it elsewhere.",
        )
    found: list[Found] = []
    names: set[str] = set()
    try:
        for number, info in enumerate(members):
            if ticket is not None:
                ticket.check()
            target = folder / f"{number:07d}"
            with archive.open(info) as source, target.open("xb") as sink:
                _copied(source, sink, info.file_size)
            found.append(Found(str(target), _unique(f"{shown}/{info.filename}", names)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return found


def _copied(source: IO[bytes], sink: IO[bytes], declared: int) -> None:
    """Copy a member, but never more than its directory entry declared."""
    left = declared
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise zipfile.BadZipFile("a member is longer than declared")
        sink.write(chunk)


def _unique(name: str, names: set[str]) -> str:
    """Return ``name``, numbered if the archive holds it twice."""
    unique, turn = name, 2
    while unique in names:
        unique, turn = f"{name} ({turn})", turn + 1
    names.add(unique)
    return unique


def _private_folder() -> Path:
    """Return a new folder (0700) that goes away with this process."""
    home = cache_folder() / _FOLDER
    home.mkdir(mode=0o700, exist_ok=True)
    _remove_orphans(home)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=home))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_orphans(home: Path) -> None:
    """Delete what processes that are gone (killed) have left."""
    for folder in home.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
