"""What a reader with fresh eyes stumbled over, in the real window drawn off-screen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from viewer.actions.context import Notice
from viewer.actions.registry import perform
from viewer.domain.measurement import Review
from viewer.domain.quantity import VOXEL_COUNT
from viewer.errors import InputRefused, ViewerError
from viewer.imaging.rasterise import Block
from viewer.rendering.primitives import Text
from viewer.session.edits_labels import paint
from viewer.session.edits_measurement import AddMeasurement, ReplaceMeasurement
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


def test_a_segment_that_was_moved_by_a_voxel_is_outdated_though_its_count_is_the_same(
    painted: Program,
) -> None:
    context = painted.context
    layer, segment = context.need_segment()
    mask = layer.labels == segment.number
    moved = np.roll(mask, 1, axis=2)
    assert moved.sum() == mask.sum()
    for block, erase in ((mask, True), (moved, False)):
        edit = paint(layer, Block((0, 0, 0), block), segment.number, erase=erase, name="move")
        assert edit is not None
        context.session.apply(edit)
        layer, segment = context.need_segment()
    assert _warned(painted)
    end = next(m for m in context.session.state.measurements if m.kind == "segment").points_lps_mm[
        0
    ]
    perform(context, "view.go_to", point_lps_mm=end)
    assert _is_called_outdated(painted)
    perform(context, "edit.undo")
    perform(context, "edit.undo")
    assert not _is_called_outdated(painted)


def _is_called_outdated(program: Program) -> bool:
    texts = []
    for name in ("axial", "coronal", "sagittal"):
        pane = program.window.grid.slices[name]
        pane.repaint()
        assert pane.presented is not None
        texts += [p.text for p in pane.presented.primitives if isinstance(p, Text)]
    return any("outdated" in text for text in texts)


def test_diameters_that_a_hand_has_moved_stay_when_the_segment_is_measured_again(
    painted: Program,
) -> None:
    context = painted.context
    across = next(m for m in context.session.state.measurements if m.kind == "bidirectional")
    by_hand = replace(across, review=Review.EDITED)
    context.session.apply(ReplaceMeasurement(by_hand))
    _paint(painted, 9.0)
    perform(context, "measure.segment")
    found = context.session.state.measurements
    assert by_hand in found
    assert sum(m.kind == "bidirectional" for m in found) == 2
    assert sum(m.kind == "segment" for m in found) == 1


def test_notices_of_a_study_go_with_it(painted: Program) -> None:
    painted.window.tell(Notice("warning", "Something about this study."))
    assert painted.window.notices.notices
    perform(painted.context, "file.close")
    assert not painted.window.notices.notices


def test_undo_waits_for_a_study_that_one_can_see(painted: Program, study: Path) -> None:
    context, words = painted.context, painted.window.top.undo_text
    settle()
    assert words() == "Undo: measure Segment 1"
    perform(context, "file.close")
    settle()
    assert words() == "Nothing to undo"
    with pytest.raises(ViewerError, match="No study is open"):
        perform(context, "edit.undo")
    perform(context, "file.open_paths", paths=(study,))
    wait_for_jobs(painted, 120, "opening")
    assert words() == "Undo: measure Segment 1"
    perform(context, "edit.undo")
    assert not context.session.state.measurements
