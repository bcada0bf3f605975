"""The tables of the library's file, and the way from older versions to today's."""

import sqlite3

APPLICATION_ID = 0x4E47544C  # "NGTL"

# The statements of each step: MIGRATIONS[n] takes a file of version n to n + 1. Never change one
# that was released. A study is known by its UID and its patient: UIDs are not always unique.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE studies (
            key TEXT PRIMARY KEY,
            uid TEXT NOT NULL,
            patient_name TEXT NOT NULL,
            patient_id TEXT NOT NULL,
            issuer TEXT NOT NULL,
            birth_date TEXT NOT NULL,
            sex TEXT NOT NULL,
            date TEXT NOT NULL,
            time TEXT NOT NULL,
            description TEXT NOT NULL,
            accession TEXT NOT NULL,
            institution TEXT NOT NULL,
            words TEXT NOT NULL,
            opened_s REAL NOT NULL)""",
        "CREATE INDEX recent ON studies (opened_s DESC, date DESC)",
        """CREATE TABLE series (
            study_key TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
            uid TEXT NOT NULL,
            number INTEGER,
            modality TEXT NOT NULL,
            description TEXT NOT NULL,
            body_part TEXT NOT NULL,
            n_images INTEGER NOT NULL,
            thumbnail BLOB,
            PRIMARY KEY (study_key, uid))""",
    ),
    # Where a study was seen: it may lie in several places, and a place may go away. Paths are the
    # system's own bytes, since they need not be text.
    (
        """CREATE TABLE places (
            study_key TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
            path BLOB NOT NULL,
            is_missing INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (study_key, path)) WITHOUT ROWID""",
    ),
)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version that a file states."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, to_version: int = VERSION) -> None:
    """Bring a file to ``to_version`` in one transaction; another program may do so meanwhile."""
    if version_of(connection) >= to_version:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range(version_of(connection), to_version):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
