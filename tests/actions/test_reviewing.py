"""Verdicts on what a network found: given, undone, counted, and kept over a restart."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.actions.segment_context import a_context, layer_of, run, told
from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.actions.reviewing import undecided
from viewer.domain.measurement import Review
from viewer.domain.segmentation import Origin, OriginKind
from viewer.errors import ViewerError
from viewer.session.edits import AddSegmentation, ReplaceSegment
from viewer.session.journal import Journal
from viewer.session.recovery import recover
from viewer.session.session import Session

NETWORK = Origin(OriginKind.NETWORK, "finder", "1.2", "ab" * 32, "cpu", 1.5, (("tile", "64"),))


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context() as found:
        drawn = replace(layer_of(found), uid="2.25.77", name="Finder", origin=NETWORK)
        found.session.apply(AddSegmentation.of(drawn))
        found.viewing.set(segmentation_uid=drawn.uid, segment_number=1)
        yield found


def _left(context: Context) -> list[tuple[str, int]]:
    return [(layer.name, segment.number) for layer, segment in undecided(context)]


def test_only_a_networks_findings_await_a_verdict(context: Context) -> None:
    assert _left(context) == [("Finder", 1), ("Finder", 2)]
    perform(context, "ai.accept")
    assert _left(context) == [("Finder", 2)]
    perform(context, "ai.next_unreviewed")
    assert context.viewing.look.segment_number == 2
    perform(context, "ai.reject")
    assert _left(context) == []
    perform(context, "ai.next_unreviewed")
    assert told(context) == "Every finding of a network here has been reviewed."


def test_a_verdict_is_undone_and_done_again(context: Context) -> None:
    perform(context, "ai.reject")
    context.session.undo()
    assert layer_of(context).segment(1).review is Review.UNREVIEWED
    assert layer_of(context).segment(1).visible
    context.session.redo()
    assert layer_of(context).segment(1).review is Review.REJECTED


def test_to_have_made_a_copy_is_no_verdict(context: Context) -> None:
    perform(context, "ai.edit_copy")
    assert _left(context) == [("Finder, edited", 1), ("Finder, edited", 2)]
    grid = layer_of(context).grid
    point = tuple(float(v) for v in grid.world((20, 20, 8)))
    perform(context, "paint.stroke", points_lps_mm=(point,), radius_mm=2.0)
    assert _left(context) == [("Finder, edited", 2)]
    context.session.undo()
    assert _left(context) == [("Finder, edited", 1), ("Finder, edited", 2)]
    perform(context, "ai.accept")
    assert _left(context) == [("Finder, edited", 2)]


def test_what_is_drawn_by_hand_awaits_no_verdict(context: Context) -> None:
    perform(context, "ai.edit_copy")
    perform(context, "segment.new")
    added = context.viewing.look.segment_number
    point = tuple(float(v) for v in layer_of(context).grid.world((20, 20, 8)))
    perform(context, "paint.stroke", points_lps_mm=(point,), radius_mm=2.0)
    assert ("Finder, edited", added) not in _left(context)
    own = context.session.state.segmentations[0]
    context.viewing.set(segmentation_uid=own.uid, segment_number=1)
    with pytest.raises(ViewerError, match="not made by a network"):
        perform(context, "ai.accept")


def test_a_copy_remembers_who_drew_what_it_began_with(context: Context) -> None:
    perform(context, "ai.edit_copy")
    assert layer_of(context).origin == replace(NETWORK, kind=OriginKind.HAND)
    assert not layer_of(context).is_immutable


def test_the_corrections_figures_are_told(context: Context) -> None:
    perform(context, "ai.edit_copy")
    point = tuple(float(v) for v in layer_of(context).grid.world((8, 12, 5)))
    perform(context, "paint.stroke", points_lps_mm=(point,), radius_mm=2.0)
    text = run(context, "segment.show_changes")
    assert "Dice 0." in text
    assert "%)" in text
    assert "mm apart" in text


def test_verdicts_outlive_a_process_that_was_not_closed(context: Context, tmp_path: Path) -> None:
    perform(context, "ai.accept")
    perform(context, "ai.edit_copy")
    context.viewing.set(segment_number=2)
    perform(context, "ai.reject")
    journal = Journal.create(tmp_path)
    session = Session(journal)
    for layer in context.session.state.segmentations:
        unreviewed = replace(
            layer, segments=tuple(replace(s, review=Review.UNREVIEWED) for s in layer.segments)
        )
        session.apply(AddSegmentation.of(unreviewed))
        for segment in layer.segments:
            session.apply(ReplaceSegment(layer.uid, segment))
    session.close(clean=False)
    again = recover(journal.path)
    assert again.state == context.session.state
    assert again.state.segmentation("2.25.77").segment(1).review is Review.ACCEPTED
    again.undo()
    assert again.state.segmentations[-1].segment(2).review is Review.UNREVIEWED
    again.close()
