"""Who made a segment, as other programs read it from SEG."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.exchange.cases import NETWORK, a_labelled, dataset_of, edited
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.volume import Volume
from viewer.exchange.makers import algorithms, generation, names_of
from viewer.exchange.seg import read_seg, write_seg
from viewer.imaging.rasterise import Block
from viewer.session.edits import AddSegmentation, paint
from viewer.session.edits_labels import operation
from viewer.session.edits_segmentation import CopySegmentation
from viewer.session.session import Session
from viewer.testing.builders import a_volume

HAND = Origin(OriginKind.HAND)
THRESHOLD = Origin(OriginKind.METHOD, "threshold", parameters=(("group", "Threshold"),))
GROWING = Origin(OriginKind.METHOD, "region_growing", "2", parameters=(("tolerance", "60"),))
GROWN = operation("grown by 2 mm")


@pytest.fixture
def volume() -> Volume:
    return a_volume((5, 7, 9)).build()


def a_segment(*steps: Origin) -> Segment:
    return Segment(1, "Tumour", (1, 2, 3), steps=steps)


@pytest.mark.parametrize(
    ("origin", "steps", "type_", "names"),
    [
        (HAND, (), "MANUAL", []),
        (HAND, (HAND,), "MANUAL", []),
        (HAND, (HAND, GROWN), "SEMIAUTOMATIC", ["operation"]),
        (HAND, (THRESHOLD,), "SEMIAUTOMATIC", ["threshold"]),
        (HAND, (HAND, THRESHOLD, GROWN, GROWING), "SEMIAUTOMATIC", ["threshold", "region_growing"]),
        (NETWORK, (), "AUTOMATIC", ["lesions"]),
        (replace(NETWORK, kind=OriginKind.HAND), (), "SEMIAUTOMATIC", ["lesions"]),
        (replace(NETWORK, kind=OriginKind.HAND), (NETWORK,), "AUTOMATIC", ["lesions"]),
        (replace(NETWORK, kind=OriginKind.HAND), (NETWORK, HAND), "SEMIAUTOMATIC", ["lesions"]),
        (replace(NETWORK, kind=OriginKind.HAND), (HAND,), "MANUAL", []),
        (
            replace(NETWORK, kind=OriginKind.HAND),
            (NETWORK, HAND, THRESHOLD),
            "SEMIAUTOMATIC",
            ["lesions", "threshold"],
        ),
    ],
)
def test_a_segment_is_made_by_hand_by_an_algorithm_or_by_both(
    origin: Origin, steps: tuple[Origin, ...], type_: str, names: list[str]
) -> None:
    segment = a_segment(*steps)
    assert generation(origin, segment) == type_
    assert [made.key for made in algorithms(origin, segment)] == names


def test_names_that_do_not_fit_are_left_out_visibly() -> None:
    many = [Origin(OriginKind.METHOD, f"method_number_{n}") for n in range(9)]
    text = names_of(many)
    assert len(text) <= 64
    assert text.startswith("method_number_0 + method_number_1")
    assert text.endswith(" + ...")
    assert names_of([many[0], many[0]]) == "method_number_0"
    assert names_of([Origin(OriginKind.NETWORK, "\0")]) == "unnamed"


def a_copy_edited_by_hand(volume: Volume, *, by: Origin = HAND) -> Segmentation:
    """Return a copy of a network's layer whose first segment was painted on."""
    session = Session()
    layer = a_labelled(volume)
    session.apply(AddSegmentation.of(layer))
    session.apply(CopySegmentation(layer.uid, "1.2.826.2", "Copy"))
    copy = session.state.segmentation("1.2.826.2")
    stroke = paint(copy, Block((2, 2, 2), np.ones((1, 2, 2), dtype=bool)), 1, name="x", by=by)
    assert stroke is not None
    session.apply(stroke)
    return session.state.segmentation("1.2.826.2")


def test_a_networks_copy_that_a_hand_changed_is_semiautomatic(
    volume: Volume, tmp_path: Path
) -> None:
    copy = a_copy_edited_by_hand(volume)
    write_seg(copy, volume, tmp_path / "s.dcm")
    changed, untouched, _ = dataset_of(tmp_path / "s.dcm").SegmentSequence
    assert changed.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert changed.SegmentAlgorithmName == "lesions"
    (algorithm,) = changed.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("lesions", "1.2")
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert "1 lesions 1.2" in changed.SegmentDescription
    assert "2 by hand" in changed.SegmentDescription
    assert untouched.SegmentAlgorithmType == "AUTOMATIC"
    found = read_seg(tmp_path / "s.dcm", volume)
    assert found == copy
    assert found.segments == copy.segments


def test_all_algorithms_are_named_and_their_settings_told(volume: Volume, tmp_path: Path) -> None:
    copy = a_copy_edited_by_hand(volume, by=THRESHOLD)
    first, *rest = copy.segments
    first = replace(first, steps=(*first.steps, HAND, GROWING))
    copy = replace(copy, segments=(first, *rest))
    write_seg(copy, volume, tmp_path / "s.dcm")
    item = dataset_of(tmp_path / "s.dcm").SegmentSequence[0]
    assert item.SegmentAlgorithmName == "lesions + threshold + region_growing"
    # one item: readers such as highdicom refuse more
    (algorithm,) = item.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmName == item.SegmentAlgorithmName
    assert algorithm.AlgorithmVersion == "1.2 + 2"
    assert "3 region_growing 2 (tolerance=60)" in algorithm.AlgorithmParameters
    assert f"sha256={NETWORK.sha256}" in algorithm.AlgorithmParameters
    assert read_seg(tmp_path / "s.dcm", volume).origin == copy.origin


def test_highdicom_reads_the_names(volume: Volume, tmp_path: Path) -> None:
    from highdicom.seg import segread

    write_seg(a_copy_edited_by_hand(volume, by=THRESHOLD), volume, tmp_path / "s.dcm")
    described = segread(tmp_path / "s.dcm").get_segment_description(1)
    assert described.algorithm_type.value == "SEMIAUTOMATIC"
    assert described.algorithm_identification is not None
    assert described.algorithm_identification.name == "lesions + threshold"


def test_a_method_stands_in_its_own_family(volume: Volume, tmp_path: Path) -> None:
    wanted = a_labelled(volume, origin=THRESHOLD)
    write_seg(wanted, volume, tmp_path / "s.dcm")
    item = dataset_of(tmp_path / "s.dcm").SegmentSequence[0]
    (family,) = item.SegmentationAlgorithmIdentificationSequence[0].AlgorithmFamilyCodeSequence
    assert (family.CodeValue, family.CodeMeaning) == ("123105", "Histogram Analysis")


def test_each_segment_of_another_program_keeps_its_own_maker(
    volume: Volume, tmp_path: Path
) -> None:
    write_seg(a_labelled(volume), volume, tmp_path / "s.dcm")

    def by_another_program(dataset: Any) -> None:
        dataset.remove_private_tags()
        second = dataset.SegmentSequence[1]
        second.SegmentAlgorithmType = "MANUAL"
        del second.SegmentationAlgorithmIdentificationSequence

    found = read_seg(edited(tmp_path / "s.dcm", by_another_program), volume)
    assert [step.kind for s in found.segments for step in s.steps] == [
        OriginKind.NETWORK,
        OriginKind.HAND,
        OriginKind.NETWORK,
    ]
    write_seg(found, volume, tmp_path / "again.dcm")
    types = [s.SegmentAlgorithmType for s in dataset_of(tmp_path / "again.dcm").SegmentSequence]
    assert types == ["AUTOMATIC", "MANUAL", "AUTOMATIC"]
