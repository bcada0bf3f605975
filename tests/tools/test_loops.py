"""Free-hand, scissors and nudge: what they enclose, cut and push, in any plane."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tools.hands import (
    PLANES,
    STRAIGHT,
    a_ball,
    a_scene,
    acquired,
    at,
    drag,
    empty,
    labels_after,
)
from viewer.imaging.curves import even_loop, smooth_loop
from viewer.session.edits import PaintLabels
from viewer.tools.base import ToolSettings
from viewer.tools.loop import Freehand, Scissors
from viewer.tools.nudge import Nudge

ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
CIRCLE = [(100 + 30 * float(np.cos(a)), 80 + 30 * float(np.sin(a))) for a in ANGLES]
PLANE = acquired(STRAIGHT)
over_planes = pytest.mark.parametrize("name", PLANES)


def test_a_smoothed_circle_stays_the_circle_and_tremor_goes() -> None:
    circle = np.array(CIRCLE)
    radius = np.linalg.norm(smooth_loop(circle, 3.0) - (100, 80), axis=1)
    assert np.allclose(radius, 30, atol=0.15)
    shaken = circle + np.random.default_rng(1).normal(0, 1, circle.shape)
    rough = np.linalg.norm(even_loop(shaken) - (100, 80), axis=1).std()
    assert np.linalg.norm(smooth_loop(shaken, 3.0) - (100, 80), axis=1).std() < rough / 1.5


@over_planes
def test_a_free_hand_circle_has_its_area_and_alt_cuts_it_off(name: str) -> None:
    volume, plane = PLANES[name]
    scene = empty(a_scene(volume))
    edit = drag(Freehand(), scene, plane, CIRCLE).edit
    painted = labels_after(scene, edit) == 1
    assert painted.any()
    if name == "acquired":
        assert painted.sum() * 0.64 == pytest.approx(np.pi * (30 * 0.25) ** 2, rel=0.05)
        assert np.unique(np.nonzero(painted)[0]).tolist() == [8]
    whole = a_scene(volume)
    cut = labels_after(whole, drag(Freehand(), whole, plane, CIRCLE, "alt").edit)
    assert np.array_equal(cut == 1, a_ball(volume.grid) & ~painted)


@over_planes
@pytest.mark.parametrize("modifiers", [(), ("alt",)])
def test_scissors_cut_along_the_line_of_sight(name: str, modifiers: tuple[str, ...]) -> None:
    volume, plane = PLANES[name]
    scene = a_scene(volume)
    half = [(100.0, 10.0), (190.0, 10.0), (190.0, 150.0), (100.0, 150.0)]
    after = labels_after(scene, drag(Scissors(), scene, plane, half, *modifiers).edit) == 1
    k, j, i = np.indices(volume.grid.shape_kji)
    seen = plane.pixel(volume.grid.world(np.stack((i, j, k), axis=-1)))
    inside = (seen[..., 0] > 100) & (seen[..., 0] < 190) & (seen[..., 1] > 10)
    kept = inside if modifiers else ~inside
    assert np.array_equal(after, a_ball(volume.grid) & kept)
    assert 0 < after.sum() < a_ball(volume.grid).sum()


def test_scissors_take_nothing_from_other_segments() -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    scene.segmentation.labels[8, :20] = 2
    before = scene.segmentation.labels == 2
    after = labels_after(scene, drag(Scissors(), scene, PLANE, CIRCLE).edit)
    assert np.array_equal(after == 2, before)


@over_planes
def test_the_nudge_pushes_out_from_inside_and_in_from_outside(name: str) -> None:
    volume, plane = PLANES[name]
    scene = replace(a_scene(volume), settings=ToolSettings(3.0))
    middle = plane.pixel(volume.grid.centre_lps_mm)
    x, y = float(middle[0]), float(middle[1])
    far = 9.0 / plane.pixel_mm
    before = a_ball(volume.grid)
    out = labels_after(scene, drag(Nudge(), scene, plane, [(x, y), (x + far, y)]).edit) == 1
    assert (out & before).sum() == before.sum()
    assert out.sum() > before.sum()
    into = labels_after(scene, drag(Nudge(), scene, plane, [(x + far, y), (x, y)]).edit) == 1
    assert not (into & ~before).any()
    assert 0 < into.sum() < before.sum()


def test_each_gesture_is_one_named_edit() -> None:
    scene = a_scene()
    for tool, word in ((Freehand(), "free-hand"), (Scissors(), "scissors"), (Nudge(), "nudge")):
        edit = drag(tool, scene, PLANE, CIRCLE).edit
        assert isinstance(edit, PaintLabels)
        assert word in edit.name
        assert not tool.is_busy


def test_a_click_without_a_loop_changes_nothing() -> None:
    scene = a_scene()
    for tool in (Freehand(), Scissors()):
        tool.handle(at("press", (100, 80), PLANE), scene)
        assert tool.handle(at("release", (100, 80), PLANE), scene).edit is None
        assert not tool.is_busy
