"""SEG: what is read is what was painted, at the same places, by two readers."""

from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exchange.cases import (
    NETWORK,
    SHAPE_KJI,
    a_labelled,
    a_volume_on,
    dataset_of,
    edited,
    grids,
)
from tests.exchange.dicom_series import write_ct_series
from viewer.domain.geometry import Grid
from viewer.domain.measurement import Review
from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.study import Patient
from viewer.domain.volume import ImageStack, Volume
from viewer.errors import DISCLAIMER, Conflict, Damaged, InputRefused, Unsupported, ViewerError
from viewer.exchange.seg import SegKind, read_seg, read_segmentations, write_seg
from viewer.exchange.seg_build import built


@pytest.fixture
def volume() -> Volume:
    return a_volume_on(grids()["oblique"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SEG of ``a_labelled`` on the oblique grid."""
    volume = a_volume_on(grids()["oblique"])
    path = tmp_path_factory.mktemp("written") / "s.dcm"
    write_seg(a_labelled(volume), volume, path)
    return path


def labels_in_patient(found: Segmentation, grid: Grid) -> NDArray[np.uint8]:
    """Return the labels of ``found`` at the voxel centres of ``grid``, by patient position."""
    k, j, i = np.indices(grid.shape_kji)
    points = grid.world(np.stack((i, j, k), axis=-1))
    index = np.rint(found.grid.index(points)).astype(int)
    upper = np.array(found.grid.shape_kji[::-1])
    inside = np.asarray(((index >= 0) & (index < upper)).all(axis=-1))
    index = np.where(inside[..., None], index, 0)
    values = found.labels[index[..., 2], index[..., 1], index[..., 0]]
    return np.where(inside, values, 0).astype(np.uint8)


@pytest.mark.parametrize("name", list(grids()))
def test_our_own_seg_restores_the_same_segmentation(name: str, tmp_path: Path) -> None:
    volume = a_volume_on(grids()[name])
    wanted = a_labelled(volume)
    saved = write_seg(wanted, volume, tmp_path / "s.dcm")
    found = read_seg(saved.path, volume)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert found == wanted
    assert len(saved.checks) == 2


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
@pytest.mark.parametrize("name", list(grids()))
def test_the_other_types_restore_the_same_segmentation(
    name: str, kind: SegKind, tmp_path: Path
) -> None:
    volume = a_volume_on(grids()[name])
    wanted = a_labelled(volume)
    saved = write_seg(wanted, volume, tmp_path / "s.dcm", kind=kind)
    dataset = dataset_of(saved.path)
    assert dataset.SegmentationType == kind
    of_label_maps = kind == "LABELMAP"
    assert (dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7") == of_label_maps
    found = read_seg(saved.path, volume)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert (found.segments, found.origin) == (wanted.segments, wanted.origin)


@pytest.mark.parametrize("slices", [(0,), (0, 2, 7)])
@pytest.mark.parametrize("name", list(grids()))
def test_without_its_picture_a_seg_keeps_its_place_and_its_volume(
    name: str, slices: tuple[int, ...], tmp_path: Path
) -> None:
    # slices that are left out must not be taken for thick ones
    grid = Grid((8, *SHAPE_KJI[1:]), grids()[name].ijk_to_lps)
    volume = a_volume_on(grid)
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    labels[list(slices), 1:3, 2:6] = 1
    labels[slices[-1], 5, 8] = 3
    base = a_labelled(a_volume_on(grids()[name]))
    wanted = replace(base, grid=grid, labels=labels, segments=base.segments[:2])
    write_seg(wanted, volume, tmp_path / "s.dcm")
    found = read_seg(tmp_path / "s.dcm", None)
    np.testing.assert_array_equal(labels_in_patient(found, grid), labels)
    assert found.grid.voxel_volume_mm3 == pytest.approx(grid.voxel_volume_mm3, rel=1e-6)


def test_empty_frames_are_written_on_demand(volume: Volume, tmp_path: Path) -> None:
    wanted = a_labelled(volume)
    for full, n_frames in ((False, 5), (True, 15)):
        path = tmp_path / f"{full}.dcm"
        write_seg(wanted, volume, path, full_frames=full)
        assert int(dataset_of(path).NumberOfFrames) == n_frames
        assert read_seg(path, volume) == wanted


def test_frames_are_placed_by_position_and_not_by_order(volume: Volume, tmp_path: Path) -> None:
    wanted = a_labelled(volume)
    write_seg(wanted, volume, tmp_path / "s.dcm")

    def reverse(dataset: Any) -> None:
        n, size = int(dataset.NumberOfFrames), dataset.Rows * dataset.Columns
        bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
        frames = bits[: n * size].reshape(n, size)[::-1]
        packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
        dataset.PixelData = packed + b"\0" * (len(packed) % 2)
        items = list(dataset.PerFrameFunctionalGroupsSequence)[::-1]
        dataset.PerFrameFunctionalGroupsSequence = items

    found = read_seg(edited(tmp_path / "s.dcm", reverse), volume)
    np.testing.assert_array_equal(found.labels, wanted.labels)


def test_the_references_name_the_files_of_the_series(tmp_path: Path) -> None:
    volume = write_ct_series(a_volume_on(grids()["left-handed"]), tmp_path / "ct")
    write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")
    dataset = dataset_of(tmp_path / "s.dcm")
    files = {str(dataset_of(p).SOPInstanceUID): dataset_of(p) for p in (tmp_path / "ct").iterdir()}
    for group in dataset.PerFrameFunctionalGroupsSequence:
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        image = files[str(source.ReferencedSOPInstanceUID)]
        assert source.ReferencedSOPClassUID == image.SOPClassUID
        assert "ReferencedFrameNumber" not in source
        np.testing.assert_allclose(
            [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient],
            [float(v) for v in image.ImagePositionPatient],
            atol=1e-9,
        )
    image = next(iter(files.values()))
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert dataset[keyword].value == image[keyword].value
    assert dataset.ReferencedSeriesSequence[0].SeriesInstanceUID == image.SeriesInstanceUID
    assert dataset.ImageComments == DISCLAIMER
    assert dataset.Manufacturer == "Negatoscope"


def test_frames_of_one_multi_frame_object_are_referred_to_by_number(
    volume: Volume, tmp_path: Path
) -> None:
    instances = tuple(
        replace(i, sop_instance_uid="1.2.9", frame=2 * k + 3)
        for k, i in enumerate(volume.identity.instances)
    )
    volume = replace(volume, identity=replace(volume.identity, instances=instances))
    wanted = a_labelled(volume)
    write_seg(wanted, volume, tmp_path / "s.dcm")
    dataset = dataset_of(tmp_path / "s.dcm")
    references = {
        int(g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for g in dataset.PerFrameFunctionalGroupsSequence
    }
    assert references == {5, 7, 9}  # slices 1, 2, 3
    assert len(dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    np.testing.assert_array_equal(read_seg(tmp_path / "s.dcm", volume).labels, wanted.labels)


def test_the_maker_is_named_by_kind_name_and_version(volume: Volume, tmp_path: Path) -> None:
    kinds = {
        OriginKind.HAND: "MANUAL",
        OriginKind.METHOD: "SEMIAUTOMATIC",
        OriginKind.NETWORK: "AUTOMATIC",
    }
    for kind, text in kinds.items():
        origin = Origin(kind) if kind is OriginKind.HAND else replace(NETWORK, kind=kind)
        path = tmp_path / f"{text}.dcm"
        write_seg(a_labelled(volume, origin=origin), volume, path)
        item = dataset_of(path).SegmentSequence[0]
        assert item.SegmentAlgorithmType == text
        if kind is not OriginKind.HAND:
            assert item.SegmentAlgorithmName == "lesions"
            algorithm = item.SegmentationAlgorithmIdentificationSequence[0]
            assert algorithm.AlgorithmVersion == "1.2"
        assert read_seg(path, volume).origin == origin


def test_empty_and_rejected_segments_are_left_out_and_named(volume: Volume, tmp_path: Path) -> None:
    wanted = a_labelled(volume)
    first, second, third = wanted.segments
    segments = (
        replace(first, review=Review.REJECTED),
        second,
        third,
        Segment(9, "Lesion 9", (1, 1, 1)),
    )
    saved = write_seg(replace(wanted, segments=segments), volume, tmp_path / "s.dcm")
    assert saved.checks[:2] == ("Lesion 1 was rejected: left out", "Lesion 9 is empty: left out")
    found = read_seg(saved.path, volume)
    assert found.segments == (second, third)
    np.testing.assert_array_equal(found.labels, np.where(wanted.labels == 1, 0, wanted.labels))


def test_nothing_to_write_is_refused(volume: Volume, tmp_path: Path) -> None:
    empty = replace(a_labelled(volume), labels=np.zeros(SHAPE_KJI, dtype=np.uint8))
    with pytest.raises(InputRefused, match="no voxels"):
        write_seg(empty, volume, tmp_path / "s.dcm")
    assert not list(tmp_path.iterdir())


def test_voxels_without_a_segment_are_refused(volume: Volume, tmp_path: Path) -> None:
    wanted = a_labelled(volume)
    wanted.labels[0, 0, 0] = 200
    with pytest.raises(InputRefused, match="200"):
        write_seg(wanted, volume, tmp_path / "s.dcm")


def test_a_picture_that_is_not_from_dicom_is_refused_with_a_way_out(
    volume: Volume, tmp_path: Path
) -> None:
    stranger = replace(volume, identity=replace(volume.identity, instances=()))
    with pytest.raises(InputRefused) as caught:
        write_seg(a_labelled(volume), stranger, tmp_path / "s.dcm")
    assert "NIfTI" in caught.value.remedy


def test_another_grid_is_refused(volume: Volume, tmp_path: Path) -> None:
    moved = volume.grid.ijk_to_lps.copy()
    moved[0, 3] += 0.5
    elsewhere = replace(a_labelled(volume), grid=Grid(SHAPE_KJI, moved))
    with pytest.raises(InputRefused, match=r"0\.5 mm away"):
        write_seg(elsewhere, volume, tmp_path / "s.dcm")


def test_a_flipped_bit_is_noticed_and_leaves_nothing(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = built

    def flips(*args: Any, **kwargs: Any) -> Any:
        dataset = honest(*args, **kwargs)
        pixels = bytearray(dataset.PixelData)
        pixels[1] ^= 8
        dataset.PixelData = bytes(pixels)
        return dataset

    monkeypatch.setattr("viewer.exchange.seg.built", flips)
    with pytest.raises(ViewerError, match="1 voxel differs"):
        write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")
    assert not list(tmp_path.iterdir())


def test_a_frame_at_another_place_is_noticed(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = built

    def moves(*args: Any, **kwargs: Any) -> Any:
        dataset = honest(*args, **kwargs)
        groups = dataset.PerFrameFunctionalGroupsSequence
        first, last = groups[0].PlanePositionSequence[0], groups[-1].PlanePositionSequence[0]
        first.ImagePositionPatient, last.ImagePositionPatient = (
            list(last.ImagePositionPatient),
            list(first.ImagePositionPatient),
        )
        return dataset

    monkeypatch.setattr("viewer.exchange.seg.built", moves)
    with pytest.raises(ViewerError, match="differ"):
        write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")


def test_an_existing_seg_is_a_conflict(volume: Volume, tmp_path: Path) -> None:
    write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")
    before = (tmp_path / "s.dcm").read_bytes()
    with pytest.raises(Conflict):
        write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")
    assert (tmp_path / "s.dcm").read_bytes() == before
    write_seg(a_labelled(volume), volume, tmp_path / "s.dcm", force=True)


def test_what_another_program_changed_comes_first(
    volume: Volume, written: Path, tmp_path: Path
) -> None:
    copy(written, tmp_path / "s.dcm")

    def rename(dataset: Any) -> None:
        dataset.SegmentSequence[0].SegmentLabel = "Other name"
        dataset.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeValue = "108369006"
        dataset.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Neoplasm"

    found = read_seg(edited(tmp_path / "s.dcm", rename), volume)
    assert [s.name for s in found.segments][:2] == ["Other name", "Läsion 3"]
    assert found.segments[1].code.value == "108369006"
    assert [s.number for s in found.segments] == [1, 3, 7]


def test_without_the_private_record_the_public_part_is_still_there(
    volume: Volume, tmp_path: Path
) -> None:
    wanted = a_labelled(volume)
    write_seg(wanted, volume, tmp_path / "s.dcm")
    found = read_seg(edited(tmp_path / "s.dcm", lambda d: d.remove_private_tags()), volume)
    # the numbers of the file are 1, 2, 3; names, codes, colours and the maker are public
    np.testing.assert_array_equal(found.labels > 0, wanted.labels > 0)
    assert [s.number for s in found.segments] == [1, 2, 3]
    assert [s.colour for s in found.segments] == [s.colour for s in wanted.segments]
    assert [s.code for s in found.segments] == [s.code for s in wanted.segments]
    assert found.segments[0].tracking_uid == "1.2.826.1.1"
    assert (found.origin.kind, found.origin.key, found.origin.version) == (
        OriginKind.NETWORK,
        "lesions",
        "1.2",
    )


def test_odd_patient_values_are_kept_as_they_are(volume: Volume, tmp_path: Path) -> None:
    patient = Patient("Müller^" + "x" * 70, "id " + "9" * 70, "", "1961", "W")
    study = replace(volume.identity.study, accession="A" * 20, date="?", time="25")
    odd = replace(volume, identity=replace(volume.identity, patient=patient, study=study))
    write_seg(a_labelled(odd), odd, tmp_path / "s.dcm")
    raw = (tmp_path / "s.dcm").read_bytes()
    for text in (patient.name, patient.id, study.accession):
        assert text.encode() in raw


def test_a_volume_without_frame_of_reference_gets_one_of_its_series(
    volume: Volume, tmp_path: Path
) -> None:
    bare = replace(volume, identity=replace(volume.identity, frame_of_reference_uid=""))
    for name in ("a.dcm", "b.dcm"):
        write_seg(a_labelled(bare), bare, tmp_path / name)
    uids = {str(dataset_of(tmp_path / n).FrameOfReferenceUID) for n in ("a.dcm", "b.dcm")}
    assert len(uids) == 1
    assert next(iter(uids)).startswith("2.25.")


def test_a_seg_of_another_patient_space_is_refused(
    volume: Volume, written: Path, tmp_path: Path
) -> None:
    copy(written, tmp_path / "s.dcm")
    identity = replace(
        volume.identity,
        frame_of_reference_uid="1.9.9",
        series=replace(volume.identity.series, uid="1.9.8"),
    )
    with pytest.raises(InputRefused, match="another frame of reference"):
        read_seg(tmp_path / "s.dcm", replace(volume, identity=identity))


def test_a_picture_on_another_grid_leaves_the_seg_on_its_own(
    volume: Volume, written: Path, tmp_path: Path
) -> None:
    copy(written, tmp_path / "s.dcm")
    other = a_volume_on(Grid.from_axes((4, 6, 8), spacing_ijk_mm=(2, 2, 2)))
    found = read_segmentations(tmp_path / "s.dcm", other)
    assert found.notes == ("The segmentation lies on a grid of its own.",)
    placed = labels_in_patient(found.segmentations[0], volume.grid)
    np.testing.assert_array_equal(placed, a_labelled(volume).labels)


def a_stack(volume: Volume) -> ImageStack:
    grid = Grid.from_axes(SHAPE_KJI)
    fields = {name: getattr(volume, name) for name in ("key", "stored", "quantity", "display")}
    identity = replace(volume.identity, frame_of_reference_uid="")
    return ImageStack(
        **fields,
        grid=grid,
        identity=identity,
        pixel_spacing=Spacing(1, 1, SpacingSource.NONE),
    )


def test_one_image_of_a_stack_can_be_segmented(volume: Volume, tmp_path: Path) -> None:
    stack = a_stack(volume)
    labels = np.zeros(SHAPE_KJI, dtype=np.uint8)
    labels[3, 1:3, 4] = 1
    base = a_labelled(volume)
    wanted = replace(base, grid=stack.grid, labels=labels, segments=base.segments[:1])
    write_seg(wanted, stack, tmp_path / "s.dcm")
    found = read_seg(tmp_path / "s.dcm", stack)
    np.testing.assert_array_equal(found.labels, labels)
    assert found == wanted


def test_several_images_that_form_no_volume_are_refused(volume: Volume, tmp_path: Path) -> None:
    stack = a_stack(volume)
    wanted = replace(a_labelled(volume), grid=stack.grid)
    with pytest.raises(InputRefused, match="no volume") as caught:
        write_seg(wanted, stack, tmp_path / "s.dcm")
    assert "NIfTI" in caught.value.remedy


def test_a_cut_file_is_refused_in_words(volume: Volume, written: Path, tmp_path: Path) -> None:
    copy(written, tmp_path / "s.dcm")
    whole = (tmp_path / "s.dcm").read_bytes()
    for length in (0, 100, 140, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        with pytest.raises(Damaged):
            read_seg(tmp_path / "cut.dcm", volume)


# pydicom warns of the very bytes that were broken on purpose
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_broken_byte_anywhere_is_told_as_one_sentence(written: Path, tmp_path: Path) -> None:
    copy(written, tmp_path / "s.dcm")
    whole = np.frombuffer((tmp_path / "s.dcm").read_bytes(), np.uint8)
    random = np.random.default_rng(5)
    sentences = []
    for _ in range(60):
        broken = whole.copy()
        broken[random.integers(132, len(whole), 6)] = random.integers(0, 256, 6)
        (tmp_path / "broken.dcm").write_bytes(broken.tobytes())
        try:
            read_segmentations(tmp_path / "broken.dcm", None)
        except ViewerError as error:
            sentences.append(error.what)
    assert len(sentences) > 10
    assert all(what.endswith(".") for what in sentences)


def test_a_frame_of_an_unknown_segment_is_refused(
    volume: Volume, written: Path, tmp_path: Path
) -> None:
    copy(written, tmp_path / "s.dcm")

    def lose(dataset: Any) -> None:
        dataset.SegmentSequence = dataset.SegmentSequence[:2]

    with pytest.raises(Damaged, match="segment 3"):
        read_seg(edited(tmp_path / "s.dcm", lose), volume)


def test_an_image_is_no_segmentation(tmp_path: Path) -> None:
    volume = write_ct_series(a_volume_on(grids()["plain"]), tmp_path)
    with pytest.raises(Unsupported, match="no segmentation"):
        read_seg(Path(volume.identity.instances[0].path), volume)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="cannot be read"):
        read_seg(tmp_path / "none.dcm", None)
