"""The file of a session: an SQLite database. What is in it, not when it is written."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from viewer.errors import Damaged, InputRefused, Unsupported

APPLICATION_ID = 0x4E475453  # "NGTS"
SCHEMA_VERSION = 1
SUFFIX = ".negatoscope"
RowKind = Literal["apply", "undo", "redo", "open"]
_KINDS = frozenset(get_args(RowKind))

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE paths(seq INTEGER NOT NULL, path TEXT NOT NULL);
CREATE TABLE edits(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, merges INTEGER NOT NULL,
    at_s REAL NOT NULL, edit BLOB NOT NULL, inverse BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE snapshots(seq INTEGER PRIMARY KEY, head BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE labels(name TEXT PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE kept(name TEXT PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the journal; ``inverse`` is b"" when the edit is its own inverse."""

    seq: int
    kind: RowKind
    merges: bool
    at_s: float
    edit: bytes = b""
    inverse: bytes = b""

    def crc(self) -> int:
        """Return the check sum over everything that replay uses."""
        head = f"{self.seq} {self.kind} {int(self.merges)}".encode()
        return zlib.crc32(self.inverse, zlib.crc32(self.edit, zlib.crc32(head)))


class Store:
    """An open session file. Errors of SQLite come out as they are: the callers know what to do."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new, empty file.

        Raises
        ------
        OSError, sqlite3.Error
            It exists already, or cannot be written.
        """
        path.touch(mode=0o600, exist_ok=False)  # who reads it sees where studies lie
        connection = _connected(path)
        connection.executescript(_SCHEMA)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that its head can be read
        return cls(connection, path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that is there.

        Raises
        ------
        InputRefused
            There is none, it is not a session, or a newer program made it (Unsupported).
        Damaged
            It is no database, or broken at its head.
        """
        check_header(path)
        connection = _connected(path)
        try:
            _check_version(connection, path)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise Damaged("The file of the session is broken.", where=path.name) from error
        except InputRefused:
            connection.close()
            raise
        return cls(connection, path)

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside becomes true together, on the disk, or not at all."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.commit()
        except BaseException:
            if self.connection.in_transaction:
                self.connection.rollback()
            raise

    # --- writing ---------------------------------------------------------------------------

    def set_meta(self, **values: str) -> None:
        """Write texts about the session."""
        self.connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def add_row(self, row: Row) -> None:
        """Write one row of the journal."""
        self.connection.execute(
            "INSERT OR REPLACE INTO edits VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.seq, row.kind, row.merges, row.at_s, row.edit, row.inverse, row.crc()),
        )

    def add_paths(self, seq: int, paths: tuple[str, ...]) -> None:
        """Write which paths row ``seq`` opened."""
        self.connection.executemany("INSERT INTO paths VALUES (?, ?)", [(seq, p) for p in paths])

    def put(self, table: Literal["labels", "kept"], name: str, data: bytes) -> None:
        """Write a named blob, in place of the one before."""
        self.connection.execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",  # noqa: S608 - two names of ours
            (name, data, zlib.crc32(data)),
        )

    def add_snapshot(self, seq: int, head: bytes) -> None:
        """Write a snapshot after row ``seq``."""
        self.connection.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (seq, head, zlib.crc32(head))
        )

    # --- reading ---------------------------------------------------------------------------

    def meta(self, name: str, default: str = "") -> str:
        """Return a text about the session, the default where it cannot be read."""
        return _text(self.connection, name, default)

    def blob(self, table: Literal["labels", "kept"], name: str) -> bytes | None:
        """Return a named blob; None if it is not there or broken."""
        query = f"SELECT data, crc FROM {table} WHERE name = ?"  # noqa: S608 - two names of ours
        try:
            found = self.connection.execute(query, (name,)).fetchone()
        except sqlite3.DatabaseError:
            return None
        return found[0] if found and zlib.crc32(found[0]) == found[1] else None

    def all_kept(self) -> dict[str, bytes]:
        """Return the named blobs that can be read."""
        names = self._column("SELECT name FROM kept")
        found = {str(name): self.blob("kept", str(name)) for name in names}
        return {name: data for name, data in found.items() if data is not None}

    def rows(self) -> dict[int, Row]:
        """Return the rows that can be read, by number; broken ones are not there."""
        # A torn page ends a reading: so from both ends, and every row for itself.
        up = self._column("SELECT seq FROM edits ORDER BY seq")
        down = self._column("SELECT seq FROM edits ORDER BY seq DESC")
        found = {}
        for seq in sorted({*up, *down}):
            row = self._row(seq)
            if row is not None:
                found[seq] = row
        return found

    def _row(self, seq: int) -> Row | None:
        query = "SELECT seq, kind, merges, at_s, edit, inverse, crc FROM edits WHERE seq = ?"
        try:
            found = self.connection.execute(query, (seq,)).fetchone()
            number, kind, merges, at_s, edit, inverse, crc = found
            row = Row(number, kind, bool(merges), at_s, bytes(edit), bytes(inverse))
        except (sqlite3.DatabaseError, TypeError):
            return None
        return row if row.crc() == crc and kind in _KINDS else None

    def snapshots(self) -> list[tuple[int, bytes]]:
        """Return the snapshots that can be read, newest first."""
        found = []
        for seq in self._column("SELECT seq FROM snapshots ORDER BY seq DESC"):
            query = "SELECT head, crc FROM snapshots WHERE seq = ?"
            try:
                head, crc = self.connection.execute(query, (seq,)).fetchone()
            except (sqlite3.DatabaseError, TypeError):
                continue
            if zlib.crc32(head) == crc:
                found.append((int(seq), bytes(head)))
        return found

    def is_sound(self) -> bool:
        """Whether SQLite finds the file in order."""
        return self._column("PRAGMA quick_check") == ["ok"]

    def _column(self, query: str) -> list[Any]:
        """Return the first column as far as it can be read."""
        found: list[Any] = []
        try:
            found.extend(row[0] for row in self.connection.execute(query))
        except sqlite3.DatabaseError:
            return found
        return found

    def paths(self) -> tuple[str, ...]:
        """Return the paths that were opened, each once."""
        return tuple(dict.fromkeys(str(p) for p in self._column("SELECT path FROM paths")))

    def n_edits(self) -> int:
        """Return how many rows there are, beside those that open studies."""
        counted = self._column("SELECT COUNT(*) FROM edits WHERE kind != 'open'")
        return int(counted[0]) if counted else 0


def copy_file(source: Path, target: Path) -> None:
    """Copy a session file as one consistent moment, closed and ownerless, and check the copy."""
    target.unlink(missing_ok=True)
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
        writing.execute("UPDATE meta SET value = '0' WHERE name = 'owner_pid'")
        writing.execute("UPDATE meta SET value = '1' WHERE name = 'clean_close'")
        writing.commit()
        (verdict,) = writing.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
    finally:
        reading.close()
        writing.close()


def check_header(path: Path) -> None:
    """Look at the first bytes before SQLite may touch the file: it could be somebody else's."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError as error:
        raise InputRefused("There is no such session.", where=path.name) from error
    except OSError as error:
        raise InputRefused("The session cannot be read.", where=path.name) from error
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        raise Damaged("The file of the session is broken.", where=path.name)
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise InputRefused("This is not a session of Negatoscope.", where=path.name)


def _connected(path: Path) -> sqlite3.Connection:
    # The writing thread is another than the one that opens; only one uses it at a time.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk, not on its way
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Damaged("The file of the session is broken.", where=path.name) from error
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if version > SCHEMA_VERSION:
        raise Unsupported(
            "A newer version of the program made this session.",
            where=path.name,
            remedy="Open it with that version.",
        )


def _text(connection: sqlite3.Connection, name: str, default: str) -> str:
    try:
        found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    except sqlite3.DatabaseError:
        return default
    return str(found[0]) if found else default
