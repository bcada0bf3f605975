"""A journal read and run through again, without taking it over: the file stays as it is."""

import sqlite3
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from viewer.errors import Damaged, OutOfResources
from viewer.session.document import Document
from viewer.session.recovery import read_contents, replayed
from viewer.session.store import Store, check_header


@dataclass(frozen=True, eq=False)
class Replay:
    """What a journal leads to.

    ``n_rows`` is the number of the last row, ``n_replayed`` of the last one that could be run
    through. ``from_start``: every row was run through from the first; else a snapshot stood for
    rows that are not there any more. ``is_sound``: the whole file could be read.
    """

    document: Document
    paths: tuple[str, ...]
    n_rows: int
    n_replayed: int
    from_start: bool
    is_sound: bool


def replay(path: Path) -> Replay:
    """Return what the journal in ``path`` leads to, from its first row where that is there.

    The journal of a running program may be read: a copy of one moment is looked at.

    Raises
    ------
    ViewerError
        It is no session, broken at its head, or a newer program made it.
    """
    check_header(path)
    with tempfile.TemporaryDirectory(prefix="negatoscope-replay-") as folder:
        copy = Path(folder) / path.name
        _copied(path, copy)
        store = Store.open(copy)
        try:
            contents = read_contents(store)
        finally:
            store.close()
    from_start = 1 in contents.rows or not contents.snapshots
    if from_start:
        # What a snapshot says must follow from the rows: so it is not asked.
        contents = replace(contents, snapshots=[])
    document, reached, last = replayed(contents)
    return Replay(document, contents.paths, last, reached, from_start, contents.is_sound)


def _copied(path: Path, copy: Path) -> None:
    """Copy a session's file with what its companion holds; never write to the original."""
    try:
        reading = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        writing = sqlite3.connect(copy)
        try:
            reading.backup(writing)
        finally:
            reading.close()
            writing.close()
    except sqlite3.DatabaseError as error:
        raise Damaged("The file of the session is broken.", where=path.name) from error
    except OSError as error:
        raise OutOfResources("The session cannot be copied to be read.", where=path.name) from error
