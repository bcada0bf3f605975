"""The document of ``negatoscope scan --json`` has exactly the shape that others rely on."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.intake.writing import a_series, a_slice, saved
from viewer.__main__ import main

Schema = dict[str, Any]


def an_object(**properties: Schema) -> Schema:
    """Return the schema of an object with exactly these keys (JSON Schema's words)."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(items: Schema, n: int | None = None) -> Schema:
    return {"type": "array", "items": items} | ({} if n is None else {"length": n})


TEXT: Schema = {"type": "string"}
FILLED: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
NULL: Schema = {"type": "null"}

FINDING = an_object(
    severity={"type": "string", "enum": ["note", "warning", "unsafe"]}, text=FILLED, remedy=TEXT
)


def a_picture(**geometry: Schema) -> Schema:
    return an_object(
        key=FILLED,
        shape_kji=many({"type": "integer", "minimum": 1}, 3),
        frame_of_reference=TEXT,
        unit=TEXT,
        ucum=FILLED,
        phase={"anyOf": [FILLED, NULL]},
        findings=many(FINDING),
        **geometry,
    )


VOLUME = a_picture(spacing_mm=many(NUMBER, 3), ijk_to_lps=many(many(NUMBER, 4), 4))
IMAGE = a_picture(spacing_mm=NULL, ijk_to_lps=NULL)
SERIES = an_object(
    uid=FILLED,
    number={"anyOf": [{"type": "integer"}, NULL]},
    modality=TEXT,
    description=TEXT,
    instances=COUNT,
    volumes=many(VOLUME),
    images=many(IMAGE),
)
DOCUMENT = an_object(
    files=COUNT,
    shown=COUNT,
    grouped=COUNT,
    refused=many(an_object(file=FILLED, reason=FILLED, hint=TEXT)),
    studies=many(
        an_object(uid=TEXT, patient=TEXT, date=TEXT, description=TEXT, series=many(SERIES))
    ),
)

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def faults(value: Any, schema: Schema, where: str = "$") -> list[str]:
    """Return what is wrong with ``value``: the few words of JSON Schema that are used above."""
    if "anyOf" in schema:
        found = [faults(value, one, where) for one in schema["anyOf"]]
        return [] if [] in found else [fault for one in found for fault in one]
    if not isinstance(value, _TYPES[schema["type"]]) or isinstance(value, bool):
        return [f"{where} is no {schema['type']}: {value!r}"]
    wrong: list[str] = []
    if isinstance(value, dict):
        for key in schema["required"]:
            wrong += [] if key in value else [f"{where} lacks {key}"]
        for key, inner in value.items():
            known = schema["properties"].get(key)
            wrong += (
                [f"{where} has {key}"] if known is None else faults(inner, known, f"{where}.{key}")
            )
    elif isinstance(value, list):
        wrong += [] if len(value) == schema.get("length", len(value)) else [f"{where}: {value}"]
        for number, inner in enumerate(value):
            wrong += faults(inner, schema["items"], f"{where}[{number}]")
    elif isinstance(value, str):
        wrong += [] if len(value) >= schema.get("minLength", 0) else [f"{where} is empty"]
        wrong += [] if value in schema.get("enum", [value]) else [f"{where}: {value}"]
    elif value is not None and value < schema.get("minimum", value):
        wrong.append(f"{where} is {value}")
    return wrong


def printed(paths: list[Path], capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the document that the verb prints for ``paths``, after its books were balanced."""
    assert main(["scan", *map(str, paths), "--json"]) in (0, 4)
    document = json.loads(capsys.readouterr().out, parse_constant=_no_number)
    assert document["files"] == (document["shown"] + document["grouped"] + len(document["refused"]))
    return document


def _no_number(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def volumes_of(document: Any) -> list[Any]:
    return [v for t in document["studies"] for s in t["series"] for v in s["volumes"]]


def test_the_checker_finds_faults() -> None:
    good: Any = {"files": 1, "shown": 1, "grouped": 0, "refused": [], "studies": []}
    assert not faults(good, DOCUMENT)
    assert faults(good | {"files": "1"}, DOCUMENT) == ["$.files is no integer: '1'"]
    assert faults(good | {"more": 1}, DOCUMENT) == ["$ has more"]
    assert faults(good | {"shown": -1}, DOCUMENT) == ["$.shown is -1"]
    assert faults(good | {"refused": [{"file": "a", "hint": ""}]}, DOCUMENT)
    del good["shown"]
    assert faults(good, DOCUMENT) == ["$ lacks shown"]


def test_volumes_images_and_refusals_have_the_public_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_series(tmp_path / "ct", 4)
    alone = a_slice(0, modality="CR")
    alone.SeriesInstanceUID, alone.SOPInstanceUID = "1.2.9", "1.2.9.1"
    del alone.SeriesNumber
    saved(alone, tmp_path / "cr")
    (tmp_path / "note.txt").write_text("no image", encoding="utf-8")
    document = printed([tmp_path], capsys)
    assert faults(document, DOCUMENT) == []
    assert len(document["refused"]) == 1
    (volume,) = volumes_of(document)
    assert (volume["unit"], volume["ucum"], volume["phase"]) == ("HU", "[hnsf'U]", None)
    assert volume["spacing_mm"] == [0.75, 0.5, 2.0]
    assert any(series["images"] for series in document["studies"][0]["series"])


def test_phases_are_told_apart(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared_data / "geometry/dicom2nifti/philips_enhanced/fmri"
    document = printed([folder], capsys)
    phases = [volume["phase"] for volume in volumes_of(document)]
    assert len(phases) == len(set(phases)) == 4
    assert None not in phases


def test_units_are_those_of_the_modality(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = printed([shared_data / "ibsi/ibsi_validation/dicom/STS_002"], capsys)
    units = {s["modality"]: s["volumes"][0]["unit"] for s in document["studies"][0]["series"]}
    assert units == {"CT": "HU", "MR": "", "PT": "SUVbw"}


@pytest.mark.parametrize("folder", ["dicom", "codecs", "geometry", "seg_sr", "ibsi", "special"])
def test_every_real_folder_gives_the_public_shape(
    folder: str, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = printed([shared_data / folder], capsys)
    assert faults(document, DOCUMENT) == []
    assert document["studies"]
