"""What hostile files and names make the command line print: text, and nothing else."""

import json
import os
from pathlib import Path

import pytest

from tests.fuzz.account import is_plain
from tests.fuzz.mutations import HOSTILE_TEXTS, with_value
from tests.intake.writing import a_slice, saved
from viewer.__main__ import main

_NAMES = (b"\x1b]0;owned\x07", b"\xff\xfe\x9b31m", b"a\nrefused b", b"=1+1", b"\xc2\x9b31m")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    content = saved(a_slice(0), tmp_path / "honest.dcm").read_bytes()
    (tmp_path / "honest.dcm").unlink()
    folder = tmp_path / "study"
    folder.mkdir()
    for number, text in enumerate(HOSTILE_TEXTS):
        spoilt = with_value(content, 0x0008103E, b"LO", text[:65534])
        spoilt = with_value(spoilt, 0x00080018, b"UI", f"1.2.{number}".encode())
        spoilt = with_value(spoilt, 0x0020000E, b"UI", f"1.3.{number}".encode())
        (folder / f"{number}").write_bytes(spoilt)
    for name in _NAMES:
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - any bytes
            file.write(b"no image")
    return folder


def test_words_on_the_terminal_do_not_steer_it(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(hostile)]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert all(is_plain(line) for line in lines)
    assert sum(line.startswith("refused") for line in lines) == len(_NAMES)


def test_the_document_is_json_in_utf_8_and_names_every_file(
    hostile: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["scan", str(hostile), "--json"]) == 4
    printed = capfdbinary.readouterr().out
    text = printed.decode("utf-8")
    assert is_plain(text.replace("\n", ""))
    document = json.loads(text)
    named = {os.fsencode(Path(fate["file"]).name) for fate in document["refused"]}
    assert named == set(_NAMES)


def test_a_hostile_argument_is_refused_in_one_plain_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(tmp_path / "\x1b[2J\nx\udcff")]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert is_plain(line)
