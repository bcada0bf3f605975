"""Saving: write beside, read back, compare, rename, then say "saved" (design.md 9).

Either the file at ``path`` is what was checked, or nothing has changed: what it replaces goes last.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from viewer.errors import Conflict, InputRefused, OutOfResources, ViewerError

Write = Callable[[Path], None]
Check = Callable[[Path], tuple[str, ...]]

_CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was read back before it got its name; ``checks`` are sentences about it."""

    path: Path
    sha256: str
    n_bytes: int
    checks: tuple[str, ...] = ()


def save(path: Path, write: Write, check: Check, *, force: bool = False) -> Saved:
    """Write a file in one step that either happens wholly or not at all.

    Parameters
    ----------
    path
        Where the file shall be. Its folder must be there.
    write
        Writes the whole file at the temporary path that it is given (same folder, same suffixes).
    check
        Reads that file back and compares; returns what it found equal, or raises.
    force
        Replace a file that is there already.

    Raises
    ------
    Conflict
        A file is there and ``force`` is false.
    InputRefused
        The folder is not there, or cannot be written to.
    OutOfResources
        The disk is full.
    ViewerError
        The check failed; nothing was left behind, and an older file is untouched.
    """
    path = Path(path)
    _refuse_place(path, force=force)
    temporary = path.parent / f".negatoscope-{secrets.token_hex(6)}{_suffixes(path)}"
    try:
        _attempt(write, temporary, path)
        checks = _checked(check, temporary, path)
        digest = _settled(temporary, path)
        n_bytes = temporary.stat().st_size
        _put(temporary, path, force=force)
    finally:
        temporary.unlink(missing_ok=True)
    return Saved(path, digest, n_bytes, checks)


def save_bytes(path: Path, data: bytes, check: Check, *, force: bool = False) -> Saved:
    """Save ``data`` as it is; the bytes are compared before ``check`` looks at what they mean."""

    def same(written: Path) -> tuple[str, ...]:
        if written.read_bytes() != data:
            raise not_equal(path, "the bytes differ")
        return check(written)

    return save(path, lambda temporary: _write_bytes(temporary, data), same, force=force)


def not_equal(path: Path, how: str) -> ViewerError:
    """Return the error that a check raises when the file is not what it should be."""
    return ViewerError(
        f"What was written does not read back equal ({how}); nothing was saved.",
        where=path.name,
        remedy="Save again, to another disk if it happens twice.",
    )


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _suffixes(path: Path) -> str:
    # writers choose the format by the suffix (".nii.gz"); longer ones are part of a name
    return "".join(suffix for suffix in path.suffixes[-2:] if len(suffix) <= 6)


def _refuse_place(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise InputRefused("This is a folder.", where=str(path), remedy="Give the name of a file.")
    if not path.parent.is_dir():
        raise InputRefused(
            "The folder does not exist.",
            where=str(path.parent),
            remedy="Make it, or choose another.",
        )
    if path.exists() and not force:
        raise _exists(path)
    if not os.access(path.parent, os.W_OK):
        raise _not_writable(path)


def _exists(path: Path) -> Conflict:
    return Conflict(
        "A file of this name is there already.",
        where=str(path),
        remedy="Choose another name, or overwrite it with --force.",
    )


def _not_writable(path: Path) -> InputRefused:
    return InputRefused(
        "Nothing can be written here.", where=str(path.parent), remedy="Choose another folder."
    )


def _attempt(write: Write, temporary: Path, path: Path) -> None:
    try:
        write(temporary)
    except OSError as error:
        raise _of_the_disk(error, path) from error
    if not temporary.is_file():
        raise not_equal(path, "no file was written")


def _checked(check: Check, temporary: Path, path: Path) -> tuple[str, ...]:
    try:
        return check(temporary)
    except ViewerError:
        raise
    except Exception as error:
        raise not_equal(path, f"reading it raised {type(error).__name__}") from error


def _of_the_disk(error: OSError, path: Path) -> ViewerError:
    if error.errno in _FULL:
        return OutOfResources(
            "The disk is full; nothing was saved.",
            where=str(path.parent),
            remedy="Free some space, or choose another disk.",
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return _not_writable(path)
    return ViewerError(
        f"Writing failed ({error.strerror or type(error).__name__}); nothing was saved.",
        where=str(path),
        remedy="Choose another folder.",
    )


def _settled(temporary: Path, path: Path) -> str:
    """Bring the file to the disk, and return its SHA-256."""
    digest = hashlib.sha256()
    try:
        with temporary.open("rb+") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            os.fsync(file.fileno())
    except OSError as error:
        raise _of_the_disk(error, path) from error
    return digest.hexdigest()


def _put(temporary: Path, path: Path, *, force: bool) -> None:
    try:
        if force:
            temporary.replace(path)
        else:
            _put_new(temporary, path)
    except OSError as error:
        raise _of_the_disk(error, path) from error
    _sync_folder(path.parent)


def _put_new(temporary: Path, path: Path) -> None:
    """Give the file its name without ever replacing one that appeared meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise _exists(path) from None
        temporary.rename(path)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network file systems know no fsync of folders
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
