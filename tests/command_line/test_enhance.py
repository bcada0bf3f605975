"""``negatoscope enhance`` and ``filters``: what is written is the chain's result, and it says so."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.__main__ import main
from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.chain_text import parse_chain
from viewer.domain.methods import PlaneContext
from viewer.extensions.discover import load_extensions
from viewer.imaging.enhancing import enhanced

CHAIN = "gaussian;unsharp"


def _run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def test_all_filters_are_described_with_their_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    document = _run(capsys, "filters", "--json")
    known = load_extensions().filters
    assert [one["key"] for one in document["filters"]] == list(known)
    for one in document["filters"]:
        assert one["purpose"]
        assert one["caution"]
        for parameter in one["parameters"]:
            if parameter["kind"] in ("float", "int"):
                assert parameter["low"] <= parameter["default"] <= parameter["high"]
    assert {one["key"] for one in document["presets"]} >= {"low_dose_lung_ct", "pet_smoothing"}
    assert document["left_out"] == []
    assert main(["filters"]) == 0
    assert "gaussian" in capsys.readouterr().out


def test_a_series_is_written_as_dicom_and_nifti_with_the_chains_values(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import nibabel

    out, file = tmp_path / "made", tmp_path / "made.nii.gz"
    words = ("enhance", study, "--chain", CHAIN, "--json", "--out")
    document = _run(capsys, *words, out)
    assert document["chain"].startswith("gaussian:")
    assert len(document["cautions"]) == 2
    _run(capsys, *words, file)
    source = read_picture(chosen_source(scanned([study]), ""))
    again = read_picture(chosen_source(scanned([out]), ""))
    filters = load_extensions().filters
    chain = parse_chain(CHAIN, filters)
    k = source.grid.shape_kji[0] // 2
    column, row, _ = source.grid.spacing_ijk_mm
    expected = enhanced(
        source.quantity.slice_values(source.stored[k], k),
        chain,
        filters,
        PlaneContext((row, column), source.quantity.unit),
    )
    step = document["slope"]
    assert again.quantity.slice_values(again.stored[k], k) == pytest.approx(expected, abs=step)
    made: Any = nibabel.load(file)
    assert pytest.approx(expected, abs=step) == np.asarray(made.dataobj)[:, :, k].T
    assert len(list(out.iterdir())) == source.grid.shape_kji[0]


def test_a_plane_is_painted_with_its_mark(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    plain, better = tmp_path / "plain.png", tmp_path / "better.png"
    _run(capsys, "render", study, "--out", plain, "--json")
    _run(capsys, "enhance", study, "--chain", CHAIN, "--out", better, "--json")
    before, after = cv2.imread(str(plain)), cv2.imread(str(better))
    assert before is not None
    assert after is not None
    assert before.shape == after.shape
    assert not np.array_equal(before, after)


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ("blur", "There is no filter called blur"),
        ("gaussian:sigma_mm=1000", "must lie between"),
        ("", "either --chain or --preset"),
        (";", "holds no filter"),
        ("!gaussian", "No filter is on"),
    ],
)
def test_a_chain_that_cannot_be_used_is_refused_before_anything_is_written(
    chain: str, said: str, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["enhance", str(study), "--chain", chain, "--out", str(tmp_path / "x.nii.gz")]
    assert main(words) == 3
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_plane_is_for_pictures_only(study: Path, tmp_path: Path) -> None:
    words = ["enhance", str(study), "--chain", CHAIN, "--plane", "axial", "--out"]
    assert main([*words, str(tmp_path / "x.nii")]) == 3


def test_a_preset_stands_for_its_chain(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("enhance", study, "--preset", "pet_smoothing", "--json", "--out", tmp_path / "x.png")
    assert _run(capsys, *words)["chain"] == "gaussian:sigma_mm=2"
    assert main(["enhance", str(study), "--preset", "none", "--out", str(tmp_path / "y.png")]) == 3
    assert "Choose one of" in capsys.readouterr().err
