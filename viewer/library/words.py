"""What is searched: the texts of a study, written as a person would type them."""

import unicodedata
from collections.abc import Iterable

from viewer.domain.study import Patient, Series, Study

LONGEST = 1000  # characters of one text; DICOM allows 64 in most, 10,240 in a few (PS3.5, 6.2)
_MOST_WORDS = 16


def folded(text: str) -> str:
    """Return ``text`` without case and accents, on one line ("Müller^Ida" gives "muller ida")."""
    apart = unicodedata.normalize("NFKD", text[:LONGEST])
    plain = "".join(" " if c in "^=" else c for c in apart if not unicodedata.combining(c))
    return " ".join("".join(c if c.isprintable() else " " for c in plain.casefold()).split())


def searched_text(patient: Patient, study: Study, series: Iterable[Series]) -> str:
    """Return everything by which a study may be looked for; words never run into each other."""
    parts = [patient.name, patient.id, *_dates(patient.birth_date)]
    parts += [*_dates(study.date), study.accession, study.description, study.id, study.institution]
    for one in series:
        parts += [one.modality, one.description, one.body_part]
    return "\n".join(dict.fromkeys(filter(None, map(folded, parts))))


def wanted_words(text: str) -> list[str]:
    """Return the words of a search; beyond the first sixteen they are not looked at."""
    return folded(text).split()[:_MOST_WORDS]


def _dates(date: str) -> tuple[str, ...]:
    """Return a DICOM date as it is written there, and as people write it."""
    if len(date) != 8 or not date.isdecimal():
        return (date,)
    year, month, day = date[:4], date[4:6], date[6:]
    return date, f"{year}-{month}-{day}", f"{day}.{month}.{year}", f"{month}/{day}/{year}"
