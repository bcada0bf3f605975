"""Tools that set points one after another: the same shape by clicks and by drags, in any plane."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.tools.hands import (
    PLANES,
    STRAIGHT,
    Xy,
    a_scene,
    acquired,
    at,
    click,
    drag,
    in_plane,
    measurement_of,
    with_measurement,
)
from viewer.domain.geometry import Plane
from viewer.domain.measurement import KINDS, Measurement
from viewer.domain.quantity import ANGLE, AREA, CARDIOTHORACIC_RATIO, COBB_ANGLE, LENGTH, Code
from viewer.domain.volume import ValueMap
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured
from viewer.rendering.primitives import Handle, Line
from viewer.rendering.shapes import measurement_primitives
from viewer.session.edits import RemoveMeasurement
from viewer.tools.base import Response, Tool, ToolScene
from viewer.tools.drawing import Arrow, Rectangle
from viewer.tools.handles import Handles, measurement_at
from viewer.tools.places import Places
from viewer.tools.table import MEASURES, make_tool

PLANE = acquired(STRAIGHT)
# kind -> the places that are set, and what they give in closed form (pixels are 0.25 mm)
SHAPES: dict[str, tuple[list[Xy], Code, float]] = {
    "angle": ([(60, 80), (100, 80), (100, 50)], ANGLE, 90.0),
    "cobb": ([(60, 60), (100, 60), (60, 70), (100, 110)], COBB_ANGLE, 45.0),
    "cardiothoracic_ratio": ([(80, 70), (120, 70), (60, 90), (140, 90)], CARDIOTHORACIC_RATIO, 0.5),
    "polyline": ([(60, 60), (90, 60), (90, 100)], LENGTH, 17.5),
    "polygon": ([(60, 60), (100, 60), (100, 100), (60, 100)], AREA, 100.0),
}


def value_of(measurement: Measurement, concept: Code) -> float:
    quantity = measurement.quantity(concept)
    assert quantity is not None
    return quantity.value


def clicked(tool: Tool, scene: ToolScene, plane: Plane, xys: Sequence[Xy]) -> Response:
    """Click each place; end an open-ended shape with a double click on the last one."""
    answers = [click(tool, scene, plane, xy) for xy in xys]
    if answers[-1].edit is None:
        answers.append(tool.handle(at("double", xys[-1], plane), scene))
        tool.handle(at("release", xys[-1], plane), scene)
    return answers[-1]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("name", PLANES)
def test_clicks_make_a_shape_whose_number_is_right_in_any_plane(kind: str, name: str) -> None:
    volume, plane = PLANES[name]
    xys, concept, wanted = SHAPES[kind]
    tool, scene = Places(kind), ToolScene(volume)
    found = measurement_of(clicked(tool, scene, plane, xys).edit)
    wanted *= {LENGTH: plane.pixel_mm / 0.25, AREA: (plane.pixel_mm / 0.25) ** 2}.get(concept, 1.0)
    assert found.kind == kind
    assert value_of(found, concept) == pytest.approx(wanted)
    assert np.allclose(in_plane(found, plane), [(*xy, 0) for xy in xys])
    assert found.quantities == measured(kind, found.points_lps_mm, volume)[0]
    assert not tool.is_busy


@pytest.mark.parametrize("kind", ["cobb", "cardiothoracic_ratio"])
def test_a_drag_for_each_line_makes_what_four_clicks_make(kind: str) -> None:
    xys, _, _ = SHAPES[kind]
    dragging, clicking = Places(kind), Places(kind)
    assert drag(dragging, a_scene(), PLANE, xys[:2]).edit is None
    by_drags = measurement_of(drag(dragging, a_scene(), PLANE, xys[2:]).edit)
    by_clicks = measurement_of(clicked(clicking, a_scene(), PLANE, xys).edit)
    assert by_drags.points_lps_mm == by_clicks.points_lps_mm
    assert by_drags.quantities == by_clicks.quantities


def test_an_outline_closes_on_its_first_corner() -> None:
    tool = Places("polygon", "region")
    for xy in SHAPES["polygon"][0]:
        assert click(tool, a_scene(), PLANE, xy).edit is None
    found = measurement_of(click(tool, a_scene(), PLANE, (62, 61)).edit)
    assert len(found.points_lps_mm) == 4
    assert found.label == "Polygon 1"


def test_a_probe_tells_the_value_under_it() -> None:
    volume, plane = PLANES["oblique acquired"]
    found = measurement_of(click(Places("probe"), ToolScene(volume), plane, (90, 80)).edit)
    i, j, k = np.rint(volume.grid.index(found.points_lps_mm[0])).astype(int)
    assert found.quantities[0].value == volume.stored[k, j, i]


def test_suv_peak_is_refused_where_values_are_no_suv_and_measured_where_they_are() -> None:
    with pytest.raises(InputRefused, match="SUV by body weight"):
        click(Places("suv_peak"), a_scene(), PLANE, (90, 80))
    suv = replace(STRAIGHT, quantity=ValueMap.identity(16, "{SUVbw}g/ml", "SUVbw"))
    found = measurement_of(click(Places("suv_peak"), ToolScene(suv), PLANE, (90, 80)).edit)
    assert found.quantities == measured("suv_peak", found.points_lps_mm, suv)[0]


def test_a_rectangle_is_the_box_of_the_drag() -> None:
    found = measurement_of(drag(Rectangle(), a_scene(), PLANE, [(60, 60), (100, 90)]).edit)
    assert value_of(found, AREA) == pytest.approx(40 * 30 / 16)
    assert found.label == "Rectangle 1"


def test_too_few_points_are_said_and_kept() -> None:
    tool = Places("polygon")
    click(tool, a_scene(), PLANE, (60, 60))
    click(tool, a_scene(), PLANE, (90, 60))
    assert "1 more point" in tool.handle(at("double", (90, 60), PLANE), a_scene()).status
    assert tool.is_busy


def test_a_shape_that_cannot_be_measured_says_why_and_lets_go() -> None:
    tool = Places("polygon")
    bow = [(60, 60), (100, 100), (100, 60), (60, 100)]
    for xy in bow:
        click(tool, a_scene(), PLANE, xy)
    assert "crosses itself" in tool.hover(at("move", (60, 100), PLANE), a_scene()).status
    with pytest.raises(InputRefused, match="crosses itself"):
        tool.handle(at("double", bow[-1], PLANE), a_scene())
    assert not tool.is_busy


def test_while_it_is_drawn_the_lines_and_the_live_number_are_shown() -> None:
    tool, scene = Places("angle"), a_scene()
    click(tool, scene, PLANE, (60, 80))
    half = tool.hover(at("move", (100, 80), PLANE), scene)
    assert half.status == "Angle: 2 more points."
    assert any(isinstance(p, Line) for p in half.preview)
    click(tool, scene, PLANE, (100, 80))
    live = tool.hover(at("move", (100, 50), PLANE), scene)
    assert "90" in live.status
    assert sum(isinstance(p, Handle) for p in live.preview) == 3


def test_on_another_image_nothing_is_added() -> None:
    tool, scene = Places("cobb"), a_scene()
    click(tool, scene, PLANE, (60, 60))
    other = PLANE.moved(4.0)
    assert "Go back" in click(tool, scene, other, (90, 60)).status
    answers = [click(tool, scene, PLANE, xy) for xy in SHAPES["cobb"][0][1:]]
    assert value_of(measurement_of(answers[-1].edit), COBB_ANGLE) == pytest.approx(45)


@pytest.mark.parametrize("kind", [*SHAPES, "rectangle", "probe"])
def test_grips_move_and_alt_deletes(kind: str) -> None:
    places: dict[str, list[Xy]] = {
        "rectangle": [(80, 80), (110, 80), (80, 95)],
        "probe": [(80, 80)],
        **{key: xys for key, (xys, _, _) in SHAPES.items()},
    }
    xys = places[kind]
    scene = with_measurement(a_scene(), kind, PLANE, xys)
    x, y = xys[0]
    assert measurement_at(at("move", (x, y), PLANE), scene) is scene.measurements[0]
    moved = measurement_of(drag(Handles(), scene, PLANE, [(x, y), (x - 6, y - 8)]).edit)
    assert moved.uid == scene.measurements[0].uid
    assert np.allclose(in_plane(moved, PLANE)[0, :2], (x - 6, y - 8))
    assert moved.quantities == measured(kind, moved.points_lps_mm, STRAIGHT)[0]
    deleted = click(Handles(), scene, PLANE, (x, y), "alt").edit
    assert isinstance(deleted, RemoveMeasurement)


def test_a_grip_dragged_into_a_refused_shape_waits_for_a_better_place() -> None:
    scene = with_measurement(a_scene(), "polygon", PLANE, SHAPES["polygon"][0])
    tool = Handles()
    tool.handle(at("press", (60, 60), PLANE), scene)
    crossed = tool.handle(at("move", (130, 80), PLANE), scene)
    assert "crosses itself" in crossed.status
    assert tool.is_busy
    tool.handle(at("move", (70, 70), PLANE), scene)
    found = measurement_of(tool.handle(at("release", (70, 70), PLANE), scene).edit)
    assert np.allclose(in_plane(found, PLANE)[0, :2], (70, 70))


def test_every_kind_that_a_hand_can_make_has_a_tool() -> None:
    assert set(MEASURES.values()) == {key for key, kind in KINDS.items() if kind.drawn != "through"}
    for key in MEASURES:
        tool = make_tool(key)
        assert tool is not None
        assert tool.key == key


def test_arrows_and_notes_say_something_and_measure_nothing() -> None:
    arrow = measurement_of(drag(Arrow(), a_scene(), PLANE, [(60, 60), (90, 80)]).edit)
    assert arrow.quantities == ()
    assert np.allclose(in_plane(arrow, PLANE)[:, :2], [(60, 60), (90, 80)])
    note = measurement_of(click(Places("note"), a_scene(), PLANE, (80, 80)).edit)
    assert (note.kind, note.label, note.quantities) == ("note", "Note 1", ())
    drawn = measurement_primitives(arrow, PLANE, STRAIGHT.grid)
    tip = [p for p in drawn if isinstance(p, Line) and len(p.points) == 3]
    assert np.allclose(tip[0].points[1], (90, 80)), "the head is at the end of the drag"
