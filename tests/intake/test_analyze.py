"""Analyze 7.5: read as nibabel reads it, without sides, and refused when it is broken."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.volumes import VALUES, assert_balanced, refusal, the_picture
from viewer.domain.ledger import Outcome
from viewer.domain.quantity import SpacingSource
from viewer.intake.decode import load, thumbnail
from viewer.intake.recognise import Kind, kind_of
from viewer.intake.scan import scan


def an_analyze(folder: Path, values: NDArray[Any] = VALUES, *, order: str = "<") -> Path:
    """Write ([t,] k, j, i) values by nibabel; return the header."""
    import nibabel

    image: Any = nibabel.AnalyzeImage
    form: Any = nibabel.AnalyzeHeader
    header = form(endianness=order)
    header.set_data_dtype(values.dtype)
    affine = np.diag((0.5, 1.5, 4.0, 1.0))
    image(values.transpose(), affine, header).to_filename(folder / "a.img")
    return folder / "a.hdr"


def changed(path: Path, at: int, form: str, *values: float) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into("<" + form, content, at, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_a_pair_of_nibabel_is_a_stack_without_sides(tmp_path: Path, dtype: str, order: str) -> None:
    values = (VALUES + 9).astype(dtype)
    source = the_picture(an_analyze(tmp_path, values, order=order))
    assert source.grid is None
    assert source.orientation is None
    assert "without sides" in source.findings[0].text
    assert source.shape_kji == (2, 3, 4)
    assert np.array_equal(load(source).stored, values)
    assert (source.spacing.column_mm, source.spacing.row_mm) == (0.5, 1.5)
    assert source.spacing.source is SpacingSource.PATIENT
    assert thumbnail(source, 9).shape == (9, 4)


def test_header_and_data_are_grouped(tmp_path: Path) -> None:
    an_analyze(tmp_path)
    found = scan([tmp_path])
    fates = {Path(fate.path).name: fate for fate in found.ledger.fates}
    assert fates["a.hdr"].outcome is Outcome.SHOWN
    assert fates["a.img"].outcome is Outcome.GROUPED
    assert fates["a.img"].reason == "The pixels of a.hdr."
    assert_balanced(found)


def test_names_in_capitals_are_found(tmp_path: Path) -> None:
    an_analyze(tmp_path).rename(tmp_path / "A.HDR")
    (tmp_path / "a.img").rename(tmp_path / "A.IMG")
    assert np.array_equal(load(the_picture(tmp_path / "A.HDR")).stored, VALUES)


def test_volumes_become_pictures(tmp_path: Path) -> None:
    first, second = scan([an_analyze(tmp_path, np.stack([VALUES, VALUES + 100]))]).pictures
    assert np.array_equal(load(first).stored, VALUES)
    assert np.array_equal(load(second).stored, VALUES + 100)
    assert first.n_files + second.n_files == 2


def test_colours_are_colours(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)
    path = changed(an_analyze(tmp_path, np.zeros((2, 3, 4), np.uint8)), 70, "2h", 128, 24)
    (tmp_path / "a.img").write_bytes(values.tobytes())
    source = the_picture(path)
    assert source.is_colour
    assert np.array_equal(load(source).stored, values)


def test_samples_may_begin_later(tmp_path: Path) -> None:
    path = changed(an_analyze(tmp_path), 108, "f", 5.0)
    (tmp_path / "a.img").write_bytes(b"12345" + VALUES.tobytes())
    assert np.array_equal(load(the_picture(path)).stored, VALUES)


def test_another_unit_than_millimetres_gives_pixels(tmp_path: Path) -> None:
    path = changed(an_analyze(tmp_path), 56, "4s", b"um\0\0")  # type: ignore[arg-type]
    assert not the_picture(path).spacing.is_known
    for length in (0.0, -1.0, float("nan"), float("inf")):
        assert not the_picture(changed(an_analyze(tmp_path), 80, "f", length)).spacing.is_known


def test_a_scale_factor_is_told_and_not_applied(tmp_path: Path) -> None:
    source = the_picture(changed(an_analyze(tmp_path), 112, "f", 0.25))
    assert "not applied" in source.findings[1].text
    assert source.quantity.slope_k[0] == 1


@pytest.mark.parametrize(
    ("at", "form", "values", "reason"),
    [
        (42, "h", (0,), "no usable size"),
        (42, "h", (-3,), "no usable size"),
        (40, "h", (1,), "no usable size"),
        (40, "8h", (5, 4, 3, 2, 1, 2, 1, 1), "no usable size"),
        (42, "3h", (30000, 30000, 30000), "cut off after 0 %"),
        (46, "h", (4,), "cut off after 50 %"),
        (70, "h", (32,), "type are not read"),
        (70, "h", (1,), "type are not read"),
        (72, "h", (9,), "broken"),
        (108, "f", (-8.0,), "before the file"),
        (108, "f", (1e9,), "cut off after 0 %"),
        (108, "f", (float("nan"),), "broken"),
        (108, "f", (0.5,), "broken"),
    ],
)
def test_hostile_headers_are_refused(
    tmp_path: Path, at: int, form: str, values: tuple[float, ...], reason: str
) -> None:
    path = changed(an_analyze(tmp_path), at, form, *values)
    assert reason in refusal(path)


def test_a_header_alone_or_cut_off_is_refused(tmp_path: Path) -> None:
    path = an_analyze(tmp_path)
    (tmp_path / "a.img").unlink()
    assert "a.img, is not beside it" in refusal(path)
    path.write_bytes(path.read_bytes()[:200])
    assert "header is cut off" in refusal(path)


def test_other_files_that_begin_alike_are_not_taken() -> None:
    assert kind_of((348).to_bytes(4, "little") + bytes(400), 404) is Kind.MAYBE_DICOM
    assert kind_of((348).to_bytes(4, "little"), 4) is Kind.MAYBE_DICOM
