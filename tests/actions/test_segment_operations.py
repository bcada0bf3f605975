"""Segment operations as menu, palette and panel trigger them."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from tests.actions.segment_context import a_context, layer_of, run, told, two_pieces
from viewer.actions.context import Context
from viewer.actions.operating import percent_text
from viewer.actions.registry import actions, perform
from viewer.domain.quantity import rounded_half_away
from viewer.errors import InputRefused, ViewerError
from viewer.imaging import segment_shapes as shapes

OPERATIONS = (
    "grow",
    "shrink",
    "margin",
    "hollow",
    "smooth",
    "smooth_all",
    "fill_holes",
    "remove_small",
    "combine",
    "mirror",
)
DIRECT = ("keep_largest", "split")


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context() as found:
        yield found


def _hash(context: Context) -> str:
    return hashlib.sha256(layer_of(context).labels.tobytes()).hexdigest()


def _first(context: Context, name: str) -> dict[str, object]:
    choices = actions()[f"segment.{name}"].choices
    assert choices is not None
    return dict(choices(context)[0].parameters)


@pytest.mark.parametrize("name", [*OPERATIONS, *DIRECT])
def test_every_operation_is_one_step_that_undo_takes_back_to_the_same_hash(
    context: Context, name: str
) -> None:
    before, steps = _hash(context), len(context.session.history)
    parameters = _first(context, name) if name in OPERATIONS else {}
    text = run(context, f"segment.{name}", **parameters)
    assert " mL" in text or "nothing to" in text
    done = len(context.session.history) - steps
    assert done in (0, 1)
    after = _hash(context)
    assert (after != before) == (done == 1)
    if done:
        context.session.undo()
        assert _hash(context) == before
        context.session.redo()
        assert _hash(context) == after


def test_growing_says_what_it_changed(context: Context) -> None:
    layer = layer_of(context)
    expected = shapes.grown(layer.labels == 1, layer.grid, 2.0)
    text = run(context, "segment.grow", distance_mm=2.0)
    assert np.array_equal(layer_of(context).labels == 1, expected)
    before = two_pieces().sum() * 2.5 / 1000
    after = rounded_half_away(expected.sum() * 2.5 / 1000, 2)
    assert f"{before:.2f} to {after:.2f} mL" in text


def test_growing_leaves_others_alone_when_painting_takes_background_only(context: Context) -> None:
    neighbour = layer_of(context).labels == 2
    assert "Neighbour loses" in run(context, "segment.grow", distance_mm=3.0)
    context.session.undo()
    perform(context, "paint.over", over="background")
    run(context, "segment.grow", distance_mm=3.0)
    assert np.array_equal(layer_of(context).labels == 2, neighbour)


def test_a_margin_stops_at_other_segments_and_at_values(context: Context) -> None:
    neighbour = layer_of(context).labels == 2
    run(context, "segment.margin", distance_mm=10.0)
    assert np.array_equal(layer_of(context).labels == 2, neighbour)
    context.session.undo()
    run(context, "segment.margin", distance_mm=10.0, low=0.0, high=130.0)
    # The ramp is 10 HU a millimetre along x: nothing new beyond the voxel column of 130 HU.
    assert not (layer_of(context).labels[:, :17, 14:] == 1).any()
    assert (layer_of(context).labels[:, :, 13] == 1).any()


def test_pieces(context: Context) -> None:
    run(context, "segment.keep_largest")
    assert (layer_of(context).labels == 1).sum() == two_pieces().sum() - 2
    context.session.undo()
    run(context, "segment.split")
    layer = layer_of(context)
    assert [s.number for s in layer.segments] == [1, 2, 3]
    assert (layer.labels == 3).sum() == 2
    context.session.undo()
    assert len(layer_of(context).segments) == 2


def test_small_pieces_go_by_volume(context: Context) -> None:
    run(context, "segment.remove_small", volume_ml=0.0051)  # the speck has 0.005 mL
    assert (layer_of(context).labels == 1).sum() == two_pieces().sum() - 2


def test_segments_are_combined(context: Context) -> None:
    before = layer_of(context).labels.copy()
    uid = layer_of(context).uid
    run(context, "segment.combine", how="union", uid=uid, number=2)
    assert np.array_equal(layer_of(context).labels == 1, before > 0)


def test_a_locked_segment_is_refused_and_one_that_is_in_the_way_stays(context: Context) -> None:
    perform(context, "segment.lock")
    with pytest.raises(ViewerError, match="locked"):
        perform(context, "segment.grow", distance_mm=2.0)
    perform(context, "segment.lock")
    uid = layer_of(context).uid
    perform(context, "segment.choose", uid=uid, number=2)
    perform(context, "segment.lock")
    neighbour = layer_of(context).labels == 2
    perform(context, "segment.choose", uid=uid, number=1)
    run(context, "segment.grow", distance_mm=3.0)
    assert np.array_equal(layer_of(context).labels == 2, neighbour)


def test_what_was_painted_meanwhile_is_never_lost(context: Context) -> None:
    from viewer.jobs.runner import QueueBridge, Runner

    bridge = QueueBridge()
    context.jobs.close()
    context.jobs = Runner(bridge.post)
    perform(context, "segment.grow", distance_mm=2.0)
    perform(context, "paint.stroke", points_lps_mm=[(20.0, 20.0, 20.0)], radius_mm=2.0)
    painted = _hash(context)
    while context.jobs.active:
        assert bridge.pump(30.0)
    assert _hash(context) == painted
    assert "changed while" in told(context)


@pytest.mark.parametrize("amount", [0.0, -1.0, float("nan")])
def test_an_amount_that_is_none_is_refused(context: Context, amount: float) -> None:
    for name, parameter in (
        ("grow", "distance_mm"),
        ("hollow", "thickness_mm"),
        ("smooth", "sigma_mm"),
        ("remove_small", "volume_ml"),
    ):
        with pytest.raises(ViewerError, match="more than nothing"):
            perform(context, f"segment.{name}", **{parameter: amount})


def test_an_empty_segment_says_so() -> None:
    with a_context(np.zeros((10, 24, 28), dtype=bool)) as context:
        assert "empty" in run(context, "segment.grow", distance_mm=2.0)


def test_order_of_segments_is_one_step_each(context: Context) -> None:
    perform(context, "segment.move", by=1)
    assert [s.number for s in layer_of(context).segments] == [2, 1]
    context.session.undo()
    assert [s.number for s in layer_of(context).segments] == [1, 2]


def test_one_segment_is_deleted_with_its_voxels_and_comes_back(context: Context) -> None:
    before = _hash(context)
    perform(context, "segment.delete")
    assert [s.number for s in layer_of(context).segments] == [2]
    context.session.undo()
    assert _hash(context) == before


def test_values_to_paint_come_from_the_window_the_segment_or_a_table(context: Context) -> None:
    found = []
    for kind in ("segment", "window", "off"):
        perform(context, "paint.range", kind=kind)
        found.append(context.viewing.look.settings.paint_range)
    # The segment lies in columns 4 to 11 of the ramp, 10 HU each.
    assert found == [(40.0, 110.0), (-160.0, 240.0), None]
    with pytest.raises(ViewerError, match="empty"):
        perform(context, "paint.range", kind="range", low=3.0, high=3.0)


def test_every_choice_of_the_hands_can_be_taken(context: Context) -> None:
    for name in ("paint.over", "paint.range", "segment.move"):
        choices = actions()[name].choices
        assert choices is not None
        for choice in choices(context):
            perform(context, name, **choice.parameters)


def test_a_change_too_small_to_show_is_no_negative_zero() -> None:
    assert percent_text(-0.00002) == "less than 0.1 %"
    assert percent_text(0.0) == "+0.0 %"
    assert (percent_text(0.226), percent_text(-0.0012)) == ("+22.6 %", "-0.1 %")


def test_the_256th_segment_is_refused_in_one_sentence_with_a_way_out() -> None:
    with a_context() as context:
        for _ in range(253):
            perform(context, "segment.new")
        assert len(layer_of(context).segments) == 255
        before = context.session.history
        with pytest.raises(InputRefused, match="255 segments, and all are taken") as refused:
            perform(context, "segment.new")
        assert "Delete a segment" in refused.value.remedy
        perform(context, "segment.choose", uid=layer_of(context).uid, number=1)
        assert "2 pieces, and one segmentation holds 255" in run(context, "segment.split")
        assert context.session.history == before
