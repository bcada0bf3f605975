"""``negatoscope library``: what was opened, and where it lies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from viewer.actions.library import seen_series
from viewer.command_line.studies import scanned
from viewer.library.index import KnownStudy, Library
from viewer.places import data_folder


def library_document(words: Sequence[str], rebuild: Sequence[Path] | None) -> dict[str, Any]:
    """Return the studies in which all ``words`` occur, after making the list anew if asked."""
    found = None if rebuild is None else scanned(list(rebuild))
    library = Library(data_folder() / "library.sqlite")
    if found is not None and rebuild is not None:
        library.rebuild(list(seen_series(found, rebuild).items()))
    library.look()
    return {
        "known": library.n_studies(),
        "studies": [_record(study) for study in library.search(" ".join(words), limit=100_000)],
    }


def _record(found: KnownStudy) -> dict[str, Any]:
    return {
        "uid": found.study.uid,
        "patient": found.patient.name,
        "patient_id": found.patient.id,
        "date": found.study.date,
        "description": found.study.description,
        "modalities": list(found.modalities),
        "series": found.n_series,
        "images": found.n_images,
        "places": list(found.places),
        "missing": list(found.missing),
    }


def library_lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield the list as lines of text."""
    for study in document["studies"]:
        where = ", ".join(study["places"]) or f"missing: {', '.join(study['missing'])}"
        kind = "/".join(study["modalities"])
        yield f"{study['date']} {study['patient']} {study['patient_id']} {kind} {study['description']}"
        yield f"    {study['series']} series, {study['images']} images  {where}"
    yield f"{len(document['studies'])} of {document['known']} studies"
