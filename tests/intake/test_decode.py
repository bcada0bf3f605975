"""Pixels: exact in every syntax, outward from the slice on the screen, broken ones named."""

import contextlib
import json
import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.intake.writing import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    a_series,
    a_slice,
    pixels_of,
    saved,
    with_pixels,
)
from viewer.domain.ledger import Outcome
from viewer.errors import Damaged, OutOfResources, Unsupported
from viewer.intake import codecs, limits
from viewer.intake.decode import allocate, decode, load, outward, thumbnail
from viewer.intake.layout import Layout
from viewer.intake.scan import scan
from viewer.jobs.job import Cancelled, Ticket

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PLAIN = Layout(6, 8, 1, False, "MONOCHROME2", 16, 16, 15, True)


def stored_of(path: Path) -> NDArray[Any]:
    (source,) = scan([path]).pictures
    return load(source).stored


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_plain_encoding_gives_the_exact_pixels(
    tmp_path: Path, syntax: str, kind: str
) -> None:
    values = np.arange(48).reshape(6, 8).astype(kind) - np.array(20).astype(kind)
    dataset = a_slice(0, values.astype(f">{kind}") if syntax == BIG_ENDIAN else values)
    stored = stored_of(saved(dataset, tmp_path / "a", syntax))
    assert stored.dtype == np.dtype(kind)
    assert np.array_equal(stored[0], values)


def test_rows_and_columns_of_odd_length_are_read(tmp_path: Path) -> None:
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    assert np.array_equal(stored_of(saved(a_slice(0, values), tmp_path / "a"))[0], values)


@given(
    bits=st.integers(1, 16),
    signed=st.booleans(),
    words=st.lists(st.integers(0, 65535), min_size=4, max_size=4),
)
def test_foreign_bits_are_cut_and_signs_extended(bits: int, signed: bool, words: list[int]) -> None:
    layout = replace(PLAIN, rows=2, columns=2, bits_stored=bits, high_bit=bits - 1, signed=signed)
    samples = np.array(words, np.uint16).reshape(2, 2)
    found = codecs.masked(samples, layout, is_native=True)
    for word, value in zip(words, found.ravel().tolist(), strict=True):
        low = word % (1 << bits)
        negative = signed and low >= 1 << (bits - 1)
        assert value == (low - (1 << bits) if negative else low)


def test_values_above_their_bits_are_cut_in_a_file_too(tmp_path: Path) -> None:
    dataset = a_slice(0, np.array([[0x1FFF, 0x0FFF], [0xF800, 0x0001]], np.uint16))
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1
    assert stored_of(saved(dataset, tmp_path / "a"))[0].tolist() == [[-1, -1], [-2048, 1]]


def test_values_that_lie_above_bit_0_are_moved_down(tmp_path: Path) -> None:
    dataset = a_slice(0, np.array([[0x1230, 0x00F1]], np.uint16))
    dataset.BitsStored, dataset.HighBit = 12, 15
    assert stored_of(saved(dataset, tmp_path / "a"))[0].tolist() == [[0x123, 0x00F]]


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_is_read_by_pixel_and_by_plane(tmp_path: Path, planar: int) -> None:
    values = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    dataset = a_slice(0, values)
    dataset.PlanarConfiguration = planar
    if planar:
        dataset.PixelData = np.moveaxis(values, -1, 0).tobytes()
    assert np.array_equal(stored_of(saved(dataset, tmp_path / "a"))[0], values)


def test_a_palette_becomes_rgb(tmp_path: Path) -> None:
    dataset = a_slice(0, np.array([[0, 1], [2, 9]], np.uint8))
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    ramps = {"Red": [0, 128, 255], "Green": [0, 0, 255], "Blue": [9, 9, 255]}
    for colour, entries in ramps.items():
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [3, 0, 16])
        words = (np.array(entries) * 257).astype("<u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", words)
    expected = [[[0, 0, 9], [128, 0, 9]], [[255, 255, 255]] * 2]
    assert stored_of(saved(dataset, tmp_path / "a"))[0].tolist() == expected


def test_a_palette_image_without_a_palette_is_refused(tmp_path: Path) -> None:
    dataset = a_slice(0, np.zeros((2, 2), np.uint8))
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    found = scan([saved(dataset, tmp_path / "a")])
    assert found.ledger.refused[0].reason == "The colour palette is missing."


def test_luminance_and_chrominance_become_rgb(tmp_path: Path) -> None:
    dataset = a_slice(0, np.array([[[76, 85, 255], [150, 44, 21]]], np.uint8))
    dataset.PhotometricInterpretation = "YBR_FULL"
    red, green = stored_of(saved(dataset, tmp_path / "a"))[0, 0].tolist()
    assert np.abs(np.array(red) - (254, 0, 0)).max() <= 1
    assert np.abs(np.array(green) - (0, 255, 1)).max() <= 1


def test_bits_of_several_frames_are_unpacked_across_bytes(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (3, 3, 5)).astype(np.uint8)
    dataset = a_slice(0, np.zeros((3, 5), np.uint8), modality="OT")
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit, dataset.NumberOfFrames = 0, 3
    raw = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    assert np.array_equal(stored_of(saved(dataset, tmp_path / "a")), bits)


def expected_files(shared_data: Path) -> list[dict[str, Any]]:
    found = json.loads((shared_data / "expected.json").read_text())["files"]
    return [
        record for record in found if "sha" in record and (shared_data / record["path"]).exists()
    ]


def sha_of(path: Path, record: dict[str, Any]) -> str:
    frames: dict[int, NDArray[Any]] = {}
    for source in scan([path]).pictures:
        picture = load(source)
        for k, instance in enumerate(picture.identity.instances):
            frames[instance.frame] = picture.stored[k]
    stored = np.stack([frames[number] for number in sorted(frames)])
    return sha256(stored.astype(record["dtype"]).tobytes()).hexdigest()


# The sums were made by another decoder, which rounds 12-bit lossy JPEG otherwise (1 level).
ROUNDED = {
    "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
    "CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
    "JPEGExtended_1s_1f_u_16_12.dcm",
    "RG2_JPLY_fixed.dcm",
    "JPGExtended.dcm",
}


def test_grey_pixels_of_all_syntaxes_equal_the_recorded_sums(shared_data: Path) -> None:
    grey = [
        record
        for record in expected_files(shared_data)
        if record["path"].startswith(("codecs", "dicom"))
        and record.get("pi") in ("MONOCHROME1", "MONOCHROME2")
        and "mlut" not in record["path"]
        and not record.get("sop", "").startswith("Segmentation")
        and Path(record["path"]).name not in ROUNDED
    ]
    small = [r for r in grey if (shared_data / r["path"]).stat().st_size < 300_000]
    shown = [r for r in small if scan([shared_data / r["path"]]).pictures]
    assert len(shown) > 110
    assert len({record["ts"] for record in shown if "ts" in record}) >= 15
    wrong = [r["path"] for r in shown if sha_of(shared_data / r["path"], r) != r["sha"]]
    assert wrong == []


def test_lossless_forms_of_one_image_are_equal(shared_data: Path) -> None:
    folder = shared_data / "codecs/cornerstone"
    syntaxes = ("2.1.dcm", "1.99", "4.57", "4.70", "4.80", "4.90", "2.5.dcm")
    paths = [p for tail in syntaxes for p in folder.glob(f"CTImage.dcm_*{tail}*")]
    assert len(paths) == 7
    first, *others = (stored_of(path) for path in paths)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", ["fo_dicom/GH195.dcm", "dcm4che/will-jxl.dcm"])
def test_colour_forms_that_headers_mislabel_are_decoded(shared_data: Path, name: str) -> None:
    (source,) = scan([shared_data / "codecs" / name]).pictures
    assert source.is_colour
    assert thumbnail(source).std() > 10


def test_the_shown_slice_can_be_read_before_all_others(tmp_path: Path) -> None:
    a_series(tmp_path, 9)
    source = scan([tmp_path]).pictures[0]
    picture = allocate(source)
    assert not decode(source, picture, Ticket(), first_k=4, most=1)
    assert np.flatnonzero(picture.loaded_k).tolist() == [4]
    told: list[int] = []
    decode(source, picture, Ticket(), first_k=4, on_slice=told.append)
    assert picture.is_loaded
    assert sorted(told) == [0, 1, 2, 3, 5, 6, 7, 8]
    np.testing.assert_array_equal(picture.stored, load(source).stored)


def test_slices_come_outward_from_the_one_on_the_screen(tmp_path: Path) -> None:
    assert list(outward(6, 2)) == [2, 3, 1, 4, 0, 5]
    assert list(outward(1, 7)) == [0]
    a_series(tmp_path, 12)
    (source,) = scan([tmp_path]).pictures
    picture = allocate(source)
    assert not picture.loaded_k.any()
    told: list[int] = []

    def on_slice(k: int) -> None:
        assert picture.loaded_k[k]
        told.append(k)

    assert decode(source, picture, Ticket(), first_k=5, on_slice=on_slice) == ()
    assert told[0] in (5, 6)
    assert sorted(told) == list(range(12))
    assert picture.is_loaded
    assert picture.stored[:, 1, 1].tolist() == [1000 * k + 11 for k in range(12)]


def test_what_is_loaded_is_not_read_again(tmp_path: Path) -> None:
    a_series(tmp_path, 5)
    (source,) = scan([tmp_path]).pictures
    picture = load(source)
    picture.stored[0] = 7
    told: list[int] = []
    decode(source, picture, Ticket(), on_slice=told.append)
    assert told == []
    assert picture.stored[0, 0, 0] == 7


def test_a_cancelled_decode_stops_in_time(tmp_path: Path) -> None:
    a_series(tmp_path, 30)
    (source,) = scan([tmp_path]).pictures
    picture, ticket = allocate(source), Ticket()
    told = threading.Event()

    def on_slice(_k: int) -> None:
        told.set()
        ticket.cancel()

    with pytest.raises(Cancelled):
        decode(source, picture, ticket, on_slice=on_slice)
    assert told.is_set()
    assert not picture.is_loaded


def test_a_file_that_vanished_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    a_series(tmp_path, 6)
    found = scan([tmp_path])
    (source,) = found.pictures
    (tmp_path / "s003").unlink()
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert fate.outcome is Outcome.REFUSED
    assert fate.path == str(tmp_path / "s003")
    assert "cannot be read" in fate.reason
    assert picture.loaded_k.tolist() == [True, True, True, False, True, True]
    assert found.with_refused([fate]).ledger.line().endswith("1 refused")


def test_a_frame_that_is_broken_leaves_the_others(shared_data: Path, tmp_path: Path) -> None:
    whole = shared_data / "dicom/pydicom_data/emri_small_RLE.dcm"
    content = bytearray(whole.read_bytes())
    items = [n for n in range(len(content) - 4) if content[n : n + 4] == b"\xfe\xff\x00\xe0"]
    content[items[-3] + 8 : items[-3] + 40] = b"\xff" * 32
    path = tmp_path / "a"
    path.write_bytes(content)
    (source,) = scan([path]).pictures
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert fate.outcome is Outcome.SHOWN
    assert "1 are broken (8)" in fate.reason
    assert picture.loaded_k.sum() == 9


def test_a_file_of_which_nothing_can_be_decoded_is_damaged(shared_data: Path) -> None:
    (source,) = scan([shared_data / "codecs/fo_dicom/genFile.dcm"]).pictures
    with pytest.raises(Damaged):
        load(source)


def test_a_stream_of_another_size_than_its_header_is_damaged(shared_data: Path) -> None:
    import imagecodecs

    data = bytes(imagecodecs.jpegls_encode(pixels_of(0).astype(np.uint16)))
    layout = replace(PLAIN, rows=600, columns=800)
    with pytest.raises(Damaged, match=r"8 x 6 pixels instead of the header's 800 x 600"):
        codecs.decoded(data, layout, "1.2.840.10008.1.2.4.80")


@pytest.mark.parametrize("tail", ["50", "70", "80", "90", "201", "110"])
@given(data=st.binary(max_size=64))
def test_hostile_streams_are_damaged(tail: str, data: bytes) -> None:
    with pytest.raises(Damaged):
        codecs.decoded(data, PLAIN, f"1.2.840.10008.1.2.4.{tail}")


@given(data=st.binary(max_size=200))
def test_hostile_run_lengths_are_damaged_or_of_the_right_size(data: bytes) -> None:
    with contextlib.suppress(Damaged):
        assert codecs.decoded(data, PLAIN, codecs.RLE).shape == (6, 8)


def test_an_unknown_syntax_is_refused_by_its_name() -> None:
    with pytest.raises(Unsupported, match=r"1\.2\.3\.4 is not read"):
        codecs.decoded(b"1234", PLAIN, "1.2.3.4")


def test_more_than_the_memory_is_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = a_series(tmp_path, 1)
    (source,) = scan([path]).pictures
    monkeypatch.setattr("viewer.intake.decode.available_bytes", lambda: 0)
    with pytest.raises(OutOfResources, match=r"needs 0\.0 GB, 0\.0 GB are free"):
        allocate(source)
    assert limits.available_bytes() > 0


def test_a_thumbnail_keeps_proportions_and_shows_the_middle_slice(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        values = np.zeros((40, 80), np.int16)
        values[:, 40:] = 100 * (k == 2)
        with_pixels(dataset, values)
        dataset.PixelSpacing = [1.0, 0.5]
        dataset.WindowCenter, dataset.WindowWidth = -974, 100

    a_series(tmp_path, 5, change=change)
    (source,) = scan([tmp_path]).pictures
    small = thumbnail(source, 32)
    assert small.shape == (32, 32)
    assert small.dtype == np.uint8
    assert small[:, :15].max() == 0
    assert small[:, 17:].min() == 255


def test_a_thumbnail_of_what_cannot_be_decoded_is_black(shared_data: Path) -> None:
    (source,) = scan([shared_data / "codecs/fo_dicom/genFile.dcm"]).pictures
    assert thumbnail(source).max() == 0
