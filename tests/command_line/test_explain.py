"""``classify --explain`` on the command line: files that say what they are."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from viewer.command_line.explain import folder_for
from viewer.errors import Conflict, InputRefused
from viewer.exchange.nifti import read_values_nifti


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_an_explanation_is_a_picture_and_a_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    from viewer.__main__ import main

    film = np.random.default_rng(5).integers(0, 255, (40, 52), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "film.png"), film)
    out = tmp_path / "out"
    words = ["classify", str(tmp_path / "film.png"), "--network", "chest_pneumonia", "--explain"]
    assert main([*words, "occlusion", "--class", "normal", "--out", str(out), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)["results"]
    said = record["explanation"]
    assert said["what"] == "explanation, not segmentation"
    assert said["class"] == "normal"
    values, _ = read_values_nifti(out / said["files"][1])
    assert values.shape == (1, 40, 52)
    assert np.abs(values).max() == pytest.approx(1.0, abs=0.1)
    picture = cv2.imread(str(out / said["files"][0]))
    assert picture is not None
    assert picture.shape[1] % 52 == 0
    assert (picture[..., 0] != picture[..., 2]).any()
    assert main([*words, "occlusion", "--out", str(out), "--json"]) == 3


def test_files_need_a_place_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="files"):
        folder_for(None, force=False)
    (tmp_path / "x").write_text("x")
    with pytest.raises(Conflict):
        folder_for(tmp_path, force=False)
    assert folder_for(tmp_path, force=True) == tmp_path
