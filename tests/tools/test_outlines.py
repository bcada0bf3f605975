"""Regions drawn in one drag or along edges: what is shown is what is measured."""

import numpy as np
import pytest

from tests.tools.hands import PLANES, STRAIGHT, acquired, at, click, in_plane, measurement_of
from viewer.domain.quantity import AREA, PERIMETER
from viewer.domain.volume import Volume
from viewer.imaging.measuring import measured
from viewer.rendering.primitives import Line
from viewer.testing.builders import a_volume
from viewer.tools.base import REST, ToolScene
from viewer.tools.outlines import FreeRegion, WireRegion

PLANE = acquired(STRAIGHT)
TURN = np.linspace(0, 2 * np.pi, 200, endpoint=False)


def a_disc(radius_mm: float = 9.0) -> Volume:
    """Return a picture with a bright cylinder about the middle of ``PLANE``."""
    middle = PLANE.centre_lps_mm
    k, j, i = np.indices(STRAIGHT.grid.shape_kji)
    centres = STRAIGHT.grid.world(np.stack((i, j, k), axis=-1))
    inside = np.linalg.norm((centres - middle)[..., :2], axis=-1) <= radius_mm
    values = np.where(inside, 60, -700)
    return a_volume((16, 40, 48), spacing_ijk_mm=(0.8, 0.8, 2.0)).with_values(values).build()


@pytest.mark.parametrize("name", PLANES)
def test_a_loop_measures_what_it_encloses(name: str) -> None:
    volume, plane = PLANES[name]
    tool, scene = FreeRegion(), ToolScene(volume)
    centre, radius = np.array([100.0, 80.0]), 30.0
    xys = [tuple(centre + radius * np.array([np.cos(t), np.sin(t)])) for t in TURN]
    tool.handle(at("press", xys[0], plane), scene)
    answers = [tool.handle(at("move", xy, plane), scene) for xy in xys[1:]]
    assert any(isinstance(p, Line) for p in answers[-1].preview)
    found = measurement_of(tool.handle(at("release", xys[-1], plane), scene).edit)
    area, perimeter = found.quantity(AREA), found.quantity(PERIMETER)
    assert area is not None
    assert perimeter is not None
    radius_mm = radius * plane.pixel_mm
    assert area.value == pytest.approx(np.pi * radius_mm**2, rel=0.01)
    assert perimeter.value == pytest.approx(2 * np.pi * radius_mm, rel=0.01)
    assert found.kind == "freehand"
    assert found.quantities == measured("freehand", found.points_lps_mm, volume)[0]


def test_a_click_is_no_region() -> None:
    tool = FreeRegion()
    assert click(tool, ToolScene(STRAIGHT), PLANE, (80, 80)).edit is None
    assert not tool.is_busy


def test_four_clicks_follow_a_disc() -> None:
    picture = a_disc()
    tool, scene = WireRegion(), ToolScene(picture)
    x, y, _ = PLANE.pixel(PLANE.centre_lps_mm)
    reach = 9.0 / PLANE.pixel_mm
    xys = [(x + reach, y), (x, y + reach), (x - reach, y), (x, y - reach)]
    for xy in xys:
        assert click(tool, scene, PLANE, xy).edit is None
    shown = tool.hover(at("move", xys[0], PLANE), scene)
    assert any(isinstance(p, Line) and len(p.points) > 20 for p in shown.preview)
    found = measurement_of(click(tool, scene, PLANE, xys[0]).edit)
    area = found.quantity(AREA)
    assert area is not None
    # A pixel of 0.8 mm either side of the rim
    assert np.pi * 8.2**2 < area.value < np.pi * 9.8**2
    away = np.linalg.norm(in_plane(found, PLANE)[:, :2] - (x, y), axis=1) * PLANE.pixel_mm
    assert away.min() > 7.5
    assert away.max() < 10.5
    assert not tool.is_busy


def test_a_wire_on_another_image_waits() -> None:
    tool, scene = WireRegion(), ToolScene(a_disc())
    click(tool, scene, PLANE, (80, 80))
    assert "Go back" in click(tool, scene, PLANE.moved(4.0), (90, 90)).status
    tool.cancel()
    assert tool.hover(at("move", (3, 3), PLANE), scene) == REST


def test_a_wire_goes_on_after_the_picture_was_zoomed() -> None:
    picture = a_disc()
    tool, scene = WireRegion(), ToolScene(picture)
    x, y, _ = PLANE.pixel(PLANE.centre_lps_mm)
    reach = 9.0 / PLANE.pixel_mm
    click(tool, scene, PLANE, (x + reach, y))
    zoomed = acquired(STRAIGHT, pixel_mm=0.2)
    middle_x, middle_y, _ = zoomed.pixel(PLANE.centre_lps_mm)
    far = 9.0 / zoomed.pixel_mm
    click(tool, scene, zoomed, (middle_x, middle_y + far))
    click(tool, scene, zoomed, (middle_x - far, middle_y))
    click(tool, scene, zoomed, (middle_x, middle_y - far))
    last = tool.handle(at("double", (middle_x, middle_y - far), zoomed), scene)
    area = measurement_of(last.edit).quantity(AREA)
    assert area is not None
    assert np.pi * 8.2**2 < area.value < np.pi * 9.8**2
    assert not tool.is_busy
