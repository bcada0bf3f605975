"""``negatoscope library``: made anew from files, listed and searched."""

import json
import shutil
from pathlib import Path

import pytest

from viewer.__main__ import main


def test_the_list_is_made_from_files_and_searched(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "archive"
    shutil.copytree(study, folder)
    assert main(["library", "--rebuild", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["studies"]
    assert (document["known"], found["images"], found["places"]) == (1, 40, [str(folder)])
    assert main(["library", "nobody", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["studies"] == []
    shutil.rmtree(folder)
    assert main(["library"]) == 0
    assert "missing" in capsys.readouterr().out


def test_a_path_that_is_not_there_leaves_the_list_as_it_was(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "--rebuild", str(study)]) == 0
    assert main(["library", "--rebuild", str(tmp_path / "nothing")]) == 3
    capsys.readouterr()
    main(["library", "--json"])
    assert json.loads(capsys.readouterr().out)["known"] >= 1
