"""Holes and islands by their corners, edges drawn anew, smooth curves, and live previews."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tools.hands import (
    PLANES,
    STRAIGHT,
    Xy,
    a_scene,
    acquired,
    at,
    click,
    drag,
    empty,
    labels_after,
)
from viewer.domain.geometry import Floats
from viewer.imaging.curves import spline_loop
from viewer.rendering.primitives import Handle, Line
from viewer.tools.base import REST, Response, ToolScene
from viewer.tools.contour import Contour, corrected
from viewer.tools.livewire import Livewire
from viewer.tools.making import points
from viewer.tools.nudge import Nudge, section_px
from viewer.tools.polygon import Polygon
from viewer.tools.redraw import Redraw, with_stroke

PLANE = acquired(STRAIGHT)


def scene_of(mask: NDArray[np.bool_]) -> ToolScene:
    """Return a scene whose segment 1 is ``mask`` (rows, columns) on slice 8."""
    scene = a_scene()
    assert scene.segmentation is not None
    labels = np.zeros_like(scene.segmentation.labels)
    labels[8] = mask
    return replace(scene, segmentation=replace(scene.segmentation, labels=labels))


def pixel(column: float, row: float) -> Xy:
    """Return where a voxel of slice 8 lies on the plane."""
    x, y, _ = PLANE.pixel(STRAIGHT.grid.world((column, row, 8.0)))
    return float(x), float(y)


def handles(response: Response) -> list[Xy]:
    return [part.xy for part in response.preview if isinstance(part, Handle)]


def outline_of(response: Response) -> Floats:
    (line,) = (p for p in response.preview if isinstance(p, Line) and p.closed and p.width_px < 2)
    return np.array(line.points)


def box(rows: slice, columns: slice) -> NDArray[np.bool_]:
    mask = np.zeros(STRAIGHT.grid.shape_kji[1:], dtype=bool)
    mask[rows, columns] = True
    return mask


def area(line: Floats) -> float:
    x, y = line.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


# --- smooth curves ------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, unique=True))
def test_a_spline_runs_through_its_corners_and_follows_turns(
    corners: list[tuple[int, int]],
) -> None:
    line = np.array(corners, dtype=np.float64)
    curve = spline_loop(line, 8)
    assert np.allclose(curve[::8], line, atol=1e-9)
    turned = spline_loop(line @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + 3.0, 8)
    assert np.allclose(turned, curve @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + 3.0, atol=1e-7)


def test_a_spline_through_eight_places_of_a_circle_is_nearly_the_circle() -> None:
    angles = np.arange(8) * np.pi / 4
    curve = spline_loop(10 * np.column_stack((np.cos(angles), np.sin(angles))))
    assert np.abs(np.linalg.norm(curve, axis=1) - 10).max() < 0.25
    same = np.array([[1.0, 2.0]] * 4)
    assert np.array_equal(spline_loop(same), same)


@pytest.mark.parametrize("spline", [False, True])
def test_a_polygon_is_filled_as_it_was_drawn(spline: bool) -> None:
    scene = scene_of(box(slice(0, 0), slice(0, 0)))
    scene = replace(scene, settings=replace(scene.settings, spline=spline))
    tool = Polygon()
    corners = [pixel(10, 10), pixel(34, 10), pixel(34, 30), pixel(10, 30)]
    for xy in corners:
        click(tool, scene, PLANE, xy)
    filled = labels_after(scene, click(tool, scene, PLANE, corners[0]).edit)[8] == 1
    drawn = spline_loop(np.array(corners)) if spline else np.array(corners)
    voxel_px = (0.8 / PLANE.pixel_mm) ** 2
    assert filled.sum() * voxel_px == pytest.approx(area(drawn), rel=0.06)
    assert (filled.sum() > 24 * 20 * 1.05) == spline


def test_corners_of_an_open_polygon_are_dragged_inserted_and_taken_away() -> None:
    scene = scene_of(box(slice(0, 0), slice(0, 0)))
    tool = Polygon()
    corners = [pixel(10, 10), pixel(30, 10), pixel(30, 30)]
    for xy in corners:
        click(tool, scene, PLANE, xy)
    moved = drag(tool, scene, PLANE, [corners[1], (corners[1][0] + 9, corners[1][1] - 9)])
    assert handles(moved)[1] == pytest.approx((corners[1][0] + 9, corners[1][1] - 9))
    middle = ((corners[0][0] + corners[2][0]) / 2, (corners[0][1] + corners[2][1]) / 2)
    inserted = click(tool, scene, PLANE, middle, "shift")
    assert len(handles(inserted)) == 4
    fewer = click(tool, scene, PLANE, middle, "alt")
    assert handles(fewer) == handles(moved)
    # Dragging the first corner does not close; a click on it does.
    first = drag(tool, scene, PLANE, [corners[0], (corners[0][0] - 9, corners[0][1])])
    assert first.edit is None
    assert click(tool, scene, PLANE, (corners[0][0] - 9, corners[0][1])).edit is not None
    assert not tool.is_busy


# --- holes and islands --------------------------------------------------------------------------


def test_the_outline_nearest_to_the_pointer_is_edited() -> None:
    mask = box(slice(10, 30), slice(6, 26)) | box(slice(10, 14), slice(38, 44))
    mask[16:24, 12:20] = False
    scene, tool = scene_of(mask), Contour()
    island = handles(tool.hover(at("move", pixel(41, 12), PLANE), scene))
    assert min(x for x, _ in island) > pixel(36, 0)[0]
    hole = handles(tool.hover(at("move", pixel(15, 17), PLANE), scene))
    assert all(pixel(11, 0)[0] < x < pixel(20, 0)[0] for x, _ in hole)


def test_a_hole_made_larger_takes_from_the_segment_and_smaller_gives_back() -> None:
    mask = box(slice(8, 32), slice(6, 40))
    mask[16:24, 16:28] = False
    scene, tool = scene_of(mask), Contour()
    right = pixel(27.5, 20)
    for to, sign in ((pixel(34, 20), -1), (pixel(20, 20), 1)):
        after = labels_after(scene, drag(tool, scene, PLANE, [right, to]).edit)[8] == 1
        change = after.astype(int) - mask
        assert (change * sign >= 0).all()
        assert change.any()
        assert np.array_equal(after[:, :14], mask[:, :14])


# --- drawing an edge anew -----------------------------------------------------------------------

SQUARE = np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)])


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_the_shorter_way_is_replaced_whichever_way_it_is_drawn(
    backwards: bool, turned: bool
) -> None:
    line = SQUARE[::-1] if turned else SQUARE
    stroke = np.array([(3.0, 0.0), (3.0, 5.0), (3.0, 10.0)])
    stroke = stroke[::-1] if backwards else stroke
    assert area(with_stroke(line, stroke)) == pytest.approx(70.0)
    assert area(with_stroke(line, stroke, longer=True)) == pytest.approx(30.0)


@pytest.mark.parametrize("name", PLANES)
def test_a_stroke_across_cuts_off_and_one_outside_joins(name: str) -> None:
    volume, plane = PLANES[name]
    scene = a_scene(volume)
    assert scene.segmentation is not None
    before = labels_after(scene, None) == 1
    section = section_px(scene.segmentation, 1, plane)
    rows = np.flatnonzero(section.any(axis=1))
    row = int(rows[len(rows) // 4])
    columns = np.flatnonzero(section[row])
    left, right = float(columns[0]), float(columns[-1])
    across = [(float(x), float(row)) for x in np.linspace(left, right, 12)]
    cut = labels_after(scene, drag(Redraw(), scene, plane, across).edit) == 1
    assert (cut <= before).all()
    assert 0 < cut.sum() < before.sum()
    high = float(rows[0]) - 12
    wide = np.linspace(left - 3, right + 3, 12)
    over = [(left - 3, float(row)), *((float(x), high) for x in wide)]
    over.append((right + 3, float(row)))
    joined = labels_after(scene, drag(Redraw(), scene, plane, over).edit) == 1
    assert (joined >= before).all()
    assert joined.sum() > before.sum()


def test_no_specks_are_left_along_the_old_edge() -> None:
    mask = box(slice(12, 30), slice(8, 40))
    mask[12, 10:38:3] = False  # dents that the corners do not stand for
    scene = scene_of(mask)
    assert scene.segmentation is not None

    def rectangle(top: float) -> tuple[tuple[float, float, float], ...]:
        corners = ((8, top), (39, top), (39, 29), (8, 29))
        return points(STRAIGHT.grid.world((i, j, 8.0)) for i, j in corners)

    outlines = rectangle(11.5), rectangle(7.5)
    found = corrected(scene.segmentation, scene.segmentation.segment(1), outlines, PLANE)
    assert found is not None
    assert found.mask[:, 1:20, 2:-2].all()


def test_a_stroke_far_from_the_outline_does_nothing_and_says_why() -> None:
    scene, tool = a_scene(), Redraw()
    answer = drag(tool, scene, PLANE, [(5.0, 5.0), (15.0, 5.0), (15.0, 15.0), (5.0, 15.0)])
    assert answer.edit is None
    assert "outline" in answer.status
    assert not tool.is_busy


# --- what is shown is what happens --------------------------------------------------------------


@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("inside", [False, True])
def test_the_nudged_edge_is_shown_as_it_will_be(name: str, inside: bool) -> None:
    volume, plane = PLANES[name]
    scene, tool = a_scene(volume), Nudge()
    scene = replace(scene, settings=replace(scene.settings, sphere=True))
    middle = plane.pixel(volume.grid.centre_lps_mm)
    x, y = float(middle[0]), float(middle[1])
    reach = 7.0 / plane.pixel_mm
    path = [(x + (0.6 if inside else 1.6) * reach, y), (x + (1.2 if inside else 1.1) * reach, y)]
    tool.handle(at("press", path[0], plane), scene)
    shown = tool.handle(at("move", path[1], plane), scene)
    edge = np.array(next(p for p in shown.preview if isinstance(p, Line)).points)
    after = labels_after(scene, tool.handle(at("release", path[1], plane), scene).edit)
    assert scene.segmentation is not None
    pushed = section_px(replace(scene.segmentation, labels=after), 1, plane)
    step_px = max(volume.grid.spacing_ijk_mm) / plane.pixel_mm
    # A staircase of voxels against a line of pixels: within a voxel along the whole edge.
    assert area(edge) == pytest.approx(pushed.sum(), abs=0.5 * step_px * 2 * np.pi * reach)
    assert tool.handle(at("release", path[1], plane), scene) == REST


def test_an_escaped_nudge_or_redraw_leaves_no_trace() -> None:
    scene = a_scene()
    for tool in (Nudge(), Redraw()):
        tool.handle(at("press", (100, 80), PLANE), scene)
        tool.handle(at("move", (120, 80), PLANE), scene)
        tool.cancel()
        assert not tool.is_busy
        assert tool.handle(at("release", (120, 80), PLANE), scene) == REST


# --- the live wire ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["acquired", "oblique acquired", "across slices"])
def test_the_live_wire_follows_the_edge_of_a_bright_object(name: str) -> None:
    from viewer.testing.builders import a_volume

    volume, plane = PLANES[name]
    grid = volume.grid
    bright = (
        a_volume(
            grid.shape_kji,
            spacing_ijk_mm=grid.spacing_ijk_mm,
            directions=grid.directions,
            origin_lps_mm=grid.ijk_to_lps[:3, 3],
        )
        .with_sphere(radius_mm=7.0, value_hu=400)
        .build()
    )
    scene = empty(a_scene(bright))
    assert scene.segmentation is not None
    tool = Livewire()
    x, y, _ = plane.pixel(grid.centre_lps_mm)
    reach = 7.0 / plane.pixel_mm
    # Clicks a little off the edge; three arcs are left to the wire.
    for angle in (0.0, 2.1, 4.2):
        place = (float(x + reach * np.cos(angle)), float(y + reach * np.sin(angle)))
        click(tool, scene, plane, place)
    edit = click(tool, scene, plane, (float(x + reach), float(y))).edit
    found = labels_after(scene, edit) == 1
    truth = labels_after(a_scene(bright), None) == 1
    layer = found.any(axis=(1, 2)) if name != "across slices" else np.ones(len(found), dtype=bool)
    inside = section_px(replace(scene.segmentation, labels=found.astype(np.uint8)), 1, plane)
    right = section_px(replace(scene.segmentation, labels=truth.astype(np.uint8)), 1, plane)
    assert layer.any()
    overlap = 2 * float((inside & right).sum()) / float(inside.sum() + right.sum())
    assert overlap > 0.85
    assert not tool.is_busy


def test_the_last_place_of_a_wire_is_taken_back_and_esc_leaves_nothing() -> None:
    scene, tool = a_scene(PLANES["oblique acquired"][0]), Livewire()
    plane = PLANES["oblique acquired"][1]
    first = click(tool, scene, plane, (80.0, 60.0))
    click(tool, scene, plane, (120.0, 60.0))
    back = click(tool, scene, plane, (120.0, 90.0), "alt")
    assert np.allclose(handles(back), handles(first))
    tool.cancel()
    assert tool.hover(at("move", (100, 80), plane), scene) == REST
