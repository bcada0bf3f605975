"""What a reader with fresh eyes stumbled over, in the real window drawn off-screen."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from viewer.actions.registry import perform
from viewer.domain.quantity import VOXEL_COUNT
from viewer.errors import InputRefused
from viewer.session.edits_measurement import AddMeasurement
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program


@pytest.fixture
def painted(program: Program, study: Path) -> Program:
    """A study with one ball of 6 mm, drawn by hand and measured."""
    context = program.context
    perform(context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    perform(context, "segment.new")
    _paint(program, 6.0)
    perform(context, "measure.segment")
    return program


def _paint(program: Program, radius_mm: float) -> None:
    centre = program.context.need_picture().grid.centre_lps_mm
    perform(program.context, "paint.stroke", points_lps_mm=[centre], radius_mm=radius_mm)


def _warned(program: Program) -> bool:
    program.window.refresh_now()
    settle()  # the rows that were drawn before are gone only then
    words = [found.text() for found in program.window.results.findChildren(QLabel)]
    return any("measure again" in text for text in words)


def test_numbers_of_a_segment_that_was_painted_since_are_not_exported(
    painted: Program, tmp_path: Path
) -> None:
    assert not _warned(painted)
    _paint(painted, 9.0)
    assert _warned(painted)
    for verb in ("export.sr", "export.csv", "export.json"):
        with pytest.raises(InputRefused, match="changed after it was measured"):
            perform(painted.context, verb, path=tmp_path / "numbers")
    assert not list(tmp_path.iterdir())
    perform(painted.context, "edit.undo")
    assert not _warned(painted)
    assert perform(painted.context, "export.csv", path=tmp_path / "a.csv") is not None


def test_measuring_a_changed_segment_again_replaces_its_numbers(
    painted: Program, tmp_path: Path
) -> None:
    context = painted.context
    before = context.session.state.measurements
    _paint(painted, 9.0)
    perform(context, "measure.segment")
    after = context.session.state.measurements
    assert [m.uid for m in after] == [m.uid for m in before]
    first, second = (m[0].quantity(VOXEL_COUNT) for m in (before, after))
    assert first is not None
    assert second is not None
    assert second.value > first.value
    assert not _warned(painted)
    assert perform(context, "export.json", path=tmp_path / "a.json") is not None
    perform(context, "edit.undo")
    assert context.session.state.measurements == before


def test_numbers_without_points_are_listed_and_disturb_no_pane(painted: Program) -> None:
    """A report of another program may give the figures of a region, but no place."""
    context = painted.context
    whole = context.session.state.measurements[0]
    foreign = replace(whole, uid="2.25.77", label="Foreign", points_lps_mm=(), segment=None)
    context.session.apply(AddMeasurement(foreign))
    perform(context, "edit.select", uid=foreign.uid)
    assert context.viewing.look.selected_uid == foreign.uid
    pane = painted.window.grid.slices["axial"]
    perform(context, "tool.choose", tool="distance")
    QTest.mouseMove(pane, pane.rect().center())
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, pos=pane.rect().center())
    painted.window.refresh_now()
    settle()
    assert not painted.window.grab().isNull()
    assert foreign in context.session.state.measurements


def test_segments_are_not_read_in_where_they_could_not_be_seen(
    program: Program, shared_data: Path
) -> None:
    """One slice of a series is no volume: 70 mL of liver would be listed, and shown nowhere."""
    folder = shared_data / "seg_sr" / "dcmqi" / "segmentations"
    perform(program.context, "file.open_paths", paths=(folder / "ct-3slice" / "01.dcm",))
    wait_for_jobs(program, 60, "opening")
    assert not program.context.need_picture().is_volume
    with pytest.raises(InputRefused, match="form no volume"):
        perform(program.context, "file.import_results", path=folder / "liver.dcm")
    assert not program.context.session.state.segmentations
