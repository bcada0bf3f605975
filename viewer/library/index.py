"""The library: which studies were seen, where, and when they were opened last.

One SQLite file (WAL): several threads and several programs may use it at once, each call with a
connection of its own. It holds no pixels, and nothing that is not in the files as well.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.study import Patient, Series, Study
from viewer.errors import Damaged, Unsupported
from viewer.library.schema import APPLICATION_ID, VERSION, migrate, version_of
from viewer.library.words import searched_text, wanted_words

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

    Raises
    ------
    Unsupported
        A newer program made the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set_aside: Path | None = None
        self._lock = threading.Lock()
        try:
            self._prepare()
        except (sqlite3.DatabaseError, Damaged):
            self.set_aside = _put_aside(path)
            self._prepare()

    def _prepare(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._connected() as connection:
            version = version_of(connection)
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            (n_tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            if n_tables and owner != APPLICATION_ID:
                raise Damaged("This is not a library of Negatoscope.", where=self._path.name)
            if version > VERSION:
                raise Unsupported(
                    "A newer version of the program made this library.",
                    where=self._path.name,
                    remedy="Update Negatoscope, or move the file away: it is made anew.",
                )
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection)
        self._path.chmod(0o600)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=_WAIT_S)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            # The files are the truth: after a loss of power the last rows may be seen again.
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()

    # --- writing ---------------------------------------------------------------------------

    def add(
        self, seen: Iterable[SeenSeries], places: Sequence[str], *, opened: bool = True
    ) -> None:
        """Note series and where their studies lie; what was known of the same UIDs is renewed.

        ``places`` are the paths (folders, files, archives) that hold them, to be opened again.
        """
        now = time.time() if opened else 0.0
        found = list(seen)
        with self._connected() as connection, self._lock:
            for start in range(0, len(found), _BATCH):
                connection.execute("BEGIN IMMEDIATE")
                for one in found[start : start + _BATCH]:
                    _note(connection, one, places, now)
                connection.execute("COMMIT")

    def note_thumbnail(self, series_uid: str, png: bytes) -> None:
        """Keep a small picture of a series."""
        with self._connected() as connection:
            connection.execute("UPDATE series SET thumbnail = ? WHERE uid = ?", (png, series_uid))

    def forget(self, study_uid: str) -> None:
        """Take a study out of the list; its files stay where they are."""
        with self._connected() as connection:
            connection.execute("DELETE FROM studies WHERE uid = ?", (study_uid,))

    def clear(self) -> None:
        """Forget everything, to be filled anew."""
        with self._connected() as connection:
            connection.execute("DELETE FROM studies")

    def look(self) -> int:
        """Look at every place whether it is still there; return how many studies have none."""
        with self._connected() as connection:
            paths = [str(row[0]) for row in connection.execute("SELECT DISTINCT path FROM places")]
            gone = [(int(not Path(path).exists()), path) for path in paths]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE places SET is_missing = ? WHERE path = ?", gone)
            connection.execute("COMMIT")
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM studies WHERE uid NOT IN"
                " (SELECT study_uid FROM places WHERE NOT is_missing)"
            ).fetchone()
        return int(count)

    # --- reading ---------------------------------------------------------------------------

    def search(self, text: str = "", limit: int = 200) -> tuple[KnownStudy, ...]:
        """Return the studies in which every word of ``text`` occurs, the last opened first.

        Words are looked for in name, number, dates, accession, modalities and descriptions, in any
        order, without regard to case and accents.
        """
        # What is searched was folded when it was written: plain comparison serves, and is fast.
        words = wanted_words(text)
        where = " AND ".join("instr(words, ?)" for _ in words)
        query = (
            f"SELECT {', '.join(_STUDY)}, opened_s FROM studies"  # noqa: S608 - names of our own
            f"{' WHERE ' + where if where else ''}"
            " ORDER BY opened_s DESC, date DESC, uid LIMIT ?"
        )
        with self._connected() as connection:
            rows = connection.execute(query, [*words, limit]).fetchall()
            series, places = (
                _by_study(connection, columns, [row[0] for row in rows]) for columns in _PARTS
            )
        return tuple(_known(row, series[row[0]], places[row[0]]) for row in rows)

    def n_studies(self) -> int:
        """Return how many studies are known."""
        with self._connected() as connection:
            (count,) = connection.execute("SELECT COUNT(*) FROM studies").fetchone()
        return int(count)


_STUDY = (
    "uid",
    "patient_name",
    "patient_id",
    "issuer",
    "birth_date",
    "sex",
    "date",
    "time",
    "description",
    "accession",
    "institution",
)


_PARTS = ("modality, n_images, thumbnail FROM series", "path, is_missing FROM places")


def _note(
    connection: sqlite3.Connection, one: SeenSeries, places: Sequence[str], now_s: float
) -> None:
    patient, study, series = one.patient, one.study, one.series
    own = (
        study.uid,
        patient.name,
        patient.id,
        patient.issuer,
        patient.birth_date,
        patient.sex,
        study.date,
        study.time,
        study.description,
        study.accession,
        study.institution,
    )
    marks = ", ".join("?" for _ in own)
    renewed = ", ".join(f"{name} = excluded.{name}" for name in _STUDY[1:])
    connection.execute(
        f"INSERT INTO studies ({', '.join(_STUDY)}, words, opened_s)"  # noqa: S608 - our own names
        f" VALUES ({marks}, '', ?) ON CONFLICT (uid) DO UPDATE SET {renewed},"
        " opened_s = MAX(opened_s, excluded.opened_s)",
        (*own, now_s),
    )
    connection.execute(
        "INSERT INTO series (uid, study_uid, number, modality, description, body_part, n_images,"
        " thumbnail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE SET"
        " study_uid = excluded.study_uid, number = excluded.number, modality = excluded.modality,"
        " description = excluded.description, body_part = excluded.body_part,"
        " n_images = excluded.n_images, thumbnail = COALESCE(excluded.thumbnail, thumbnail)",
        (
            series.uid,
            study.uid,
            series.number,
            series.modality,
            series.description,
            series.body_part,
            one.n_images,
            one.thumbnail,
        ),
    )
    connection.executemany(
        "INSERT INTO places (study_uid, path) VALUES (?, ?)"
        " ON CONFLICT (study_uid, path) DO UPDATE SET is_missing = 0",
        [(study.uid, place) for place in places],
    )
    _write_words(connection, patient, study)


def _write_words(connection: sqlite3.Connection, patient: Patient, study: Study) -> None:
    """Write what is searched: everything that a person may remember of a study."""
    told = connection.execute(
        "SELECT uid, number, modality, description, body_part FROM series WHERE study_uid = ?",
        (study.uid,),
    )
    text = searched_text(patient, study, [Series(*row) for row in told])
    connection.execute("UPDATE studies SET words = ? WHERE uid = ?", (text, study.uid))


def _by_study(
    connection: sqlite3.Connection, columns: str, uids: Sequence[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of one table for each study."""
    found: dict[str, list[tuple[Any, ...]]] = {uid: [] for uid in uids}
    marks = ", ".join("?" for _ in uids)
    query = f"SELECT study_uid, {columns} WHERE study_uid IN ({marks})"
    for uid, *row in connection.execute(query, list(uids)):
        found[uid].append(tuple(row))
    return found


def _known(
    row: Sequence[Any], series: Sequence[tuple[Any, ...]], places: Sequence[tuple[Any, ...]]
) -> KnownStudy:
    modalities = sorted({str(modality) for modality, _, _ in series if modality})
    largest = max(series, key=lambda one: (one[2] is not None, one[1]), default=("", 0, None))
    return KnownStudy(
        Patient(*row[1:6]),
        Study(row[0], row[6], row[7], row[8], row[9], row[10]),
        tuple(modalities),
        len(series),
        sum(n_images for _, n_images, _ in series),
        tuple(sorted(path for path, is_missing in places if not is_missing)),
        tuple(sorted(path for path, is_missing in places if is_missing)),
        float(row[11]),
        largest[2],
    )


def _put_aside(path: Path) -> Path:
    """Move a broken file and its companions away; return where the file is now."""
    number = 1
    while (target := path.with_name(_BROKEN.format(name=path.name, number=number))).exists():
        number += 1
    path.rename(target)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return target
