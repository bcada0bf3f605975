"""Key object selections and encapsulated PDFs."""

from pathlib import Path

import pytest

from tests.exchange.structure_sets import item, write
from viewer.errors import Conflict, Damaged, InputRefused, Unsupported
from viewer.exchange.key_images import read_key_images
from viewer.exchange.pdf import Pdf, file_name, read_pdf, write_pdf
from viewer.testing.builders import a_volume

KO = "1.2.840.10008.5.1.4.1.1.88.59"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
DATA = b"%PDF-1.4 a document%%EOF"


def an_image(uid: str, frames: object = None) -> object:
    reference = item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID=uid)
    if frames is not None:
        reference.ReferencedFrameNumber = frames
    return item(ValueType="IMAGE", ReferencedSOPSequence=[reference])


def a_selection(path: Path, *images: object, sop_class: str = KO) -> Path:
    def named(value: str, meaning: str) -> list[object]:
        return [item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)]

    text = item(
        ValueType="TEXT",
        ConceptNameCodeSequence=named("113012", "Key Object Description"),
        TextValue="two\nlines",
    )
    made = item(
        SOPClassUID=sop_class,
        SOPInstanceUID="1.2.3",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=named("113000", "Of Interest"),
        ContentSequence=[text, *images],
    )
    return write(made, path)


def test_marked_images_are_slices_in_order(tmp_path: Path) -> None:
    picture = a_volume((5, 4, 4)).build()
    uids = [one.sop_instance_uid for one in picture.identity.instances]
    place = a_selection(
        tmp_path / "ko.dcm", an_image(uids[3]), an_image(uids[1], 1), an_image("1.9.9")
    )
    found = read_key_images(place)
    assert found.slices_of(picture) == (1, 3)
    assert (found.title, found.description) == ("Of Interest", "two lines")


def test_only_the_frames_that_are_named_are_marked(tmp_path: Path) -> None:
    picture = a_volume((5, 4, 4)).build()
    uid = picture.identity.instances[0].sop_instance_uid
    found = read_key_images(a_selection(tmp_path / "ko.dcm", an_image(uid, [2, 7])))
    assert found.images == {(uid, 2), (uid, 7)}
    assert found.slices_of(picture) == ()


def test_another_object_is_no_selection(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="key object"):
        read_key_images(a_selection(tmp_path / "a.dcm", sop_class=PDF))


def encapsulated(path: Path, data: bytes, **fields: object) -> Path:
    made = item(SOPClassUID=PDF, SOPInstanceUID="1.2.3", EncapsulatedDocument=data)
    for keyword, value in fields.items():
        setattr(made, keyword, value)
    return write(made, path)


@pytest.mark.parametrize("stated", [True, False])
def test_the_document_comes_out_byte_by_byte(tmp_path: Path, *, stated: bool) -> None:
    fields: dict[str, object] = {"DocumentTitle": "A  letter"}
    data = DATA + b"!" * (len(DATA) % 2 == 0)
    if stated:
        fields["EncapsulatedDocumentLength"] = len(data)
    pdf = read_pdf(encapsulated(tmp_path / "a.dcm", data + b"\0", **fields))
    assert pdf.title == "A letter"
    assert pdf.data == (data if stated else data + b"\0")
    saved = write_pdf(pdf, tmp_path / "out.pdf")
    assert saved.path.read_bytes() == pdf.data
    with pytest.raises(Conflict):
        write_pdf(pdf, tmp_path / "out.pdf")


def test_a_length_that_lies_is_not_believed(tmp_path: Path) -> None:
    place = encapsulated(tmp_path / "a.dcm", DATA, EncapsulatedDocumentLength=3)
    assert read_pdf(place).data == DATA


@pytest.mark.parametrize("data", [b"MZ evil", b""])
def test_what_is_no_pdf_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Damaged, match="no PDF"):
        read_pdf(encapsulated(tmp_path / "a.dcm", data))
    with pytest.raises(InputRefused):
        read_pdf(tmp_path / "absent.dcm")


def test_a_title_never_makes_a_path() -> None:
    assert file_name("../../etc/passwd") == "etc_passwd.pdf"
    assert file_name("\0..") == "document.pdf"
    assert Path(file_name("a/b" * 99)).name == file_name("a/b" * 99)
    assert repr(Pdf("t", DATA)) == "Pdf(title='t')"
