from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tools.hands import (
    OBLIQUE,
    PLANES,
    STRAIGHT,
    a_scene,
    acquired,
    at,
    click,
    drag,
    in_plane,
    measurement_of,
    with_measurement,
)
from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Plane
from viewer.domain.measurement import Review
from viewer.domain.quantity import AREA, LENGTH, LONG_AXIS, MEAN, SHORT_AXIS
from viewer.domain.volume import Volume
from viewer.errors import InputRefused
from viewer.rendering.primitives import Handle
from viewer.session.edits import RemoveMeasurement
from viewer.testing.builders import a_segmentation
from viewer.tools.base import REST, ToolScene
from viewer.tools.bidirectional import Bidirectional
from viewer.tools.drawing import Distance, Ellipse
from viewer.tools.handles import Handles, measurement_at

PLANE = acquired(STRAIGHT)
Places = st.tuples(st.integers(60, 140), st.integers(50, 110))
over_planes = pytest.mark.parametrize("name", PLANES)


@over_planes
def test_a_distance_between_known_points_is_right_in_any_plane(name: str) -> None:
    volume, plane = PLANES[name]
    scene = ToolScene(volume, next_label="Nodule")
    response = drag(Distance(), scene, plane, [(60, 70), (80, 90), (90, 110)])
    measurement = measurement_of(response.edit)
    length = measurement.quantity(LENGTH)
    assert length is not None
    assert length.value == pytest.approx(50 * plane.pixel_mm)
    assert np.allclose(in_plane(measurement, plane), [(60, 70, 0), (90, 110, 0)])
    assert measurement.label == "Nodule"
    assert measurement.volume_key == volume.key
    assert measurement.frame_of_reference_uid == "1.2.3.9"
    assert response.edit is not None
    assert response.edit.name == f"distance {length.text()}"


def test_measurements_are_counted_by_kind_where_no_name_is_given() -> None:
    scene = with_measurement(a_scene(), "distance", PLANE, [(40, 20), (40, 60)])
    response = drag(Distance(), scene, PLANE, [(60, 70), (90, 110)])
    assert measurement_of(response.edit).label == "Distance 2"
    assert measurement_of(response.edit).uid.startswith("2.25.")


def test_a_drag_shows_the_live_number() -> None:
    tool = Distance()
    tool.handle(at("press", (60, 70), PLANE), a_scene())
    response = tool.handle(at("move", (90, 110), PLANE), a_scene())
    assert response.edit is None
    assert response.status == "distance 12.5 mm"
    assert sum(isinstance(p, Handle) for p in response.preview) == 2


@pytest.mark.parametrize("tool", [Distance(), Ellipse(), Bidirectional()], ids=lambda t: t.key)
def test_a_click_draws_nothing(tool: Distance | Ellipse | Bidirectional) -> None:
    assert click(tool, a_scene(), PLANE, (80, 80)).edit is None
    assert not tool.is_busy


def test_a_drag_goes_on_after_the_picture_was_panned_and_zoomed_beneath_it() -> None:
    tool, scene = Distance(), a_scene()
    tool.handle(at("press", (60, 70), PLANE), scene)
    other = PLANE.panned(13, -5).zoomed(2.0, (20.0, 30.0))
    end = other.pixel(PLANE.world((90, 110)))
    response = tool.handle(at("release", (end[0], end[1]), other), scene)
    assert measurement_of(response.edit).quantities[0].value == pytest.approx(12.5)


def test_a_drag_that_ends_on_another_image_draws_nothing() -> None:
    tool, scene = Distance(), a_scene()
    tool.handle(at("press", (60, 70), PLANE), scene)
    assert tool.handle(at("release", (90, 110), PLANE.moved(2.0)), scene) == REST
    assert not tool.is_busy


def test_what_cannot_be_measured_is_refused_and_leaves_the_tool_at_rest() -> None:
    finding = Finding(Severity.UNSAFE, "series", "Slices are missing.")
    volume: Volume = replace(OBLIQUE, findings=(finding,))
    plane = PLANES["across slices"][1]
    tool = Distance()
    with pytest.raises(InputRefused):
        drag(tool, ToolScene(volume), plane, [(100, 40), (100, 120)])
    assert not tool.is_busy


@over_planes
def test_an_ellipse_fills_the_box_of_the_drag(name: str) -> None:
    volume, plane = PLANES[name]
    response = drag(Ellipse(), ToolScene(volume), plane, [(80, 60), (120, 84)])
    measurement = measurement_of(response.edit)
    assert np.allclose(in_plane(measurement, plane), [(100, 72, 0), (120, 72, 0), (100, 84, 0)])
    area, mean = measurement.quantity(AREA), measurement.quantity(MEAN)
    assert area is not None
    assert mean is not None
    assert area.value == pytest.approx(np.pi * 20 * 12 * plane.pixel_mm**2)


def test_the_mean_in_an_ellipse_on_a_ramp_is_the_value_at_its_centre() -> None:
    plane = acquired(OBLIQUE)
    response = drag(Ellipse(), ToolScene(OBLIQUE), plane, [(60, 50), (140, 110)])
    mean = measurement_of(response.edit).quantity(MEAN)
    assert mean is not None
    expected = plane.world((100, 80)) @ (1.0, 2.0, 3.0)
    assert mean.value == pytest.approx(expected, abs=1.0)


def test_shift_makes_a_circle() -> None:
    response = drag(Ellipse(), a_scene(), PLANE, [(80, 60), (120, 84)], "shift")
    points = in_plane(measurement_of(response.edit), PLANE)
    arms = np.linalg.norm(points[1:, :2] - points[0, :2], axis=1)
    assert arms == pytest.approx([20, 20])


# --- bidirectional ------------------------------------------------------------------------------


def check_perpendicular(points: NDArray[np.float64]) -> None:
    first, second = points[1] - points[0], points[3] - points[2]
    assert abs(first @ second) < 1e-6 * np.linalg.norm(first) * np.linalg.norm(second)


@over_planes
@given(a=Places, b=Places, c=Places, d=Places)
def test_two_drags_give_perpendicular_axes_however_they_are_drawn(
    name: str, a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]
) -> None:
    volume, plane = PLANES[name]
    tool, scene = Bidirectional(), ToolScene(volume)
    assume(np.hypot(a[0] - b[0], a[1] - b[1]) > 3.5)  # less is a click
    first = drag(tool, scene, plane, [a, b])
    assert first.edit is None
    assert first.preview
    measurement = measurement_of(drag(tool, scene, plane, [c, d]).edit)
    points = in_plane(measurement, plane)
    assert np.allclose(points[:2], [(*a, 0), (*b, 0)])
    check_perpendicular(points)
    long_axis = measurement.quantity(LONG_AXIS)
    assert long_axis is not None
    assert long_axis.value == pytest.approx(np.hypot(*np.subtract(a, b)) * plane.pixel_mm)
    along = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    place = (points[2] - points[0]) @ along
    assert -1e-6 <= place <= np.linalg.norm(points[1] - points[0]) + 1e-6


def test_the_second_drag_is_projected_onto_the_perpendicular() -> None:
    tool, scene = Bidirectional(), a_scene()
    drag(tool, scene, PLANE, [(60, 80), (140, 80)])
    measurement = measurement_of(drag(tool, scene, PLANE, [(88, 60), (92, 95)]).edit)
    points = in_plane(measurement, PLANE)[:, :2]
    assert np.allclose(points[2:], [(90, 60), (90, 95)])
    short_axis = measurement.quantity(SHORT_AXIS)
    assert short_axis is not None
    assert short_axis.value == pytest.approx(35 * 0.25)


def test_a_click_takes_the_widest_line_across_the_segment() -> None:
    tool, scene = Bidirectional(), a_scene()
    centre = PLANE.pixel(STRAIGHT.grid.centre_lps_mm)[:2]
    x, y = float(centre[0]), float(centre[1])
    # A chord above the middle of the ball (radius 7 mm = 28 px): the widest crossing is its middle.
    drag(tool, scene, PLANE, [(x - 24, y - 8), (x + 24, y - 8)])
    measurement = measurement_of(click(tool, scene, PLANE, (10, 10)).edit)
    points = in_plane(measurement, PLANE)[:, :2]
    check_perpendicular(points)
    assert abs(points[2, 0] - x) < 4
    short_axis = measurement.quantity(SHORT_AXIS)
    assert short_axis is not None
    assert short_axis.value == pytest.approx(2 * 7.0, abs=1.0)


@pytest.mark.parametrize("error_mm", [-1e-9, 0.0, 1e-9])
def test_half_way_between_slices_the_higher_one_has_the_segment(error_mm: float) -> None:
    """As the brush paints and the picture shows it, also where rounding errors say otherwise."""
    plane = PLANE.moved(1.0 + error_mm)  # half a slice off slice 8
    below, above = (round(STRAIGHT.grid.index(plane.world((0, 0)))[2] + d) for d in (-0.5, 0.5))
    mask = np.zeros(STRAIGHT.grid.shape_kji, dtype=bool)
    mask[below, :, :] = True
    mask[above, 18:22, :] = True  # 4 rows of 0.8 mm
    scene = ToolScene(STRAIGHT, a_segmentation(STRAIGHT, mask), 1)
    tool = Bidirectional()
    drag(tool, scene, plane, [(60, 80), (140, 80)])
    short_axis = measurement_of(click(tool, scene, plane, (10, 10)).edit).quantity(SHORT_AXIS)
    assert short_axis is not None
    assert short_axis.value == pytest.approx(3.2, abs=0.3)


def test_without_a_segment_half_the_long_axis_is_proposed() -> None:
    tool, scene = Bidirectional(), ToolScene(STRAIGHT)
    drag(tool, scene, PLANE, [(60, 80), (140, 80)])
    assert tool.hover(at("move", (30, 30), PLANE), scene).preview
    measurement = measurement_of(click(tool, scene, PLANE, (10, 10)).edit)
    short_axis = measurement.quantity(SHORT_AXIS)
    assert short_axis is not None
    assert short_axis.value == pytest.approx(10.0)


def test_the_second_axis_waits_for_its_image() -> None:
    tool, scene = Bidirectional(), a_scene()
    drag(tool, scene, PLANE, [(60, 80), (140, 80)])
    elsewhere = drag(tool, scene, PLANE.moved(2.0), [(100, 60), (100, 100)])
    assert elsewhere.edit is None
    assert "Go back" in elsewhere.status
    assert drag(tool, scene, PLANE, [(100, 60), (100, 100)]).edit is not None


# --- taking hold --------------------------------------------------------------------------------

SHAPES = {
    "distance": [(60.0, 60.0), (120.0, 100.0)],
    "ellipse": [(100.0, 80.0), (130.0, 80.0), (100.0, 100.0)],
    "bidirectional": [(60.0, 80.0), (140.0, 80.0), (90.0, 60.0), (90.0, 95.0)],
}


@over_planes
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("tool_type", [Handles, Distance])
def test_a_grip_follows_the_hand_and_the_numbers_follow_the_grip(
    name: str, kind: str, tool_type: type[Handles] | type[Distance]
) -> None:
    volume, plane = PLANES[name]
    scene = with_measurement(ToolScene(volume), kind, plane, SHAPES[kind])
    before = scene.measurements[0]
    for number, (x, y) in enumerate(SHAPES[kind]):
        path = [(x + 2, y - 2), (x + 3, y + 3), (x + 9, y - 12)]
        after = measurement_of(drag(tool_type(), scene, plane, path).edit)
        points = in_plane(after, plane)
        assert after.uid == before.uid
        assert np.allclose(points[:, 2], 0, atol=1e-9)
        assert after.quantities != before.quantities or (kind, number) == ("ellipse", 0)
        if not (kind == "bidirectional" and number > 1):
            assert np.allclose(points[number, :2], (x + 9, y - 12))
        if kind == "bidirectional":
            check_perpendicular(points)
        if kind == "ellipse":
            arms = points[1:] - points[0]
            assert abs(arms[0] @ arms[1]) < 1e-6 * np.linalg.norm(arms[0]) * 20


def test_a_long_axis_that_turns_takes_the_short_axis_along() -> None:
    scene = with_measurement(a_scene(), "bidirectional", PLANE, SHAPES["bidirectional"])
    after = measurement_of(drag(Handles(), scene, PLANE, [(140, 80), (60, 160)]).edit)
    points = in_plane(after, PLANE)[:, :2]
    # Turned by a quarter about the first end, with the same length: everything turns.
    assert np.allclose(points, [(60, 80), (60, 160), (80, 110), (45, 110)])


def test_the_end_of_a_short_axis_slides_along_and_stretches_on_its_own_side() -> None:
    scene = with_measurement(a_scene(), "bidirectional", PLANE, SHAPES["bidirectional"])
    after = measurement_of(drag(Handles(), scene, PLANE, [(90, 60), (100, 50)]).edit)
    points = in_plane(after, PLANE)[:, :2]
    assert np.allclose(points, [(60, 80), (140, 80), (100, 50), (100, 95)])


def test_a_point_keeps_its_depth_when_it_is_dragged() -> None:
    scene = a_scene()
    near = PLANE.moved(0.4)
    scene = with_measurement(scene, "distance", near, SHAPES["distance"])
    after = measurement_of(drag(Handles(), scene, PLANE, [(60, 60), (70, 60)]).edit)
    assert np.allclose(in_plane(after, PLANE)[:, 2], 0.4)


@pytest.mark.parametrize(
    ("segment", "review"), [(("2.25.7", 1), Review.EDITED), (None, Review.UNREVIEWED)]
)
def test_diameters_of_a_segment_that_a_hand_has_moved_are_called_edited(
    segment: tuple[str, int] | None, review: Review
) -> None:
    scene = with_measurement(a_scene(), "bidirectional", PLANE, SHAPES["bidirectional"])
    scene = replace(scene, measurements=(replace(scene.measurements[0], segment=segment),))
    after = measurement_of(drag(Handles(), scene, PLANE, [(60, 80), (50, 80)]).edit)
    assert (after.review, after.segment) == (review, segment)


def test_a_measurement_of_another_image_cannot_be_grabbed() -> None:
    scene = with_measurement(a_scene(), "distance", PLANE.moved(2.0), SHAPES["distance"])
    assert drag(Handles(), scene, PLANE, [(60, 60), (80, 80)]).edit is None
    other = replace(scene, measurements=(replace(scene.measurements[0], volume_key="9"),))
    assert drag(Handles(), other, PLANE.moved(2.0), [(60, 60), (80, 80)]).edit is None


@pytest.mark.parametrize(("offset", "grabs"), [(5.9, True), (6.1, False)])
def test_a_grip_is_taken_within_six_pixels(offset: float, grabs: bool) -> None:
    scene = with_measurement(a_scene(), "distance", PLANE, SHAPES["distance"])
    response = drag(Handles(), scene, PLANE, [(60 - offset, 60), (20, 20)])
    assert (response.edit is not None) == grabs


def test_a_click_on_a_grip_selects_and_changes_nothing() -> None:
    scene = with_measurement(a_scene(), "distance", PLANE, SHAPES["distance"])
    response = click(Handles(), scene, PLANE, (61, 61))
    assert response.edit is None
    assert response.uid == scene.measurements[0].uid


@pytest.mark.parametrize(
    ("kind", "xy"),
    [("distance", (90, 80)), ("ellipse", (70, 80)), ("bidirectional", (90, 70))],
)
@pytest.mark.parametrize("tool_type", [Handles, Distance, Ellipse, Bidirectional])
def test_alt_and_a_click_on_its_line_delete_a_measurement(
    kind: str, xy: tuple[int, int], tool_type: type[Handles]
) -> None:
    scene = with_measurement(a_scene(), kind, PLANE, SHAPES[kind])
    uid = scene.measurements[0].uid
    edit = click(tool_type(), scene, PLANE, xy, "alt").edit
    assert isinstance(edit, RemoveMeasurement)
    assert edit.uid == uid
    assert edit.name.startswith(f"delete {kind} ")
    assert click(tool_type(), scene, PLANE, (20, 140), "alt").edit is None


def test_hovering_shows_grips_and_says_which_measurement_it_is() -> None:
    scene = with_measurement(a_scene(), "ellipse", PLANE, SHAPES["ellipse"])
    response = Ellipse().hover(at("move", (70, 80), PLANE), scene)
    assert response.uid == scene.measurements[0].uid
    assert sum(isinstance(p, Handle) for p in response.preview) == 3
    assert Ellipse().hover(at("move", (20, 20), PLANE), scene) == REST


def test_of_two_measurements_the_newer_is_under_the_hand() -> None:
    scene = with_measurement(a_scene(), "distance", PLANE, SHAPES["distance"])
    scene = with_measurement(scene, "distance", PLANE, [(60, 60), (60, 120)])
    found = measurement_at(at("move", (60, 60), PLANE), scene)
    assert found == scene.measurements[1]


def test_a_pointer_knows_where_it_is_in_the_patient() -> None:
    plane: Plane = PLANES["across slices"][1]
    event = at("press", (12.5, 30.25), plane)
    assert np.allclose(event.lps_mm, plane.world((12.5, 30.25)))
