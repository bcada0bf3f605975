"""A method is tried in the real window: preview, seeds, apply as one edit, undo, and Esc."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.session.scribble import fingerprint
from viewer.actions.registry import perform
from viewer.errors import ViewerError
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

_LONG_S = 60.0


def tried(program: Program) -> None:
    wait_for_jobs(program, _LONG_S, "the preview")
    settle()


def test_a_threshold_is_previewed_applied_once_and_undone(reading: Program) -> None:
    context = reading.context
    picture = context.need_picture()
    before = fingerprint(context.session.state)
    perform(context, "method.choose", method="threshold")
    perform(context, "method.set", parameter="low", value=-2000.0)
    perform(context, "method.set", parameter="high", value=-500.0)
    tried(reading)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.layer is not None
    expected = picture.stored.astype(np.int32) - 1024 <= -500
    assert np.array_equal(draft.layer.labels > 0, expected)
    assert fingerprint(context.session.state) == before  # a preview is no edit
    presented = reading.window.grid.slices["axial"].presented
    assert presented is not None
    perform(context, "method.apply", mode="new")
    assert context.viewing.draft is None
    layer = context.need_segment()[0]
    assert np.array_equal(layer.labels > 0, expected)
    assert layer.origin.key == "threshold"
    assert dict(layer.origin.parameters)["high"] == "-500.0"
    assert len(context.session.history) == 1
    context.session.undo()
    assert fingerprint(context.session.state) == before


def test_adding_taking_and_replacing_are_one_edit_each(reading: Program) -> None:
    context = reading.context
    values = context.need_picture().stored.astype(np.int32) - 1024
    perform(context, "segment.new")
    for low, high, mode, expected in (
        (0.0, 100.0, "add", (values >= 0) & (values <= 100)),
        (50.0, 300.0, "add", (values >= 0) & (values <= 300)),
        (
            90.0,
            200.0,
            "subtract",
            (values >= 0) & (values <= 300) & ~((values >= 90) & (values <= 200)),
        ),
        (-100.0, -50.0, "replace", (values >= -100) & (values <= -50)),
    ):
        n = len(context.session.history)
        perform(context, "method.choose", method="threshold")
        perform(context, "method.set", parameter="low", value=low)
        perform(context, "method.set", parameter="high", value=high)
        tried(reading)
        perform(context, "method.apply", mode=mode)
        assert len(context.session.history) == n + 1
        assert np.array_equal(context.need_segment()[0].labels > 0, expected), mode


def test_clicks_seed_a_region_and_escape_leaves_no_trace(reading: Program) -> None:
    context, pane = reading.context, reading.window.grid.slices["axial"]
    before = fingerprint(context.session.state)
    perform(context, "method.choose", method="region_growing")
    settle()
    assert context.viewing.look.tool == "seeds"
    middle = QPoint(pane.width() // 2, pane.height() // 2)
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    corner = QPoint(pane.width() // 2, pane.height() // 4)
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, corner)
    tried(reading)
    draft = context.viewing.draft
    assert draft is not None
    assert (len(draft.call.seeds_lps_mm) > 0, len(draft.call.outside_lps_mm) > 0) == (True, True)
    plane = context.viewing.look.planes["axial"]
    seed = plane.world((middle.x(), middle.y()))
    np.testing.assert_allclose(draft.call.seeds_lps_mm[0], seed, atol=1e-6)
    assert draft.found is not None
    k, j, i = np.rint(context.need_picture().grid.index(seed)[::-1]).astype(int)
    assert draft.found.whole(context.need_picture().grid.shape_kji)[k, j, i]
    reading.window.escape()
    settle()
    assert context.viewing.draft is None
    assert context.viewing.look.tool == "window"
    assert fingerprint(context.session.state) == before
    assert context.session.history == ()


def test_the_shown_slice_alone_is_segmented(reading: Program) -> None:
    context = reading.context
    picture = context.need_picture()
    perform(context, "method.choose", method="threshold")
    perform(context, "method.set", parameter="low", value=-2000.0)
    perform(context, "method.flat")
    tried(reading)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.layer is not None
    used = np.unique(np.argwhere(draft.layer.labels)[:, 0])
    # This study was acquired obliquely: no pane shows a slice of it, the cross-hair names one.
    point = context.viewing.look.crosshair_lps_mm
    assert used.tolist() == [round(float(picture.grid.index(point)[2]))]


def test_what_a_method_refuses_is_said_in_the_panel(reading: Program) -> None:
    context = reading.context
    perform(context, "method.choose", method="threshold")
    perform(context, "method.set", parameter="low", value=500.0)
    perform(context, "method.set", parameter="high", value=400.0)
    tried(reading)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.found is None
    assert "above the upper one" in draft.fault
    with pytest.raises(ViewerError, match="no result"):
        perform(context, "method.apply", mode="add")
    with pytest.raises(ViewerError, match="lie between"):
        perform(context, "method.set", parameter="low", value=1e9)
