"""DICOMDIR: which files a medium says it holds (PS3.3 F, PS3.10 8)."""

import os
from collections.abc import Iterable
from pathlib import Path

from viewer.domain.ledger import Fate, Outcome
from viewer.intake import tags
from viewer.intake.find import Found
from viewer.intake.header import Header


def referenced_files(
    header: Header, path: str, shown: str, known: Iterable[str]
) -> tuple[list[Found], list[Fate]]:
    """Return files of the DICOMDIR that are not ``known`` yet, and refusals of absent ones."""
    folder, seen = Path(path).parent, set(known)
    found: list[Found] = []
    absent: list[Fate] = []
    for record in header.items(tags.DIRECTORY_RECORD_SEQUENCE):
        parts = [part for part in record.texts(tags.REFERENCED_FILE_ID) if part]
        if not parts:
            continue
        name = str(Path(shown).parent.joinpath(*parts))
        real = _existing(folder, parts)
        if real is not None and str(real) not in seen:
            seen.add(str(real))
            found.append(Found(str(real), str(real)))
        elif real is None and name not in seen:
            seen.add(name)
            absent.append(_absent(name, parts))
    return found, absent


def _absent(name: str, parts: list[str]) -> Fate:
    if any(part == ".." or "/" in part for part in parts):
        reason = "The DICOMDIR lists a path that leads outside of its medium."
        return Fate(name, Outcome.REFUSED, "", reason, "Do not use this medium.")
    reason = "The DICOMDIR lists this file, but it is not there."
    return Fate(name, Outcome.REFUSED, "", reason, "Copy the whole medium again.")


def _existing(folder: Path, parts: list[str]) -> Path | None:
    """Return the file, also where a copy has changed the case of its name."""
    if any(part in ("..", ".") or "/" in part for part in parts):
        return None
    place = folder
    for part in parts:
        step = place / part
        if not step.exists():
            names = _names(place)
            if part.lower() not in names:
                return None
            step = place / names[part.lower()]
        place = step
    return place if place.is_file() else None


def _names(folder: Path) -> dict[str, str]:
    try:
        return {name.lower(): name for name in os.listdir(folder)}  # noqa: PTH208 - names alone
    except OSError:
        return {}
