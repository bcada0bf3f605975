"""PNG, JPEG and TIFF: decoded as other programs do, in pixels, and refused when they lie."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.volumes import assert_balanced, refusal, the_picture
from viewer.domain.finding import Severity
from viewer.domain.ledger import Outcome
from viewer.intake.decode import allocate, decode, load, thumbnail
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (30, 40)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (30, 40, 3)).astype(np.uint8)
GREY_16 = RNG.integers(0, 65536, (30, 40)).astype(np.uint16)
COLOUR_16 = RNG.integers(0, 65536, (30, 40, 3)).astype(np.uint16)


def by_pillow(path: Path, values: NDArray[Any], form: str, mode: str = "", **options: Any) -> Path:
    from PIL import Image

    image: Any = Image.fromarray(values)
    if mode:
        image = image.convert(mode)
    image.save(path, form, **options)
    return path


def by_tifffile(path: Path, values: NDArray[Any], **options: Any) -> Path:
    import tifffile

    tifffile.imwrite(path, values, **options)
    return path


def as_pillow_sees(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("values", [GREY, COLOUR])
def test_eight_bits_come_through(tmp_path: Path, form: str, values: NDArray[Any]) -> None:
    source = the_picture(by_pillow(tmp_path / "no ending", values, form))
    assert source.is_colour == (values.ndim == 3)
    assert source.shape_kji == (1, 30, 40)
    assert source.dtype == np.uint8
    assert np.array_equal(load(source).stored[0], values)
    assert thumbnail(source, 20).shape == (15, 20)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("values", [GREY, COLOUR])
def test_jpeg_equals_what_pillow_decodes(
    tmp_path: Path, values: NDArray[Any], progressive: bool
) -> None:
    path = by_pillow(tmp_path / "a", values, "JPEG", progressive=progressive)
    stored = load(the_picture(path)).stored[0]
    assert np.abs(stored.astype(int) - as_pillow_sees(path)).max() <= 1


def test_sixteen_bits_of_grey_come_through(tmp_path: Path) -> None:
    for name, form in (("a", "PNG"), ("b", "TIFF")):
        source = the_picture(by_pillow(tmp_path / name, GREY_16, form))
        assert source.dtype == np.uint16
        assert np.array_equal(load(source).stored[0], GREY_16)


def test_sixteen_bits_of_colour_are_told(tmp_path: Path) -> None:
    import imagecodecs

    (tmp_path / "a").write_bytes(imagecodecs.png_encode(COLOUR_16))
    by_tifffile(tmp_path / "b", COLOUR_16, photometric="rgb")
    for name in ("a", "b"):
        source = the_picture(tmp_path / name)
        assert np.array_equal(load(source).stored[0], COLOUR_16 >> 8)
        assert "16-bit colours" in source.findings[1].text


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (COLOUR, {"compression": "deflate"}),
        (COLOUR, {"compression": "lzw", "predictor": True}),
        (GREY_16, {"byteorder": ">"}),
        (GREY_16, {"bigtiff": True}),
        (GREY_16, {"bigtiff": True, "byteorder": ">"}),
        (COLOUR, {"tile": (16, 16), "photometric": "rgb"}),
        (GREY, {"compression": "zstd"}),
        (GREY, {"rowsperstrip": 4}),
        (GREY.astype(np.float32) / 7, {}),
        (GREY_16.astype(np.int32) - 40000, {}),
        ((GREY_16.astype(np.int32) - 32768).astype(np.int16), {}),
    ],
)
def test_forms_of_tiff(tmp_path: Path, values: NDArray[Any], options: dict[str, Any]) -> None:
    source = the_picture(by_tifffile(tmp_path / "a", values, **options))
    assert source.dtype == values.dtype
    assert np.array_equal(load(source).stored[0], values)


def test_colours_in_planes_and_jpeg_in_tiff(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    path = by_tifffile(tmp_path / "a", planes, planarconfig="separate", photometric="rgb")
    assert np.array_equal(load(the_picture(path)).stored[0], COLOUR)
    path = by_pillow(tmp_path / "b", COLOUR, "TIFF", compression="jpeg")
    stored = load(the_picture(path)).stored[0]
    assert np.abs(stored.astype(int) - as_pillow_sees(path)).max() <= 2


def test_white_is_zero_is_inverted_by_the_screen_alone(tmp_path: Path) -> None:
    source = the_picture(by_tifffile(tmp_path / "a", GREY, photometric="miniswhite"))
    assert source.display.inverted
    assert np.array_equal(load(source).stored[0], GREY)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_two_levels_are_black_and_white(tmp_path: Path, form: str) -> None:
    path = by_pillow(tmp_path / "a", np.where(GREY > 99, 255, 0).astype(np.uint8), form, mode="1")
    stored = load(the_picture(path)).stored[0]
    assert np.array_equal(stored, as_pillow_sees(path) * 255)


def test_palettes_of_png_become_colours(tmp_path: Path) -> None:
    from PIL import Image

    path = by_pillow(tmp_path / "a", COLOUR, "PNG", mode="P")
    with Image.open(path) as image:
        wanted = np.asarray(image.convert("RGB"))
    assert np.array_equal(load(the_picture(path)).stored[0], wanted)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_transparency_is_left_out_and_told(tmp_path: Path, mode: str, form: str) -> None:
    values = GREY if mode == "LA" else COLOUR
    source = the_picture(by_pillow(tmp_path / "a", values, form, mode=mode))
    assert np.array_equal(load(source).stored[0], values)
    assert "transparency" in source.findings[1].text


def test_a_resolution_is_no_calibration(tmp_path: Path) -> None:
    for form in ("PNG", "JPEG", "TIFF"):
        source = the_picture(by_pillow(tmp_path / form, GREY, form, dpi=(300, 300)))
        assert not source.spacing.is_known
        assert source.grid is None
        assert source.orientation is None
        assert "not calibrated" in source.findings[0].text


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_a_wish_to_be_turned_is_told(tmp_path: Path, form: str) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "a"
    if form == "JPEG":
        by_pillow(path, COLOUR, form, exif=exif)
    else:
        by_pillow(path, COLOUR, form, tiffinfo={274: 6})
    source = the_picture(path)
    assert source.shape_kji == (1, 30, 40)
    assert source.findings[1].severity is Severity.WARNING
    assert "turned or mirrored" in source.findings[1].text


def test_pages_of_one_size_are_a_stack_and_others_are_told(tmp_path: Path) -> None:
    pages = np.stack([GREY_16, GREY_16 // 2, GREY_16 // 3])
    source = the_picture(by_tifffile(tmp_path / "a", pages, photometric="minisblack"))
    assert source.shape_kji == (3, 30, 40)
    assert np.array_equal(load(source).stored, pages)
    import tifffile

    with tifffile.TiffWriter(tmp_path / "b") as writer:
        writer.write(GREY)
        writer.write(GREY[:10, :10])
    source = the_picture(tmp_path / "b")
    assert source.shape_kji == (1, 30, 40)
    assert "2 pictures that are not alike" in source.findings[1].text


@pytest.mark.parametrize("mode", ["CMYK"])
@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_printers_colours_are_refused(tmp_path: Path, form: str, mode: str) -> None:
    assert "not read" in refusal(by_pillow(tmp_path / "a", COLOUR, form, mode=mode))


def test_other_colours_of_tiff_are_refused(tmp_path: Path) -> None:
    assert "not read" in refusal(by_pillow(tmp_path / "a", COLOUR, "TIFF", mode="P"))
    assert "not read" in refusal(by_pillow(tmp_path / "b", COLOUR, "TIFF", mode="YCbCr"))
    assert "not read" in refusal(by_tifffile(tmp_path / "c", GREY.astype(np.complex64)))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_file_is_refused_or_its_picture_is(tmp_path: Path, form: str, part: float) -> None:
    path = by_pillow(tmp_path / "a", COLOUR, form)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    found = scan([path])
    assert_balanced(found)
    for source in found.pictures:
        picture = allocate(source)
        (fate,) = decode(source, picture, Ticket())
        assert fate.outcome is Outcome.REFUSED
        assert "broken" in fate.reason or "cut off" in fate.reason
        assert not picture.loaded_k.any()
        assert not picture.stored.any()
    if not found.pictures:
        assert found.ledger.refused


def test_a_thumbnail_within_does_not_hide_that_a_jpeg_is_cut_off(tmp_path: Path) -> None:
    small, large = io.BytesIO(), io.BytesIO()
    from PIL import Image

    Image.fromarray(COLOUR[:8, :8]).save(small, "JPEG")
    Image.fromarray(COLOUR).save(large, "JPEG")
    data = large.getvalue()
    segment = b"\xff\xe2" + struct.pack(">H", 2 + len(small.getvalue())) + small.getvalue()
    path = tmp_path / "a"
    path.write_bytes(data[:2] + segment + data[2:])
    assert load(the_picture(path)).stored.any()
    path.write_bytes(data[:2] + segment + data[2:-30])
    (fate,) = decode(source := the_picture(path), allocate(source), Ticket())
    assert "cut off" in fate.reason


def png_header(columns: int, rows: int, bits: int = 8, colours: int = 0) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", columns, rows, bits, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + body + struct.pack(">I", zlib.crc32(body))


def tiff(**changes: tuple[int, ...]) -> bytes:
    """Return a little TIFF of 4 x 3 grey bytes with tags changed by number ("t256")."""
    values: dict[int, tuple[int, ...]] = {
        256: (4,),
        257: (3,),
        258: (8,),
        259: (1,),
        262: (1,),
        273: (8,),
        277: (1,),
        279: (12,),
    }
    values.update({int(name[1:]): value for name, value in changes.items()})
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, value[0]) for tag, value in sorted(values.items()) if value
    )
    n_tags = sum(bool(value) for value in values.values())
    start = struct.pack("<2sHI", b"II", 42, 20) + bytes(range(12))
    return start + struct.pack("<H", n_tags) + entries + bytes(4)


def test_the_little_tiff_is_sound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tiff())
    assert load(the_picture(tmp_path / "a")).stored.ravel().tolist() == list(range(12))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG picture's header is broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "PNG picture's header is broken"),
        (png_header(0, 5), "header is broken"),
        (png_header(5, 5, bits=7), "header is broken"),
        (png_header(1 << 31, 1 << 31), "million pixels"),
        (png_header(16000, 16000), "cut off after 0 %"),
        (b"\xff\xd8\xff", "JPEG picture's header is broken"),
        (b"\xff\xd8" + b"\xff" * 9000, "header is broken"),
        (b"\xff\xd8\xff\xe0\0\2" + b"rubbish" * 9, "header is broken"),
        (b"\xff\xd8" + b"\xff\xe0\0\2" * 9000, "header is broken"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03" + bytes(30), "million pixels"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\x3f\xff\x3f\xff\x03" + bytes(30), "cut off after 0 %"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x09\x03" + bytes(30), "header is broken"),
        (b"\xff\xd8\xff\xc1\0\x11\x0c\0\5\0\x09\x03" + bytes(30), "12 bits are not read"),
        (b"\xff\xd8\xff\xc3\0\x11\x08\0\5\0\x09\x03" + bytes(30), "kind of JPEG"),
        (b"II*\0", "TIFF picture's header is broken"),
        (b"II*\0" + bytes(300), "TIFF picture's header is broken"),
        (b"MM\0*" + b"\xff" * 300, "TIFF picture's header is broken"),
        (tiff()[:-40], "header is broken"),
        (tiff(t256=(0,)), "header is broken"),
        (tiff(t256=(1 << 30,), t257=(1 << 30,)), "million pixels"),
        (tiff(t256=(4000,)), "cut off after 0 %"),
        (tiff(t273=(9999,)), "cut off after 0 %"),
        (tiff(t279=(9999,)), "cut off after 0 %"),
        (tiff(t273=()), "header is broken"),
        (tiff(t258=(12,)), "type are not read"),
        (tiff(t258=(1 << 31,)), "type are not read"),
        (tiff(t277=(9,)), "colours are not read"),
        (tiff(t262=(3,)), "colours are not read"),
        (tiff(t262=()), "colours are not read"),
        (tiff(t259=(8,), t256=(16000,), t257=(16000,)), "cut off after 0 %"),
        (
            tiff(t322=(1 << 31,), t323=(1 << 31,), t324=(8,), t325=(12,)),
            "header is broken",
        ),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert reason in refusal(tmp_path / "a")


def test_directories_that_go_round_in_circles_are_refused(tmp_path: Path) -> None:
    content = tiff()
    (tmp_path / "a").write_bytes(content[:-4] + struct.pack("<I", 20))
    assert "header is broken" in refusal(tmp_path / "a")


def test_a_picture_that_lies_about_its_samples_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(tiff(t259=(8,)))
    source = the_picture(tmp_path / "a")
    (fate,) = decode(source, allocate(source), Ticket())
    assert "TIFF picture is broken" in fate.reason


def test_retinal_photographs_equal_what_pillow_decodes(shared_data: Path) -> None:
    paths = sorted((shared_data / "training/retina_vessels").glob("2[12]_*.png"))
    assert len(paths) >= 4
    for path in paths:
        assert np.array_equal(
            load(the_picture(path)).stored[0], as_pillow_sees(path) * _pillow_scale(path)
        )


def _pillow_scale(path: Path) -> int:
    return 255 if as_pillow_sees(path).dtype == np.bool_ else 1
