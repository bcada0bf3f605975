"""``negatoscope convert``: a volume with its geometry as one file that others read."""

import argparse
from pathlib import Path
from typing import Any

from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.quantity import readable_unit
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.exchange.atomic import Saved
from viewer.exchange.nifti import write_values_nifti
from viewer.exchange.nrrd import write_values_nrrd
from viewer.intake.source import PictureSource, Scan

_NIFTI = (".nii", ".nii.gz")
_NRRD = ".nrrd"


def convert(chosen: argparse.Namespace) -> dict[str, Any]:
    """Write the volume; return what was written."""
    name = chosen.out.name.lower()
    if not name.endswith((*_NIFTI, _NRRD)):
        raise InputRefused(
            "The name of the file tells its format: .nii, .nii.gz or .nrrd.",
            where=chosen.out.name,
            remedy="Choose such a name.",
        )
    source, number, count = chosen_volume(scanned(chosen.paths), chosen.series, chosen.volume)
    picture = read_picture(source, chosen.every)
    saved = _write(picture, chosen.out, force=chosen.force)
    return {
        "out": str(saved.path),
        "series": source.identity.series.uid,
        "volume": number,
        "of": count,
        "shape_kji": list(picture.grid.shape_kji),
        "unit": picture.quantity.name or readable_unit(picture.quantity.unit),
        "ucum": picture.quantity.unit,
        "sha256": saved.sha256,
        "checks": list(saved.checks),
        "findings": [finding.text for finding in picture.findings],
    }


def chosen_volume(found: Scan, series: str, number: int | None) -> tuple[PictureSource, int, int]:
    """Return a volume of the chosen series, its number among them (from 1), and how many there are.

    Without a number it is the largest. ``series`` may also be the key of one part ("UID#2").

    Raises
    ------
    InputRefused
        The series holds no volume, or not so many.
    """
    source = chosen_source(found, series)
    uid = source.identity.series.uid
    volumes = [s for s in found.pictures if s.is_volume and s.identity.series.uid == uid]
    if not volumes or (number is None and not source.is_volume):
        raise InputRefused(
            "These images form no volume.",
            where=source.title,
            remedy="Choose a series whose slices lie evenly in the patient.",
        )
    if number is None:
        return source, volumes.index(source) + 1, len(volumes)
    if not 1 <= number <= len(volumes):
        raise InputRefused(
            f"There is no volume {number}.",
            where=source.title,
            remedy=f"Choose 1 to {len(volumes)}." if len(volumes) > 1 else "Leave --volume out.",
        )
    return volumes[number - 1], number, len(volumes)


def _write(picture: Picture, out: Path, *, force: bool) -> Saved:
    if out.name.lower().endswith(_NRRD):
        return write_values_nrrd(picture, out, force=force)
    return write_values_nifti(picture, out, force=force)
