"""Rows of the measurement table as RFC 4180 text that no spreadsheet can mistake for formulas.

A text cell that begins with ``= + - @``, a tab, a line break or an apostrophe gets an apostrophe
in front (and loses it again when read); number cells are written with all their digits and are
never touched, so "-12.5" stays a number.
"""

import csv
import io
import math
from collections.abc import Sequence

from viewer import __version__
from viewer.domain.measurement import Measurement
from viewer.domain.quantity import Quantity, readable_unit
from viewer.domain.segmentation import Score, Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.errors import DISCLAIMER

Cell = str | float | int | None
Row = tuple[Cell, ...]

COLUMNS = (
    "label",
    "kind",
    "concept",
    "value",
    "unit",
    "unit_ucum",
    "interval_low",
    "interval_high",
    "concept_code",
    "concept_scheme",
    "review",
    "n_voxels",
    "spacing_row",
    "spacing_column",
    "spacing_source",
    "value_chain",
    "rule",
    "interpolation",
    "network",
    "tracking_uid",
    "segmentation_uid",
    "segment_number",
    "study_uid",
    "series_uid",
    "frame_of_reference_uid",
    "program",
    "disclaimer",
)
IDENTITY_COLUMNS = ("patient_id", "patient_name")

# Excel, LibreOffice and Google Sheets take these (also in full width) for the start of a formula.
_DANGEROUS = tuple("=+-@\t\r\n'＝＋－＠")
_NUMBERS = {
    "value",
    "interval_low",
    "interval_high",
    "n_voxels",
    "spacing_row",
    "spacing_column",
    "segment_number",
}


def csv_rows(
    measurements: Sequence[Measurement],
    segmentations: Sequence[Segmentation],
    picture: Picture,
    *,
    include_identity: bool = False,
) -> tuple[Row, ...]:
    """Return the header row, one row for each quantity, and one for each score."""
    identity = picture.identity
    patient: Row = (identity.patient.id, identity.patient.name) if include_identity else ()
    tail: Row = (
        identity.study.uid,
        identity.series.uid,
        identity.frame_of_reference_uid,
        f"Negatoscope {__version__}",
        DISCLAIMER,
        *patient,
    )
    rows: list[Row] = [(*COLUMNS, *(IDENTITY_COLUMNS if include_identity else ()))]
    for measurement in measurements:
        rows += [(*_quantity_cells(measurement, q), *tail) for q in measurement.quantities]
    for segmentation in segmentations:
        for segment in segmentation.segments:
            rows += [(*_score_cells(segmentation, segment, s), *tail) for s in segment.scores]
    return tuple(tuple(_readable(cell) for cell in row) for row in rows)


def csv_text(rows: Sequence[Row]) -> str:
    """Return the rows as text: comma, quotes where needed, CR LF."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return stream.getvalue()


def parsed_csv(text: str) -> tuple[Row, ...]:
    """Return the rows of ``csv_text`` again: numbers as numbers, apostrophes taken off."""
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if not lines:
        return ()
    header = tuple(lines[0])
    return (
        header,
        *(
            tuple(_cell(name, text) for name, text in zip(header, line, strict=True))
            for line in lines[1:]
        ),
    )


def _quantity_cells(measurement: Measurement, quantity: Quantity) -> Row:
    receipt = measurement.receipt
    segmentation_uid, number = measurement.segment or ("", None)
    return (
        measurement.label,
        measurement.kind,
        quantity.concept.meaning,
        quantity.value,
        readable_unit(quantity.unit),
        quantity.unit,
        None,
        None,
        quantity.concept.value,
        quantity.concept.scheme,
        measurement.review.value,
        receipt.n_voxels,
        receipt.spacing.row_mm,
        receipt.spacing.column_mm,
        receipt.spacing.source.name.lower(),
        receipt.value_chain,
        receipt.rule,
        receipt.interpolation,
        receipt.network,
        measurement.uid,
        segmentation_uid,
        number,
    )


def _score_cells(segmentation: Segmentation, segment: Segment, score: Score) -> Row:
    return (
        segment.name,
        "score",
        score.concept.meaning,
        score.value,
        "",
        "1",
        score.low,
        score.high,
        score.concept.value,
        score.concept.scheme,
        segment.review.value,
        None,
        None,
        None,
        "",
        "",
        "",
        "",
        score.model,
        segment.tracking_uid,
        segmentation.uid,
        segment.number,
    )


def _readable(cell: Cell) -> Cell:
    # a not-a-number compares unequal to itself, so it travels as an empty cell
    if isinstance(cell, float):
        return None if math.isnan(cell) else cell
    if isinstance(cell, int):
        return float(cell)
    return cell


def _harmless(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    text = str(cell)
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def _cell(column: str, text: str) -> Cell:
    if column in _NUMBERS:
        return float(text) if text else None
    return text.removeprefix("'")
