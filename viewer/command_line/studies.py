"""Reads studies for verbs, and says what was found in the documented form."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from viewer.domain.ledger import Outcome
from viewer.domain.quantity import readable_unit
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.intake.decode import load
from viewer.intake.scan import PictureSource, Scan, require_pictures, scan
from viewer.intake.thinning import thinned


def scanned(paths: Sequence[Path]) -> Scan:
    """Return what the paths hold.

    Raises
    ------
    InputRefused
        A path does not exist, or no image was found at all.
    """
    for path in paths:
        if not path.exists():
            raise InputRefused(
                "There is no such file or folder.", where=str(path), remedy="Check the path."
            )
    found = scan(tuple(paths))
    require_pictures(found, ", ".join(str(path) for path in paths))
    return found


def chosen_source(found: Scan, series: str) -> PictureSource:
    """Return the series that was asked for (UID or number), or the one with the most images.

    Raises
    ------
    InputRefused
        There is none.
    """
    sources = [
        source
        for source in found.pictures
        if not series
        or series in (source.key, source.identity.series.uid)
        or series == str(source.identity.series.number)
    ]
    if not sources:
        known = ", ".join(str(source.identity.series.number) for source in found.pictures)
        raise InputRefused(
            f"There is no series {series}.", remedy=f"Choose one of the numbers {known}."
        )
    return max(sources, key=lambda source: (source.is_volume, source.shape_kji[0]))


def read_picture(source: PictureSource, every: int = 1) -> Picture:
    """Return the decoded picture of a source; of every n-th slice alone, if that is asked for.

    Raises
    ------
    OutOfResources
        The pixels would not fit into memory; the sentence says whether every n-th slice would.
    """
    return load(thinned(source, every))


def scan_document(found: Scan) -> dict[str, Any]:
    """Return the scan in the public form of ``negatoscope scan --json``."""
    ledger = found.ledger
    return {
        "files": ledger.n_files,
        "shown": ledger.count(Outcome.SHOWN),
        "grouped": ledger.count(Outcome.GROUPED),
        "refused": [
            {"file": fate.path, "reason": fate.reason, "hint": fate.hint} for fate in ledger.refused
        ],
        "studies": [
            _study(list(sources))
            for _, sources in groupby(
                sorted(found.pictures, key=_order), lambda s: s.identity.study.uid
            )
        ],
    }


def _order(source: PictureSource) -> tuple[str, str, int, str]:
    identity = source.identity
    return (identity.study.uid, identity.series.uid, identity.series.number or 0, source.key)


def _study(sources: list[PictureSource]) -> dict[str, Any]:
    identity = sources[0].identity
    return {
        "uid": identity.study.uid,
        "patient": identity.patient.id,
        "date": identity.study.date,
        "description": identity.study.description,
        "series": [
            _series(list(group)) for _, group in groupby(sources, lambda s: s.identity.series.uid)
        ],
    }


def _series(sources: list[PictureSource]) -> dict[str, Any]:
    series = sources[0].identity.series
    return {
        "uid": series.uid,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "instances": sum(source.n_files for source in sources),
        "volumes": [_picture(source) for source in sources if source.is_volume],
        "images": [_picture(source) for source in sources if not source.is_volume],
    }


def _picture(source: PictureSource) -> dict[str, Any]:
    grid = source.grid if source.is_volume else None
    return {
        "key": source.key,
        "shape_kji": list(source.shape_kji),
        "spacing_mm": None if grid is None else list(grid.spacing_ijk_mm),
        "ijk_to_lps": None if grid is None else grid.ijk_to_lps.tolist(),
        "frame_of_reference": source.identity.frame_of_reference_uid,
        "unit": source.quantity.name or readable_unit(source.quantity.unit),
        "ucum": source.quantity.unit,
        "phase": source.label or None,
        "findings": [
            {"severity": f.severity.value, "text": f.text, "remedy": f.remedy}
            for f in source.findings
        ],
    }
