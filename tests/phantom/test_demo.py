"""The demonstration study in the cache, and studies on request."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from viewer.errors import Conflict, InputRefused, OutOfResources
from viewer.phantom import demo
from viewer.phantom.demo import demo_folder, make_phantom_folder
from viewer.phantom.truth import read_truth
from viewer.places import cache_folder

TINY = (16, 24, 24)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.phantom.demo.DEMO_SHAPE", TINY)


def everything(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("tiny")
def test_the_demonstration_study_is_made_once() -> None:
    folder = demo_folder()
    assert len(list((folder / "dicom").iterdir())) == TINY[0]
    assert read_truth(folder).labels.shape == TINY
    before = everything(folder)
    assert demo_folder() == folder
    assert everything(folder) == before
    assert list(cache_folder().iterdir()) == [folder]


@pytest.mark.usefixtures("tiny")
def test_a_half_written_study_is_made_anew() -> None:
    half = cache_folder() / f"demo-{demo.GENERATION}"
    (half / "dicom").mkdir(parents=True)
    (half / "dicom" / "IM99999").write_bytes(b"half")
    folder = demo_folder()
    assert folder == half
    assert len(list((folder / "dicom").iterdir())) == TINY[0]
    assert not (folder / "dicom" / "IM99999").exists()


@pytest.mark.usefixtures("tiny")
def test_what_a_killed_process_left_is_removed_and_a_running_one_kept() -> None:
    killed, running = (cache_folder() / f"demo-building-{name}" for name in ("killed", "running"))
    killed.mkdir()
    running.mkdir()
    two_hours_ago = time.time() - 7200
    os.utime(killed, (two_hours_ago, two_hours_ago))
    demo_folder()
    assert not killed.exists()
    assert running.exists()


def test_a_study_that_another_process_finished_meanwhile_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finished = cache_folder() / f"demo-{demo.GENERATION}"

    def slower(folder: Path, *_: Any) -> None:
        (folder / "mine").touch()
        finished.mkdir()
        (finished / "theirs").touch()
        (finished / "complete").touch()

    monkeypatch.setattr("viewer.phantom.demo._write", slower)
    assert demo_folder() == finished
    assert sorted(path.name for path in finished.iterdir()) == ["complete", "theirs"]
    assert list(cache_folder().iterdir()) == [finished]


def test_an_interrupted_attempt_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path, *_: Any) -> None:
        (folder / "part").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("viewer.phantom.demo._write", fails)
    with pytest.raises(OutOfResources, match="No space left on device") as told:
        demo_folder()
    assert told.value.remedy
    assert not list(cache_folder().iterdir())


def test_a_study_on_request_holds_files_and_truth(tmp_path: Path) -> None:
    out = make_phantom_folder(tmp_path / "new" / "study", seed=3, shape_kji=TINY, oblique_deg=20)
    assert sorted(path.name for path in out.iterdir()) == ["dicom", "truth.json", "truth.nii.gz"]
    truth = read_truth(out)
    assert truth.seed == 3
    assert not truth.grid.is_axis_aligned
    # The field of view is that of a chest, whatever the number of voxels.
    extent = [n * mm for n, mm in zip(TINY[::-1], truth.grid.spacing_ijk_mm, strict=True)]
    assert extent == pytest.approx([371, 371, 275])


@pytest.mark.parametrize("shape_kji", [(16, 16), (15, 32, 32), (16, 32, 1025), (0, 0, 0), ()])
def test_a_bad_shape_is_refused(shape_kji: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="16 to 1024"):
        make_phantom_folder(tmp_path / "out", shape_kji=shape_kji)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("oblique_deg", [61.0, -61.0, float("nan"), float("inf")])
def test_a_bad_angle_is_refused(oblique_deg: float, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="60 degrees"):
        make_phantom_folder(tmp_path / "out", shape_kji=TINY, oblique_deg=oblique_deg)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_bad_seed_is_refused(seed: int, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="seed"):
        make_phantom_folder(tmp_path / "out", shape_kji=TINY, seed=seed)
    assert not (tmp_path / "out").exists()


def test_the_largest_seed_gives_files_that_can_be_written(tmp_path: Path) -> None:
    out = make_phantom_folder(tmp_path, seed=2**31 - 1, shape_kji=(16, 16, 16))
    assert len(list((out / "dicom").iterdir())) == 16


def test_a_file_in_the_way_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("mine")
    for force in (False, True):
        with pytest.raises(InputRefused, match="not a folder"):
            make_phantom_folder(path, shape_kji=TINY, force=force)
    assert path.read_text() == "mine"


def test_a_file_higher_up_in_the_way_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputRefused, match="cannot be written"):
        make_phantom_folder(tmp_path / "file" / "out", shape_kji=TINY)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        make_phantom_folder(tmp_path, shape_kji=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_force_leaves_no_slices_of_an_earlier_study(tmp_path: Path) -> None:
    make_phantom_folder(tmp_path, seed=1, shape_kji=(20, 16, 16))
    (tmp_path / "mine.txt").write_text("mine")
    make_phantom_folder(tmp_path, seed=2, shape_kji=(16, 16, 16), force=True)
    assert len(list((tmp_path / "dicom").iterdir())) == 16
    assert json.loads((tmp_path / "truth.json").read_text())["seed"] == 2
    assert (tmp_path / "mine.txt").read_text() == "mine"
