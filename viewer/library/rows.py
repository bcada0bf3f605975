"""Studies and series as rows, and back."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from viewer.domain.study import Patient, Series, Study
from viewer.library.words import searched_text

if TYPE_CHECKING:
    from viewer.library.index import SeenSeries

STUDY = (
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
_HIGHEST_NUMBER = 2**31 - 1  # of an integer string (PS3.5 6.2)


def plain(text: str) -> str:
    """Return ``text`` as it can be stored: broken characters become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def key_of(patient: Patient, study: Study) -> str:
    """Return what tells a study from all others: UIDs were seen to be given twice."""
    return plain(f"{study.uid}\n{patient.id}\n{patient.issuer}")


def note(
    connection: sqlite3.Connection,
    seen: Sequence["SeenSeries"],
    places: Sequence[str],
    now_s: float,
) -> None:
    """Write series and their studies; what was known of the same ones is renewed."""
    studies: dict[str, tuple[Patient, Study]] = {}
    for one in seen:
        studies[key_of(one.patient, one.study)] = (one.patient, one.study)
    _note_studies(connection, studies, now_s)
    _note_series(connection, seen)
    connection.executemany(
        "INSERT INTO places (study_key, path) VALUES (?, ?)"
        " ON CONFLICT (study_key, path) DO UPDATE SET is_missing = 0",
        [(key, os.fsencode(place)) for key in studies for place in places],
    )
    _write_words(connection, studies)


def _note_studies(
    connection: sqlite3.Connection, studies: dict[str, tuple[Patient, Study]], now_s: float
) -> None:
    marks = ", ".join("?" for _ in STUDY)
    renewed = ", ".join(f"{name} = excluded.{name}" for name in STUDY)
    rows = []
    for key, (patient, study) in studies.items():
        own = (study.date, study.time, study.description, study.accession, study.institution)
        texts = (study.uid, *astuple(patient), *own)
        rows.append((key, *map(plain, texts), now_s))
    connection.executemany(
        f"INSERT INTO studies (key, {', '.join(STUDY)}, words, opened_s)"  # noqa: S608 - our names
        f" VALUES (?, {marks}, '', ?) ON CONFLICT (key) DO UPDATE SET {renewed},"
        " opened_s = MAX(opened_s, excluded.opened_s)",
        rows,
    )


def _note_series(connection: sqlite3.Connection, seen: Sequence["SeenSeries"]) -> None:
    rows = []
    for one in seen:
        series = one.series
        texts = (series.modality, series.description, series.body_part)
        number = series.number
        if number is not None and abs(number) > _HIGHEST_NUMBER:
            number = None
        key = key_of(one.patient, one.study)
        rows.append(
            (key, plain(series.uid), number, *map(plain, texts), one.n_images, one.thumbnail)
        )
    # A single file of a series that was opened says nothing against the images seen before.
    connection.executemany(
        "INSERT INTO series (study_key, uid, number, modality, description, body_part, n_images,"
        " thumbnail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (study_key, uid) DO UPDATE SET"
        " number = excluded.number, modality = excluded.modality,"
        " description = excluded.description, body_part = excluded.body_part,"
        " n_images = MAX(n_images, excluded.n_images),"
        " thumbnail = COALESCE(excluded.thumbnail, thumbnail)",
        rows,
    )


def _write_words(connection: sqlite3.Connection, studies: dict[str, tuple[Patient, Study]]) -> None:
    """Write what is searched: everything that a person may remember of a study."""
    rows = []
    for key, (patient, study) in studies.items():
        told = connection.execute(
            "SELECT uid, number, modality, description, body_part FROM series WHERE study_key = ?",
            (key,),
        )
        words = searched_text(patient, study, [Series(*row) for row in told])
        rows.append((plain(words), key))
    connection.executemany("UPDATE studies SET words = ? WHERE key = ?", rows)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a study lies, and where it lay."""

    there: tuple[str, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> "Places":
        """Return the places of (path, is missing) rows."""
        found = [(os.fsdecode(path), bool(missing)) for path, missing in rows]
        return cls(
            tuple(sorted(path for path, missing in found if not missing)),
            tuple(sorted(path for path, missing in found if missing)),
        )


def known_study(
    row: Sequence[Any], series: Sequence[tuple[Any, ...]], places: Places
) -> tuple[Any, ...]:
    """Return the fields of a ``KnownStudy``, in their order."""
    modalities = sorted({str(modality) for modality, _, _ in series if modality})
    largest = max(series, key=lambda one: (one[2] is not None, one[1]), default=("", 0, None))
    return (
        row[0],
        Patient(*row[2:7]),
        Study(row[1], row[7], row[8], row[9], row[10], row[11]),
        tuple(modalities),
        len(series),
        sum(n_images for _, n_images, _ in series),
        places.there,
        places.missing,
        float(row[12]),
        largest[2],
    )
