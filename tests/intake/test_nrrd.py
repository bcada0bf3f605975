"""NRRD: placed by space and directions, and refused in one sentence when it is broken."""

import bz2
import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.volumes import (
    ORIGIN,
    SPACING,
    VALUES,
    a_bomb,
    assert_balanced,
    assert_lies_as_itk_says,
    itk_image,
    refusal,
    the_picture,
    turned_and_flipped,
    write_itk,
)
from viewer.domain.ledger import Outcome
from viewer.domain.quantity import SpacingSource
from viewer.intake.decode import allocate, decode, load, thumbnail
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket

PLACED = {
    "space": "left-posterior-superior",
    "space directions": "(1,0,0) (0,1,0) (0,0,1)",
    "space origin": "(0,0,0)",
}


def header(changes: dict[str, str | None] | None = None, values: NDArray[Any] = VALUES) -> bytes:
    """Return the text of a sound header, with fields changed or (None) left out."""
    fields: dict[str, str | None] = {
        "type": "int16",
        "dimension": str(values.ndim),
        "sizes": " ".join(str(n) for n in reversed(values.shape)),
        "endian": "little",
        "encoding": "raw",
        **PLACED,
        **(changes or {}),
    }
    lines = [f"{name}: {value}\n" for name, value in fields.items() if value is not None]
    return ("NRRD0004\n# by hand\n" + "".join(lines) + "key:=a: value\n\n").encode()


def an_nrrd(
    path: Path,
    changes: dict[str, str | None] | None = None,
    values: NDArray[Any] = VALUES,
    data: bytes | None = None,
) -> Path:
    path.write_bytes(header(changes, values) + (values.tobytes() if data is None else data))
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr"])
def test_a_file_of_simpleitk_lies_where_simpleitk_says(
    tmp_path: Path, name: str, packed: bool
) -> None:
    image = itk_image()
    path = write_itk(tmp_path / name, image, packed=packed)
    assert_lies_as_itk_says(the_picture(path), image)
    assert_lies_as_itk_says(the_picture(tmp_path), image)


@pytest.mark.parametrize("directions", turned_and_flipped())
def test_all_axis_permutations_and_flips_come_out(
    tmp_path: Path, directions: NDArray[np.float64]
) -> None:
    image = itk_image(directions=directions)
    assert_lies_as_itk_says(the_picture(write_itk(tmp_path / "a.nrrd", image)), image)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64"]
)
def test_types_survive(tmp_path: Path, dtype: str) -> None:
    values = (VALUES * 5 + 40).astype(dtype)
    image = itk_image(values)
    source = the_picture(write_itk(tmp_path / "a.nrrd", image))
    assert source.dtype == dtype
    assert_lies_as_itk_says(source, image)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("LPS", (1, 1, 1)),
        ("left-posterior-superior", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("LAS", (1, -1, 1)),
    ],
)
def test_spaces_are_turned_to_lps(tmp_path: Path, space: str, signs: tuple[int, int, int]) -> None:
    fields = {
        "space": space,
        "space directions": "(0,2,0) (0.5,0,0) (0,0,-3)",
        "space origin": "(10,20,30)",
    }
    grid = the_picture(an_nrrd(tmp_path / "a", {**fields})).grid
    assert grid is not None
    assert np.allclose(grid.world((0, 0, 0)), np.array((10, 20, 30)) * signs)
    assert np.allclose(grid.world((3, 2, 1)), np.array((11, 26, 27)) * signs)


def test_lengths_are_taken_in_their_unit(tmp_path: Path) -> None:
    grid = the_picture(an_nrrd(tmp_path / "a", {"space units": '"cm" "cm" "cm"'})).grid
    assert grid is not None
    assert np.allclose(grid.spacing_ijk_mm, 10)
    path = an_nrrd(tmp_path / "b", {"space units": '"furlong" "mm" "mm"'})
    assert "unit of length is not read" in refusal(path)


@pytest.mark.parametrize("encoding", ["gzip", "gz", "bzip2", "bz2"])
def test_packed_samples_are_unpacked(tmp_path: Path, encoding: str) -> None:
    packed = (gzip if encoding.startswith("g") else bz2).compress(b"12" + VALUES.tobytes())
    fields: dict[str, str | None] = {"encoding": encoding, "byte skip": "2"}
    source = the_picture(an_nrrd(tmp_path / "a", fields, data=packed))
    assert np.array_equal(load(source).stored, VALUES)
    assert thumbnail(source, 8).shape == (6, 8)


def test_big_endian_samples_are_turned(tmp_path: Path) -> None:
    data = VALUES.astype(">i2").tobytes()
    source = the_picture(an_nrrd(tmp_path / "a", {"endian": "big"}, data=data))
    assert np.array_equal(load(source).stored, VALUES)


@pytest.mark.parametrize(
    ("skips", "before"),
    [
        ({"byte skip": "3"}, b"abc"),
        ({"byte skip": "-1"}, b"whatever it may be"),
        ({"line skip": "2"}, b"one\ntwo\n"),
        ({"line skip": "1", "byte skip": "2"}, b"one\nab"),
    ],
)
def test_skips_are_obeyed(tmp_path: Path, skips: dict[str, str], before: bytes) -> None:
    (tmp_path / "a.raw").write_bytes(before + VALUES.tobytes())
    path = an_nrrd(tmp_path / "a.nhdr", {"data file": "a.raw", **skips}, data=b"")
    assert np.array_equal(load(the_picture(path)).stored, VALUES)


def test_lines_may_end_as_windows_ends_them(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(header().replace(b"\n", b"\r\n") + VALUES.tobytes())
    assert np.array_equal(load(the_picture(path)).stored, VALUES)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["RGB-color", "RGBA-color"])
def test_colours_are_colours(tmp_path: Path, dtype: type[np.generic], kind: str) -> None:
    n_samples = 3 if kind == "RGB-color" else 4
    values = np.random.default_rng(0).integers(0, 256, (2, 3, 4, n_samples)).astype(dtype)
    scale = 1 if dtype is np.uint8 else 257
    fields: dict[str, str | None] = {
        "type": np.dtype(dtype).name,
        "kinds": f"{kind} space space space",
        "space directions": "none (1,0,0) (0,1,0) (0,0,1)",
    }
    source = the_picture(an_nrrd(tmp_path / "a", fields, (values * scale).astype(dtype)))
    assert source.is_colour
    assert np.array_equal(load(source).stored, values[..., :3])


def test_three_bytes_of_simpleitk_are_colours_and_other_vectors_volumes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)
    image = itk_image(values)
    source = the_picture(write_itk(tmp_path / "a.nrrd", image))
    assert source.is_colour
    assert_lies_as_itk_says(source, image)
    path = write_itk(tmp_path / "b.nrrd", itk_image(values.astype(np.float32)))
    sources = scan([path]).pictures
    assert [source.key[-2:] for source in sources[1:]] == ["#2", "#3"]
    assert "shown as 3 volumes" in sources[0].findings[0].text
    for number, source in enumerate(sources):
        assert np.array_equal(load(source).stored, values[..., number])


@pytest.mark.parametrize("kinds", [None, "domain domain domain time", "space space space list"])
def test_volumes_in_time_become_pictures(tmp_path: Path, kinds: str | None) -> None:
    values = np.stack([VALUES, VALUES + 100])
    directions = "(1,0,0) (0,1,0) (0,0,1) none"
    path = an_nrrd(tmp_path / "a", {"kinds": kinds, "space directions": directions}, values)
    first, second = scan([path]).pictures
    assert np.array_equal(load(first).stored, VALUES)
    assert np.array_equal(load(second).stored, VALUES + 100)
    assert second.key == f"{first.key}#2"


def test_a_space_with_time_gives_volumes(tmp_path: Path) -> None:
    fields: dict[str, str | None] = {
        "space": "right-anterior-superior-time",
        "space directions": "(1,0,0,0) (0,1,0,0) (0,0,1,0) (0,0,0,2)",
        "space origin": "(1,2,3,0)",
    }
    values = np.stack([VALUES, VALUES + 100])
    first, _ = scan([an_nrrd(tmp_path / "a", fields, values)]).pictures
    assert first.grid is not None
    assert np.allclose(first.grid.world((1, 1, 1)), (-2, -3, 4))


@pytest.mark.parametrize("space", [None, "scanner-xyz", "3D-right-handed"])
def test_without_a_space_there_are_no_sides(tmp_path: Path, space: str | None) -> None:
    source = the_picture(an_nrrd(tmp_path / "a", {"space": space}))
    assert source.grid is None
    assert source.orientation is None
    assert not source.spacing.is_known
    assert "without sides" in source.findings[0].text
    assert np.array_equal(load(source).stored, VALUES)


def test_spacings_count_only_with_a_unit_of_length(tmp_path: Path) -> None:
    fields: dict[str, str | None] = {
        "space": None,
        "space directions": None,
        "space origin": None,
        "spacings": "0.5 0.25 2",
    }
    assert not the_picture(an_nrrd(tmp_path / "a", fields)).spacing.is_known
    spacing = the_picture(an_nrrd(tmp_path / "b", {**fields, "units": '"mm" "cm" "mm"'})).spacing
    assert (spacing.column_mm, spacing.row_mm) == (0.5, 2.5)
    assert spacing.source is SpacingSource.PATIENT


def test_a_missing_origin_is_told(tmp_path: Path) -> None:
    source = the_picture(an_nrrd(tmp_path / "a", {"space origin": None}))
    assert "does not say where" in source.findings[0].text


def test_flat_images_are_a_stack(tmp_path: Path) -> None:
    import SimpleITK as sitk

    image: Any = sitk.GetImageFromArray(VALUES[0])
    source = the_picture(write_itk(tmp_path / "a.nrrd", image))
    assert source.shape_kji == (1, 3, 4)
    assert source.grid is None
    assert np.array_equal(load(source).stored[0], VALUES[0])


def test_a_data_file_is_grouped_with_its_header_whatever_comes_first(tmp_path: Path) -> None:
    an_nrrd(tmp_path / "z.nhdr", {"data file": "a.raw"}, data=b"")
    (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    (tmp_path / "other.raw").write_bytes(VALUES.tobytes())
    found = scan([tmp_path])
    fates = {Path(fate.path).name: fate for fate in found.ledger.fates}
    assert fates["a.raw"].outcome is Outcome.GROUPED
    assert fates["a.raw"].reason == "The pixels of z.nhdr."
    assert fates["a.raw"].group == fates["z.nhdr"].group == found.pictures[0].key
    assert fates["other.raw"].outcome is Outcome.REFUSED
    assert found.pictures[0].n_files == 2
    assert_balanced(found)
    alone = scan([tmp_path / "z.nhdr"])
    assert alone.ledger.count(Outcome.GROUPED) == 1
    assert np.array_equal(load(alone.pictures[0]).stored, VALUES)


def test_a_pair_in_an_archive_finds_itself(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.nhdr", header({"data file": "a.raw"}))
        archive.writestr("in/a.raw", VALUES.tobytes())
        archive.writestr("b.nhdr", header({"data file": "a.raw"}))
    found = scan([tmp_path / "a.zip"])
    assert np.array_equal(load(found.pictures[0]).stored, VALUES)
    (fate,) = found.ledger.refused
    assert fate.path.endswith("b.nhdr")
    assert_balanced(found)


@pytest.mark.parametrize(
    "name",
    ["../a.raw", "/etc/passwd", "sub/a.raw", "..", "sub\\a.raw", "c:a.raw", "x" * 300, "a\0.raw"],
)
def test_a_path_in_a_header_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    path = an_nrrd(folder / "a.nhdr", {"data file": name}, data=b"")
    assert "does not lie beside it" in refusal(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("LIST", "several files"),
        ("a%03d.raw 1 9 1", "several files"),
        ("gone.raw", "gone.raw, is not beside it"),
        ("folder", "is no file"),
    ],
)
def test_a_data_file_must_be_one_file(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    assert reason in refusal(an_nrrd(tmp_path / "a.nhdr", {"data file": name}, data=b""))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sizes": "4 3 0"}, "no usable size"),
        ({"sizes": "4 3 -2"}, "no usable size"),
        ({"sizes": "4 3"}, "no usable size"),
        ({"sizes": None}, "no usable size"),
        ({"sizes": "4 3 two"}, "broken"),
        ({"sizes": "9" * 5000 + " 3 2"}, "broken"),
        ({"dimension": None}, "no usable size"),
        ({"sizes": "40000 40000 40000"}, "cut off after 0 %"),
        ({"sizes": "1000000000000 1000000000000 1000000000000"}, "cut off after 0 %"),
        ({"sizes": "4 3 4"}, "cut off after 50 %"),
        ({"encoding": "text"}, "encoding is not read"),
        ({"encoding": None}, "encoding is not read"),
        ({"type": "block"}, "type that is not read"),
        ({"type": None}, "type that is not read"),
        ({"endian": None}, "byte order"),
        ({"endian": "middle"}, "byte order"),
        ({"space directions": "(0,0,0) (0,1,0) (0,0,1)"}, "nonsense"),
        ({"space directions": "(1,0,0) (1,0,0) (0,0,1)"}, "nonsense"),
        ({"space directions": "(1,0,0) (0,1,0) (0,0,inf)"}, "nonsense"),
        ({"space directions": "(1,0,0) (0,1,0) (0,0,1e9)"}, "nonsense"),
        ({"space directions": "(1,0,0) (0,1,0)"}, "do not fit"),
        ({"space directions": "(1,0,0) (0,1) (0,0,1)"}, "do not fit"),
        ({"space directions": "(a,0,0) (0,1,0) (0,0,1)"}, "broken"),
        ({"space origin": "(1e30,0,0)"}, "nonsense"),
        ({"space origin": "(nan,0,0)"}, "nonsense"),
        ({"byte skip": "-2"}, "broken"),
        ({"byte skip": "9999999"}, "cut off after 0 %"),
        ({"line skip": "-1"}, "broken"),
        ({"line skip": "99999999999"}, "fewer lines"),
        ({"kinds": "space space complex", "space directions": None}, "not read"),
    ],
)
def test_hostile_headers_are_refused(
    tmp_path: Path, changes: dict[str, str | None], reason: str
) -> None:
    assert reason in refusal(an_nrrd(tmp_path / "a", changes))


def test_complex_values_are_refused(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4, 2), np.float32)
    changes: dict[str, str | None] = {
        "type": "float",
        "kinds": "complex space space space",
        "space directions": "none (1,0,0) (0,1,0) (0,0,1)",
    }
    assert "kind complex" in refusal(an_nrrd(tmp_path / "a", changes, values))


def test_values_between_the_axes_of_space_are_refused(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {"space directions": "(1,0,0) none (0,1,0) (0,0,1)"}
    path = an_nrrd(tmp_path / "a", changes, np.zeros((2, 3, 2, 4), np.int16))
    assert "in an order that is not read" in refusal(path)


def test_bombs_are_refused(tmp_path: Path) -> None:
    data = a_bomb(1_000_000)
    fields: dict[str, str | None] = {"encoding": "gzip", "sizes": "4000 4000 4000"}
    assert "cut off after 0 %" in refusal(an_nrrd(tmp_path / "a", fields, data=data))
    fields["encoding"] = "bzip2"
    assert "more than 4 GiB" in refusal(an_nrrd(tmp_path / "b", fields, data=data))


def test_a_packed_file_that_ends_early_is_told_by_the_decoder(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 999, (9, 9, 9)).astype(np.int16)
    data = gzip.compress(values.tobytes())[:600]
    source = the_picture(an_nrrd(tmp_path / "a", {"encoding": "gzip"}, values, data))
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert "broken or cut off" in fate.reason
    assert picture.loaded_k[0]
    assert not picture.loaded_k[-1]


def test_a_header_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(header()[:-2])
    assert "no end" in refusal(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"NRRD0004\n" + b"# comment\n" * 200_000)
    assert "no end" in refusal(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"NRRD0004")
    assert "no end" in refusal(tmp_path / "a")


def test_real_files_equal_their_records(shared_data: Path) -> None:
    records = json.loads((shared_data / "expected.json").read_text())["volumes"]
    n_checked = 0
    for record in records:
        path = shared_data / record["path"]
        if path.suffix not in (".nrrd", ".nhdr"):
            continue
        source = the_picture(path)
        picture = load(source)
        assert source.grid is not None
        assert source.shape_kji == tuple(record["shape_zyx"])
        assert np.allclose(source.grid.spacing_ijk_mm, record["spacing"], atol=1e-4)
        assert np.allclose(source.grid.directions.ravel(), record["direction_LPS"], atol=1e-4)
        assert np.allclose(source.grid.world((0, 0, 0)), record["origin_LPS"], atol=1e-3)
        stored = picture.stored.astype(record["dtype"])
        assert sha256(stored.tobytes()).hexdigest() == record["sha256_voxels"], path.name
        n_checked += 1
    assert n_checked >= 15


def test_bzip2_of_another_program_equals_its_twin(shared_data: Path) -> None:
    folder = shared_data / "geometry/nrrd_pynrrd"
    packed, plain = (
        load(the_picture(folder / f"BallBinary30x30x30{end}.nrrd")).stored for end in ("_bz2", "")
    )
    assert np.array_equal(packed, plain)


def test_spacing_and_origin_are_those_of_the_writer(tmp_path: Path) -> None:
    grid = the_picture(write_itk(tmp_path / "a.nrrd", itk_image())).grid
    assert grid is not None
    assert np.allclose(grid.spacing_ijk_mm, SPACING)
    assert np.allclose(grid.world((0, 0, 0)), ORIGIN)
