"""``networks import`` and its siblings on the command line: what is missing is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.inference.foreign_folders import a_bundle, inference
from viewer.__main__ import main


def _answer(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _bundle_without_preparation(folder: Path) -> Path:
    config = inference()
    config["preprocessing"]["transforms"] = []
    return a_bundle(folder, config=config)


def test_what_is_missing_is_named_as_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(_bundle_without_preparation(tmp_path))
    found = _answer(["networks", "import", path, "--dry"], capsys)
    options = ["--spacing", "--tile", "--scaling", "--axes"]
    assert [one["option"] for one in found["missing"]] == options
    said = _answer(["networks", "import", path], capsys, 3)["error"]
    assert all(option in said for option in options)
    answers = tmp_path / "answers.toml"
    answers.write_text('spacing = [1, 2, 3]\ntile = [8, 16, 32]\naxes = "RAS"\n')
    words = ["networks", "import", path, "--card", str(answers), "--dry"]
    found = _answer(words, capsys)
    assert [one["option"] for one in found["missing"]] == ["--scaling"]
    assert found["known"]["spacing"] == "1 2 3"
    answers.write_text("spacing = [")
    assert "answers" in _answer(words, capsys, 3)["error"]


def test_only_networks_of_ones_own_can_be_taken_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "came with the program" in _answer(["networks", "remove", "lesions"], capsys, 3)["error"]
    for key in ("nothing", "../../etc"):
        _answer(["networks", "remove", key], capsys, 3)
        _answer(["networks", "remove", key, "--undo"], capsys, 3)
    assert "no network called" in _answer(["networks", "verify", "nothing"], capsys, 3)["error"]
