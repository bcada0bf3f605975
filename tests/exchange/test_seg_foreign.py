"""SEG objects of other programs, against what they were made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import OriginKind, Segmentation
from viewer.errors import InputRefused, Unsupported
from viewer.exchange.seg import read_seg, read_segmentations


@pytest.fixture
def seg_sr(shared_data: Path) -> Path:
    return shared_data / "seg_sr"


def nrrd(path: Path) -> tuple[NDArray[Any], Grid]:
    """Return labels (k, j, i) and grid of an NRRD file, read by SimpleITK."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    labels = sitk.GetArrayFromImage(image)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    k, j, i = labels.shape
    grid = Grid.from_axes(
        (k, j, i),
        origin_lps_mm=image.GetOrigin(),
        spacing_ijk_mm=image.GetSpacing(),
        directions=directions,
    )
    return labels, grid


def at(found: Segmentation, grid: Grid) -> NDArray[np.uint8]:
    """Return the labels of ``found`` on ``grid``; every voxel must fall on a voxel centre."""
    k, j, i = np.indices(grid.shape_kji)
    index = found.grid.index(grid.world(np.stack((i, j, k), axis=-1)))
    assert np.abs(index - np.rint(index)).max() < 0.02
    whole = np.rint(index).astype(int)
    upper = np.array(found.grid.shape_kji[::-1])
    inside = np.asarray(((whole >= 0) & (whole < upper)).all(axis=-1))
    whole = np.where(inside[..., None], whole, 0)
    values = found.labels[whole[..., 2], whole[..., 1], whole[..., 0]]
    assert np.count_nonzero(values[inside]) == np.count_nonzero(found.labels)
    return np.where(inside, values, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("seg", "original"),
    [
        ("segmentations/liver.dcm", "segmentations/liver_seg.nrrd"),
        ("segmentations/23x38x3/seg/label.seg", "segmentations/23x38x3/nrrd/label.nrrd"),
        ("segmentations/24x38x3/seg/label.seg", "segmentations/24x38x3/nrrd/label.nrrd"),
    ],
)
def test_a_binary_seg_equals_the_labels_it_was_made_from(
    seg: str, original: str, seg_sr: Path
) -> None:
    labels, grid = nrrd(seg_sr / "dcmqi" / original)
    found = read_seg(seg_sr / "dcmqi" / seg, None)
    np.testing.assert_array_equal(at(found, grid) > 0, labels > 0)
    assert labels.any()


@pytest.mark.parametrize("name", ["noppv", "ppv5"])
def test_a_label_map_without_all_slices_is_empty_between_them(name: str, seg_sr: Path) -> None:
    folder = seg_sr / "dcmqi" / "segmentations"
    labels, grid = nrrd(folder / f"sparse_labelmap_{name}_seg.nrrd")
    found = read_seg(folder / f"sparse-labelmap-{name}.dcm", None)
    # 5 is the padding value of the twin, and no segment has that number
    np.testing.assert_array_equal(at(found, grid), np.where(labels == 5, 0, labels))
    assert found.grid.shape_kji == (3, 38, 24)
    assert [s.name for s in found.segments] == ["Liver"]


def test_overlapping_segments_keep_all_their_voxels(seg_sr: Path) -> None:
    folder = seg_sr / "dcmqi" / "segmentations"
    found = read_segmentations(folder / "partial_overlaps.dcm", None)
    parts = [nrrd(folder / f"partial_overlaps-{n}.nrrd") for n in (1, 2, 3)]
    ours = sorted(
        int(np.count_nonzero(part.labels == s.number))
        for part in found.segmentations
        for s in part.segments
    )
    theirs = sorted(
        int(np.count_nonzero(labels == number))
        for labels, _ in parts
        for number in np.unique(labels)
        if number
    )
    assert ours == theirs
    assert len(found.segmentations) > 1
    union = np.zeros(parts[0][1].shape_kji, dtype=bool)
    for part in found.segmentations:
        union |= at(part, parts[0][1]) > 0
    np.testing.assert_array_equal(union, np.any([labels > 0 for labels, _ in parts], axis=0))
    with pytest.raises(InputRefused, match="overlap"):
        read_seg(folder / "partial_overlaps.dcm", None)


def test_every_packing_holds_the_same_voxels(seg_sr: Path) -> None:
    folder = seg_sr / "pydicom_data"
    wanted = read_seg(folder / "liver.dcm", None)
    assert np.count_nonzero(wanted.labels) > 1000
    for name in ("expb", "j2k", "rle", "deflate"):
        found = read_seg(folder / f"liver_{name}.dcm", None)
        np.testing.assert_array_equal(found.labels, wanted.labels, err_msg=name)


def test_frames_that_do_not_fill_bytes_are_unpacked(seg_sr: Path) -> None:
    folder = seg_sr / "pydicom_data"
    found = {
        name: read_seg(folder / f"liver_nonbyte_aligned{name}.dcm", None).labels
        for name in ("", "_j2k", "_rle", "_deflate")
    }
    wanted = read_seg(folder / "liver.dcm", None).labels
    for name, labels in found.items():
        np.testing.assert_array_equal(labels, found[""], err_msg=name)
    # the smaller frames are the larger ones without their rim
    assert found[""].shape == (3, 510, 510)
    assert np.count_nonzero(found[""]) == np.count_nonzero(wanted)


def test_highdicom_reads_the_same_from_its_own_files(seg_sr: Path) -> None:
    from highdicom.seg import segread

    folder = seg_sr / "highdicom"
    for name in ("seg_image_ct_binary", "seg_image_ct_binary_overlap"):
        theirs = segread(folder / f"{name}.dcm")
        found = read_segmentations(folder / f"{name}.dcm", None)
        for part in found.segmentations:
            for segment in part.segments:
                volume = theirs.get_volume(segment_numbers=[segment.number])
                assert np.count_nonzero(volume.array) == np.count_nonzero(
                    part.labels == segment.number
                )


def test_fractions_are_cut_at_one_half_and_that_is_said(seg_sr: Path) -> None:
    folder = seg_sr / "highdicom"
    found = read_segmentations(folder / "seg_image_ct_true_fractional.dcm", None)
    assert "0.5" in found.notes[0]
    assert ("threshold", "0.5") in found.segmentations[0].origin.parameters
    binary = read_seg(folder / "seg_image_ct_binary.dcm", None)
    whole = read_seg(folder / "seg_image_ct_binary_fractional.dcm", None)
    np.testing.assert_array_equal(whole.labels, binary.labels)


def test_who_made_a_foreign_seg_is_read(seg_sr: Path) -> None:
    found = read_seg(seg_sr / "highdicom" / "seg_image_ct_binary.dcm", None)
    assert found.origin.kind is OriginKind.NETWORK
    assert found.origin.key
    assert found.segments[0].name == "first segment"


def test_a_segmented_radiograph_comes_without_place(seg_sr: Path) -> None:
    found = read_seg(seg_sr / "highdicom" / "seg_image_cr_binary.dcm", None)
    assert found.grid.shape_kji == (1, 16, 16)
    assert found.labels.any()


def test_segmentations_of_slides_are_refused_in_words(seg_sr: Path) -> None:
    files = sorted((seg_sr / "highdicom").glob("seg_image_sm_*.dcm"))
    assert len(files) >= 5
    for file in files:
        with pytest.raises(Unsupported, match="slides"):
            read_seg(file, None)
