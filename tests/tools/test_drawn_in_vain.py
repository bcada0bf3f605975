"""Outlines that hold no voxel are refused with the true reason, and leave the tool at rest."""

from dataclasses import replace

import numpy as np
import pytest

from tests.actions.segment_context import a_context
from tests.tools.hands import STRAIGHT, Xy, a_scene, acquired, at, click, drag, empty, labels_after
from viewer.actions.registry import perform
from viewer.errors import InputRefused
from viewer.tools.base import REST
from viewer.tools.loop import Freehand
from viewer.tools.polygon import Polygon

PLANE = acquired(STRAIGHT)  # 0.25 mm a pixel, 3.2 pixels a voxel
LINE: list[Xy] = [(60, 60), (90, 75), (120, 90)]
BACK_AND_FORTH: list[Xy] = [(60, 60), (60, 60), (60, 60)]
AWAY: list[Xy] = [(-200, -200), (-150, -200), (-150, -150)]
# between the centres of voxels, which lie 3.2 pixels apart
SLIVER: list[Xy] = [(82.6, 40.0), (82.9, 40.0), (82.9, 120.0), (82.6, 120.0)]
REASONS = [
    (LINE, "lie on one line"),
    (BACK_AND_FORTH, "lie on one line"),
    (AWAY, "outside the volume"),
    (SLIVER, "too small or too thin"),
]


def test_the_sliver_lies_between_the_centres_of_voxels() -> None:
    xs = PLANE.pixel(STRAIGHT.grid.world([(i, 20, 8) for i in range(48)]))[:, 0]
    assert not ((xs > 82.6) & (xs < 82.9)).any()


@pytest.mark.parametrize(("corners", "reason"), REASONS)
def test_a_polygon_without_voxels_says_why(corners: list[Xy], reason: str) -> None:
    tool, scene = Polygon(), empty(a_scene())
    tool._corners = [at("press", xy, PLANE).lps_mm for xy in corners]
    with pytest.raises(InputRefused, match=reason):
        tool.handle(at("double", corners[-1], PLANE), scene)
    assert not tool.is_busy
    assert tool.hover(at("move", (90, 90), PLANE), scene) == REST


@pytest.mark.parametrize(("corners", "reason"), [REASONS[0], REASONS[2]])
def test_a_free_hand_loop_without_voxels_says_why(corners: list[Xy], reason: str) -> None:
    tool, scene = Freehand(), empty(a_scene())
    with pytest.raises(InputRefused, match=reason):
        drag(tool, scene, PLANE, corners)
    assert not tool.is_busy


def test_a_click_of_an_unsteady_hand_is_no_loop() -> None:
    tool, scene = Freehand(), empty(a_scene())
    assert drag(tool, scene, PLANE, [(60, 60), (61, 60), (62, 60), (61, 60)]).edit is None


@pytest.mark.parametrize(("corners", "reason"), REASONS)
def test_a_polygon_by_program_is_refused_in_the_same_words(corners: list[Xy], reason: str) -> None:
    with a_context() as context:
        plane = context.viewing.look.planes["axial"]
        middle = plane.pixel(plane.centre_lps_mm)[:2]
        flat = np.array(corners) - np.array([82.7, 80.0])
        # a sliver beside the centres of this volume's voxels, whatever its zoom
        scale = 40.0 if "outside" in reason else 1.0
        aside = 0.25 / plane.pixel_mm if "thin" in reason else 0.0
        points = plane.world(flat * scale + middle + aside)
        with pytest.raises(InputRefused, match=reason):
            perform(context, "paint.polygon", points_lps_mm=points.tolist())


def test_an_outline_around_unwanted_values_says_which_are_wanted() -> None:
    scene = empty(a_scene())
    scene = replace(scene, settings=replace(scene.settings, paint_range=(5000.0, 6000.0)))
    tool = Polygon()
    for xy in ((60, 60), (120, 60), (120, 110)):
        click(tool, scene, PLANE, (float(xy[0]), float(xy[1])))
    with pytest.raises(InputRefused, match="5000 to 6000"):
        click(tool, scene, PLANE, (60.0, 60.0))


def test_a_polygon_that_crosses_itself_fills_what_it_goes_around_an_odd_number_of_times() -> None:
    # a bow tie: its signed area is nothing, and yet it has two wings
    tool, scene = Polygon(), empty(a_scene())
    tool._corners = [
        at("press", xy, PLANE).lps_mm for xy in ((60, 60), (120, 110), (120, 60), (60, 110))
    ]
    response = tool.handle(at("double", (60.0, 110.0), PLANE), scene)
    filled = labels_after(scene, response.edit)[8] == 1
    k, j, i = np.indices(STRAIGHT.grid.shape_kji)[:, 8]
    x, y = PLANE.pixel(STRAIGHT.grid.world(np.stack((i, j, k), axis=-1)))[..., :2].T
    wings = (np.abs((x.T - 90) / 60) > np.abs((y.T - 85) / 50)) & (np.abs(x.T - 90) < 30)
    assert filled.sum() > 100
    assert (filled != wings).sum() <= 6  # centres on the rim
