"""Find the files below the paths that were opened."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from viewer.domain.ledger import Fate, Outcome
from viewer.errors import InputRefused
from viewer.jobs.job import Ticket

ListFolder = Callable[[str], list[os.DirEntry[str]]]


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file: where it is, and what the ledger calls it (a ZIP member: "a.zip/inner")."""

    path: str
    shown: str


def listed(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder by name."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def find_files(
    paths: Sequence[Path],
    ticket: Ticket | None = None,
    *,
    list_folder: ListFolder = listed,
) -> Iterator[Found | Fate]:
    """Yield every file once; a refused ``Fate`` for what is there but cannot be entered.

    Raises
    ------
    InputRefused
        One of ``paths`` does not exist.
    """
    seen: set[str] = set()
    folders: set[tuple[int, int]] = set()
    for path in paths:
        absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        try:
            mode = os.stat(absolute)  # noqa: PTH116
        except PermissionError:
            yield _refused(absolute, "The file cannot be read: permission is denied.")
            continue
        except OSError as error:
            raise InputRefused(
                "There is no such file or folder.", where=str(path), remedy="Check the path."
            ) from error
        if stat.S_ISDIR(mode.st_mode):
            folders.add((mode.st_dev, mode.st_ino))
            found = _below(absolute, folders, ticket, list_folder)
        else:
            found = iter((_one(absolute, mode),))
        for item in found:
            name = item.path
            if name not in seen:
                seen.add(name)
                yield item


def _one(path: str, status: os.stat_result) -> Found | Fate:
    if stat.S_ISREG(status.st_mode):
        return Found(path, path)
    return _refused(path, "This is a device or a pipe, not a file.", "Leave it out.")


def _below(
    folder: str,
    folders: set[tuple[int, int]],
    ticket: Ticket | None,
    list_folder: ListFolder,
) -> Iterator[Found | Fate]:
    if ticket is not None:
        ticket.check()
    try:
        entries = list_folder(folder)
    except OSError as error:
        reason = (
            "The folder cannot be opened: permission is denied."
            if isinstance(error, PermissionError)
            else f"The folder cannot be opened ({error.strerror or 'input/output error'})."
        )
        yield _refused(folder, reason)
        return
    for entry in entries:
        try:
            status = entry.stat()
        except OSError:
            yield _refused(entry.path, "The link leads nowhere.", "Leave it out.")
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield _one(entry.path, status)
        elif (status.st_dev, status.st_ino) not in folders:  # links may go round in circles
            folders.add((status.st_dev, status.st_ino))
            yield from _below(entry.path, folders, ticket, list_folder)


def _refused(path: str, reason: str, hint: str = "Ask its owner to let you read it.") -> Fate:
    return Fate(path, Outcome.REFUSED, "", reason, hint)
