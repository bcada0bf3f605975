"""Pictures that arrive in a folder are scored as they come."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from viewer.__main__ import main
from viewer.command_line.live import newest_file


def test_the_newest_picture_is_scored_and_a_broken_one_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = np.random.default_rng(1).integers(0, 255, (40, 40), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "frame.png"), grey)
    (tmp_path / ".hidden").write_text("x")
    code = main(["live", str(tmp_path), "--network", "breast_ultrasound", "--frames", "1"])
    assert code == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["input"] == "frame.png"
    assert found["latency_ms"] > 0
    assert abs(sum(one["probability"] for one in found["classes"]) - 1) < 1e-3
    (tmp_path / "frame.png").write_bytes(b"no picture")
    assert main(["live", str(tmp_path), "--network", "breast_ultrasound", "--frames", "1"]) == 0
    assert "error" in json.loads(capsys.readouterr().out)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert newest_file(tmp_path) is None
    assert main(["live", str(tmp_path / "none"), "--network", "breast_ultrasound"]) == 3
