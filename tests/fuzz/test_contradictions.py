"""What the mutations found, and what they cannot: each contradiction by itself."""

import os
import time
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import numpy as np
import pytest

from tests.fuzz.account import accounted, balanced, is_plain
from tests.fuzz.mutations import HOSTILE_TEXTS, element, nested, places, with_value
from tests.intake.writing import a_series, a_slice, saved, with_pixels
from viewer.errors import Damaged
from viewer.intake.find import Found
from viewer.intake.reading import opened_files, read_head
from viewer.intake.scan import scan

_RLE = "1.2.840.10008.1.2.5"


def a_file(folder: Path, **changes: Any) -> Path:
    dataset = a_slice(0)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return saved(dataset, folder / "a.dcm")


def an_rle_file(folder: Path) -> Path:
    from pydicom.uid import RLELossless

    dataset = a_slice(0)
    with_pixels(dataset, np.zeros((64, 64), dtype=np.int16))
    saved(dataset, folder / "a.dcm")
    dataset.compress(RLELossless)
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    return folder / "a.dcm"


@pytest.mark.parametrize("count", [b"2 ", b"17", b"65536 ", b"99999 "])
def test_compressed_frames_that_cannot_be_there_cost_nothing(tmp_path: Path, count: bytes) -> None:
    path = an_rle_file(tmp_path)
    path.write_bytes(with_value(path.read_bytes(), 0x00280008, b"IS", count))
    begun = time.monotonic()
    found = accounted(path)
    assert time.monotonic() - begun < 1.0
    for picture in found.pictures:
        assert picture.shape_kji[0] * 16 <= path.stat().st_size


@pytest.mark.parametrize("count", [b"2 ", b"17", b"99999 ", b"0 ", b"-3", b"1.5 ", b"x "])
def test_native_frames_that_are_not_there_are_told_or_refused(tmp_path: Path, count: bytes) -> None:
    path = a_file(tmp_path)
    path.write_bytes(with_value(path.read_bytes(), 0x00280008, b"IS", count))
    found = accounted(path)
    assert found.ledger.n_files == 1
    assert all(picture.shape_kji[0] == 1 for picture in found.pictures)


@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (0, 8), (1, 65535), (65535, 1)])
def test_absurd_sizes_allocate_nothing(tmp_path: Path, rows: int, columns: int) -> None:
    path = a_file(tmp_path)
    content = with_value(path.read_bytes(), 0x00280010, b"US", pack("<H", rows))
    content = with_value(content, 0x00280011, b"US", pack("<H", columns))
    path.write_bytes(with_value(content, 0x00280008, b"IS", b"99999 "))
    found = accounted(path)
    assert not found.pictures
    assert len(found.ledger.refused) == 1


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize(
    ("tag", "vr"),
    [(0x0008103E, b"LO"), (0x00100020, b"LO"), (0x00080060, b"CS"), (0x00080005, b"CS")],
)
def test_hostile_text_is_shown_as_plain_text(
    tmp_path: Path, tag: int, vr: bytes, text: bytes
) -> None:
    path = a_file(tmp_path)
    path.write_bytes(with_value(path.read_bytes(), tag, vr, text[:65534]))
    (picture,) = accounted(path).pictures
    identity = picture.identity
    for shown in (picture.title, identity.series.description, identity.patient.id):
        assert is_plain(shown)


def test_a_class_of_hostile_text_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    content = with_value(path.read_bytes(), 0x00080016, b"UI", b"1.2\x1b[2J\x90.3")
    pixel = next(place for place in places(content) if place.tag == 0x7FE00010)
    path.write_bytes(content[: pixel.start])
    (refused,) = accounted(path).ledger.refused
    assert is_plain(refused.reason)


@pytest.mark.parametrize("seed", range(12))
def test_deep_nesting_ends(tmp_path: Path, seed: int) -> None:
    path = a_file(tmp_path)
    path.write_bytes(nested(path.read_bytes(), Random(seed)))  # noqa: S311 - repeatable on purpose
    accounted(path)


def test_a_million_tiny_elements_take_no_long_time(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    content = path.read_bytes()
    pixel = next(place for place in places(content) if place.tag == 0x7FE00010)
    many = element(0x00291001, b"SH", b"") * 300_000
    path.write_bytes(content[: pixel.start] + many + content[pixel.start :])
    accounted(path)


@pytest.mark.parametrize("seed", range(8))
def test_a_jpeg_ls_stream_that_ends_within_a_code_is_refused_at_once(seed: int) -> None:
    import imagecodecs

    from viewer.intake import codecs
    from viewer.intake.layout import Layout

    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 4096, (128, 128)).astype(np.uint16)
    whole = bytes(imagecodecs.jpegls_encode(samples))
    layout = Layout(128, 128, 1, False, "MONOCHROME2", 16, 12, 11, False)
    syntax = "1.2.840.10008.1.2.4.80"
    assert np.array_equal(codecs.decoded(whole, layout, syntax), samples)
    assert np.array_equal(codecs.decoded(whole + b"\0", layout, syntax), samples)
    begun = time.monotonic()
    for _ in range(10):
        with pytest.raises(Damaged, match="broken"):
            codecs.decoded(whole[: rng.integers(100, len(whole) - 10)], layout, syntax)
    assert time.monotonic() - begun < 2.0


def test_links_in_circles_and_pipes_end(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    a_series(folder, 3)
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    (folder / "nowhere").symlink_to(folder / "absent")
    (folder / "twin").symlink_to(folder / "s000")
    os.mkfifo(folder / "pipe")
    found = accounted(tmp_path)
    assert found.pictures[0].shape_kji[0] == 3
    reasons = {Path(fate.path).name: fate.reason for fate in found.ledger.refused}
    assert set(reasons) == {"self", "nowhere", "pipe"}


def test_file_names_of_any_bytes_are_taken(tmp_path: Path) -> None:
    content = a_file(tmp_path).read_bytes()
    names = [b"\x1b[2Jx", b"=cmd()", b"<b>", b"\xff\xfe", b"..hidden", b"a\nb", b"n" * 255]
    folder = os.fsencode(tmp_path / "names")
    os.mkdir(folder)  # noqa: PTH102 - names of any bytes
    for name in names:
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - names of any bytes
            file.write(content)
    found = scan([tmp_path / "names"])
    balanced(found)
    assert found.ledger.n_files == len(names)


def test_files_that_vanish_or_shrink_while_reading_have_a_fate(tmp_path: Path) -> None:
    paths = a_series(tmp_path, 4)
    vanished, shrunk = str(paths[1]), str(paths[2])

    def read(path: str, n_bytes: int) -> tuple[bytes, int]:
        if path == vanished:
            raise FileNotFoundError(2, "No such file or directory", path)
        head, size = read_head(path, n_bytes)
        return (head[:100], size) if path == shrunk else (head, size)

    found = [Found(str(path), str(path)) for path in paths]
    opened = list(opened_files(found, read=read))
    assert [item.refusal is not None for item in opened] == [False, True, True, False]


def test_a_folder_that_vanishes_between_scan_and_decoding_is_named(tmp_path: Path) -> None:
    from viewer.intake.decode import allocate, decode
    from viewer.jobs.job import Ticket

    paths = a_series(tmp_path, 6)
    found = scan([tmp_path])
    (source,) = found.pictures
    for path in paths[:3]:
        path.unlink()
    paths[4].write_bytes(paths[4].read_bytes()[:-20])
    fates = decode(source, allocate(source), Ticket())
    assert {fate.path for fate in fates} == {str(path) for path in (*paths[:3], paths[4])}
    assert all(fate.reason and fate.hint for fate in fates)
    balanced(found.with_refused(fates))
