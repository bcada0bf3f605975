"""MetaImage: placed by its matrix, grouped with its data file, refused in one sentence."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.volumes import (
    VALUES,
    assert_balanced,
    assert_lies_as_itk_says,
    itk_image,
    refusal,
    the_picture,
    turned_and_flipped,
    write_itk,
)
from viewer.domain.finding import Severity
from viewer.domain.ledger import Outcome
from viewer.domain.quantity import SpacingSource
from viewer.intake.decode import allocate, decode, load, thumbnail
from viewer.intake.recognise import Kind, kind_of
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket

Changes = dict[str, str | None]


def header(changes: Changes | None = None) -> bytes:
    """Return the text of a sound header, with fields changed or (None) left out."""
    fields: Changes = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "1 2 3",
        "ElementSpacing": "0.5 1 2",
        "DimSize": "4 3 2",
        "ElementType": "MET_SHORT",
        **(changes or {}),
    }
    last = fields.pop("ElementDataFile", "LOCAL")
    lines = [f"{name} = {value}\n" for name, value in fields.items() if value is not None]
    end = "" if last is None else f"ElementDataFile = {last}\n"
    return ("".join(lines) + end).encode()


def a_metaimage(path: Path, changes: Changes | None = None, data: bytes | None = None) -> Path:
    path.write_bytes(header(changes) + (VALUES.tobytes() if data is None else data))
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["a.mha", "a.mhd"])
def test_a_file_of_simpleitk_lies_where_simpleitk_says(
    tmp_path: Path, name: str, packed: bool
) -> None:
    image = itk_image()
    path = write_itk(tmp_path / name, image, packed=packed)
    assert_lies_as_itk_says(the_picture(path), image)
    found = scan([tmp_path])
    assert found.ledger.count(Outcome.GROUPED) == (name == "a.mhd")
    assert_balanced(found)


@pytest.mark.parametrize("directions", turned_and_flipped())
def test_all_axis_permutations_and_flips_come_out(
    tmp_path: Path, directions: NDArray[np.float64]
) -> None:
    image = itk_image(directions=directions)
    source = the_picture(write_itk(tmp_path / "a.mha", image))
    assert_lies_as_itk_says(source, image)
    assert not source.findings


@pytest.mark.parametrize("directions", turned_and_flipped())
def test_letters_alone_place_the_axes(tmp_path: Path, directions: NDArray[np.float64]) -> None:
    letters = "".join(
        ("RL", "AP", "IS")[int(np.argmax(np.abs(column)))][int(column.sum() < 0)]
        for column in directions.T
    )
    changes: Changes = {"TransformMatrix": None, "AnatomicalOrientation": letters}
    source = the_picture(a_metaimage(tmp_path / "a", changes))
    assert source.grid is not None
    assert np.allclose(source.grid.directions, directions)
    assert not source.findings


def test_the_matrix_counts_where_the_letters_disagree(tmp_path: Path) -> None:
    source = the_picture(a_metaimage(tmp_path / "a", {"AnatomicalOrientation": "LPS"}))
    assert source.grid is not None
    assert np.array_equal(source.grid.directions, np.eye(3))
    assert source.findings[0].severity is Severity.WARNING
    assert "disagree" in source.findings[0].text


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64"]
)
def test_types_survive(tmp_path: Path, dtype: str) -> None:
    image = itk_image((VALUES * 5 + 40).astype(dtype))
    source = the_picture(write_itk(tmp_path / "a.mha", image, packed=True))
    assert source.dtype == dtype
    assert_lies_as_itk_says(source, image)


def test_big_endian_samples_are_turned(tmp_path: Path) -> None:
    for number, name in enumerate(("BinaryDataByteOrderMSB", "ElementByteOrderMSB")):
        path = a_metaimage(tmp_path / str(number), {name: "True"}, VALUES.astype(">i2").tobytes())
        assert np.array_equal(load(the_picture(path)).stored, VALUES)


def test_colours_are_colours_and_other_vectors_volumes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)
    image = itk_image(values)
    source = the_picture(write_itk(tmp_path / "a.mha", image))
    assert source.is_colour
    assert_lies_as_itk_says(source, image)
    path = write_itk(tmp_path / "b.mha", itk_image(values.astype(np.float32)), packed=True)
    sources = scan([path]).pictures
    for number, source in enumerate(sources):
        assert np.array_equal(load(source).stored, values[..., number])


def test_volumes_in_time_become_pictures(tmp_path: Path) -> None:
    changes: Changes = {
        "NDims": "4",
        "DimSize": "4 3 2 2",
        "TransformMatrix": "0 1 0 0 1 0 0 0 0 0 -1 0 0 0 0 1",
        "Offset": "1 2 3 0",
        "ElementSpacing": "0.5 1 2 1",
    }
    data = np.stack([VALUES, VALUES + 100]).tobytes()
    first, second = scan([a_metaimage(tmp_path / "a", changes, data)]).pictures
    assert np.array_equal(load(first).stored, VALUES)
    assert np.array_equal(load(second).stored, VALUES + 100)
    assert second.grid is not None
    assert np.allclose(second.grid.world((1, 1, 1)), (2, 2.5, 1))


@pytest.mark.parametrize("size", ["5", "-1"])
def test_foreign_bytes_before_the_samples_are_skipped(tmp_path: Path, size: str) -> None:
    (tmp_path / "a.raw").write_bytes(b"12345" + VALUES.tobytes())
    changes: Changes = {"HeaderSize": size, "ElementDataFile": "a.raw"}
    assert np.array_equal(
        load(the_picture(a_metaimage(tmp_path / "a.mhd", changes, b""))).stored, VALUES
    )


def test_without_matrix_and_letters_there_are_no_sides(tmp_path: Path) -> None:
    changes: Changes = {"TransformMatrix": None, "AnatomicalOrientation": "???"}
    source = the_picture(a_metaimage(tmp_path / "a", changes))
    assert source.grid is None
    assert "without sides" in source.findings[0].text
    assert (source.spacing.column_mm, source.spacing.row_mm) == (0.5, 1)
    assert source.spacing.source is SpacingSource.PATIENT


def test_without_a_spacing_there_are_pixels(tmp_path: Path) -> None:
    source = the_picture(a_metaimage(tmp_path / "a", {"ElementSpacing": None}))
    assert source.grid is None
    assert not source.spacing.is_known
    source = the_picture(
        a_metaimage(tmp_path / "b", {"ElementSpacing": None, "ElementSize": "1 2 3"})
    )
    assert source.grid is not None
    assert source.grid.spacing_ijk_mm == (1, 2, 3)


def test_a_missing_origin_is_told(tmp_path: Path) -> None:
    source = the_picture(a_metaimage(tmp_path / "a", {"Offset": None}))
    assert "does not say where" in source.findings[0].text


def test_flat_images_are_a_stack(tmp_path: Path) -> None:
    import SimpleITK as sitk

    image: Any = sitk.GetImageFromArray(VALUES[0])
    source = the_picture(write_itk(tmp_path / "a.mha", image))
    assert source.grid is None
    assert np.array_equal(load(source).stored[0], VALUES[0])
    assert thumbnail(source, 8).shape == (6, 8)


def test_intensities_are_scaled(tmp_path: Path) -> None:
    changes: Changes = {
        "ElementToIntensityFunctionSlope": "2",
        "ElementToIntensityFunctionOffset": "-5",
    }
    quantity = the_picture(a_metaimage(tmp_path / "a", changes)).quantity
    assert (quantity.slope_k[0], quantity.intercept_k[0]) == (2, -5)


@pytest.mark.parametrize("name", ["../a.raw", "/etc/passwd", "sub/a.raw", ".", "a\\b.raw"])
def test_a_path_in_a_header_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    path = a_metaimage(tmp_path / "in" / "a.mhd", {"ElementDataFile": name}, b"")
    assert "does not lie beside it" in refusal(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DimSize": "4 3 0"}, "no usable size"),
        ({"DimSize": "4 3"}, "no usable size"),
        ({"DimSize": "4 3 two"}, "broken"),
        ({"DimSize": "40000 40000 40000"}, "cut off after 0 %"),
        ({"DimSize": "4 3 4"}, "cut off after 50 %"),
        ({"DimSize": "40000 40000 40000", "CompressedData": "True"}, "cut off after 0 %"),
        ({"DimSize": None}, "no usable size"),
        ({"ElementType": "MET_STRING"}, "type that is not read"),
        ({"ElementType": None}, "type that is not read"),
        ({"ElementNumberOfChannels": "0"}, "no usable size"),
        ({"ElementNumberOfChannels": "-1"}, "no usable size"),
        ({"ElementNumberOfChannels": "99999999"}, "no usable size"),
        ({"BinaryData": "False"}, "as text are not read"),
        ({"TransformMatrix": "1 0 0 0 1 0 0 0"}, "broken"),
        ({"TransformMatrix": "0 0 0 0 1 0 0 0 1"}, "nonsense"),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "nonsense"),
        ({"TransformMatrix": "nan 0 0 0 1 0 0 0 1"}, "nonsense"),
        ({"ElementSpacing": "1 1 0"}, "nonsense"),
        ({"ElementSpacing": "1 1 -1"}, "nonsense"),
        ({"ElementSpacing": "1 1 inf"}, "nonsense"),
        ({"ElementSpacing": "1 1 1e9"}, "nonsense"),
        ({"Offset": "1e30 0 0"}, "nonsense"),
        ({"Offset": "nan 0 0"}, "nonsense"),
        ({"HeaderSize": "-2"}, "broken"),
        ({"HeaderSize": "99999"}, "cut off after 0 %"),
        ({"ObjectType": "Tube"}, "holds no image"),
        ({"ElementDataFile": None}, "no end"),
        ({"ElementDataFile": "LIST"}, "several files"),
        ({"ElementDataFile": "a%03d.raw 1 2 1"}, "several files"),
        ({"ElementDataFile": "gone.raw"}, "gone.raw, is not beside it"),
        ({"ElementDataFile": ""}, "does not lie beside it"),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, changes: Changes, reason: str) -> None:
    assert reason in refusal(a_metaimage(tmp_path / "a", changes))


def test_a_packed_file_that_ends_early_is_told_by_the_decoder(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 999, (9, 9, 9)).astype(np.int16)
    data = zlib.compress(values.tobytes())[:600]
    changes: Changes = {"CompressedData": "True", "DimSize": "9 9 9"}
    source = the_picture(a_metaimage(tmp_path / "a", changes, data))
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert "broken or cut off" in fate.reason
    assert picture.loaded_k[0]


def test_text_with_equals_signs_is_no_metaimage() -> None:
    assert kind_of(header(), 999) is Kind.METAIMAGE
    for text in (b"[a]\nb = c\n", b"Name = x\nValue = 3\n", b"NDims is 3\n", b"if a == b:\n"):
        assert kind_of(text, len(text)) is Kind.MAYBE_DICOM
