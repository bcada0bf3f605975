"""Saving happens wholly or not at all."""

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from viewer.errors import Conflict, InputRefused, OutOfResources, ViewerError
from viewer.exchange.atomic import not_equal, save, save_bytes


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fine(_: Path) -> tuple[str, ...]:
    return ("looked at",)


def test_a_saved_file_holds_what_was_written_and_says_its_hash(tmp_path: Path) -> None:
    saved = save_bytes(tmp_path / "a.bin", b"abc", fine)
    assert saved.path.read_bytes() == b"abc"
    assert saved.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (saved.n_bytes, saved.checks) == (3, ("looked at",))
    assert names(tmp_path) == ["a.bin"]


def test_an_existing_file_is_a_conflict_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(Conflict) as caught:
        save_bytes(path, b"new", fine)
    assert caught.value.remedy
    assert path.read_bytes() == b"old"
    save_bytes(path, b"new", fine, force=True)
    assert path.read_bytes() == b"new"


def test_a_file_that_appears_while_saving_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"

    def meanwhile(_: Path) -> tuple[str, ...]:
        path.write_bytes(b"somebody else's")
        return ()

    with pytest.raises(Conflict):
        save_bytes(path, b"mine", meanwhile)
    assert path.read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["a.bin"]


def test_a_flipped_bit_is_noticed_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def flips(temporary: Path) -> None:
        temporary.write_bytes(b"new"[:-1] + bytes([b"new"[-1] ^ 1]))

    def check(written: Path) -> tuple[str, ...]:
        if written.read_bytes() != b"new":
            raise not_equal(path, "the bytes differ")
        return ()

    with pytest.raises(ViewerError, match="nothing was saved"):
        save(path, flips, check, force=True)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_check_that_breaks_is_a_failed_save(tmp_path: Path) -> None:
    def breaks(_: Path) -> tuple[str, ...]:
        raise KeyError("x")

    with pytest.raises(ViewerError, match="KeyError"):
        save_bytes(tmp_path / "a.bin", b"abc", breaks)
    assert names(tmp_path) == []


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "a.bin", interrupted, fine)
    assert names(tmp_path) == []


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    def full(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutOfResources, match="disk is full"):
        save(tmp_path / "a.bin", full, fine)
    assert names(tmp_path) == []


def test_a_missing_folder_and_a_folder_as_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="does not exist"):
        save_bytes(tmp_path / "no" / "a.bin", b"", fine)
    with pytest.raises(InputRefused, match="folder"):
        save_bytes(tmp_path, b"", fine, force=True)


def test_a_folder_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere, so what the system would answer is put in its place
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputRefused, match="Nothing can be written"):
        save_bytes(tmp_path / "a.bin", b"", fine)


def test_a_read_only_disk_is_refused(tmp_path: Path) -> None:
    def read_only(_: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(InputRefused, match="Nothing can be written"):
        save(tmp_path / "a.bin", read_only, fine)


def test_the_temporary_name_keeps_the_suffixes_and_lies_in_the_same_folder(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(temporary: Path) -> None:
        seen.append(temporary)
        temporary.write_bytes(b"x")

    save(tmp_path / "labels.nii.gz", write, fine)
    assert seen[0].parent == tmp_path
    assert seen[0].name.endswith(".nii.gz")
    assert seen[0].name.startswith(".")


def test_a_saved_file_has_ordinary_permissions(tmp_path: Path) -> None:
    saved = save_bytes(tmp_path / "a.bin", b"abc", fine)
    (tmp_path / "b.bin").write_bytes(b"abc")
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (saved.path, tmp_path / "b.bin")]
    assert modes[0] == modes[1]


def test_a_file_system_without_hard_links_serves_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    save_bytes(tmp_path / "a.bin", b"abc", fine)
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    with pytest.raises(Conflict):
        save_bytes(tmp_path / "a.bin", b"abc", fine)
