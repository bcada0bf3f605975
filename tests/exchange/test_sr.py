"""Measurement reports: what is read is what was measured, by two readers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.cases import (
    SHAPE_KJI,
    a_labelled,
    a_volume_on,
    dataset_of,
    edited,
    grids,
    measurements,
)
from tests.exchange.dicom_series import write_ct_series
from viewer.domain.geometry import Grid
from viewer.domain.measurement import KINDS, Measurement, Point, Review
from viewer.domain.quantity import LENGTH, MEAN, VOLUME, Quantity, Spacing, SpacingSource
from viewer.domain.volume import ImageStack, ValueMap, Volume
from viewer.errors import DISCLAIMER, Conflict, Damaged, InputRefused, Unsupported, ViewerError
from viewer.exchange import sr_groups
from viewer.exchange.seg import write_seg
from viewer.exchange.sr import read_report, read_sr, write_sr
from viewer.exchange.sr_shapes import ellipse_axes, ellipse_points
from viewer.imaging.measuring import measured


@pytest.fixture
def volume() -> Volume:
    return a_volume_on(grids()["oblique and left-handed"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report of one measurement of each kind."""
    volume = a_volume_on(grids()["oblique and left-handed"])
    path = tmp_path_factory.mktemp("written") / "m.dcm"
    write_sr(measurements(volume), (), volume, path)
    return path


def items(dataset: Any) -> Iterator[Any]:
    for item in dataset.get("ContentSequence") or []:
        yield item
        yield from items(item)


def test_our_own_report_restores_the_same_measurements(volume: Volume, tmp_path: Path) -> None:
    wanted = measurements(volume)
    saved = write_sr(wanted, (a_labelled(volume),), volume, tmp_path / "m.dcm")
    assert read_sr(saved.path) == wanted
    assert saved.checks == (
        "4 measurements read back equal",
        "highdicom reads the same numbers, units and points",
    )


def test_without_the_private_record_everything_public_is_restored(
    volume: Volume, tmp_path: Path
) -> None:
    wanted = measurements(volume)
    write_sr(wanted, (), volume, tmp_path / "m.dcm")
    found = read_sr(edited(tmp_path / "m.dcm", lambda d: d.remove_private_tags()))
    for public, ours in zip(found, wanted, strict=True):
        assert (public.uid, public.kind, public.label) == (ours.uid, ours.kind, ours.label)
        assert public.quantities == ours.quantities  # 64-bit values are public
        assert (public.review, public.frame_of_reference_uid) == (ours.review, "1.2.3.9")
        # DICOM keeps coordinates in 32 bits
        np.testing.assert_allclose(
            sorted(public.points_lps_mm), sorted(ours.points_lps_mm), atol=1e-4
        )


def test_a_segment_refers_to_its_seg(volume: Volume, tmp_path: Path) -> None:
    segmentation = a_labelled(volume)
    write_seg(segmentation, volume, tmp_path / "s.dcm")
    wanted = measurements(volume)
    write_sr(
        wanted,
        (segmentation,),
        volume,
        tmp_path / "m.dcm",
        seg_files={segmentation.uid: tmp_path / "s.dcm"},
    )
    seg = dataset_of(tmp_path / "s.dcm")
    references = [
        item.ReferencedSOPSequence[0]
        for item in items(dataset_of(tmp_path / "m.dcm"))
        if item.ValueType == "IMAGE" and item.ConceptNameCodeSequence[0].CodeValue == "121191"
    ]
    assert len(references) == 1
    assert references[0].ReferencedSOPInstanceUID == seg.SOPInstanceUID
    # our segment 3 is the second one in the file
    number = references[0].ReferencedSegmentNumber
    assert seg.SegmentSequence[number - 1].SegmentLabel == "Läsion 3"
    assert read_sr(tmp_path / "m.dcm") == wanted
    # volume and diameter lie in two groups, and become one measurement again
    found = read_sr(edited(tmp_path / "m.dcm", lambda d: d.remove_private_tags()))
    assert [q.concept for q in found[3].quantities] == [
        q.concept
        for q in (wanted[3].quantities[0], *wanted[3].quantities[2:], wanted[3].quantities[1])
    ]


def test_the_report_lands_in_the_study_and_names_its_images(tmp_path: Path) -> None:
    volume = write_ct_series(a_volume_on(grids()["plain"]), tmp_path / "ct")
    write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")
    report = dataset_of(tmp_path / "m.dcm")
    image = dataset_of(Path(volume.identity.instances[1].path))
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"):
        assert report[keyword].value == image[keyword].value
    study = report.CurrentRequestedProcedureEvidenceSequence[0]
    uids = {
        str(item.ReferencedSOPInstanceUID)
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert uids == {volume.identity.instances[k].sop_instance_uid for k in (1, 2, 3)}
    assert report.SOPClassUID.name == "Comprehensive 3D SR Storage"
    assert any(item.get("TextValue") == DISCLAIMER for item in items(report))


def test_values_and_units_are_in_the_public_tree(written: Path, tmp_path: Path) -> None:
    copy(written, tmp_path / "m.dcm")
    numbers = {
        item.ConceptNameCodeSequence[0].CodeMeaning: item.MeasuredValueSequence[0]
        for item in items(dataset_of(tmp_path / "m.dcm"))
        if item.ValueType == "NUM"
    }
    assert numbers["Area"].FloatingPointValue == 123456.78901234567
    assert float(numbers["Area"].NumericValue) == pytest.approx(123456.78901234567, rel=1e-14)
    assert numbers["Mean"].MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"
    assert numbers["Area"].MeasurementUnitsCodeSequence[0].CodingSchemeDesignator == "UCUM"


def test_scores_carry_their_interval_and_their_model(volume: Volume, tmp_path: Path) -> None:
    write_sr((), (a_labelled(volume),), volume, tmp_path / "m.dcm")
    numbers = [i for i in items(dataset_of(tmp_path / "m.dcm")) if i.ValueType == "NUM"]
    assert [float(n.MeasuredValueSequence[0].NumericValue) for n in numbers] == [0.7, 0.5, 0.9]
    texts = {i.TextValue for i in items(numbers[0]) if i.ValueType == "TEXT"}
    assert {"c", "1"} <= texts
    assert read_sr(tmp_path / "m.dcm") == ()  # a score is no measurement


def test_a_value_that_is_not_defined_is_left_out_and_named(volume: Volume, tmp_path: Path) -> None:
    first = measurements(volume)[2]
    odd = replace(first, quantities=(*first.quantities, Quantity(VOLUME, float("nan"), "ml")))
    saved = write_sr((odd,), (), volume, tmp_path / "m.dcm")
    assert saved.checks[0] == "Volume of ellipse äöü is not defined: left out"
    found = read_sr(saved.path)[0]
    assert found.quantities[:-1] == first.quantities
    assert repr(found) == repr(odd)


@settings(max_examples=8)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3),
    label=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=90),
)
def test_any_finite_value_and_any_label_survive(
    values: list[float], label: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    volume = a_volume_on(grids()["plain"])
    concepts = (LENGTH, MEAN, VOLUME)
    quantities = tuple(Quantity(c, v, "mm") for c, v in zip(concepts, values, strict=False))
    odd = replace(measurements(volume)[0], label=label, quantities=quantities)
    path = tmp_path_factory.mktemp("sr") / "m.dcm"
    write_sr((odd,), (), volume, path)
    assert read_sr(path) == (odd,)


def test_a_uid_that_is_none_is_restored_all_the_same(volume: Volume, tmp_path: Path) -> None:
    odd = replace(measurements(volume)[0], uid="not a uid")
    write_sr((odd,), (), volume, tmp_path / "m.dcm")
    assert read_sr(tmp_path / "m.dcm") == (odd,)


def test_what_another_program_changed_comes_first(
    volume: Volume, written: Path, tmp_path: Path
) -> None:
    copy(written, tmp_path / "m.dcm")

    def change(dataset: Any) -> None:
        number = next(i for i in items(dataset) if i.ValueType == "NUM")
        number.MeasuredValueSequence[0].FloatingPointValue = 99.0
        number.MeasuredValueSequence[0].NumericValue = "99"

    found = read_sr(edited(tmp_path / "m.dcm", change))
    assert found[0].quantities[0].value == 99.0
    assert found[1:] == measurements(volume)[1:]
    assert "report" in found[0].receipt.rule


def test_a_changed_number_is_noticed_and_leaves_nothing(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sr_groups._number

    def wrong(quantity: Quantity, drawn: Any = ()) -> Any:
        return honest(replace(quantity, value=quantity.value * (1 + 1e-12)), drawn)

    monkeypatch.setattr(sr_groups, "_number", wrong)
    with pytest.raises(ViewerError, match="a measurement differs"):
        write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")
    assert not list(tmp_path.iterdir())


def test_a_wrong_unit_is_noticed(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.domain.quantity import ucum

    monkeypatch.setattr(sr_groups, "ucum", lambda _: ucum("mm"))  # OHIF#5765: HU saved as mm
    with pytest.raises(ViewerError, match="a measurement differs"):
        write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")


def test_a_mirrored_line_is_noticed(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = sr_groups._coordinates

    def mirrored(shape: Any, picture: Any) -> Any:
        points = shape.points_lps_mm * np.array([-1.0, 1.0, 1.0])
        return honest(replace(shape, points_lps_mm=points), picture)

    monkeypatch.setattr(sr_groups, "_coordinates", mirrored)
    with pytest.raises(ViewerError, match="differs"):
        write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")


def test_an_existing_report_is_a_conflict(volume: Volume, tmp_path: Path) -> None:
    write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")
    with pytest.raises(Conflict):
        write_sr(measurements(volume), (), volume, tmp_path / "m.dcm")


def test_nothing_to_report_is_refused(volume: Volume, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="nothing to report"):
        write_sr((), (), volume, tmp_path / "m.dcm")


def test_a_picture_that_is_not_from_dicom_is_refused_with_a_way_out(
    volume: Volume, tmp_path: Path
) -> None:
    stranger = replace(volume, identity=replace(volume.identity, instances=()))
    with pytest.raises(InputRefused) as caught:
        write_sr(measurements(volume), (), stranger, tmp_path / "m.dcm")
    assert "JSON" in caught.value.remedy


def test_a_measurement_of_another_patient_space_is_refused(volume: Volume, tmp_path: Path) -> None:
    stranger = replace(measurements(volume)[0], frame_of_reference_uid="1.9.9")
    with pytest.raises(InputRefused, match="another frame of reference"):
        write_sr((stranger,), (), volume, tmp_path / "m.dcm")


def test_measurements_on_a_lone_image_are_drawn_in_its_pixels(
    volume: Volume, tmp_path: Path
) -> None:
    grid = Grid.from_axes(SHAPE_KJI, spacing_ijk_mm=(0.5, 0.25, 1.0))
    fields = {name: getattr(volume, name) for name in ("key", "stored", "quantity", "display")}
    stack = ImageStack(
        **fields,
        grid=grid,
        identity=replace(volume.identity, frame_of_reference_uid=""),
        pixel_spacing=Spacing(0.25, 0.5, SpacingSource.DETECTOR),
    )
    wanted = tuple(
        replace(
            m,
            frame_of_reference_uid="",
            points_lps_mm=tuple((x, y, 2.0) for x, y, _ in m.points_lps_mm),
        )
        for m in measurements(a_volume_on(grid))[:3]
    )
    write_sr(wanted, (), stack, tmp_path / "m.dcm")
    drawn = [i for i in items(dataset_of(tmp_path / "m.dcm")) if "SCOORD" in i.ValueType]
    assert {i.ValueType for i in drawn} == {"SCOORD"}
    # index (1, 1) is the middle of the second pixel: 1.5, 1.5 counted from the image's corner
    assert [float(v) for v in drawn[0].GraphicData][:2] == [1.5, 1.5]
    image = drawn[0].ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == stack.identity.instances[2].sop_instance_uid
    assert read_sr(tmp_path / "m.dcm") == wanted
    public = read_sr(edited(tmp_path / "m.dcm", lambda d: d.remove_private_tags()), stack)
    for found, ours in zip(public, wanted, strict=True):
        np.testing.assert_allclose(
            sorted(found.points_lps_mm), sorted(ours.points_lps_mm), atol=1e-5
        )


def test_the_major_axis_of_an_ellipse_comes_first() -> None:
    points = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 3.0], [1.0, 6.0, 3.0]])
    axes = ellipse_axes(points)
    np.testing.assert_array_equal(axes[:2], [[1, 6, 3], [1, -2, 3]])
    np.testing.assert_allclose(ellipse_points(axes), points[[0, 2, 1]])


@pytest.mark.parametrize("review", list(Review))
def test_the_review_state_is_public(review: Review, volume: Volume, tmp_path: Path) -> None:
    odd = replace(measurements(volume)[0], review=review)
    write_sr((odd,), (), volume, tmp_path / "m.dcm")
    found = read_sr(edited(tmp_path / "m.dcm", lambda d: d.remove_private_tags()))
    assert found[0].review is review


def values(found: Measurement) -> dict[str, tuple[float, str]]:
    return {q.concept.meaning: (q.value, q.unit) for q in found.quantities}


def test_a_report_of_dcmqi_is_read(shared_data: Path) -> None:
    report = read_report(shared_data / "seg_sr" / "dcmqi" / "sr-example" / "sr.dcm")
    (found,) = report.measurements
    assert (found.label, found.kind) == ("primary tumor", "segment")
    assert found.uid == "2.25.318774060119084600392715520575818119084"
    mean = found.quantity(MEAN)
    assert mean is not None
    assert (mean.value, mean.unit) == (6.01529, "{SUVbw}g/ml")
    volume = found.quantity(VOLUME)
    assert volume is not None
    assert (volume.value, volume.unit) == (33.5824, "ml")
    assert found.segment is not None
    assert found.segment[1] == 1
    assert found.receipt.series_uid


def test_reports_of_highdicom_are_read(shared_data: Path) -> None:
    folder = shared_data / "seg_sr" / "highdicom"
    several = read_report(folder / "sr_document_with_multiple_groups.dcm")
    assert {m.label: values(m) for m in several.measurements} == {
        "Image0001": {"Intensity Histogram Mean": (-119.0738525390625, "[hnsf'U]")},
        "LungNodule0001": {"Diameter": (10.0, "mm")},
        "Aorta0001": {"Diameter": (20.0, "mm")},
        "Vertebra0001": {"Volume": (200.0, "mm3")},
    }
    assert any("outline" in note for note in several.notes)
    one = read_report(folder / "sr_document.dcm").measurements
    assert [values(m) for m in one] == [{"Area of defined region": (1.7, "cm2")}]


def test_a_cut_report_is_refused_in_words(written: Path, tmp_path: Path) -> None:
    copy(written, tmp_path / "m.dcm")
    whole = (tmp_path / "m.dcm").read_bytes()
    for length in (0, 100, 140, 1500):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        with pytest.raises((Damaged, Unsupported)):
            read_sr(tmp_path / "cut.dcm")


# pydicom warns of the very bytes that were broken on purpose
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_broken_byte_anywhere_is_told_as_one_sentence(volume: Volume, tmp_path: Path) -> None:
    write_sr(measurements(volume)[:1], (), volume, tmp_path / "m.dcm")
    whole = np.frombuffer((tmp_path / "m.dcm").read_bytes(), np.uint8)
    random = np.random.default_rng(5)
    sentences = []
    for _ in range(60):
        broken = whole.copy()
        broken[random.integers(132, len(whole), 6)] = random.integers(0, 256, 6)
        (tmp_path / "broken.dcm").write_bytes(broken.tobytes())
        try:
            read_sr(tmp_path / "broken.dcm")
        except ViewerError as error:
            sentences.append(error.what)
    assert len(sentences) > 10
    assert all(what.endswith(".") for what in sentences)


def test_an_image_is_no_report(tmp_path: Path) -> None:
    volume = write_ct_series(a_volume_on(grids()["plain"]), tmp_path)
    with pytest.raises(Unsupported, match="no structured report"):
        read_sr(Path(volume.identity.instances[0].path))


def test_a_report_without_measurements_is_refused(written: Path, tmp_path: Path) -> None:
    copy(written, tmp_path / "m.dcm")

    def empty(dataset: Any) -> None:
        dataset.ContentSequence = dataset.ContentSequence[:1]

    with pytest.raises(Unsupported, match="no measurements"):
        read_sr(edited(tmp_path / "m.dcm", empty))


def _inside(kind: str, grid: Grid) -> tuple[Point, ...]:
    """Return points of a kind on the middle slice, at odd places."""
    places = {
        "rectangle": [(3.2, 3.1), (5.0, 3.1), (3.2, 4.4)],
        "ellipse": [(3.2, 3.1), (5.0, 3.1), (3.2, 4.4)],
        "bidirectional": [(1.3, 3.0), (5.3, 3.0), (3.0, 2.1), (3.0, 4.0)],
        "cardiothoracic_ratio": [(2.0, 2.0), (4.2, 2.1), (1.0, 4.0), (5.6, 4.2)],
    }.get(kind, [(1.2, 1.4), (5.1, 1.9), (5.3, 4.8), (2.4, 5.2)][: max(KINDS[kind].n_points, 1)])
    if KINDS[kind].is_open_ended:
        places = [(1.2, 1.4), (5.1, 1.9), (5.3, 4.8), (2.4, 5.2), (1.1, 3.3)]
    if kind == "probe":
        places = [(6.4, 6.6)]
    found = grid.world([(i, j, 6.0) for i, j in places])
    return tuple((float(x), float(y), float(z)) for x, y, z in found)


@pytest.mark.parametrize("kind", sorted(k for k in KINDS if KINDS[k].drawn != "through"))
@pytest.mark.parametrize("private", [True, False], ids=["ours", "public tree alone"])
def test_every_kind_comes_back_with_its_points(kind: str, private: bool, tmp_path: Path) -> None:
    volume = a_volume_on(Grid.from_axes((12, 14, 14), spacing_ijk_mm=(1.5, 1.5, 2.0)))
    points = _inside(kind, volume.grid)
    if kind == "suv_peak":
        points = tuple(_inside("probe", volume.grid))
        volume = replace(volume, quantity=ValueMap.identity(12, "{SUVbw}g/ml", "SUVbw"))
    if kind in ("wall_to_wall", "calcium_score"):
        bright = np.zeros(volume.grid.shape_kji, dtype=np.int16)
        bright[:, 1:5, 2:6] = 300
        volume = replace(volume, stored=bright)
    quantities, receipt = measured(kind, points, volume)
    ours = Measurement("2.25.77", kind, "Ä 1", points, "1.2.3.9", volume.key, quantities, receipt)
    path = tmp_path / "m.dcm"
    write_sr((ours,), (), volume, path)
    if private:
        assert read_sr(path) == (ours,)
        return
    if KINDS[kind].is_annotation:
        notes = read_report(edited(path, lambda d: d.remove_private_tags()), volume).notes
        assert notes == ("Ä 1 holds no number: left out.",)
        return
    (found,) = read_sr(edited(path, lambda d: d.remove_private_tags()), volume)
    assert found.kind == kind
    assert np.allclose(found.points_lps_mm, points, atol=1e-4)
    assert [q.value for q in found.quantities] == [q.value for q in quantities]
