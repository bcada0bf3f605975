"""The library: which studies were seen, where, and when they were opened last.

One SQLite file (WAL): several threads and several programs may use it at once. It holds no pixels,
and nothing that is not in the files as well.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.study import Patient, Series, Study
from viewer.errors import Conflict, Damaged, Unsupported
from viewer.library.rows import STUDY, Places, known_study, note
from viewer.library.schema import APPLICATION_ID, VERSION, migrate, version_of
from viewer.library.words import wanted_words

_WAIT_S = 5.0
_BATCH = 500
_BROKEN = "{name}.broken-{number}"


@dataclass(frozen=True, slots=True)
class SeenSeries:
    """A series as it was seen in one place. ``thumbnail`` is PNG, or None."""

    patient: Patient
    study: Study
    series: Series
    n_images: int
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """One row of the list. ``places`` are there, ``missing`` were when they were looked at last."""

    key: str
    patient: Patient
    study: Study
    modalities: tuple[str, ...]
    n_series: int
    n_images: int
    places: tuple[str, ...]
    missing: tuple[str, ...]
    opened_s: float
    thumbnail: bytes | None = None

    @property
    def is_missing(self) -> bool:
        """Whether no place of it was there any more."""
        return not self.places


class Library:
    """The index in one file. Its methods may be called from any thread.

    They raise ``Damaged`` where the file has become unusable meanwhile, and ``Conflict`` where
    another program has kept it to itself for seconds.

    Raises
    ------
    Unsupported
        A newer program made the file; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set_aside: Path | None = None
        self._threads = threading.local()
        self._n_changes = 0
        try:
            self._prepare()
        except Damaged:
            self._close()
            self.set_aside = _put_aside(path)
            self._prepare()

    def _prepare(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._connected() as connection:
            owner, n_tables, version = _identity(connection)
            if n_tables and owner != APPLICATION_ID:
                raise Damaged("This is not a library of Negatoscope.", where=self._path.name)
            if version > VERSION:
                raise Unsupported(
                    "A newer version of the program made this library.",
                    where=self._path.name,
                    remedy="Update Negatoscope, or move the file away: it is made anew.",
                )
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise Damaged("The file of the library is broken.", where=self._path.name)
            _let_readers_in(connection)
            migrate(connection)
        self._path.chmod(0o600)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection; what SQLite says against the file becomes a sentence."""
        try:
            connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
            if connection is None:
                connection = sqlite3.connect(self._path, isolation_level=None, timeout=_WAIT_S)
                self._threads.connection = connection
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("PRAGMA foreign_keys = ON")
                # The files are the truth: after a loss of power the last rows are seen again.
                connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        except sqlite3.Error as error:
            self._close()
            if _is_busy(error):
                # A sound file: it must not be taken for a broken one and put aside.
                raise Conflict(
                    "Another program keeps the library to itself.",
                    where=self._path.name,
                    remedy="Wait a moment and try again.",
                ) from error
            raise Damaged(
                f"The library cannot be used ({error}).",
                where=self._path.name,
                remedy="Move the file away: it is made anew from what is opened.",
            ) from error

    def _close(self) -> None:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        self._threads.connection = None
        if connection is not None:
            connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside one transaction: all of it, or nothing."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self._n_changes += 1

    # --- writing ---------------------------------------------------------------------------

    def add(self, seen: Iterable[SeenSeries], places: Sequence[str]) -> None:
        """Note series that were opened, and where their studies lie.

        ``places`` are the paths (folders, files, archives) that hold them, to be opened again.
        """
        now, found = time.time(), list(seen)
        for start in range(0, len(found), _BATCH):
            with self._writing() as connection:
                note(connection, found[start : start + _BATCH], places, now)

    def rebuild(self, found: Sequence[tuple[str, Sequence[SeenSeries]]]) -> None:
        """Forget everything and note ``found``, (place, series), in one step."""
        with self._writing() as connection:
            connection.execute("DELETE FROM studies")
            for place, seen in found:
                note(connection, seen, [place], 0.0)

    def note_thumbnail(self, series_uid: str, png: bytes) -> None:
        """Keep a small picture of a series."""
        with self._writing() as connection:
            connection.execute("UPDATE series SET thumbnail = ? WHERE uid = ?", (png, series_uid))

    def forget(self, key: str) -> None:
        """Take a study out of the list; its files stay where they are."""
        with self._writing() as connection:
            connection.execute("DELETE FROM studies WHERE key = ?", (key,))

    def look(self) -> int:
        """Look at every place whether it is still there; return how many studies have none."""
        with self._connected() as connection:
            paths = [row[0] for row in connection.execute("SELECT DISTINCT path FROM places")]
        gone = [(int(not Path(os.fsdecode(path)).exists()), path) for path in paths]
        with self._writing() as connection:
            connection.executemany("UPDATE places SET is_missing = ? WHERE path = ?", gone)
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM studies WHERE key NOT IN"
                " (SELECT study_key FROM places WHERE NOT is_missing)"
            ).fetchone()
        return int(count)

    # --- reading ---------------------------------------------------------------------------

    def search(self, text: str = "", limit: int = 200) -> tuple[KnownStudy, ...]:
        """Return the studies in which every word of ``text`` occurs, the last opened first.

        Words are looked for in name, number, dates, accession, modalities and descriptions, in any
        order, without regard to case and accents.
        """
        wanted = wanted_words(text)
        with self._connected() as connection:
            found = self._searched(connection)
            for word in wanted:
                found = [row for row in found if word in row[1]]
            keys = [key for key, _ in found[:limit]]
            marks = ", ".join("?" for _ in keys)
            columns = f"key, {', '.join(STUDY)}, opened_s"
            query = f"SELECT {columns} FROM studies WHERE key IN ({marks})"  # noqa: S608 - our own
            rows = {row[0]: row for row in connection.execute(query, keys)}
            series = _by_study(connection, "modality, n_images, thumbnail FROM series", keys)
            places = _by_study(connection, "path, is_missing FROM places", keys)
        return tuple(
            KnownStudy(*known_study(rows[key], series[key], Places.of(places[key])))
            for key in keys
            if key in rows
        )

    def _searched(self, connection: sqlite3.Connection) -> list[tuple[str, str]]:
        """Return (key, words) of all studies, the last opened first; read again after changes.

        In memory, a keystroke costs a tenth of what reading every row costs. SQLite tells whether
        another connection has written meanwhile, this object whether its own did.
        """
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        state = (version, self._n_changes)
        known: tuple[object, list[tuple[str, str]]] = getattr(self._threads, "searched", (None, []))
        if known[0] != state:
            query = "SELECT key, words FROM studies ORDER BY opened_s DESC, date DESC"
            known = (state, connection.execute(query).fetchall())
            self._threads.searched = known
        return known[1]

    def n_studies(self) -> int:
        """Return how many studies are known."""
        with self._connected() as connection:
            (count,) = connection.execute("SELECT COUNT(*) FROM studies").fetchone()
        return int(count)


def _identity(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return whose file it is, how many tables it has, and its version: all of one moment.

    Asked one after the other, a file that another program makes just now has an old owner and new
    tables: somebody else's, as it seems.
    """
    connection.execute("BEGIN")
    try:
        (n_tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        version = version_of(connection)
    finally:
        connection.execute("ROLLBACK")
    return owner, n_tables, version


def _let_readers_in(connection: sqlite3.Connection) -> None:
    """Keep changes in a log beside the file, so that readers and a writer do not wait."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # Another program does so just now (SQLite does not wait here): it is kept in the file.
        if not _is_busy(error):
            raise


def _is_busy(error: sqlite3.Error) -> bool:
    # The low byte is the primary code; some errors of Python's own module have none.
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _by_study(
    connection: sqlite3.Connection, columns: str, keys: Sequence[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of one table for each study."""
    found: dict[str, list[tuple[Any, ...]]] = {key: [] for key in keys}
    marks = ", ".join("?" for _ in keys)
    query = f"SELECT study_key, {columns} WHERE study_key IN ({marks})"
    for key, *row in connection.execute(query, list(keys)):
        found[key].append(tuple(row))
    return found


def _put_aside(path: Path) -> Path:
    """Move a broken file and its companions away; return where the file is now."""
    number = 1
    while (target := path.with_name(_BROKEN.format(name=path.name, number=number))).exists():
        number += 1
    path.rename(target)
    for ending in ("-wal", "-shm"):
        companion = path.with_name(path.name + ending)
        if companion.exists():
            companion.rename(target.with_name(target.name + ending))
    return target
