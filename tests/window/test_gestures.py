"""Hands and keys on the real window, drawn off-screen."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.intake.volumes import itk_image, write_itk
from viewer.actions.registry import perform
from viewer.domain.volume import Picture, Window
from viewer.imaging.value_chain import default_window
from viewer.rendering.primitives import Handle
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.pane import SlicePane
from viewer.window.start import Program

LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)
NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def axial(program: Program) -> SlicePane:
    return program.window.grid.slices["axial"]


def drag(pane: SlicePane, start: QPoint, end: QPoint, button: Qt.MouseButton) -> None:
    QTest.mousePress(pane, button, NONE, start)
    for share in (0.25, 0.5, 0.75, 1.0):
        at = QPointF(start) + (QPointF(end) - QPointF(start)) * share
        _move(pane, at.toPoint(), button)
    QTest.mouseRelease(pane, button, NONE, end)
    settle()


def _move(pane: SlicePane, at: QPoint, buttons: Qt.MouseButton) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(at),
        QPointF(pane.mapToGlobal(at)),
        Qt.MouseButton.NoButton,
        buttons,
        NONE,
    )
    QApplication.sendEvent(pane, event)


def wheel(pane: SlicePane, delta: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    at = QPointF(pane.width() / 2, pane.height() / 2)
    event = QWheelEvent(
        at,
        QPointF(pane.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


def middle(pane: SlicePane) -> QPoint:
    return QPoint(pane.width() // 2, pane.height() // 2)


def test_dragging_right_widens_and_up_brightens(reading: Program) -> None:
    pane, viewing = axial(reading), reading.context.viewing
    picture = reading.context.need_picture()
    before = viewing.window(picture)
    drag(pane, middle(pane), middle(pane) + QPoint(40, 0), LEFT)
    wider = viewing.window(picture)
    assert (wider.width, wider.center) == (before.width + 160, before.center)
    drag(pane, middle(pane), middle(pane) - QPoint(0, 25), LEFT)
    assert viewing.window(picture).center == before.center - 100


def test_a_drag_of_the_window_samples_the_values_once(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(3).normal(500, 90, (12, 24, 24)).astype(np.float32)
    place = write_itk(tmp_path / "a.nii", itk_image(values))
    perform(program.context, "file.open_paths", paths=(place,))
    wait_for_jobs(program, 60, "opening")
    pane, viewing = axial(program), program.context.viewing
    picture = program.context.need_picture()
    usual = default_window(picture)
    asked: list[Picture] = []

    def counting(of: Picture) -> Window:
        asked.append(of)
        return default_window(of)

    monkeypatch.setattr("viewer.window.pane.default_window", counting)
    before = viewing.window(picture)
    for n_drags in (1, 2):
        drag(pane, middle(pane), middle(pane) + QPoint(40, 0), LEFT)
        wider = before.width + n_drags * 40 * usual.width * 3 / 1024
        assert viewing.window(picture).width == pytest.approx(wider)
        assert asked == [picture] * n_drags


def test_one_notch_is_one_image_and_small_deltas_add_up(reading: Program) -> None:
    pane, viewing = axial(reading), reading.context.viewing
    before = viewing.look.planes["axial"]
    wheel(pane, -120)
    after = viewing.look.planes["axial"]
    moved = float((after.origin_lps_mm - before.origin_lps_mm) @ before.normal)
    assert moved < 0  # towards the reader is towards the feet
    for _ in range(4):
        wheel(pane, 30)
    assert np.allclose(viewing.look.planes["axial"].origin_lps_mm, before.origin_lps_mm)


def test_control_and_wheel_zoom_about_the_pointer(reading: Program) -> None:
    pane, viewing = axial(reading), reading.context.viewing
    before = viewing.look.planes["axial"]
    at = (pane.width() / 2, pane.height() / 2)
    wheel(pane, 120, CONTROL)
    after = viewing.look.planes["axial"]
    assert after.pixel_mm < before.pixel_mm
    assert np.allclose(after.world(at), before.world(at))


def test_middle_drag_pans_and_right_drag_zooms(reading: Program) -> None:
    pane, viewing = axial(reading), reading.context.viewing
    before = viewing.look.planes["axial"]
    drag(pane, middle(pane), middle(pane) + QPoint(30, 10), MIDDLE)
    panned = viewing.look.planes["axial"]
    assert np.allclose(panned.world((30 + 7, 10 + 9)), before.world((7, 9)))
    drag(pane, middle(pane), middle(pane) - QPoint(0, 40), RIGHT)
    assert viewing.look.planes["axial"].pixel_mm < panned.pixel_mm


def test_a_double_click_enlarges_and_shows_all_again(reading: Program) -> None:
    pane = axial(reading)
    QTest.mouseDClick(pane, LEFT, NONE, middle(pane))
    settle()
    assert reading.context.viewing.look.enlarged == "axial"
    assert not reading.window.grid.slices["coronal"].isVisible()
    QTest.mouseDClick(pane, LEFT, NONE, middle(pane))
    settle()
    assert reading.window.grid.slices["coronal"].isVisible()


def test_a_drawn_distance_is_that_of_the_patient(reading: Program) -> None:
    pane = axial(reading)
    reading.context.viewing.set(tool="distance")
    start, end = middle(pane), middle(pane) + QPoint(60, -45)
    drag(pane, start, end, LEFT)
    (measured,) = reading.context.session.state.measurements
    pixel_mm = reading.context.viewing.look.planes["axial"].pixel_mm
    assert measured.quantities[0].value == pytest.approx(75 * pixel_mm, abs=1e-6)
    QTest.keyClick(reading.window, Qt.Key.Key_Z, CONTROL)
    assert not reading.context.session.state.measurements


def test_a_brush_stroke_paints_and_escape_leaves_no_trace(reading: Program) -> None:
    context, pane = reading.context, axial(reading)
    perform(context, "segment.new")
    n_steps = len(context.session.history)
    QTest.mousePress(pane, LEFT, NONE, middle(pane))
    _move(pane, middle(pane) + QPoint(20, 0), LEFT)
    reading.window.escape()
    QTest.mouseRelease(pane, LEFT, NONE, middle(pane) + QPoint(20, 0))
    layer, _ = context.need_segment()
    assert not layer.labels.any()
    assert len(context.session.history) == n_steps
    context.viewing.set(tool="brush")
    drag(pane, middle(pane), middle(pane) + QPoint(20, 0), LEFT)
    assert layer.labels.any()
    assert len(context.session.history) == n_steps + 1


def corners(pane: SlicePane) -> list[QPoint]:
    """Return where the pane shows grips."""
    pane.repaint()
    assert pane.presented is not None
    grips = [p for p in pane.presented.primitives if isinstance(p, Handle)]
    return [QPointF(*grip.xy).toPoint() for grip in grips]


def test_a_corner_of_a_drawn_polygon_is_dragged_and_undone(reading: Program) -> None:
    context, pane = reading.context, axial(reading)
    perform(context, "segment.new")
    context.viewing.set(tool="polygon")
    at = middle(pane)
    for offset in (QPoint(-40, -40), QPoint(40, -40), QPoint(40, 40), QPoint(-40, 40)):
        QTest.mouseClick(pane, LEFT, NONE, at + offset)
    QTest.mouseDClick(pane, LEFT, NONE, at + QPoint(-40, 40))
    layer, _ = context.need_segment()
    drawn = layer.labels.copy()
    assert drawn.any()
    context.viewing.set(tool="contour")
    _move(pane, at, Qt.MouseButton.NoButton)
    corner = max(corners(pane), key=lambda p: p.x() + p.y())
    assert abs(corner.x() - at.x() - 40) < 15
    n_steps = len(context.session.history)
    drag(pane, corner, corner + QPoint(50, 30), LEFT)
    assert len(context.session.history) == n_steps + 1
    assert context.session.undo_name.startswith("change the contour")
    assert layer.labels.sum() > drawn.sum()
    grown = np.argwhere((layer.labels > 0) & (drawn == 0))
    plane = context.viewing.look.planes["axial"]
    depths_mm = plane.pixel(layer.grid.world(grown[:, ::-1]))[:, 2]
    assert np.abs(depths_mm).max() <= layer.grid.spacing_ijk_mm[2]  # near this image alone
    assert (corner + QPoint(50, 30)) in corners(pane)
    QTest.keyClick(reading.window, Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(layer.labels, drawn)
    assert not [n for n in reading.door.notices if n.kind != "done"]


def test_painting_on_a_networks_result_is_refused_in_words(reading: Program) -> None:
    from viewer.domain.segmentation import OriginKind
    from viewer.session.edits import AddSegmentation
    from viewer.testing.builders import a_segmentation

    context, pane = reading.context, axial(reading)
    picture = context.need_picture()
    mask = np.ones(picture.grid.shape_kji, dtype=bool)
    layer = a_segmentation(picture, mask, kind=OriginKind.NETWORK)
    context.session.apply(AddSegmentation.of(layer))
    perform(context, "segment.choose", uid=layer.uid, number=1)
    context.viewing.set(tool="eraser")
    drag(pane, middle(pane), middle(pane) + QPoint(9, 0), LEFT)
    assert context.session.state.segmentations[0].labels.all()
    assert "copy" in reading.window.notices.notices[-1].text


@pytest.mark.parametrize(
    ("key", "width"), [(Qt.Key.Key_1, 400), (Qt.Key.Key_2, 1500), (Qt.Key.Key_4, 2000)]
)
def test_number_keys_are_windows(reading: Program, key: Qt.Key, width: float) -> None:
    QTest.keyClick(reading.window, key)
    context = reading.context
    assert context.viewing.window(context.need_picture()).width == width


def test_holding_o_shows_the_original_and_letting_go_the_enhanced(reading: Program) -> None:
    perform(reading.context, "enhance.add", filter="gaussian")
    QTest.keyPress(reading.window, Qt.Key.Key_O)
    assert reading.context.viewing.look.original
    QTest.keyRelease(reading.window, Qt.Key.Key_O)
    assert not reading.context.viewing.look.original


def test_the_split_line_is_dragged(reading: Program) -> None:
    pane = axial(reading)
    perform(reading.context, "enhance.add", filter="gaussian")
    perform(reading.context, "enhance.split")
    drag(pane, middle(pane), QPoint(pane.width() // 4, pane.height() // 2), LEFT)
    split = reading.context.viewing.look.split
    assert split == pytest.approx(0.25, abs=0.01)


def test_the_cross_hair_moves_all_panes_to_the_patient_position(reading: Program) -> None:
    pane, viewing = axial(reading), reading.context.viewing
    at = middle(pane) + QPoint(33, -21)
    point = viewing.look.planes["axial"].world((at.x(), at.y()))
    viewing.set(tool="crosshair")
    QTest.mouseClick(pane, LEFT, NONE, at)
    assert np.allclose(viewing.look.crosshair_lps_mm, point, atol=1e-6)
    for name in ("coronal", "sagittal"):
        assert abs(viewing.look.planes[name].pixel(point)[2]) < 1.0


def test_the_palette_finds_and_triggers(reading: Program) -> None:
    from viewer.window.palette import Palette

    palette = Palette(reading.window, reading.context, reading.window.performing)
    palette.show()
    settle()
    palette.line.setText("invert")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert reading.context.need_picture().key in reading.context.viewing.look.inverted


def test_narrow_windows_fold_the_panels_and_no_button_is_cut(reading: Program) -> None:
    from PySide6.QtWidgets import QPushButton, QToolButton

    reading.window.resize(1280, 800)
    settle()
    for kind in (QPushButton, QToolButton):
        for button in reading.window.findChildren(kind):
            if button.isVisible() and button.text():
                assert button.width() >= button.fontMetrics().horizontalAdvance(button.text())
    reading.window.resize(900, 700)
    settle()
    assert not reading.window.study.isVisible()
    QTest.keyClick(reading.window, Qt.Key.Key_I)  # everything still works from keys
    assert reading.context.viewing.look.inverted


def test_a_window_that_was_closed_listens_no_more(reading: Program) -> None:
    reading.window.close()
    reading.context.viewing.set(crosshair_shown=False)
    reading.context.pictures.changed.emit("")
    perform(reading.context, "enhance.add", filter="median")
    assert not [n for n in reading.door.notices if n.kind == "fault"]


def test_an_empty_window_names_what_can_be_done(program: Program) -> None:
    for name, words in (("view.invert", "No study is open."), ("ai.run", "No study is open.")):
        program.window.performing.perform(
            name, **({"network": "lesions"} if name == "ai.run" else {})
        )
        assert words in program.window.notices.notices[-1].text
