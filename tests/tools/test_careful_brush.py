"""The brush that goes by values, stops at edges, feels a pen, and leaves others what is theirs."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tools.hands import (
    OBLIQUE,
    PLANES,
    SHAPE_KJI,
    SPACING_IJK_MM,
    a_scene,
    acquired,
    at,
    click,
    drag,
    empty,
    labels_after,
)
from viewer.domain.volume import Volume
from viewer.errors import InputRefused
from viewer.testing.builders import a_volume
from viewer.tools.base import ToolScene, ToolSettings
from viewer.tools.brush import Brush
from viewer.tools.polygon import Polygon

PATH = [(70.0, 60.0), (120.0, 70.0), (115.0, 100.0)]
over_planes = pytest.mark.parametrize("name", PLANES)


def values_of(volume: Volume) -> np.ndarray:
    return volume.quantity.block(volume.stored)


@over_planes
@pytest.mark.parametrize("sphere", [False, True])
def test_only_values_in_the_range_are_painted(name: str, sphere: bool) -> None:
    volume, plane = PLANES[name]
    volume = replace(volume, stored=np.indices(SHAPE_KJI)[2].astype(np.int16) * 10)
    scene = replace(empty(a_scene(volume)), settings=ToolSettings(6.0, sphere=sphere))
    free = labels_after(scene, drag(Brush(), scene, plane, PATH).edit) == 1
    held = replace(scene, settings=replace(scene.settings, paint_range=(200.0, 270.0)))
    found = labels_after(held, drag(Brush(), held, plane, PATH).edit) == 1
    values = values_of(volume)
    assert np.array_equal(found, free & (values >= 200) & (values <= 270))
    assert found.any()
    assert not np.array_equal(found, free)


def test_the_eraser_keeps_to_the_range_too() -> None:
    volume, plane = OBLIQUE, acquired(OBLIQUE)
    scene = a_scene(volume)
    assert scene.segmentation is not None
    values = values_of(volume)
    before = scene.segmentation.labels == 1
    low, high = np.percentile(values[before], (30, 60))
    settings = ToolSettings(30.0, sphere=True, paint_range=(float(low), float(high)))
    after = labels_after(
        scene, click(Brush(erases=True), replace(scene, settings=settings), plane, (100, 80)).edit
    )
    taken = before & (after != 1)
    assert np.array_equal(taken, before & (values >= low) & (values <= high))
    assert taken.any()


def two_halves(noise: float = 5.0) -> ToolScene:
    """Return an empty scene: 0 HU on the left, 100 HU from column 24 on, and a far island of 0."""
    values = np.zeros(SHAPE_KJI)
    values[:, :, 24:] = 100
    values[8, 20, 26:28] = 0
    values += np.random.default_rng(0).normal(0, noise, SHAPE_KJI)
    volume = a_volume(SHAPE_KJI, spacing_ijk_mm=SPACING_IJK_MM).with_values(values).build()
    return replace(empty(a_scene(volume)), settings=ToolSettings(4.0, edge_aware=True))


def test_the_edge_aware_brush_stops_where_values_change() -> None:
    scene = two_halves()
    plane = acquired(scene.picture)
    at_column = plane.pixel(scene.picture.grid.world((21.0, 20.0, 8.0)))
    xy = (float(at_column[0]), float(at_column[1]))
    found = labels_after(scene, click(Brush(), scene, plane, xy).edit) == 1
    assert not found[:, :, 24:].any()  # neither the other half nor the island beyond it
    free = replace(scene, settings=replace(scene.settings, edge_aware=False))
    whole = labels_after(free, click(Brush(), free, plane, xy).edit) == 1
    assert whole[8, 20, 26]
    left = whole[:, :, :24]
    assert (found[:, :, :24] & left).sum() > 0.95 * left.sum()


def test_on_flat_values_the_edge_aware_brush_is_the_brush() -> None:
    scene = replace(two_halves(), picture=a_scene().picture)
    plane = acquired(scene.picture)
    free = replace(scene, settings=replace(scene.settings, edge_aware=False))
    found, whole = (labels_after(s, drag(Brush(), s, plane, PATH).edit) for s in (scene, free))
    assert np.array_equal(found, whole)


def test_a_light_pen_paints_a_smaller_ball_and_a_mouse_the_whole_one() -> None:
    scene = replace(empty(a_scene()), settings=ToolSettings(6.0, sphere=True))
    plane = acquired(a_scene().picture)
    volumes = []
    for pressure in (0.0, 0.5, 1.0):
        tool = Brush()
        tool.handle(replace(at("press", (100, 80), plane), pressure=pressure), scene)
        edit = tool.handle(replace(at("release", (100, 80), plane), pressure=pressure), scene).edit
        volumes.append(int((labels_after(scene, edit) == 1).sum()) * 0.8 * 0.8 * 2)
    expected = [4 / 3 * np.pi * (6 * share) ** 3 for share in (0.3, 0.65, 1.0)]
    assert np.allclose(volumes, expected, rtol=0.25)
    assert volumes[0] < volumes[1] < volumes[2]


def test_what_may_not_be_taken_stays_with_brush_and_polygon() -> None:
    scene = a_scene()
    assert scene.segmentation is not None
    plane = acquired(scene.picture)
    scene.segmentation.labels[8, :20] = 2
    neighbour = scene.segmentation.labels == 2
    settings = ToolSettings(30.0, over="background")
    held = replace(scene, settings=settings)
    after = labels_after(held, click(Brush(), held, plane, (100, 80)).edit)
    assert np.array_equal(after == 2, neighbour)
    tool = Polygon()
    for xy in ((60, 40), (140, 40), (140, 120)):
        click(tool, held, plane, xy)
    edit = click(tool, held, plane, (60, 40)).edit
    assert np.array_equal(labels_after(held, edit) == 2, neighbour)


def test_a_picture_on_another_grid_has_no_values_to_go_by() -> None:
    scene = replace(two_halves(), picture=a_volume((3, 4, 5)).build())
    plane = acquired(a_scene().picture)
    tool = Brush()
    tool.handle(at("press", (100, 80), plane), scene)
    with pytest.raises(InputRefused, match="values"):
        tool.handle(at("release", (100, 80), plane), scene)
    assert not tool.is_busy
