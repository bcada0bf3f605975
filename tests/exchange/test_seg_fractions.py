"""True fractions into FRACTIONAL SEG objects and out again; another library says the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exchange.cases import SHAPE_KJI, a_labelled, a_volume_on, grids
from viewer.domain.fractions import Fractions
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Volume
from viewer.errors import InputRefused
from viewer.exchange.seg import read_seg, read_segmentations, write_seg


def with_levels(
    layer: Segmentation, number: int, at_least: float = 76.5, maximum: int = 255
) -> Segmentation:
    """Return a layer whose segment has random levels on the sides that its mask says."""
    rng = np.random.default_rng(number)
    mask = layer.labels == number
    low = rng.integers(0, int(at_least), SHAPE_KJI)
    high = rng.integers(int(at_least) + 1, maximum + 1, SHAPE_KJI)
    levels = np.where(mask, high, low).astype(np.uint8)
    kept = Fractions.of(levels, at_least, maximum=maximum)
    segments = tuple(
        replace(s, fractions=kept) if s.number == number else s for s in layer.segments
    )
    return replace(layer, segments=segments)


@pytest.fixture(params=["oblique", "sheared"])
def volume(request: pytest.FixtureRequest) -> Volume:
    return a_volume_on(grids()[request.param])


def test_memberships_come_back_level_for_level(volume: Volume, tmp_path: Path) -> None:
    layer = a_labelled(volume)
    first, other = layer.segments[0].number, layer.segments[1].number
    layer = with_levels(layer, first)
    saved = write_seg(layer, volume, tmp_path / "p.dcm", kind="PROBABILITY")
    assert "pydicom reads the same fractions of 255" in saved.checks
    again = read_seg(tmp_path / "p.dcm", volume)
    assert np.array_equal(again.labels, layer.labels)
    kept, ours = again.segment(first).fractions, layer.segment(first).fractions
    assert kept is not None
    assert ours is not None
    assert np.array_equal(kept.on(layer.labels == first), ours.on(layer.labels == first))
    assert (kept.at_least, kept.kind) == (76.5, "PROBABILITY")
    assert again.segment(other).fractions is None

    import pydicom

    dataset = pydicom.dcmread(tmp_path / "p.dcm")
    assert dataset.SegmentationType == "FRACTIONAL"
    assert dataset.SegmentationFractionalType == "PROBABILITY"
    n = [s.SegmentLabel for s in dataset.SegmentSequence].index(layer.segment(first).name) + 1
    sums = sum(
        int(frame.sum())
        for frame, group in zip(
            dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True
        )
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == n
    )
    assert sums == int(ours.levels().sum(dtype=np.int64))


def test_voxels_that_a_hand_changed_are_whole_or_nothing(volume: Volume, tmp_path: Path) -> None:
    layer = with_levels(a_labelled(volume), 1)
    before = layer.segment(1).fractions
    assert before is not None
    labels = layer.labels.copy()
    added = tuple(int(n) for n in np.argwhere(labels == 0)[0])
    taken = tuple(int(n) for n in np.argwhere(labels == 1)[0])
    labels[added], labels[taken] = 1, 0
    changed = replace(layer, labels=labels)
    write_seg(changed, volume, tmp_path / "c.dcm", kind="PROBABILITY")
    kept = read_seg(tmp_path / "c.dcm", volume).segment(1).fractions
    assert kept is not None
    told, was = kept.on(labels == 1), before.on(layer.labels == 1)
    assert (told[added], told[taken]) == (255, 0)
    same = np.ones(SHAPE_KJI, dtype=bool)
    same[added] = same[taken] = False
    assert np.array_equal(told[same], was[same])


def test_different_maxima_are_brought_to_255_and_one_is_kept(tmp_path: Path) -> None:
    volume = a_volume_on(grids()["plain"])
    one = with_levels(a_labelled(volume), 1, at_least=40, maximum=100)
    write_seg(one, volume, tmp_path / "100.dcm", kind="PROBABILITY")
    kept = read_seg(tmp_path / "100.dcm", volume).segment(1).fractions
    assert kept is not None
    assert (kept.maximum, kept.at_least) == (100, 40)
    both = with_levels(one, 3)
    write_seg(both, volume, tmp_path / "255.dcm", kind="PROBABILITY")
    again = read_seg(tmp_path / "255.dcm", volume)
    for number in (1, 3):
        found, ours = again.segment(number).fractions, both.segment(number).fractions
        assert found is not None
        assert ours is not None
        mask = both.labels == number
        shares = [one.on(mask) / one.maximum for one in (found, ours)]
        assert np.abs(shares[0] - shares[1]).max() <= 0.5 / 255 + 1e-9


def test_masks_alone_are_written_without_and_refused_as_memberships(tmp_path: Path) -> None:
    volume = a_volume_on(grids()["plain"])
    layer = a_labelled(volume)
    with pytest.raises(InputRefused, match="all or nothing"):
        write_seg(layer, volume, tmp_path / "n.dcm", kind="PROBABILITY")
    assert not (tmp_path / "n.dcm").exists()
    with_some = with_levels(layer, 1)
    for kind in ("BINARY", "LABELMAP", "FRACTIONAL"):
        write_seg(with_some, volume, tmp_path / f"{kind}.dcm", kind=kind)
        again = read_seg(tmp_path / f"{kind}.dcm", volume)
        assert np.array_equal(again.labels, layer.labels)
        assert again.segment(1).fractions is None


def test_another_librarys_fractions_are_kept_as_they_are(shared_data: Path) -> None:
    import pydicom

    path = shared_data / "seg_sr/highdicom/seg_image_ct_true_fractional.dcm"
    dataset = pydicom.dcmread(path)
    found = read_segmentations(path, None)
    assert "kept for export" in " ".join(found.notes)
    total = 0
    for layer in found.segmentations:
        for segment in layer.segments:
            kept = segment.fractions
            assert kept is not None
            assert kept.maximum == dataset.MaximumFractionalValue
            assert kept.at_least == kept.maximum / 2
            assert kept.kind == dataset.SegmentationFractionalType
            levels = kept.on(layer.labels == segment.number)
            assert np.array_equal(levels >= kept.at_least, layer.labels == segment.number)
            total += int(levels.sum(dtype=np.int64))
    assert total == int(dataset.pixel_array.sum(dtype=np.int64))
