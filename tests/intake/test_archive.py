"""ZIP archives: opened like folders, and refused as a whole when they are hostile."""

import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.intake.writing import a_series
from viewer.domain.ledger import Outcome
from viewer.errors import InputRefused
from viewer.intake.archive import unpacked
from viewer.intake.decode import load
from viewer.intake.scan import require_pictures, scan
from viewer.places import cache_folder


def zipped(path: Path, members: dict[str, bytes], *, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def everything_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def refusal_of(path: Path) -> InputRefused:
    """Open ``path`` as somebody who needs a picture; nothing must have been written."""
    before = everything_below(path.parent)
    with pytest.raises(InputRefused) as refusal:
        require_pictures(scan([path]), str(path))
    assert everything_below(path.parent) == before
    assert everything_below(cache_folder()) == set()
    return refusal.value


def test_a_zip_archive_is_opened_like_a_folder(tmp_path: Path) -> None:
    paths = a_series(tmp_path / "s", 3)
    members = {f"study/{path.name}": path.read_bytes() for path in paths}
    archive = zipped(tmp_path / "a.zip", members)
    found = scan([archive])
    assert found.ledger.line() == "4 files = 1 shown + 3 grouped + 0 refused"
    assert f"{archive}/study/s001" in {fate.path for fate in found.ledger.fates}
    assert load(found.pictures[0]).stored[:, 0, 0].tolist() == [0, 1000, 2000]


def test_what_is_unpacked_is_private(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": b"text", "b/a": b"text"})
    first, second = unpacked(str(archive), str(archive))
    folder = Path(first.path).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.is_relative_to(cache_folder())
    assert first.path != second.path


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "C:/evil"]
)
def test_a_path_that_leads_outside_refuses_the_archive(tmp_path: Path, name: str) -> None:
    good = a_series(tmp_path / "s", 1)[0].read_bytes()
    refusal = refusal_of(zipped(tmp_path / "a.zip", {"good": good, name: b"evil"}))
    assert refusal.what == "The ZIP archive holds a path that leads outside of it."
    assert refusal.remedy


def test_a_link_refuses_the_archive(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"link": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    assert refusal_of(archive).what == "The ZIP archive holds a link."


def test_a_bomb_refuses_the_archive(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"zeros": bytes(20_000_000)})
    assert "more than 100 times its size" in refusal_of(archive).what


def test_a_bomb_of_many_small_files_refuses_the_archive(tmp_path: Path) -> None:
    members = {f"{n}": bytes(1_000_000) for n in range(20)}
    assert "more than 100 times its size" in refusal_of(zipped(tmp_path / "a.zip", members)).what


def test_a_member_that_is_longer_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": os.urandom(5000)})
    content = archive.read_bytes()
    archive.write_bytes(content.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    assert "broken" in refusal_of(archive).what


def test_members_that_share_their_bytes_refuse_the_archive(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{n}": os.urandom(3000) for n in range(9)})
    content = bytearray(archive.read_bytes())
    entries = [n for n in range(len(content)) if content[n : n + 4] == b"PK\x01\x02"]
    for entry in entries:  # every entry claims five times its bytes
        content[entry + 20 : entry + 24] = (15_000).to_bytes(4, "little")
    archive.write_bytes(content)
    assert "more than 100 times its size" in refusal_of(archive).what


def test_an_office_document_is_no_archive_of_images(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.docx", {"[Content_Types].xml": b"<a/>", "b": b"text"})
    assert "office document" in refusal_of(archive).what


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": os.urandom(5000)})
    archive.write_bytes(archive.read_bytes()[:2000])
    assert refusal_of(archive).what == "The ZIP archive is broken."


def test_a_broken_archive_leaves_the_rest_of_a_folder_alone(tmp_path: Path) -> None:
    a_series(tmp_path, 2)
    zipped(tmp_path / "a.zip", {"../evil": b""})
    found = scan([tmp_path])
    assert found.ledger.line() == "3 files = 1 shown + 1 grouped + 1 refused"


def test_an_archive_within_an_archive_is_refused(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "in.zip", {"a": b"text"}).read_bytes()
    found = scan([zipped(tmp_path / "out.zip", {"in.zip": inner})])
    assert found.ledger.count(Outcome.GROUPED) == 1
    assert "within another" in found.ledger.refused[0].reason


def test_what_killed_processes_left_is_deleted(tmp_path: Path) -> None:
    orphan = cache_folder() / "archives" / "999999999-x"
    orphan.mkdir(parents=True)
    (orphan / "0").write_bytes(b"left")
    unpacked(str(zipped(tmp_path / "a.zip", {"a": b"text"})), "a.zip")
    assert not orphan.exists()
