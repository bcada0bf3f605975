"""The tables of the library's file, and the way from older versions to today's."""

import sqlite3

APPLICATION_ID = 0x4E47544C  # "NGTL"

# One script for each step: MIGRATIONS[n] takes a file of version n to n + 1. Never change one.
MIGRATIONS = (
    """
    CREATE TABLE studies (
        uid TEXT PRIMARY KEY,
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
        opened_s REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE series (
        uid TEXT PRIMARY KEY,
        study_uid TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
        number INTEGER,
        modality TEXT NOT NULL,
        description TEXT NOT NULL,
        body_part TEXT NOT NULL,
        n_images INTEGER NOT NULL,
        thumbnail BLOB
    ) WITHOUT ROWID;
    CREATE INDEX series_of_study ON series (study_uid);
    """,
    # Where a study was seen: a study may lie in several places, and a place may go away.
    """
    CREATE TABLE places (
        study_uid TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
        path TEXT NOT NULL,
        is_missing INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (study_uid, path)
    ) WITHOUT ROWID;
    CREATE INDEX recent ON studies (opened_s DESC);
    """,
)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version that a file states."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, to_version: int = VERSION) -> None:
    """Bring a file to ``to_version``, each step in one transaction."""
    for step in range(version_of(connection), to_version):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[step]}"
            f"PRAGMA user_version = {step + 1}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        )
