"""CSV and JSON: what is read is what was measured."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.cases import a_labelled, a_volume_on, grids, measurements
from viewer.domain.quantity import LENGTH, Quantity
from viewer.domain.volume import Volume
from viewer.errors import DISCLAIMER, Conflict, Damaged, InputRefused, Unsupported
from viewer.exchange import csv_text, records, tables
from viewer.exchange.csv_text import Row, parsed_csv


@pytest.fixture
def volume() -> Volume:
    return a_volume_on(grids()["oblique"])


def test_json_restores_measurements_exactly(volume: Volume, tmp_path: Path) -> None:
    wanted = measurements(volume)
    saved = tables.write_json(wanted, (a_labelled(volume),), volume, tmp_path / "m.json")
    assert tables.read_json(saved.path) == wanted
    assert saved.checks == ("4 measurements read back equal",)


@given(
    value=st.floats(allow_nan=True),
    label=st.text(st.characters(exclude_categories=["Cs"])),
    unit=st.sampled_from(["mm", "1", "[hnsf'U]"]),
)
def test_any_value_and_any_label_survive_json(value: float, label: str, unit: str) -> None:
    first = measurements(a_volume_on(grids()["plain"]))[0]
    odd = replace(first, label=label, quantities=(Quantity(LENGTH, value, unit),))
    record = json.loads(json.dumps(records.measurement_record(odd), allow_nan=False))
    again = records.measurement_of(record)
    assert repr(again) == repr(odd)  # NaN equals nothing, its text equals itself


def test_json_names_segments_volumes_and_scores(volume: Volume, tmp_path: Path) -> None:
    saved = tables.write_json((), (a_labelled(volume),), volume, tmp_path / "m.json")
    document = json.loads(saved.path.read_text(encoding="utf-8"))
    assert document["disclaimer"] == DISCLAIMER
    assert document["version"] == 1
    segments = {s["number"]: s for s in document["segmentations"][0]["segments"]}
    # 12 voxels of 0.7 x 1.3 x 2.5 mm
    assert segments[1]["n_voxels"] == 12
    assert segments[1]["volume_ml"] == pytest.approx(12 * 0.7 * 1.3 * 2.5 / 1000, rel=1e-12)
    score = segments[3]["scores"][0]
    assert (score["value"], score["low"], score["high"], score["model"]) == (0.7, 0.5, 0.9, "c 1")


@pytest.mark.parametrize("write", [tables.write_json, tables.write_csv])
def test_the_patient_is_named_only_when_asked(
    write: "object", volume: Volume, tmp_path: Path
) -> None:
    assert callable(write)
    write(measurements(volume), (), volume, tmp_path / "a")
    write(measurements(volume), (), volume, tmp_path / "b", include_identity=True)
    without, with_patient = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a", "b"))
    for text in ("Test^Builder", "T-1"):
        assert text not in without
        assert text in with_patient
    assert volume.identity.series.uid in without


def test_a_spreadsheet_reads_one_row_for_each_quantity(volume: Volume, tmp_path: Path) -> None:
    wanted = measurements(volume)
    saved = tables.write_csv(wanted, (a_labelled(volume),), volume, tmp_path / "m.csv")
    with saved.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    quantities = [(m, q) for m in wanted for q in m.quantities]
    assert len(rows) == len(quantities) + 1  # and one score
    for row, (measurement, quantity) in zip(rows, quantities, strict=False):
        assert float(row["value"]) == quantity.value
        assert row["unit_ucum"] == quantity.unit
        assert row["concept_code"] == quantity.concept.value
        assert row["tracking_uid"] == measurement.uid
        assert row["disclaimer"] == DISCLAIMER
    assert rows[-1]["kind"] == "score"
    assert [float(rows[-1][c]) for c in ("interval_low", "value", "interval_high")] == [
        0.5,
        0.7,
        0.9,
    ]
    assert b"\r\n" in saved.path.read_bytes()


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "＝1", "''"])
def test_a_label_cannot_become_a_formula(label: str, volume: Volume, tmp_path: Path) -> None:
    first = measurements(volume)[0]
    odd = replace(first, label=label, quantities=(Quantity(LENGTH, -12.5, "mm"),))
    saved = tables.write_csv((odd,), (), volume, tmp_path / "m.csv")
    with saved.path.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["label"] == f"'{label}"
    assert row["value"] == "-12.5"
    assert parsed_csv(saved.path.read_bytes().decode())[1][0] == label


cells = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(cells, st.floats(allow_nan=False), cells), max_size=5))
def test_any_row_survives_csv(body: list[tuple[str, float, str]]) -> None:
    rows: tuple[Row, ...] = (("label", "value", "rule"), *body)
    assert parsed_csv(csv_text.csv_text(rows)) == rows


def test_a_value_that_is_not_defined_is_an_empty_cell(volume: Volume, tmp_path: Path) -> None:
    first = measurements(volume)[0]
    odd = replace(first, quantities=(Quantity(LENGTH, float("nan"), "mm"),))
    saved = tables.write_csv((odd,), (), volume, tmp_path / "m.csv")
    with saved.path.open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["value"] == ""


def test_a_table_without_measurements_has_its_header(volume: Volume, tmp_path: Path) -> None:
    saved = tables.write_csv((), (), volume, tmp_path / "m.csv")
    assert saved.path.read_text(encoding="utf-8").startswith("label,kind,concept,value,unit")


def test_a_table_is_not_overwritten_without_force(volume: Volume, tmp_path: Path) -> None:
    tables.write_csv((), (), volume, tmp_path / "m.csv")
    with pytest.raises(Conflict):
        tables.write_csv((), (), volume, tmp_path / "m.csv")
    tables.write_csv((), (), volume, tmp_path / "m.csv", force=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", Damaged),
        ("{", Damaged),
        ("[" * 100_000, Damaged),
        ("[]", Unsupported),
        ('{"format": "other"}', Unsupported),
        ('{"format": "negatoscope.measurements", "version": 2}', Unsupported),
        ('{"format": "negatoscope.measurements", "version": 1}', Damaged),
        ('{"format": "negatoscope.measurements", "version": 1, "measurements": [{}]}', Damaged),
        ('{"format": "negatoscope.measurements", "version": 1, "measurements": [3]}', Damaged),
    ],
)
def test_other_json_is_refused_in_words(
    text: str, error: type[InputRefused], tmp_path: Path
) -> None:
    path = tmp_path / "m.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        tables.read_json(path)
    assert caught.value.what.endswith(".")


def test_a_missing_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="cannot be read"):
        tables.read_json(tmp_path / "none.json")
