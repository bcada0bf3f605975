"""Any report as text: against pydicom's view of real ones, and hostile ones by hand."""

from pathlib import Path

import pytest

from tests.exchange.structure_sets import item, write
from viewer.errors import Damaged, Unsupported
from viewer.exchange import sr_outline
from viewer.exchange.sr_outline import Outline, clean, read_outline

SR = "1.2.840.10008.5.1.4.1.1.88.33"


def named(meaning: str, value: str = "1") -> list[object]:
    return [item(CodeValue=value, CodingSchemeDesignator="99T", CodeMeaning=meaning)]


def outline(tmp_path: Path, *content: object, **fields: object) -> Outline:
    report = item(
        SOPClassUID=SR,
        SOPInstanceUID="1.2.3",
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Test^Report",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=named("Imaging Report"),
        ContentSequence=list(content),
        **fields,
    )
    return read_outline(write(report, tmp_path / "sr.dcm"))


def a_text(concept: str, value: str, **fields: object) -> object:
    return item(ValueType="TEXT", ConceptNameCodeSequence=named(concept), TextValue=value, **fields)


def test_concepts_values_and_units_are_nested(tmp_path: Path) -> None:
    measured = item(
        NumericValue="12.50",
        MeasurementUnitsCodeSequence=[
            item(CodeValue="mm", CodingSchemeDesignator="UCUM", CodeMeaning="millimeter")
        ],
    )
    length = item(
        ValueType="NUM",
        ConceptNameCodeSequence=named("Length"),
        MeasuredValueSequence=[measured],
    )
    absent = item(
        ValueType="NUM",
        ConceptNameCodeSequence=named("Width"),
        NumericValueQualifierCodeSequence=named("Not a number"),
    )
    finding = item(
        ValueType="CODE",
        ConceptNameCodeSequence=named("Finding"),
        ConceptCodeSequence=named("Nodule"),
    )
    group = item(
        ValueType="CONTAINER",
        ConceptNameCodeSequence=named("Measurement Group"),
        ContentSequence=[length, absent, finding],
    )
    made = outline(tmp_path, group, a_text("Conclusion", "first line\r\nsecond line"))
    assert made.title == "Imaging Report"
    assert made.text == (
        "Imaging Report\n\nPatient: Test^Report\n\n"
        "Measurement Group\n"
        "  Length: 12.50 mm\n"
        "  Width: no value (Not a number)\n"
        "  Finding: Nodule\n"
        "Conclusion: first line\n"
        "  second line\n"
    )


def test_references_and_drawings_are_told(tmp_path: Path) -> None:
    image = item(
        ValueType="IMAGE",
        ReferencedSOPSequence=[
            item(
                ReferencedSOPClassUID="1.2",
                ReferencedSOPInstanceUID="1.2.7",
                ReferencedFrameNumber=3,
            )
        ],
    )
    line = item(ValueType="SCOORD", GraphicType="POLYLINE", GraphicData=[1.0, 2.0, 3.0, 4.0])
    link = item(RelationshipType="INFERRED FROM", ReferencedContentItemIdentifier=[1, 2, 1])
    text = outline(tmp_path, image, line, link).text
    assert "image 1.2.7 frame 3" in text
    assert "polyline of 2 points" in text
    assert "see item 1.2.1" in text


def test_hostile_text_stays_text_on_its_own_lines(tmp_path: Path) -> None:
    evil = "<b>x</b>\x07\u202egpj.exe\x7f\nnext"
    made = outline(tmp_path, a_text("A\nB", evil))
    assert "<b>x</b> gpj.exe \n  next" in made.text
    assert not set("\x07\x7f\u202e") & set(made.text)
    assert clean("\x1b[31mred\x00") == "[31mred"
    assert made.items[0].concept == "A B"


def test_a_tree_without_end_is_cut_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sr_outline, "_MOST_ITEMS", 20)
    made = outline(tmp_path, *(a_text("A", str(n)) for n in range(30)))
    assert len(made.items) == 20
    assert "not shown" in made.text


def test_a_tree_too_deep_is_cut_and_says_so(tmp_path: Path) -> None:
    deep: object = a_text("End", "x")
    for n in range(60):
        deep = item(
            ValueType="CONTAINER", ConceptNameCodeSequence=named(f"L{n}"), ContentSequence=[deep]
        )
    made = outline(tmp_path, deep)
    assert made.is_cut
    assert "End" not in made.text


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    other = item(SOPClassUID="1.2.840.10008.5.1.4.1.1.2", SOPInstanceUID="1.2.3")
    with pytest.raises(Unsupported, match="no structured report"):
        read_outline(write(other, tmp_path / "a.dcm"))
    (tmp_path / "b.dcm").write_bytes(b"nonsense")
    with pytest.raises(Damaged):
        read_outline(tmp_path / "b.dcm")


@pytest.mark.parametrize(
    "place",
    [
        "seg_sr/dcmqi/sr-example/sr.dcm",
        "seg_sr/highdicom/sr_document_with_multiple_groups.dcm",
        "seg_sr/highdicom/sr_document.dcm",
        "dicom/pydicom/reportsi.dcm",
        "dicom/pydicom/test-SR.dcm",
        "codecs/cornerstone/no-pixel-data.dcm",
    ],
)
def test_real_reports_lose_no_text_and_no_number(shared_data: Path, place: str) -> None:
    from pydicom import dcmread

    text = read_outline(shared_data / place).text
    n_checked = 0
    for element in dcmread(shared_data / place).iterall():
        if element.keyword in {"TextValue", "NumericValue", "PersonName"} and element.value:
            for line in clean(element.value).split("\n"):
                assert line.strip() in text
                n_checked += 1
    assert n_checked or "no-pixel-data" in place


def test_a_draft_of_the_standard_does_not_break_it(shared_data: Path) -> None:
    place = shared_data / "dicom/dcm4che/Tag-0040-A170-VR-CS.dcm"
    assert read_outline(place).text.startswith("Structured report")
