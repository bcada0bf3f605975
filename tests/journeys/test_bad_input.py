"""Each bad input gets one clear sentence; the window stays usable, nothing is written."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from viewer.__main__ import main
from viewer.actions.registry import perform
from viewer.window.driving import wait_for_jobs
from viewer.window.start import Program


def _nonsense_nifti(path: Path) -> Path:
    header = np.zeros(352, dtype=np.uint8)
    fields: dict[int, np.generic] = {
        0: np.int32(348),
        70: np.int16(4),
        72: np.int16(16),
        254: np.int16(1),
    }
    header[40:56] = np.array([3, 2, 2, 2, 1, 1, 1, 1], dtype=np.int16).view(np.uint8)
    for at, value in fields.items():
        raw = np.frombuffer(value.tobytes(), dtype=np.uint8)
        header[at : at + len(raw)] = raw
    header[76:108] = np.ones(8, dtype=np.float32).view(np.uint8)
    header[108:112] = np.frombuffer(np.float32(352).tobytes(), dtype=np.uint8)
    header[280:328] = np.full(12, np.nan, dtype=np.float32).view(np.uint8)
    header[344:348] = np.frombuffer(b"n+1\0", dtype=np.uint8)
    path.write_bytes(header.tobytes() + bytes(16))
    return path


def _bad(kind: str, folder: Path, study: Path) -> Path:
    path = folder / "bad"
    match kind:
        case "empty folder":
            path.mkdir()
        case "text":
            path.write_text("no image", encoding="utf-8")
        case "zero bytes":
            path.touch()
        case "truncated":
            path.write_bytes(next(study.iterdir()).read_bytes()[:4000])
        case "zip slip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("../../evil", "x")
        case "zip bomb":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a", bytes(30_000_000))
        case "nonsense affine":
            return _nonsense_nifti(folder / "bad.nii")
        case _:
            assert kind == "missing"
    return path


KINDS = (
    "empty folder",
    "text",
    "zero bytes",
    "truncated",
    "zip slip",
    "zip bomb",
    "nonsense affine",
    "missing",
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_says_one_sentence_and_writes_nothing(
    kind: str, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _bad(kind, tmp_path, study)
    out = tmp_path / "out.png"
    assert main(["render", str(path), "--out", str(out)]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert path.name in told.err
    assert not out.exists()
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_window_says_a_sentence_and_stays_usable(
    kind: str, study: Path, tmp_path: Path, program: Program
) -> None:
    path = _bad(kind, tmp_path, study)
    program.window.performing.perform("file.open_paths", paths=(path,))
    wait_for_jobs(program, 60, "opening")
    assert program.context.picture is None
    assert program.window.notices.notices
    assert path.name in program.window.notices.notices[-1].text
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 60, "opening")
    assert program.context.need_picture().is_loaded
