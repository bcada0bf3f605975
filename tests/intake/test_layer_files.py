"""What layers say about themselves: titles, and the images that they were made on."""

from pathlib import Path

import pytest

from tests.intake.writing import DEFLATED, EXPLICIT, IMPLICIT, a_slice, an_item, saved
from viewer.intake.scan import LayerFile, scan

_STORAGE = "1.2.840.10008.5.1.4.1.1."


def layer(tmp_path: Path, tail: str, syntax: str = EXPLICIT, **elements: object) -> LayerFile:
    dataset = a_slice(0)
    del dataset.PixelData
    del dataset.SeriesDescription
    dataset.SOPClassUID = _STORAGE + tail
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    (found,) = scan([saved(dataset, tmp_path / "a", syntax=syntax)]).layers
    return found


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED])
def test_a_structure_set_names_series_and_frame_of_reference(tmp_path: Path, syntax: str) -> None:
    series = an_item(RTReferencedSeriesSequence=[an_item(SeriesInstanceUID="1.2.3")])
    frame = an_item(FrameOfReferenceUID="1.2.9", RTReferencedStudySequence=[series])
    found = layer(
        tmp_path,
        "481.3",
        syntax,
        ReferencedFrameOfReferenceSequence=[frame],
        StructureSetLabel="Plan A",
    )
    assert found.series_uids == {"1.2.3"}
    assert "1.2.9" in found.frame_of_reference_uids
    assert found.title == "Plan A"


def test_a_report_names_the_series_of_its_evidence(tmp_path: Path) -> None:
    def evidence(uid: str) -> list[object]:
        return [an_item(ReferencedSeriesSequence=[an_item(SeriesInstanceUID=uid)])]

    found = layer(
        tmp_path,
        "88.33",
        CurrentRequestedProcedureEvidenceSequence=evidence("1.2.3"),
        PertinentOtherEvidenceSequence=evidence("1.2.4"),
        ConceptNameCodeSequence=[an_item(CodeMeaning="Imaging Report")],
    )
    assert found.series_uids == {"1.2.3", "1.2.4"}
    assert found.title == "Imaging Report"


def test_a_pdf_is_named_with_its_title_on_one_line(tmp_path: Path) -> None:
    layer(tmp_path, "104.1", DocumentTitle="Letter  of\r\ndischarge" + "x" * 300)
    found = scan([tmp_path])
    assert found.layers[0].kind == "PDF"
    reason = found.ledger.fates[0].reason
    assert reason.startswith('An encapsulated PDF document "Letter of dischargexxx')
    assert len(reason) < 200
