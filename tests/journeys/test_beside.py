"""What lies beside a study is offered, loaded as one step, and shown as text."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from tests.exchange.cases import measurements
from tests.exchange.structure_sets import Region, item, square, structure_set, write
from tests.exchange.test_documents import DATA, a_selection, an_image, encapsulated
from tests.intake.writing import a_slice, saved
from viewer.actions.registry import actions, perform
from viewer.command_line.parser import parse, run_guarded, run_verb
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture, Volume
from viewer.errors import ViewerError
from viewer.exchange.seg import write_seg
from viewer.exchange.sr import write_sr
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.phantom.chest import make_sample
from viewer.phantom.dicom import write_series
from viewer.testing.builders import a_segmentation
from viewer.window.driving import wait_for_jobs
from viewer.window.start import Program
from viewer.window.text_page import TextPage

_LONG_S = 60.0


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    sample = make_sample(59, shape_kji=(16, 40, 40))
    write_series(sample.values_hu, sample.grid, folder, seed=59)
    return folder


@pytest.fixture
def images(small: Path, tmp_path: Path) -> Path:
    """Return a folder of its own with the images of a small study."""
    return Path(copytree(small, tmp_path / "study"))


def picture_of(folder: Path) -> Picture:
    return load(scan([folder]).pictures[0])


def opened(program: Program, folder: Path) -> None:
    perform(program.context, "file.open_paths", paths=(folder,))
    wait_for_jobs(program, _LONG_S, "opening")


def loaded(program: Program) -> tuple[Segmentation, ...]:
    perform(program.context, "file.load_layers")
    wait_for_jobs(program, _LONG_S, "reading results")
    return program.context.session.state.segmentations


def texts(program: Program) -> str:
    return "\n".join(notice.text for notice in program.door.notices)


def with_results(folder: Path) -> Picture:
    picture = picture_of(folder)
    regions = [
        Region("Body", [square(picture.grid, k, 2.5, 30.5) for k in range(3, 9)]),
        Region("Organ", [square(picture.grid, 5, 8.5, 12.5)]),
    ]
    write(structure_set(regions, picture), folder / "rs.dcm")
    mask = np.zeros(picture.grid.shape_kji, dtype=bool)
    mask[4:6, 10:14, 10:14] = True
    assert picture.is_volume
    write_seg(a_segmentation(picture, mask), picture, folder / "seg.dcm")
    return picture


def test_results_beside_a_series_are_offered_and_loaded_as_one_step(
    program: Program, images: Path
) -> None:
    with_results(images)
    opened(program, images)
    assert "Found beside these images: 1 segmentation, 1 radiotherapy structure set" in texts(
        program
    )
    found = loaded(program)
    names = [segment.name for layer in found for segment in layer.segments]
    assert names == ["Lesion 1", "Body", "Organ"]
    assert program.context.segmentation is found[0]
    counts = [int(np.count_nonzero(layer.labels)) for layer in found]
    assert counts == [32, 6 * 28 * 28, 16]
    perform(program.context, "edit.undo")
    assert not program.context.session.state.segmentations
    perform(program.context, "edit.redo")
    assert len(program.context.session.state.segmentations) == 3


def test_loading_twice_adds_nothing(program: Program, images: Path) -> None:
    with_results(images)
    opened(program, images)
    n_first = len(loaded(program))
    assert len(loaded(program)) == n_first
    assert "3 were there already" in texts(program)


def test_a_broken_file_is_named_and_the_others_come(program: Program, images: Path) -> None:
    picture = with_results(images)
    broken = structure_set([Region("A", [square(picture.grid, 3, 1.5, 4.5)])], picture)
    broken.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2"]
    write(broken, images / "broken.dcm")
    opened(program, images)
    assert len(loaded(program)) == 3
    assert "broken.dcm: A contour's coordinates are broken." in texts(program)


def test_results_of_other_images_are_not_offered(program: Program, images: Path) -> None:
    picture = picture_of(images)
    strange = structure_set([Region("A", [])], picture, frame="1.9.9")
    study = strange.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    study.RTReferencedSeriesSequence[0].SeriesInstanceUID = "1.9.8"
    write(strange, images / "rs.dcm")
    opened(program, images)
    assert "Found beside" not in texts(program)
    with pytest.raises(ViewerError, match="No results were found"):
        perform(program.context, "file.load_layers")


def test_a_chosen_structure_set_is_imported(program: Program, images: Path, tmp_path: Path) -> None:
    picture = picture_of(images)
    regions = [Region("Body", [square(picture.grid, 3, 2.5, 8.5)])]
    place = write(structure_set(regions, picture), tmp_path / "rs.dcm")
    opened(program, images)
    assert perform(program.context, "file.import_results", path=place) == 1
    assert program.context.session.state.segmentations[0].segments[0].name == "Body"


def test_the_key_of_loading_is_its_own() -> None:
    owners = [a.id for a in actions().values() if "Ctrl+Shift+L" in a.keys]
    assert owners == ["file.load_layers"]


def a_report(folder: Path) -> Path:
    concept = [item(CodeValue="1", CodingSchemeDesignator="99T", CodeMeaning="Chest Report")]
    text = item(ValueType="TEXT", ConceptNameCodeSequence=concept, TextValue="<b>clear</b>")
    report = item(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33",
        SOPInstanceUID="1.2.3.4.9",
        SeriesInstanceUID="1.2.3.4.8",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=concept,
        ContentSequence=[text],
    )
    return write(report, folder / "report.dcm")


def test_a_report_is_shown_as_plain_text(program: Program, images: Path) -> None:
    place = a_report(images)
    opened(program, images)
    choices = actions()["file.show_report"].choices
    assert choices is not None
    titles = [choice.title for choice in choices(program.context)]
    assert titles == ["Chest Report (report.dcm)", "Another file…"]
    perform(program.context, "file.show_report", path=place)
    wait_for_jobs(program, _LONG_S, "the report")
    (page,) = program.window.findChildren(TextPage)
    assert page.windowTitle() == "Chest Report"
    assert "Chest Report: <b>clear</b>" in page.text.toPlainText()
    page.accept()


def test_the_command_line_prints_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = a_report(tmp_path)
    assert run_verb(parse(["report", str(place)])) == 0
    assert "Chest Report: <b>clear</b>\n" in capsys.readouterr().out
    assert run_verb(parse(["report", str(place), "--json"])) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["value"] == "<b>clear</b>"
    (tmp_path / "other.dcm").write_bytes(b"x" * 200)
    assert run_guarded(parse(["report", str(tmp_path / "other.dcm")]), run_verb) == 3


def test_key_images_are_visited_one_after_the_other(program: Program, images: Path) -> None:
    picture = picture_of(images)
    uids = [one.sop_instance_uid for one in picture.identity.instances]
    a_selection(images / "ko.dcm", an_image(uids[3]), an_image(uids[11]))
    with_evidence(images / "ko.dcm", picture)
    opened(program, images)
    visited = []
    for _ in range(3):
        perform(program.context, "view.next_key_image")
        wait_for_jobs(program, _LONG_S, "key images")
        point = program.context.viewing.look.crosshair_lps_mm
        visited.append(round(float(picture.grid.index(point)[2])))
    assert visited == [11, 3, 11]
    assert "Key image 2 of 2. Of Interest: two lines" in texts(program)


def test_a_pdf_is_saved_from_the_menu(program: Program, images: Path, tmp_path: Path) -> None:
    place = encapsulated(images / "letter.dcm", DATA, DocumentTitle="Letter")
    opened(program, images)
    choices = actions()["file.save_pdf"].choices
    assert choices is not None
    assert [c.title for c in choices(program.context)] == ["Letter (letter.dcm)"]
    perform(program.context, "file.save_pdf", source=place, path=tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == DATA


def test_a_dose_is_laid_on_the_images_as_bands(program: Program, images: Path) -> None:
    picture = picture_of(images)
    dataset = a_slice(0, np.zeros((4, 5), dtype=np.int16), modality="RTDOSE")
    corner = picture.grid.world((0, 0, 0))
    along = picture.grid.directions
    fields = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2",
        "SeriesInstanceUID": "1.2.3.4.7",
        "FrameOfReferenceUID": picture.identity.frame_of_reference_uid,
        "ImagePositionPatient": [f"{v:.9g}" for v in corner],
        "ImageOrientationPatient": [f"{v:.9g}" for v in (*along[:, 0], *along[:, 1])],
        "NumberOfFrames": 3,
        "GridFrameOffsetVector": [0.0, 4.0, 8.0],
        "PixelSpacing": [4.0, 4.0],
        "DoseUnits": "GY",
        "DoseGridScaling": 0.01,
        "PixelRepresentation": 0,
        "PixelData": np.arange(60, dtype=np.uint16).tobytes(),
    }
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    saved(dataset, images / "dose.dcm")
    opened(program, images)
    perform(program.context, "file.show", key=picture.key)
    wait_for_jobs(program, _LONG_S, "showing")
    choices = actions()["segment.isodose"].choices
    assert choices is not None
    (choice,) = choices(program.context)
    perform(program.context, "segment.isodose", **choice.parameters)
    wait_for_jobs(program, _LONG_S, "isodose")
    (made,) = program.context.session.state.segmentations
    assert made.segments[0].name == "0.059 to 0.177 Gy (10 to 30 %)"
    assert made.segments[-1].name == "from 0.5605 Gy (95 % and more)"
    assert set(np.unique(made.labels)) >= {0, 1, 2}
    assert made.labels[0, 0, 0] == 0
    perform(program.context, "edit.undo")
    assert not program.context.session.state.segmentations


def test_contours_of_one_study_are_laid_on_each_of_its_series(
    program: Program, shared_data: Path
) -> None:
    folder = shared_data / "ibsi/ibsi_validation/dicom/STS_002"
    opened(program, folder)
    context = program.context
    assert context.need_picture().identity.series.modality == "CT"
    assert len(loaded(program)) == 3
    sources = context.pictures.sources.values()
    (pet,) = (source.key for source in sources if source.identity.series.modality == "PT")
    perform(context, "file.show", key=pet)
    wait_for_jobs(program, _LONG_S, "showing")
    found = loaded(program)
    assert len(found) == 6
    (own,) = (s for s in found if s.volume_key == pet and s.segments[0].name == "GTV_Mass_PET")
    assert np.count_nonzero(own.labels) == 555  # as the mask of its makers has
    assert len(loaded(program)) == 6


def test_a_segmentation_laid_on_a_second_series_keeps_both(program: Program, images: Path) -> None:
    from pydicom import dcmread

    with_results(images)
    first = picture_of(images).key
    for n, place in enumerate(sorted(scan([images]).ledger.fates, key=lambda f: f.path)):
        dataset = dcmread(place.path)
        if dataset.Modality == "CT":
            dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1.2.3.77", f"1.2.3.77.{n}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(images / f"second{n}.dcm")
    opened(program, images)
    for key in (first, "1.2.3.77"):
        perform(program.context, "file.show", key=key)
        wait_for_jobs(program, _LONG_S, "showing")
        loaded(program)
    lesions = [
        s for s in program.context.session.state.segmentations if s.segments[0].name == "Lesion 1"
    ]
    assert {s.volume_key for s in lesions} == {first, "1.2.3.77"}
    assert [int(np.count_nonzero(s.labels)) for s in lesions] == [32, 32]


def with_evidence(place: Path, picture: Picture) -> None:
    """Let a report name the series of ``picture``."""
    from pydicom import dcmread

    report = dcmread(place)
    series = item(SeriesInstanceUID=picture.identity.series.uid)
    report.CurrentRequestedProcedureEvidenceSequence = [item(ReferencedSeriesSequence=[series])]
    report.save_as(place)


def test_measurements_of_a_report_beside_come_back(program: Program, images: Path) -> None:
    picture = picture_of(images)
    assert isinstance(picture, Volume)
    made = [
        replace(m, frame_of_reference_uid=picture.identity.frame_of_reference_uid, segment=None)
        for m in measurements(picture)
        if m.kind == "distance"
    ]
    write_sr(made, (), picture, images / "sr.dcm")
    opened(program, images)
    loaded(program)
    found = program.context.session.state.measurements
    assert [m.quantities for m in found] == [m.quantities for m in made]
    np.testing.assert_allclose(found[0].points_lps_mm, made[0].points_lps_mm)


def test_a_report_without_measurements_says_how_to_read_it(program: Program, images: Path) -> None:
    with_evidence(a_report(images), picture_of(images))
    opened(program, images)
    loaded(program)
    assert 'report.dcm holds no measurements; "Show a report" reads' in texts(program)
    assert not program.context.session.state.measurements
