"""More than 255 segments: one sentence with a way out, wherever they could come in; 255 are fine."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exchange.cases import a_labelled, a_volume_on, grids
from tests.exchange.structure_sets import Region, structure_set
from viewer.errors import InputRefused
from viewer.exchange.label_files import read_label_file
from viewer.exchange.rtstruct_rois import rois_of
from viewer.exchange.seg import read_seg, write_seg
from viewer.exchange.seg_nrrd import write_seg_nrrd
from viewer.testing.builders import a_segmentation, a_volume

SHAPE = (8, 8, 8)
MANY = "segments are more than 255, the most that one segmentation holds here"


def numbered(n: int) -> NDArray[np.uint16]:
    """Return labels 0 to ``n`` (k, j, i), each number on one voxel at least."""
    return np.minimum(np.arange(512), n).reshape(SHAPE).astype(np.uint16)


def as_nifti(values: NDArray[np.uint16], path: Path) -> Path:
    import nibabel

    make: type = nibabel.Nifti1Image
    nibabel.save(make(values.transpose(2, 1, 0), np.diag([-1.0, -1, 1, 1])), path)
    return path


def as_nrrd(values: NDArray[np.uint16], path: Path) -> Path:
    head = (
        "NRRD0004\ntype: ushort\ndimension: 3\nspace: left-posterior-superior\nsizes: 8 8 8\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nendian: little\n"
        "encoding: raw\nspace origin: (0,0,0)\n\n"
    )
    path.write_bytes(head.encode() + values.astype("<u2").tobytes())
    return path


@pytest.mark.parametrize("write", [as_nifti, as_nrrd])
def test_label_maps_hold_255_segments_whatever_their_numbers(
    write: Callable[[NDArray[np.uint16], Path], Path], tmp_path: Path
) -> None:
    suffix = ".nii" if write is as_nifti else ".nrrd"
    volume = a_volume(SHAPE).build()
    values = numbered(255)
    values[values > 0] += np.uint16(65535 - 255)  # up to the last number that 16 bits have
    found = read_label_file(write(values, tmp_path / f"full{suffix}"), volume)
    (layer,) = found.segmentations
    assert len(layer.segments) == 255
    assert np.array_equal(layer.labels, numbered(255))
    for n in (256, 400):
        with pytest.raises(InputRefused, match=f"{n} {MANY}") as refused:
            read_label_file(write(numbered(n), tmp_path / f"{n}{suffix}"), volume)
        assert refused.value.remedy


def test_a_seg_nrrd_that_describes_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.seg.nrrd"
    volume = a_volume((5, 7, 9)).build()
    write_seg_nrrd(a_segmentation(volume, np.ones((5, 7, 9), dtype=bool)), path)
    head, data = path.read_bytes().split(b"\n\n", 1)
    more = b"".join(
        b"\nSegment%d_ID:=s%d\nSegment%d_LabelValue:=%d" % (n, n, n, n + 1) for n in range(1, 256)
    )
    path.write_bytes(head + more + b"\n\n" + data)
    with pytest.raises(InputRefused, match=f"256 {MANY}"):
        read_label_file(path, volume)


def test_a_dicom_seg_that_describes_more_is_refused(tmp_path: Path) -> None:
    from pydicom import dcmread

    volume = a_volume_on(grids()["plain"])
    write_seg(a_labelled(volume), volume, tmp_path / "a.dcm")
    for n, is_read in ((255, True), (256, False), (300, False)):
        dataset = dcmread(tmp_path / "a.dcm")
        items = list(dataset.SegmentSequence)
        for number in range(len(items) + 1, n + 1):
            extra = deepcopy(items[0])
            extra.SegmentNumber = number
            items.append(extra)
        dataset.SegmentSequence = items
        dataset.save_as(tmp_path / f"{n}.dcm")
        if is_read:
            assert len(read_seg(tmp_path / f"{n}.dcm", volume).segments) == 255
        else:
            with pytest.raises(InputRefused, match=f"{n} {MANY}"):
                read_seg(tmp_path / f"{n}.dcm", volume)


def test_a_structure_set_with_more_regions_is_refused() -> None:
    volume = a_volume(SHAPE).build()
    square = np.array([(1.0, 1, 2), (4, 1, 2), (4, 4, 2), (1, 4, 2)])
    for n in (255, 256):
        regions = [Region(f"R{m}", [square]) for m in range(n)]
        dataset = structure_set(regions, volume)
        if n == 255:
            assert len(rois_of(dataset, "a.dcm")) == 255
        else:
            with pytest.raises(InputRefused, match=f"256 {MANY}"):
                rois_of(dataset, "a.dcm")
