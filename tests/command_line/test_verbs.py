"""The verbs without a window: their documents, their pictures, their exit codes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from viewer.__main__ import main
from viewer.domain.geometry import fitted_plane
from viewer.phantom.chest import PhantomStudy


def test_scan_prints_one_document_that_balances(
    study: Path, sample: PhantomStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(study), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["files"] == document["shown"] + document["grouped"] == 40
    (series,) = document["studies"][0]["series"]
    (volume,) = series["volumes"]
    assert tuple(volume["shape_kji"]) == sample.grid.shape_kji
    assert np.allclose(volume["ijk_to_lps"], sample.grid.ijk_to_lps, atol=1e-6)


def test_scan_with_a_refused_file_is_done_in_part(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.txt").write_text("no image", encoding="utf-8")
    assert main(["scan", str(study), str(tmp_path), "--json"]) == 4
    document = json.loads(capsys.readouterr().out)
    (refused,) = document["refused"]
    assert refused["file"].endswith("note.txt")
    assert refused["reason"]
    assert refused["hint"]


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_rendered_plane_shows_each_patient_position_where_it_belongs(
    name: str, study: Path, sample: PhantomStudy, tmp_path: Path
) -> None:
    out = tmp_path / "plane.png"
    words = ["render", str(study), "--plane", name, "--window", "-400", "1200", "--size", "400"]
    assert main([*words, "--out", str(out)]) == 0
    grey = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    assert grey.shape == (400, 400)
    plane = fitted_plane(sample.grid, name, (400, 400), margin=1.06)  # type: ignore[arg-type]
    # Far from edges of tissue, grey tells dense from airy voxels at the same patient position.
    rng = np.random.default_rng(1)
    agreed, seen = 0, 0
    for x, y in rng.integers(60, 340, (400, 2)):
        i, j, k = np.rint(sample.grid.index(plane.world((x, y)))).astype(int)
        if not (1 <= i < 71 and 1 <= j < 71 and 1 <= k < 39):
            continue
        around = sample.values_hu[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2]
        if np.ptp(around.astype(int)) > 250:
            continue
        seen += 1
        agreed += bool(grey[y, x] > 128) == bool(around.mean() > -400)
    assert seen > 100
    assert agreed / seen > 0.97


def test_render_refuses_what_is_not_there_and_writes_nothing(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plane.png"
    for words in (["--index", "4000"], ["--series", "77"], ["--size", "3"]):
        assert main(["render", str(study), *words, "--out", str(out)]) == 3
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not out.exists()
    out.write_bytes(b"somebody's")
    assert main(["render", str(study), "--out", str(out)]) == 3
    assert out.read_bytes() == b"somebody's"


def test_segment_writes_readable_results(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    words = ["segment", str(study), "--network", "lesions", "--out", str(out), "--json"]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["lesions"]
    assert set(document["files"]) == {path.name for path in out.iterdir()}
    assert main(words) == 3  # the folder is not empty any more


def test_a_phantom_is_written_with_its_truth_and_never_over_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["phantom", "--out", str(tmp_path / "p"), "--seed", "4", "--shape", "16", "32", "32"]
    assert main(words) == 0
    assert (tmp_path / "p" / "truth.json").exists()
    assert main(words) == 3
    assert "not empty" in capsys.readouterr().err


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["scan"])
    assert ended.value.code == 2
    assert "PATH" in capsys.readouterr().err


def test_a_fault_of_ours_ends_with_1_and_names_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from viewer.command_line import studies

    def broken(_chosen: object) -> int:
        raise RuntimeError("a fault")

    monkeypatch.setattr(studies, "scanned", broken)
    assert main(["scan", "anywhere"]) == 1
    assert "negatoscope.log" in capsys.readouterr().err
