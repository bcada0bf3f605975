"""The segment panel: operations within reach, locks told, numbers that follow the hand."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QMenu

from viewer.actions.registry import perform
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.menus import fill_menu
from viewer.window.panels.segments import OPERATIONS
from viewer.window.start import Program


@pytest.fixture
def drawn(program: Program, study: Path) -> Program:
    """A study with one ball of 8 mm, drawn by hand."""
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    perform(program.context, "segment.new")
    centre = program.context.need_picture().grid.centre_lps_mm
    perform(program.context, "paint.stroke", points_lps_mm=[centre], radius_mm=8.0)
    return program


def words(program: Program) -> list[str]:
    program.window.refresh_now()
    settle()
    wait_for_jobs(program, 60, "numbers")
    settle()
    found = program.window.segments.findChildren(QLabel)
    return [label.text() for label in found]


def test_numbers_of_the_active_segment_follow_the_hand(drawn: Program) -> None:
    (before,) = (text for text in words(drawn) if text.startswith("Longest"))
    assert "mm · mean" in before
    perform(drawn.context, "segment.shrink", distance_mm=2.0)
    wait_for_jobs(drawn, 60, "shrinking")
    (after,) = (text for text in words(drawn) if text.startswith("Longest"))
    assert float(after.split()[1]) < float(before.split()[1])


def test_a_lock_is_told_in_the_list(drawn: Program) -> None:
    assert "locked" not in words(drawn)
    perform(drawn.context, "segment.lock")
    assert "locked" in words(drawn)


def test_every_operation_is_in_the_panels_menu(drawn: Program) -> None:
    menu = QMenu()
    fill_menu(menu, drawn.context, drawn.window.performing, OPERATIONS)
    assert len(menu.actions()) == len(OPERATIONS)
    grow = menu.actions()[0].menu()
    assert isinstance(grow, QMenu)
    assert "1 mm" in [action.text() for action in grow.actions()]


def test_the_panel_says_what_made_the_segment_and_that_memberships_are_kept(
    drawn: Program,
) -> None:
    assert "Made in 1 step, last: by hand" in words(drawn)
    perform(drawn.context, "method.choose", method="fuzzy_cmeans")
    wait_for_jobs(drawn, 60, "the method")
    perform(drawn.context, "method.apply", mode="replace")
    said = words(drawn)
    assert "Made in 2 steps, last: Fuzzy c-means" in said
    assert "Mask of memberships from 0.5 on; they are kept" in said
    perform(drawn.context, "edit.undo")
    assert "Made in 1 step, last: by hand" in words(drawn)


def test_a_segment_is_hatched_and_filled_again_as_an_edit(drawn: Program) -> None:
    context = drawn.context
    assert not context.need_segment()[1].hatched
    perform(context, "segment.hatch")
    assert context.need_segment()[1].hatched
    assert context.session.undo_name == "hatch Segment 1"
    perform(context, "segment.hatch")
    assert not context.need_segment()[1].hatched
