import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from viewer.__main__ import main
from viewer.command_line.measure import measure_document
from viewer.domain.measurement import KINDS
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.phantom.chest import make_sample
from viewer.phantom.dicom import write_series


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    sample = make_sample(62, shape_kji=(12, 40, 40))
    write_series(sample.values_hu, sample.grid, folder, seed=62)
    return folder


def test_numbers_are_those_of_the_tools_with_receipts(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = load(scan([study]).pictures[0])
    world = picture.grid.world([(10, 10, 5), (25, 10, 5), (10, 22, 5)])
    shapes = [
        {"kind": "distance", "points_lps_mm": world[:2].tolist(), "label": "D"},
        {"kind": "ellipse", "points_lps_mm": world.tolist()},
        {"kind": "angle", "points_lps_mm": world[[1, 0, 2]].tolist()},
        {"kind": "distance", "points_lps_mm": [world[0].tolist(), world[0].tolist()]},
    ]
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"measurements": shapes}))
    assert main(["measure", str(study), "--spec", str(spec), "--json"]) == 4  # one is refused
    found = json.loads(capsys.readouterr().out)["measurements"]
    for shape, one in zip(shapes[:3], found, strict=False):
        quantities, receipt = measured(shape["kind"], shape["points_lps_mm"], picture)
        assert [q["value"] for q in one["quantities"]] == [q.value for q in quantities]
        assert one["receipt"]["rule"] == receipt.rule
    assert found[0]["label"] == "D"
    assert found[2]["quantities"][0]["value"] == pytest.approx(90)
    assert "without length" in found[3]["refused"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense", "no JSON"),
        ('{"shapes": []}', "lists no measurements"),
        ("[1, 2]", "lists no measurements"),
    ],
)
def test_a_spec_that_is_none_is_refused(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(text)
    assert main(["measure", str(study), "--spec", str(spec)]) == 3
    assert sentence in capsys.readouterr().err


def test_points_that_are_none_are_refused_one_by_one(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('[{"kind": "distance", "points_lps_mm": "x"}, {"kind": "probe"}]')
    assert main(["measure", str(study), "--spec", str(spec)]) == 4
    assert capsys.readouterr().out.count("three finite numbers") == 2


_NUMBERS = st.sampled_from(
    [0, 1, -3.5, 12, 1e308, -1e308, 1e-320, 1e20, float("nan"), float("inf")]
)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
_POINTS = st.lists(st.lists(_NUMBERS, min_size=3, max_size=3), max_size=5)
_SHAPE = st.fixed_dictionaries(
    {"kind": st.sampled_from([*KINDS, "", "x", 3]), "points_lps_mm": _POINTS | _JSON},
    optional={"label": _JSON},
)


@given(
    st.fixed_dictionaries(
        {"measurements": st.lists(_SHAPE, max_size=3) | _JSON},
        optional={
            "calibrations": st.lists(
                st.fixed_dictionaries({"points_lps_mm": _POINTS | _JSON, "known_mm": _JSON})
            )
            | _JSON
        },
    )
    | _JSON
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_spec_is_measured_or_refused_in_words(study: Path, tmp_path: Path, spec: Any) -> None:
    place = tmp_path / "spec.json"
    place.write_text(json.dumps(spec), encoding="utf-8")
    with suppress(InputRefused):
        for found in measure_document([study], "", place)["measurements"]:
            assert ("refused" in found) != ("quantities" in found)
            assert all(np.isfinite(q["value"]) for q in found.get("quantities", ()))


def test_a_spec_that_nests_without_end_is_refused(study: Path, tmp_path: Path) -> None:
    place = tmp_path / "spec.json"
    place.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(InputRefused, match="no JSON"):
        measure_document([study], "", place)
