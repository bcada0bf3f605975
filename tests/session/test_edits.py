from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.session.scribble import GRID, a_layer, a_measurement, fingerprint
from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain, Step
from viewer.domain.fractions import Fractions
from viewer.domain.measurement import Review
from viewer.domain.segmentation import Labels, OriginKind, Segment, Segmentation
from viewer.errors import Conflict, InputRefused
from viewer.imaging.rasterise import Block
from viewer.session.edits import (
    AddMeasurement,
    AddSegment,
    AddSegmentation,
    CopySegmentation,
    Edit,
    Group,
    MoveSegment,
    PaintLabels,
    RemoveMeasurement,
    RemoveSegment,
    RemoveSegmentation,
    ReplaceMeasurement,
    ReplaceSegment,
    ReplaceSegmentation,
    SetCalibration,
    SetChain,
    SetFractions,
    paint,
    replace_labels,
    replace_segment_mask,
)
from viewer.session.state import State

HAND, NETWORK = "2.25.7", "2.25.8"


def a_state() -> State:
    state = State()
    for edit in (
        AddMeasurement(a_measurement("2.25.1")),
        AddMeasurement(a_measurement("2.25.2", 20.0)),
        AddMeasurement(a_measurement("2.25.3", 30.0)),
        AddSegmentation.of(a_layer(HAND)),
        AddSegmentation.of(a_layer(NETWORK, kind=OriginKind.NETWORK, seed=2)),
        SetChain("1.2.3.4", Chain((Step.of("median", {"radius_mm": 1.0}),))),
    ):
        state, _ = edit.apply(state)
    return state


def a_stroke(state: State) -> PaintLabels:
    block = Block((1, 2, 3), np.ones((2, 3, 4), dtype=bool))
    edit = paint(state.segmentation(HAND), block, 1, name="paint 10 mm on Lesion 1")
    assert edit is not None
    return edit


EDITS: dict[str, Callable[[State], Edit]] = {
    "add measurement": lambda _: AddMeasurement(a_measurement("2.25.9")),
    "remove the middle measurement": lambda _: RemoveMeasurement("2.25.2"),
    "replace measurement": lambda _: ReplaceMeasurement(a_measurement("2.25.2", 99.0)),
    "add segmentation": lambda _: AddSegmentation.of(a_layer("2.25.10", seed=5)),
    "remove the first segmentation": lambda _: RemoveSegmentation(HAND),
    "remove a network's": lambda _: RemoveSegmentation(NETWORK),
    "copy": lambda _: CopySegmentation(NETWORK, "2.25.11", "Copy"),
    "rename": lambda _: ReplaceSegmentation(HAND, "Tumour"),
    "add segment": lambda _: AddSegment(HAND, Segment(3, "Lesion 3", (1, 2, 3))),
    "recolour": lambda _: ReplaceSegment(HAND, Segment(2, "B", (9, 9, 9), opacity=0.9)),
    "accept a network's": lambda s: ReplaceSegment(
        NETWORK, replace(s.segmentation(NETWORK).segment(1), review=Review.ACCEPTED)
    ),
    "move a segment": lambda _: MoveSegment(HAND, 1, 1),
    "remove the first segment": lambda _: RemoveSegment(HAND, 1),
    "paint": a_stroke,
    "keep memberships": lambda _: SetFractions(
        HAND, 1, Fractions.of(np.full((1, 2, 1), 77, dtype=np.uint8), 40.0)
    ),
    "enhance": lambda _: SetChain("1.2.3.4", Chain()),
    "calibrate": lambda _: SetCalibration("1.2.3.4", "1.2.9", Calibration("1.2.9", 50.0, 2.5)),
    "enhance another": lambda _: SetChain("1.1", Chain((Step.of("clahe"),))),
    "group": lambda s: Group((RemoveMeasurement("2.25.1"), a_stroke(s)), "both"),
}


@pytest.mark.parametrize("make", EDITS.values(), ids=EDITS.keys())
def test_an_inverse_restores_the_state_bit_by_bit(make: Callable[[State], Edit]) -> None:
    state = a_state()
    before = fingerprint(state)
    edit = make(state)
    after, inverse = edit.apply(state)
    changed = fingerprint(after)
    assert changed != before
    back, again = inverse.apply(after)
    assert fingerprint(back) == before
    assert fingerprint(again.apply(back)[0]) == changed


@pytest.mark.parametrize("make", EDITS.values(), ids=EDITS.keys())
def test_every_edit_has_a_name_that_a_person_can_read(make: Callable[[State], Edit]) -> None:
    name = make(a_state()).name
    assert name
    assert name[0].islower()
    assert "2.25" not in name


def test_edits_are_named_after_what_they_do() -> None:
    state = a_state()
    assert AddMeasurement(a_measurement(length_mm=12.34)).name == "distance 12.3 mm"
    assert a_stroke(state).name == "paint 10 mm on Lesion 1"


@pytest.mark.parametrize(
    "edit",
    [
        AddMeasurement(a_measurement("2.25.1")),
        RemoveMeasurement("nobody"),
        ReplaceMeasurement(a_measurement("nobody")),
        AddSegmentation.of(a_layer(HAND)),
        RemoveSegmentation("nobody"),
        CopySegmentation(NETWORK, HAND, "taken"),
        CopySegmentation("nobody", "2.25.12", "x"),
        ReplaceSegmentation("nobody", "x"),
        AddSegment(HAND, Segment(2, "taken", (0, 0, 0))),
        ReplaceSegment(HAND, Segment(77, "not there", (0, 0, 0))),
        RemoveSegment(HAND, 77),
        MoveSegment(HAND, 1, 7),
        RemoveSegment(NETWORK, 1, "of a network"),
        AddSegment(NETWORK, Segment(9, "x", (0, 0, 0))),
    ],
    ids=lambda edit: f"{type(edit).__name__} {edit.name}",
)
def test_an_edit_that_does_not_fit_raises_and_changes_nothing(edit: Edit) -> None:
    state = a_state()
    before = fingerprint(state)
    with pytest.raises((Conflict, InputRefused)):
        edit.apply(state)
    assert fingerprint(state) == before


def test_a_group_that_fails_in_the_middle_takes_its_first_part_back() -> None:
    state = a_state()
    before = fingerprint(state)
    with pytest.raises(Conflict):
        Group((a_stroke(state), RemoveMeasurement("nobody")), "both").apply(state)
    assert fingerprint(state) == before


def test_the_voxels_of_a_network_are_never_changed() -> None:
    layer = a_state().segmentation(NETWORK)
    block = Block((0, 0, 0), np.ones((1, 1, 1), dtype=bool))
    with pytest.raises(Conflict, match="copy"):
        paint(layer, block, 1, name="p")
    with pytest.raises(Conflict, match="copy"):
        replace_segment_mask(layer, block, 1, name="p")
    with pytest.raises(Conflict, match="copy"):
        replace_labels(layer, layer.labels * 0, name="p")


def test_a_stroke_recorded_for_a_copy_does_not_reach_the_network_result() -> None:
    state = a_state()
    stroke = a_stroke(state)
    with pytest.raises(Conflict):
        replace(stroke, segmentation_uid=NETWORK).apply(state)


def test_a_copy_is_hand_made_edited_and_names_its_parent() -> None:
    state, _ = CopySegmentation(NETWORK, "2.25.11", "Copy").apply(a_state())
    copy, parent = state.segmentation("2.25.11"), state.segmentation(NETWORK)
    assert not copy.is_immutable
    assert copy.parent_uid == NETWORK
    assert {s.review for s in copy.segments} == {Review.EDITED}
    assert np.array_equal(copy.labels, parent.labels)
    copy.labels[:] = 0
    assert parent.labels.any()


def test_the_session_owns_its_labels() -> None:
    layer = a_layer()
    state, _ = AddSegmentation.of(layer).apply(State())
    layer.labels[:] = 0
    assert state.segmentation(layer.uid).labels.any()


# --- painting -----------------------------------------------------------------------------------


def painted(layer: Segmentation, edit: Edit | None) -> Labels:
    assert edit is not None
    state, _ = AddSegmentation.of(layer).apply(State())
    return edit.apply(state)[0].segmentations[0].labels


def test_painting_gives_the_voxels_of_the_block_and_no_others() -> None:
    layer = a_layer()
    mask = np.zeros((2, 3, 4), dtype=bool)
    mask[0, 1, 2] = mask[1, 2, 3] = True
    after = painted(layer, paint(layer, Block((1, 2, 3), mask), 1, name="p"))
    expected = layer.labels.copy()
    expected[1:3, 2:5, 3:7][mask] = 1
    assert np.array_equal(after, expected)


def test_erasing_takes_from_the_segment_alone() -> None:
    layer = a_layer()
    everything = Block((0, 0, 0), np.ones(GRID.shape_kji, dtype=bool))
    after = painted(layer, paint(layer, everything, 1, erase=True, name="p"))
    assert not (after == 1).any()
    assert np.array_equal(after == 2, layer.labels == 2)


def test_painting_may_be_kept_off_other_segments() -> None:
    layer = a_layer()
    everything = Block((0, 0, 0), np.ones(GRID.shape_kji, dtype=bool))
    after = painted(layer, paint(layer, everything, 1, only_over=(0,), name="p"))
    assert np.array_equal(after == 2, layer.labels == 2)
    assert not (after == 0).any()


def test_a_replaced_mask_loses_and_gains_inside_the_block_only() -> None:
    layer = a_layer()
    mask = np.zeros((1, 8, 10), dtype=bool)
    mask[0, 2:4, 2:4] = True
    after = painted(layer, replace_segment_mask(layer, Block((2, 0, 0), mask), 1, name="p"))
    assert np.array_equal(after[2] == 1, mask[0])
    assert np.array_equal(after[2][~mask[0]] == 2, layer.labels[2][~mask[0]] == 2)
    assert np.array_equal(np.delete(after, 2, 0), np.delete(layer.labels, 2, 0))


def test_replaced_labels_become_what_was_asked_for() -> None:
    layer = a_layer()
    wanted = np.roll(layer.labels, 1, axis=2)
    assert np.array_equal(painted(layer, replace_labels(layer, wanted, name="p")), wanted)


def test_a_stroke_that_changes_nothing_is_no_edit() -> None:
    layer = a_layer()
    nothing = Block((0, 0, 0), np.zeros((2, 2, 2), dtype=bool))
    same = Block((0, 0, 0), layer.labels == 1)
    assert paint(layer, nothing, 1, name="p") is None
    assert paint(layer, same, 1, name="p") is None
    assert replace_segment_mask(layer, same, 1, name="p") is None
    assert replace_labels(layer, layer.labels.copy(), name="p") is None


@pytest.mark.parametrize("start", [(-1, 0, 0), (5, 0, 0), (0, 7, 0), (0, 0, 9)])
def test_a_block_outside_the_grid_is_refused(start: tuple[int, int, int]) -> None:
    with pytest.raises(InputRefused):
        paint(a_layer(), Block(start, np.ones((2, 2, 2), dtype=bool)), 1, name="p")


def test_painting_on_a_segment_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputRefused):
        paint(a_layer(), Block((0, 0, 0), np.ones((1, 1, 1), dtype=bool)), 9, name="p")


def test_a_stroke_carries_its_changed_block_alone() -> None:
    layer = a_layer()
    layer.labels[:] = 0
    mask = np.zeros(GRID.shape_kji, dtype=bool)
    mask[2, 3, 4:6] = True
    edit = paint(layer, Block((0, 0, 0), mask), 1, name="p")
    assert edit is not None
    assert (edit.difference.start_kji, edit.difference.stop_kji) == ((2, 3, 4), (3, 4, 6))


# --- what is touched ----------------------------------------------------------------------------


def test_a_group_touches_the_hull_of_its_blocks() -> None:
    state = a_state()
    layer = state.segmentation(HAND)
    free = np.argwhere(layer.labels != 1)
    first, last = (tuple(int(v) for v in free[n]) for n in (0, -1))
    one = np.ones((1, 1, 1), dtype=bool)
    edits = [paint(layer, Block(start, one), 1, name="p") for start in (first, last)]  # type: ignore[arg-type]
    touched = Group(tuple(e for e in edits if e), "both").touches(state)
    assert touched.segmentation_uid == HAND
    assert touched.start_kji == tuple(np.minimum(first, last))
    assert touched.stop_kji == tuple(np.maximum(first, last) + 1)


def test_a_stroke_with_a_replaced_copy_touches_all_of_it() -> None:
    state = a_state()
    touched = a_stroke(state).touches(state) | RemoveSegment(HAND, 2).touches(state)
    assert touched.labels
    assert touched.start_kji is None


def test_a_colour_touches_no_labels() -> None:
    state = a_state()
    touched = ReplaceSegment(HAND, Segment(2, "B", (9, 9, 9))).touches(state)
    assert not touched.labels
    assert touched.volume_keys == {"1.2.3.4"}


def test_an_edited_copy_begins_its_record_with_the_network() -> None:
    state = a_state()
    network = state.segmentation(NETWORK)
    state, _ = CopySegmentation(NETWORK, "2.25.11", "Copy").apply(state)
    copy = state.segmentation("2.25.11")
    assert all(segment.steps == (network.origin,) for segment in copy.segments)
    block = Block((0, 0, 0), np.ones(GRID.shape_kji, dtype=bool))
    edit = paint(copy, block, copy.segments[0].number, name="paint")
    assert edit is not None
    state, inverse = edit.apply(state)
    kinds = [step.kind for step in state.segmentation("2.25.11").segments[0].steps]
    assert kinds == [OriginKind.NETWORK, OriginKind.HAND]
    state, _ = inverse.apply(state)
    assert state.segmentation("2.25.11").segments == copy.segments
    assert state.segmentation(NETWORK) == network
