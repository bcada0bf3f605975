"""Derived series as DICOM: what was computed is read back, and its origin stands in the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exchange.dicom_series import write_ct_series
from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.volume import ImageStack, Picture, ValueMap
from viewer.errors import Conflict, InputRefused
from viewer.exchange.derived import Derivation, write_derived_series
from viewer.imaging.derived import derived_picture
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.jobs.job import Cancelled, Ticket
from viewer.testing.builders import a_volume, rotation

DESCRIPTION = "Negatoscope enhancement: median:size_px=3"


def _source() -> Picture:
    rng = np.random.default_rng(5)
    shape = (4, 9, 11)
    return (
        a_volume(shape, spacing_ijk_mm=(0.7, 0.8, 2.5), directions=rotation((1, 2, 3), 20))
        .with_values(rng.integers(-1000, 2000, shape))
        .build()
    )


def _made(source: Picture, uid: str = "1.2.3.77") -> Picture:
    values = source.quantity.block(source.stored) * np.float32(0.37) + np.float32(3.21)
    return derived_picture(source, values, uid=uid, chain="median:size_px=3", title="Median")


def test_the_series_is_read_back_equal_by_our_own_intake(tmp_path: Path) -> None:
    source = _source()
    made = _made(source)
    saved = write_derived_series(made, Derivation(DESCRIPTION, source.identity), tmp_path / "out")
    assert len(saved) == 4
    (found,) = scan((tmp_path / "out",)).pictures
    again = load(found)
    assert np.array_equal(again.stored, made.stored)
    assert again.quantity == made.quantity
    assert again.grid.ijk_to_lps == pytest.approx(made.grid.ijk_to_lps, abs=1e-9)
    assert again.identity.series.uid == "1.2.3.77"
    assert again.identity.study.uid == source.identity.study.uid
    assert again.identity.frame_of_reference_uid == source.identity.frame_of_reference_uid
    assert again.identity.acquired_text("enhanced") == "median:size_px=3"


def test_another_reader_sees_the_same_values_at_the_same_places(tmp_path: Path) -> None:
    import SimpleITK as sitk

    source = _source()
    made = _made(source)
    saved = write_derived_series(made, Derivation(DESCRIPTION, source.identity), tmp_path / "out")
    image = sitk.ReadImage([str(one.path) for one in saved])
    assert sitk.GetArrayFromImage(image) == pytest.approx(
        made.quantity.block(made.stored), abs=1e-3
    )
    last = image.TransformIndexToPhysicalPoint((10, 8, 3))
    assert last == pytest.approx(source.grid.world((10, 8, 3)), abs=1e-6)


def test_each_file_says_that_it_is_derived_how_and_of_which_image(tmp_path: Path) -> None:
    import pydicom

    source = _source()
    saved = write_derived_series(
        _made(source), Derivation(DESCRIPTION, source.identity), tmp_path / "out"
    )
    known = {instance.sop_instance_uid for instance in source.identity.instances}
    made = set()
    for one, instance in zip(saved, source.identity.instances, strict=True):
        dataset = pydicom.dcmread(one.path)
        assert dataset.ImageType[0] == "DERIVED"
        assert dataset.DerivationDescription == DESCRIPTION
        (item,) = dataset.SourceImageSequence
        assert item.ReferencedSOPInstanceUID == instance.sop_instance_uid
        assert item.ReferencedSOPClassUID == instance.sop_class_uid
        assert "ReferencedFrameNumber" not in item
        assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert dataset.PatientID == source.identity.patient.id
        made.add(dataset.SOPInstanceUID)
    assert len(made) == 4
    assert not made & known


def test_frames_of_a_multi_frame_object_are_named(tmp_path: Path) -> None:
    import pydicom

    source = _source()
    first = source.identity.instances[0]
    frames = tuple(replace(first, frame=n + 1) for n in range(4))
    identity = replace(source.identity, instances=frames)
    saved = write_derived_series(_made(source), Derivation("d", identity), tmp_path / "out")
    numbers = [
        pydicom.dcmread(one.path).SourceImageSequence[0].ReferencedFrameNumber for one in saved
    ]
    assert numbers == [1, 2, 3, 4]


def test_values_of_another_modality_keep_their_unit(tmp_path: Path) -> None:
    source = _source()
    for modality, unit, name in (("MR", "um2/s", ""), ("PT", "{SUVbw}g/ml", "SUVbw")):
        quantity = replace(source.quantity, unit=unit, name=name)
        series = replace(source.identity.series, modality=modality)
        other = replace(source, quantity=quantity, identity=replace(source.identity, series=series))
        made = _made(other, "1.2.3.78" if modality == "MR" else "1.2.3.79")
        folder = tmp_path / modality
        write_derived_series(made, Derivation("d", other.identity), folder)
        again = load(scan((folder,)).pictures[0])
        assert again.quantity == made.quantity


def test_without_dicom_sources_nothing_is_written(tmp_path: Path) -> None:
    source = _source()
    nameless = replace(source.identity, instances=())
    with pytest.raises(InputRefused, match="NIfTI"):
        write_derived_series(_made(source), Derivation("d", nameless), tmp_path / "out")
    with pytest.raises(InputRefused, match="made here"):
        write_derived_series(
            replace(source, stored=source.stored.astype(np.float32)),
            Derivation("d", source.identity),
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    source = _source()
    (tmp_path / "kept").write_text("x")
    with pytest.raises(Conflict):
        write_derived_series(_made(source), Derivation("d", source.identity), tmp_path)


def test_a_cancelled_export_leaves_no_file(tmp_path: Path) -> None:
    source = _source()
    ticket = Ticket(lambda progress: ticket.cancel() if progress.fraction else None)
    with pytest.raises(Cancelled):
        write_derived_series(
            _made(source), Derivation("d", source.identity), tmp_path / "out", ticket=ticket
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_files_of_the_source_are_read_as_before(tmp_path: Path) -> None:
    source = write_ct_series(_source(), tmp_path / "in")
    write_derived_series(_made(source), Derivation("d", source.identity), tmp_path / "out")
    found = scan((tmp_path,)).pictures
    assert len(found) == 2
    assert {one.identity.study.uid for one in found} == {source.identity.study.uid}


@pytest.mark.parametrize("kind", [SpacingSource.DETECTOR, SpacingSource.PATIENT])
def test_a_single_radiograph_keeps_its_spacing_and_claims_no_place(
    tmp_path: Path, kind: SpacingSource
) -> None:
    import pydicom

    volume = _source()
    n_k = volume.grid.shape_kji[0]
    identity = replace(volume.identity, series=replace(volume.identity.series, modality="DX"))
    source = ImageStack(
        volume.key,
        volume.stored,
        volume.grid,
        ValueMap.identity(n_k),
        volume.display,
        identity,
        pixel_spacing=Spacing(0.14, 0.15, kind),
    )
    saved = write_derived_series(_made(source), Derivation("d", identity), tmp_path / "out")
    dataset = pydicom.dcmread(saved[0].path)
    key = "ImagerPixelSpacing" if kind is SpacingSource.DETECTOR else "PixelSpacing"
    assert [float(v) for v in dataset[key].value] == [0.14, 0.15]
    assert "ImagePositionPatient" not in dataset
    again = load(scan((tmp_path / "out",)).pictures[0])
    assert not again.is_volume
    assert again.spacing.source is kind
    assert again.quantity.block(again.stored)[0] == pytest.approx(
        volume.stored[0] * 0.37 + 3.21, abs=0.03
    )
