"""The header parser against pydicom, and on broken input."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.writing import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    a_slice,
    an_item,
    saved,
)
from viewer.errors import Damaged
from viewer.intake import tags
from viewer.intake.charset import decoded
from viewer.intake.elements import BrokenElements, Encoding, NeedMore, items, walk
from viewer.intake.header import Header, read_header

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_TEXTS = ("CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "AS")


def header_of(content: bytes, first: int = 16384) -> Header | None:
    return read_header(content[:first], len(content), lambda n: content[:n])


def known(content: bytes, first: int = 16384) -> Header:
    header = header_of(content, first)
    assert header is not None
    return header


def _differences(path: Path) -> list[str]:
    import pydicom

    content = path.read_bytes()
    try:
        header = header_of(content)
        dataset: Dataset = pydicom.dcmread(path, force=True)
        n_elements = len(list(dataset))
    except (Damaged, NotImplementedError, EOFError, AttributeError, KeyError):
        return []
    if header is None or n_elements < 5:
        return []
    found = []
    for tag in tags.WANTED:
        if tag >> 16 == 2 or tag >= tags.EXTENDED_OFFSET_TABLE:
            continue
        theirs = dataset.get(tag) if tag in dataset else None
        if theirs is None or tag not in header:
            found += [f"{path.name} {tag:08x}"] if tag in header or tag in dataset else []
        elif theirs.VR in _TEXTS:
            found += _unequal(path, tag, theirs, header)
    return found


def _unequal(path: Path, tag: int, theirs: "DataElement", header: Header) -> list[str]:
    value: Any = theirs.value
    values = [] if value is None else [value] if theirs.VM < 2 else value
    if theirs.VR != "PN":
        values = [getattr(v, "original_string", v) for v in values]
    text = "\\".join(str(v).strip() for v in values)
    mine = "\\".join(header.texts(tag))
    if theirs.VR in ("DS", "IS") and text != mine:
        return [] if header.numbers(tag) == tuple(map(float, text.split("\\"))) else [f"{tag:x}"]
    same = mine.rstrip("=^") == text.strip(" \0\r\n").rstrip("=^") or "\x1b" in text
    return [] if same else [f"{path.name} {tag:08x}: {mine!r} is not {text!r}"]


@pytest.mark.filterwarnings("ignore")
def test_the_header_parser_reads_what_pydicom_reads(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pydicom

    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    files = sorted(p for p in shared_data.glob("dicom/**/*") if p.is_file())
    files += sorted(p for p in shared_data.glob("codecs/**/*") if p.is_file())
    files += sorted(p for p in shared_data.glob("geometry/dcm_qa*/**/*.dcm") if p.is_file())
    # This file is cut off; pydicom reads nothing of it.
    chosen = [p for p in files[::2] if p.name != "emri_small_jpeg_2k_lossless_too_short.dcm"]
    assert len(chosen) > 150
    assert [text for path in chosen for text in _differences(path)] == []


@pytest.mark.parametrize(
    "syntax",
    [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED],
)
def test_every_plain_encoding_gives_the_same_values(tmp_path: Path, syntax: str) -> None:
    header = known(saved(a_slice(3), tmp_path / "a", syntax).read_bytes())
    assert header.text(tags.PATIENT_NAME) == "Test^Intake"
    assert header.numbers(tags.IMAGE_POSITION_PATIENT) == (0.0, 0.0, 6.0)
    assert header.short(tags.ROWS) == 6
    assert header.pixel is not None
    assert header.pixel.length == 96


def test_a_header_without_preamble_and_meta_is_recognised(tmp_path: Path) -> None:
    content = saved(a_slice(0), tmp_path / "a").read_bytes()
    bare = content[content.index(b"\x08\x00\x08\x00CS") :]
    assert known(bare).text(tags.MODALITY) == "CT"


def test_a_header_longer_than_the_first_read_is_read_on(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.add_new(0x00091001, "OB", bytes(50_000))
    content = saved(dataset, tmp_path / "a").read_bytes()
    assert known(content, first=512).short(tags.COLUMNS) == 8


def test_nested_sequences_of_undefined_length_are_skipped(tmp_path: Path) -> None:
    inner, dataset = an_item(PatientID="inner"), a_slice(0)
    outer = an_item(ReferencedStudySequence=[inner, inner])
    outer["ReferencedStudySequence"].is_undefined_length = True
    outer.is_undefined_length_sequence_item = True
    dataset.ReferencedImageSequence = [outer]
    dataset["ReferencedImageSequence"].is_undefined_length = True
    header = known(saved(dataset, tmp_path / "a").read_bytes())
    assert header.text(tags.PATIENT_ID) == "T-1"
    assert header.short(tags.COLUMNS) == 8


def test_an_endless_nesting_is_broken_instead_of_endless() -> None:
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises((BrokenElements, NeedMore)):
        walk(opening * 200, 0, Encoding(True), ())
    with pytest.raises(BrokenElements):
        walk(opening * 200 + b"\xfe\xff\xdd\xe0\0\0\0\0", 0, Encoding(True), ())


def test_a_file_that_ends_within_its_header_is_damaged(tmp_path: Path) -> None:
    content = saved(a_slice(0), tmp_path / "a").read_bytes()
    for length in (140, 200, 400, 600):
        with pytest.raises(Damaged, match=r"cut off|ends"):
            header_of(content[:length])


def test_a_deflated_data_set_that_ends_within_an_element_is_damaged(tmp_path: Path) -> None:
    content = saved(a_slice(0), tmp_path / "a").read_bytes()
    start = content.index(b"\x08\0\x08\0CS")
    meta = content[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta.replace(b"\x02\0\x10\0UI\x14\0", b"\x02\0\x10\0UI\x16\0")
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = engine.compress(content[start : start + 53]) + engine.flush()
    with pytest.raises(Damaged, match="cut off within its header"):
        header_of(meta + body + bytes(500))


@given(st.integers(132, 900), st.integers(0, 255))
def test_a_flipped_byte_never_raises_anything_else(position: int, value: int) -> None:
    content = bytearray(_plain())
    content[position % len(content)] = value
    try:
        header = header_of(bytes(content))
    except Damaged:
        return
    assert header is None or isinstance(header.texts(tags.IMAGE_TYPE), tuple)


def _plain() -> bytes:
    buffer = BytesIO()
    saved(a_slice(0), buffer)
    return buffer.getvalue()


def test_a_sequence_that_is_cut_off_is_broken() -> None:
    with pytest.raises(BrokenElements):
        items(b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x10\0\x10\0PN\x40\0ab", Encoding(True))


def test_numbers_that_are_no_numbers_come_back_as_none(tmp_path: Path) -> None:
    dataset = a_slice(0)
    content = saved(dataset, tmp_path / "a").read_bytes().replace(b"-1024", b"-10x4")
    assert known(content).number(tags.RESCALE_INTERCEPT) is None


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "王^小東"),
        ("GB18030", "王^小东"),
    ],
)
def test_text_is_read_in_the_character_set_that_the_file_names(charset: str, text: str) -> None:
    codec = {"ISO_IR 100": "latin-1", "ISO_IR 144": "iso8859-5", "ISO_IR 192": "utf-8"}
    assert decoded(text.encode(codec.get(charset, "gb18030")), charset) == text


def test_escape_sequences_switch_the_character_set() -> None:
    # PS3.5 H.3.2
    raw = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    assert decoded(raw, "\\ISO 2022 IR 87") == "Yamada^Tarou=山田^太郎"


def test_binary_numbers_of_a_short_value_are_left_out() -> None:
    header = Header({tags.ROWS: b"\x01"}, Encoding(True))
    assert header.short(tags.ROWS) is None
    assert np.array(header.binary(tags.ROWS, "H")).size == 0
