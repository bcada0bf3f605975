"""Measurements as JSON and as CSV, read back and compared before they are called saved.

The JSON document (UTF-8)::

    format       "negatoscope.measurements"
    version      1
    disclaimer   viewer.errors.DISCLAIMER
    program      "Negatoscope 0.1.0"
    source       study_uid, series_uid, modality, volume_key, frame_of_reference_uid;
                 patient {name, id, birth_date, sex} and accession only when asked for
    measurements [uid, kind, label, points_lps_mm (LPS, mm), frame_of_reference_uid, volume_key,
                  quantities [concept {value, scheme, meaning}, value, unit (UCUM)],
                  receipt {series, images, voxel count, value chain, spacing with source, rule, ...},
                  review, segment {segmentation, number} or null]
    segmentations [uid, name, volume_key, parent_uid, origin, segments [number, name, codes,
                  review, tracking_uid, n_voxels, volume_ml, scores [value, low, high, model]]]

The study and series UIDs link a row to its images; the patient's name and number are left out
unless ``include_identity`` is true.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer import __version__
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segmentation
from viewer.domain.supervision import UNREVIEWED, is_unreviewed
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import DISCLAIMER, Damaged, InputRefused, Unsupported
from viewer.exchange import records
from viewer.exchange.atomic import Saved, not_equal, save, save_bytes
from viewer.exchange.csv_text import csv_rows, csv_text, parsed_csv
from viewer.imaging.counting import volumes_ml, voxel_counts

FORMAT = "negatoscope.measurements"
VERSION = 1
PROGRAM = f"Negatoscope {__version__}"

_LARGEST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Export:
    """What goes into a table: chosen measurements and segmentations of one picture."""

    measurements: tuple[Measurement, ...]
    segmentations: tuple[Segmentation, ...]
    picture: Picture
    include_identity: bool = False


def write_json(
    measurements: Sequence[Measurement],
    segmentations: Sequence[Segmentation],
    picture: Picture,
    path: Path,
    *,
    force: bool = False,
    include_identity: bool = False,
) -> Saved:
    """Save measurements, receipts, segments and scores as one JSON document.

    ``include_identity`` adds the patient's name, number, birth date and sex (default: left out).

    Raises
    ------
    Conflict, InputRefused, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    export = Export(tuple(measurements), tuple(segmentations), picture, include_identity)
    document = json_document(export)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)

    def check(written: Path) -> tuple[str, ...]:
        if json.loads(written.read_text(encoding="utf-8")) != document:
            raise not_equal(path, "the document differs")
        again = read_json(written)
        if [records.measurement_record(m) for m in again] != document["measurements"]:
            raise not_equal(path, "a measurement differs")
        return (f"{counted(len(again), 'measurement')} read back equal",)

    return save_bytes(path, text.encode(), check, force=force)


def read_json(path: Path) -> tuple[Measurement, ...]:
    """Return the measurements of a JSON document that ``write_json`` made, exactly.

    Raises
    ------
    Damaged
        It is no JSON, or a field is missing or of the wrong kind.
    Unsupported
        It is some other JSON, or of a newer version.
    """
    document = _document(path)
    if document.get("format") != FORMAT:
        raise Unsupported(
            "These are not Negatoscope's measurements.",
            where=path.name,
            remedy="Choose a file that 'Export measurements' made.",
        )
    if document.get("version") != VERSION:
        raise Unsupported(
            f"Version {str(document.get('version'))[:20]} of the format is not known here.",
            where=path.name,
            remedy="Open it with the program that wrote it.",
        )
    entries = document.get("measurements")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Damaged("The list of measurements is missing.", where=path.name)
    return tuple(records.measurement_of(entry) for entry in entries)


def write_csv(
    measurements: Sequence[Measurement],
    segmentations: Sequence[Segmentation],
    picture: Picture,
    path: Path,
    *,
    force: bool = False,
    include_identity: bool = False,
) -> Saved:
    """Save one row for each quantity and each score: RFC 4180, UTF-8, header row (``csv_text``).

    ``include_identity`` fills the patient's name and number (default: the columns are not there).

    Raises
    ------
    Conflict, InputRefused, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    rows = csv_rows(measurements, segmentations, picture, include_identity=include_identity)
    text = csv_text(rows)

    def check(written: Path) -> tuple[str, ...]:
        again = parsed_csv(written.read_bytes().decode("utf-8"))
        if again != rows:
            raise not_equal(path, "a row differs")
        return (f"{counted(len(again) - 1, 'row')} read back equal",)

    return save(path, lambda temporary: _write(temporary, text.encode()), check, force=force)


def json_document(export: Export) -> records.Record:
    """Return the JSON document as plain values."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "disclaimer": DISCLAIMER,
        "program": PROGRAM,
        "source": source_record(export.picture, include_identity=export.include_identity),
        "measurements": [records.measurement_record(m) for m in export.measurements],
        "segmentations": [_segmentation_record(s) for s in export.segmentations],
    }


def source_record(picture: Picture, *, include_identity: bool) -> records.Record:
    """Return which images the numbers come from; the patient only if ``include_identity``."""
    identity = picture.identity
    record: records.Record = {
        "study_uid": identity.study.uid,
        "series_uid": identity.series.uid,
        "modality": identity.series.modality,
        "volume_key": picture.key,
        "frame_of_reference_uid": identity.frame_of_reference_uid,
    }
    if include_identity:
        patient = identity.patient
        record["patient"] = {
            "name": patient.name,
            "id": patient.id,
            "birth_date": patient.birth_date,
            "sex": patient.sex,
        }
        record["accession"] = identity.study.accession
    return record


def _segmentation_record(segmentation: Segmentation) -> records.Record:
    record = records.segmentation_record(segmentation)
    counts, volumes = voxel_counts(segmentation.labels), volumes_ml(segmentation)
    for segment, entry in zip(segmentation.segments, record["segments"], strict=True):
        if is_unreviewed(segmentation, segment):
            entry["label"] = UNREVIEWED
    for entry, volume_ml in zip(record["segments"], volumes, strict=True):
        entry["n_voxels"] = int(counts[entry["number"]])
        entry["volume_ml"] = float(volume_ml)
    return record


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputRefused("The file is too large for measurements.", where=path.name)
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputRefused("The file cannot be read.", where=path.name) from error
    except (ValueError, RecursionError) as error:
        raise Damaged("This is not a whole JSON document.", where=path.name) from error
    if not isinstance(document, dict):
        raise Unsupported("These are not Negatoscope's measurements.", where=path.name)
    return document


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
