"""FreeSurfer's MGH and MGZ: placed as nibabel places them, refused when they are broken."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.volumes import (
    OBLIQUE,
    ORIGIN,
    SPACING,
    VALUES,
    assert_balanced,
    refusal,
    the_picture,
    turned_and_flipped,
)
from viewer.intake.decode import allocate, decode, load
from viewer.intake.recognise import Kind, kind_of
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket

TO_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


def affine_of(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    affine[:3, 3] = ORIGIN
    return affine


def an_mgh(
    path: Path, values: NDArray[Any] = VALUES, directions: NDArray[np.float64] = OBLIQUE
) -> Path:
    """Write ([t,] k, j, i) values by nibabel."""
    import nibabel

    image: Any = nibabel.MGHImage
    image(values.transpose(), affine_of(directions)).to_filename(path)
    return path


def changed(path: Path, at: int, form: str, *values: float) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(">" + form, content, at, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
def test_a_file_of_nibabel_lies_where_nibabel_says(tmp_path: Path, name: str, dtype: str) -> None:
    values = (VALUES + 9).astype(dtype)
    source = the_picture(an_mgh(tmp_path / name, values).rename(tmp_path / "renamed"))
    assert source.dtype == dtype
    assert source.grid is not None
    assert np.allclose(TO_LPS @ source.grid.ijk_to_lps, affine_of(OBLIQUE), atol=1e-4)
    assert np.array_equal(load(source).stored, values)


@pytest.mark.parametrize("directions", turned_and_flipped())
def test_all_axis_permutations_and_flips_come_out(
    tmp_path: Path, directions: NDArray[np.float64]
) -> None:
    source = the_picture(an_mgh(tmp_path / "a.mgh", directions=directions))
    assert source.grid is not None
    for index in ((0, 0, 0), (3, 2, 1), (1, 2, 0)):
        ras = affine_of(directions) @ (*index, 1)
        assert np.allclose(source.grid.world(index), (TO_LPS @ ras)[:3], atol=1e-4)


@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
def test_frames_become_pictures(tmp_path: Path, name: str) -> None:
    values = np.stack([VALUES, VALUES + 100])
    first, second = scan([an_mgh(tmp_path / name, values)]).pictures
    assert np.array_equal(load(first).stored, VALUES)
    assert np.array_equal(load(second).stored, VALUES + 100)


def test_without_a_place_there_are_no_sides(tmp_path: Path) -> None:
    source = the_picture(changed(an_mgh(tmp_path / "a.mgh"), 28, "h", 0))
    assert source.grid is None
    assert not source.spacing.is_known
    assert "without sides" in source.findings[0].text


@pytest.mark.parametrize(
    ("at", "form", "value", "reason"),
    [
        (4, "i", 40000, "cut off after 0 %"),
        (4, "i", 80, "cut off after 7 %"),
        (16, "i", 1 << 30, "no usable size"),
        (20, "i", 7, "type are not read"),
        (30, "f", 0.0, "nonsense"),
        (30, "f", 1e9, "nonsense"),
        (30, "f", float("nan"), "nonsense"),
        (42, "f", float("inf"), "nonsense"),
        (78, "f", 1e30, "nonsense"),
        (4, "i", 0, "no medical image"),
        (4, "i", -5, "no medical image"),
    ],
)
def test_hostile_headers_are_refused(
    tmp_path: Path, at: int, form: str, value: float, reason: str
) -> None:
    path = changed(an_mgh(tmp_path / "a.mgh"), at, form, value)
    assert reason in refusal(path)


def test_axes_in_one_plane_are_refused(tmp_path: Path) -> None:
    path = changed(an_mgh(tmp_path / "a.mgh"), 42, "9f", *(1, 0, 0, 1, 0, 0, 0, 0, 1))
    assert "nonsense" in refusal(path)


def test_cut_files_are_named(tmp_path: Path) -> None:
    path = an_mgh(tmp_path / "a.mgh", np.random.default_rng(0).random((9, 9, 9), np.float32))
    whole = path.read_bytes()
    path.write_bytes(whole[: 284 + 9 * 81 * 2])
    assert "cut off after 50 %" in refusal(path)
    path.write_bytes(whole[:100])
    assert "within its header" in refusal(path)
    path.write_bytes(gzip.compress(whole)[:2000])
    source = the_picture(path)
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert "broken or cut off" in fate.reason
    assert picture.loaded_k[0]


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = changed(an_mgh(tmp_path / "a.mgh"), 4, "3i", 30000, 30000, 30000)
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(100_000)))
    assert "cut off after 0 %" in refusal(path)


def test_numbers_that_look_a_little_like_it_are_not_taken() -> None:
    assert kind_of(b"\0\0\0\1" + bytes(400), 404) is Kind.MAYBE_DICOM
    assert kind_of(b"\0\0\0\1", 4) is Kind.MAYBE_DICOM


def test_a_real_file_lies_where_nibabel_says(shared_data: Path) -> None:
    import nibabel

    path = shared_data / "geometry/volumes_nibabel/test.mgz"
    found = scan([path])
    assert_balanced(found)
    image: Any = nibabel.load(path)
    wanted = np.asarray(image.dataobj).transpose()
    stored = np.stack([load(source).stored for source in found.pictures])
    assert np.array_equal(stored, wanted)
    grid = found.pictures[0].grid
    assert grid is not None
    assert np.allclose(TO_LPS @ grid.ijk_to_lps, image.affine, atol=1e-4)
