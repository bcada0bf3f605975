from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tools.hands import (
    PLANES,
    STRAIGHT,
    Xy,
    a_ball,
    a_scene,
    acquired,
    at,
    click,
    drag,
    empty,
    labels_after,
)
from viewer.domain.geometry import Plane
from viewer.rendering.primitives import Handle, Line
from viewer.session.edits import AddSegmentation, PaintLabels
from viewer.session.session import Session
from viewer.tools.base import REST, ToolScene, ToolSettings
from viewer.tools.brush import Brush
from viewer.tools.contour import Contour
from viewer.tools.polygon import Polygon

PLANE = acquired(STRAIGHT)
over_planes = pytest.mark.parametrize("name", PLANES)
PATH: list[Xy] = [(70.0, 60.0), (120.0, 70.0), (115.0, 100.0), (80.0, 95.0)]


def densely(path: list[Xy], shares: list[float]) -> list[Xy]:
    """Return the path with more events on its lines."""
    found = [path[0]]
    for (ax, ay), (bx, by) in pairwise(path):
        found += [(ax + (bx - ax) * s, ay + (by - ay) * s) for s in sorted(shares)]
        found.append((bx, by))
    return found


# --- brush --------------------------------------------------------------------------------------


@over_planes
@pytest.mark.parametrize("sphere", [False, True])
@settings(max_examples=10)
@given(shares=st.lists(st.floats(0.01, 0.99), max_size=12))
def test_a_stroke_gives_the_same_mask_at_any_density_of_events(
    name: str, sphere: bool, shares: list[float]
) -> None:
    volume, plane = PLANES[name]
    # A radius that no voxel centre lies on exactly, or rounding would decide.
    settings = ToolSettings(2.71828, sphere=sphere)
    scene = replace(empty(a_scene(volume)), settings=settings)
    coarse = drag(Brush(), scene, plane, PATH).edit
    fine = drag(Brush(), scene, plane, densely(PATH, shares)).edit
    assert isinstance(coarse, PaintLabels)
    assert np.array_equal(labels_after(scene, coarse), labels_after(scene, fine))


@over_planes
def test_a_ball_covers_exactly_the_voxels_within_its_radius(name: str) -> None:
    volume, plane = PLANES[name]
    scene = replace(empty(a_scene(volume)), settings=ToolSettings(4.1, sphere=True))
    after = labels_after(scene, click(Brush(), scene, plane, (100, 80)).edit)
    k, j, i = np.indices(volume.grid.shape_kji)
    centres = volume.grid.world(np.stack((i, j, k), axis=-1))
    distance = np.linalg.norm(centres - plane.world((100, 80)), axis=-1)
    assert np.array_equal(after == 1, distance <= 4.1)


def test_a_disc_stays_on_its_slice() -> None:
    scene = replace(empty(a_scene()), settings=ToolSettings(4.1))
    after = labels_after(scene, click(Brush(), scene, PLANE, (100, 80)).edit)
    assert np.unique(np.nonzero(after)[0]).tolist() == [8]
    area = float((after == 1).sum()) * 0.8 * 0.8
    assert area == pytest.approx(np.pi * 4.1**2, rel=0.06)


def test_a_stroke_is_one_edit_on_release_with_a_name() -> None:
    tool, scene = Brush(), empty(a_scene())
    edits = [tool.handle(at("press", PATH[0], PLANE), scene).edit]
    edits += [tool.handle(at("move", xy, PLANE), scene).edit for xy in PATH]
    edits.append(tool.handle(at("release", PATH[-1], PLANE), scene).edit)
    assert [edit is not None for edit in edits] == [False] * 5 + [True]
    assert edits[-1] is not None
    assert edits[-1].name == "paint 6 mm on Lesion 1"


def test_the_preview_is_as_wide_as_what_will_be_painted() -> None:
    tool, scene = Brush(), empty(a_scene())
    tool.handle(at("press", (70, 60), PLANE), scene)
    trace, circle = tool.handle(at("move", (120, 70), PLANE), scene).preview
    assert isinstance(trace, Line)
    assert isinstance(circle, Line)
    assert trace.width_px == pytest.approx(2 * 3.0 / 0.25)
    assert np.allclose(trace.points, [(70, 60), (120, 70)])
    radii = np.linalg.norm(np.array(circle.points) - (120, 70), axis=1)
    assert np.allclose(radii, 3.0 / 0.25)


@pytest.mark.parametrize("by_setting", [False, True])
def test_the_eraser_takes_from_the_active_segment_alone(by_setting: bool) -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    scene.segmentation.labels[8, :20] = 2
    before = scene.segmentation.labels.copy()
    scene = replace(scene, settings=ToolSettings(30.0, erase=by_setting))
    tool = Brush() if by_setting else Brush(erases=True)
    edit = click(tool, scene, PLANE, (100, 80)).edit
    after = labels_after(scene, edit)
    assert edit is not None
    assert edit.name == "erase 60 mm from Lesion 1"
    assert not (after[8] == 1).any()
    assert np.array_equal(after == 2, before == 2)
    assert np.array_equal(np.delete(after, 8, 0), np.delete(before, 8, 0))


def test_a_stroke_outside_the_volume_is_no_edit() -> None:
    scene = empty(a_scene())
    assert drag(Brush(), scene, PLANE.moved(500.0), PATH).edit is None
    assert drag(Brush(), scene, PLANE, [(-900, -900), (-950, -950)]).edit is None


def test_painting_over_what_is_painted_is_no_edit() -> None:
    scene = a_scene()
    assert click(Brush(), scene, PLANE, (100, 80)).edit is None


def test_a_stroke_is_dropped_when_the_image_changes_under_the_hand() -> None:
    tool, scene = Brush(), empty(a_scene())
    tool.handle(at("press", (70, 60), PLANE), scene)
    assert tool.handle(at("move", (90, 60), PLANE.moved(2.0)), scene) == REST
    assert tool.handle(at("release", (90, 60), PLANE), scene).edit is None


# --- polygon ------------------------------------------------------------------------------------

CORNERS: list[Xy] = [(60.0, 50.0), (140.0, 55.0), (130.0, 110.0), (70.0, 100.0)]


def draw(tool: Polygon, scene: ToolScene, plane: Plane, corners: list[Xy]) -> PaintLabels | None:
    for xy in corners:
        assert click(tool, scene, plane, xy).edit is None
    edit = click(tool, scene, plane, corners[0]).edit
    assert edit is None or isinstance(edit, PaintLabels)
    return edit


def inside(corners: list[Xy], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points (n, 2) lie inside a convex polygon given in the order of the screen."""
    found = np.ones(len(points), dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        found &= (bx - ax) * (points[:, 1] - ay) - (by - ay) * (points[:, 0] - ax) > 0
    return found


def test_a_polygon_fills_the_voxels_whose_centre_lies_inside() -> None:
    scene = empty(a_scene())
    after = labels_after(scene, draw(Polygon(), scene, PLANE, CORNERS))
    j, i = np.indices(after.shape[1:])
    centres = STRAIGHT.grid.world(np.stack((i, j, np.full_like(i, 8)), axis=-1))
    expected = inside(CORNERS, PLANE.pixel(centres.reshape(-1, 3))[:, :2])
    assert np.array_equal(after[8] == 1, expected.reshape(after.shape[1:]))
    assert not np.delete(after, 8, 0).any()


@over_planes
def test_a_polygon_has_its_area_in_any_plane(name: str) -> None:
    volume, plane = PLANES[name]
    scene = empty(a_scene(volume))
    edit = draw(Polygon(), scene, plane, CORNERS)
    after = labels_after(scene, edit)
    x, y = np.array(CORNERS).T
    area_px = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    if name == "across slices":
        # Voxels of one staircase layer; each stands for its footprint along the nearest axis.
        assert (after == 1).any()
        return
    area_mm2 = float((after == 1).sum()) * 0.8 * 0.8
    assert area_mm2 == pytest.approx(area_px * plane.pixel_mm**2, rel=0.03)


def test_a_double_click_closes_the_polygon_as_the_toolkit_tells_it() -> None:
    by_click, by_double = Polygon(), Polygon()
    scene = empty(a_scene())
    expected = labels_after(scene, draw(by_click, scene, PLANE, CORNERS))
    for xy in CORNERS:
        click(by_double, scene, PLANE, xy)
    response = by_double.handle(at("double", CORNERS[-1], PLANE), scene)
    assert np.array_equal(labels_after(scene, response.edit), expected)
    assert by_double.handle(at("release", CORNERS[-1], PLANE), scene) == REST


def test_two_corners_are_no_polygon() -> None:
    tool, scene = Polygon(), empty(a_scene())
    click(tool, scene, PLANE, CORNERS[0])
    click(tool, scene, PLANE, CORNERS[1])
    assert tool.handle(at("double", CORNERS[1], PLANE), scene).edit is None
    assert tool.is_busy


def test_a_polygon_waits_for_its_image() -> None:
    tool, scene = Polygon(), empty(a_scene())
    for xy in CORNERS[:3]:
        click(tool, scene, PLANE, xy)
    assert "Go back" in click(tool, scene, PLANE.moved(2.0), CORNERS[3]).status
    click(tool, scene, PLANE, CORNERS[3])
    assert click(tool, scene, PLANE, CORNERS[0]).edit is not None


def test_a_polygon_cuts_when_the_hand_erases() -> None:
    scene = replace(a_scene(), settings=ToolSettings(erase=True))
    edit = draw(Polygon(), scene, PLANE, [(0, 0), (199, 0), (199, 159), (0, 159)])
    assert edit is not None
    assert edit.name == "cut a polygon out of Lesion 1"
    assert not (labels_after(scene, edit)[8] == 1).any()


def test_corners_and_the_line_to_the_pointer_are_shown() -> None:
    tool, scene = Polygon(), empty(a_scene())
    click(tool, scene, PLANE, CORNERS[0])
    click(tool, scene, PLANE, CORNERS[1])
    preview = tool.hover(at("move", (100, 90), PLANE), scene).preview
    assert sum(isinstance(p, Handle) for p in preview) == 2
    (line,) = [p for p in preview if isinstance(p, Line)]
    assert line.points[-1] == (100, 90)


# --- contour ------------------------------------------------------------------------------------


def corners_shown(tool: Contour, scene: ToolScene, plane: Plane = PLANE) -> list[Xy]:
    preview = tool.hover(at("move", (100, 60), plane), scene).preview
    return [p.xy for p in preview if isinstance(p, Handle)]


def outward(xy: Xy, by_px: float) -> Xy:
    """Return a place further from the middle of the ball."""
    middle = PLANE.pixel(STRAIGHT.grid.centre_lps_mm)[:2]
    away = np.array(xy) - middle
    moved = np.array(xy) + away / np.linalg.norm(away) * by_px
    return float(moved[0]), float(moved[1])


def test_the_corners_lie_on_the_outline_of_the_segment() -> None:
    corners = corners_shown(Contour(), a_scene())
    middle = PLANE.pixel(STRAIGHT.grid.centre_lps_mm)
    radius_mm = np.sqrt(7.0**2 - middle[2] ** 2)
    radii = np.linalg.norm(np.array(corners) - middle[:2], axis=1) * 0.25
    assert len(corners) >= 6
    assert np.abs(radii - radius_mm).max() < 0.9


def test_a_corner_dragged_outward_adds_voxels_there_and_nowhere_else() -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    before = scene.segmentation.labels.copy()
    tool = Contour()
    corner = corners_shown(tool, scene)[0]
    edit = drag(tool, scene, PLANE, [corner, outward(corner, 10), outward(corner, 24)]).edit
    assert edit is not None
    assert edit.name == "change the contour of Lesion 1"
    after = labels_after(scene, edit)
    changed = np.argwhere(after != before)
    assert len(changed) > 3
    assert (after[after != before] == 1).all()
    assert set(changed[:, 0]) == {8}
    places = PLANE.pixel(STRAIGHT.grid.world(changed[:, ::-1]))[:, :2]
    away = np.linalg.norm(places - np.array(outward(corner, 12)), axis=1)
    assert away.max() < 30


def test_a_corner_dragged_inward_takes_voxels_away() -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    tool = Contour()
    corner = corners_shown(tool, scene)[0]
    edit = drag(tool, scene, PLANE, [corner, outward(corner, -16)]).edit
    after = labels_after(scene, edit)
    gone = (scene.segmentation.labels == 1) & (after == 0)
    assert gone.sum() > 3
    assert not ((scene.segmentation.labels == 0) & (after == 1)).any()


def test_other_islands_and_segments_stay_as_they_are() -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    scene.segmentation.labels[8, 1:3, 1:3] = 1
    scene.segmentation.labels[8, 36:, 44:] = 2
    before = scene.segmentation.labels.copy()
    tool = Contour()
    corner = corners_shown(tool, scene)[0]
    after = labels_after(scene, drag(tool, scene, PLANE, [corner, outward(corner, -8)]).edit)
    assert np.array_equal(after[8, :4, :4], before[8, :4, :4])
    assert np.array_equal(after == 2, before == 2)


def test_corners_stay_where_the_hand_put_them_until_undo() -> None:
    session = Session()
    first = a_scene()
    assert first.segmentation is not None
    session.apply(AddSegmentation.of(first.segmentation))

    def scene() -> ToolScene:
        layer = session.state.segmentations[0]
        return replace(first, segmentation=layer, revision=session.revision)

    tool = Contour()
    before = corners_shown(tool, scene())
    target = outward(before[2], 20)
    edit = drag(tool, scene(), PLANE, [before[2], target]).edit
    assert edit is not None
    session.apply(edit)
    for plane in (PLANE, PLANE.panned(7, 3), PLANE):
        after = corners_shown(tool, scene(), plane)
        expected = plane.pixel(PLANE.world([*before[:2], target, *before[3:]]))[:, :2]
        assert np.allclose(after, expected)
    session.undo()
    assert np.allclose(corners_shown(tool, scene()), before)


def test_corners_of_one_image_do_not_appear_on_another() -> None:
    scene, tool = a_scene(), Contour()
    other = PLANE.moved(2.0)
    corner = corners_shown(tool, scene)[0]
    edit = drag(tool, scene, PLANE, [corner, outward(corner, 20)]).edit
    assert scene.segmentation is not None
    changed = replace(scene.segmentation, labels=labels_after(scene, edit))
    scene = replace(scene, segmentation=changed)
    expected = corners_shown(Contour(), scene, other)
    assert np.allclose(corners_shown(tool, scene, other), expected)


@pytest.mark.parametrize("on_edge", [False, True])
def test_esc_puts_the_corners_back(on_edge: bool) -> None:
    scene, tool = a_scene(), Contour()
    before = corners_shown(tool, scene)
    middle = np.add(before[0], before[1]) / 2
    start = (float(middle[0]), float(middle[1])) if on_edge else before[0]
    tool.handle(at("press", start, PLANE), scene)
    tool.handle(at("move", outward(start, 20), PLANE), scene)
    tool.cancel()
    assert tool.handle(at("release", outward(start, 20), PLANE), scene).edit is None
    assert corners_shown(tool, scene) == before


def test_a_press_on_an_edge_sets_a_new_corner() -> None:
    scene = a_scene()
    tool = Contour()
    corners = corners_shown(tool, scene)
    lengths = [np.hypot(*np.subtract(a, b)) for a, b in pairwise(corners)]
    n = int(np.argmax(lengths))
    middle = np.add(corners[n], corners[n + 1]) / 2
    edge = (float(middle[0]), float(middle[1]))
    tool.handle(at("press", edge, PLANE), scene)
    preview = tool.handle(at("move", outward(edge, 12), PLANE), scene).preview
    assert sum(isinstance(p, Handle) for p in preview) == len(corners) + 1
    edit = tool.handle(at("release", outward(edge, 12), PLANE), scene).edit
    assert edit is not None
    assert labels_after(scene, edit).sum() > scene.segmentation.labels.sum()  # type: ignore[union-attr]


def test_alt_and_a_click_take_a_corner_away() -> None:
    scene = a_scene()
    tool = Contour()
    corners = corners_shown(tool, scene)
    response = click(tool, scene, PLANE, corners[0], "alt")
    after = labels_after(scene, response.edit)
    assert after.sum() < a_ball(STRAIGHT.grid).sum()
    assert not tool.is_busy


def test_a_click_on_a_corner_changes_nothing() -> None:
    scene = a_scene()
    tool = Contour()
    assert click(tool, scene, PLANE, corners_shown(tool, scene)[0]).edit is None
    assert click(tool, scene, PLANE, (5, 5)).edit is None


def test_an_image_without_the_segment_says_so() -> None:
    response = Contour().hover(at("move", (5, 5), PLANE.moved(14.0)), a_scene())
    assert "does not reach" in response.status
    assert Contour().handle(at("press", (5, 5), PLANE.moved(14.0)), a_scene()).edit is None


@over_planes
def test_a_contour_can_be_corrected_in_any_plane(name: str) -> None:
    volume, plane = PLANES[name]
    scene = a_scene(volume)
    tool = Contour()
    corners = corners_shown(tool, scene, plane)
    middle = plane.pixel(volume.grid.centre_lps_mm)[:2]
    away = np.array(corners[0]) - middle
    target = np.array(corners[0]) + away * 0.8
    edit = drag(tool, scene, plane, [corners[0], (float(target[0]), float(target[1]))]).edit
    assert labels_after(scene, edit).sum() > a_ball(volume.grid).sum()
