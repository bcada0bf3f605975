"""The anatomy's pieces: boxes, fillets, and that organs lie inside what should hold them."""

import numpy as np
import pytest

from viewer.phantom.body import Build, Points, fields, warped
from viewer.phantom.chest import chest_grid, points_of
from viewer.phantom.organs import heart, mediastinum
from viewer.phantom.tissue import common, soft, tube, united, within
from viewer.phantom.wall import skin_mm

BUILDS = [Build(1), Build(5, size=1.15, fat_mm=28.0), Build(6, size=0.85, fat_mm=6.0)]


def small_points(oblique_deg: float = 0.0) -> Points:
    return points_of(chest_grid((28, 48, 48), (7.7, 7.7, 9.8), oblique_deg))


@pytest.mark.parametrize("oblique_deg", [0.0, 20.0])
@pytest.mark.parametrize(
    "box",
    [
        ((-30, 12), (-60, -20), (0, 44)),
        ((-190, 190), (-190, 190), (-190, 190)),
        ((70, 140), (-20, 10), (40, 200)),
    ],
)
def test_a_box_takes_along_every_point_inside_it(
    box: tuple[tuple[float, float], ...], oblique_deg: float
) -> None:
    p = points_of(chest_grid((21, 70, 70), (3.1, 3.1, 7.0), oblique_deg))
    lying = np.ones(p.x.shape, dtype=bool)
    for values, (low, high) in zip((p.x, p.y, p.z), box, strict=True):
        lying &= (values > low + 8) & (values < high - 8)
    part = within(p, (box[0], box[1], box[2]))
    assert part is not None
    taken = np.zeros_like(lying)
    taken[part] = True
    assert lying.any()
    assert not (lying & ~taken).any()


def test_a_box_beside_the_field_of_view_is_nothing() -> None:
    assert within(small_points(), ((300, 340), (0, 40), (0, 40))) is None


def test_a_fillet_only_adds_and_only_near_the_notch() -> None:
    a, b = (np.array(v, dtype=np.float32) for v in ([5.0, 1.0, 30.0], [5.0, 2.0, 1.0]))
    joined = united(a, b, 4)
    assert joined[0] == pytest.approx(4.0)  # a quarter of the rounding, where both are equal
    assert joined[2] == pytest.approx(1.0)
    assert (joined <= np.minimum(a, b)).all()
    assert (common(a, b, 4) >= np.maximum(a, b)).all()


def test_a_tube_has_its_radius_everywhere() -> None:
    x, y, z = (np.array([[[v]]], dtype=np.float32) for v in (5.0, 12.0, 0.0))
    line = [(0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (10.0, 40.0, 0.0)]
    assert tube(Points(x, y, z), line, 2.0)[0, 0, 0] == pytest.approx(3.0)


def test_half_of_a_voxel_on_the_surface_is_tissue() -> None:
    edge = soft(np.array([-5.0, 0.0, 5.0], dtype=np.float32))
    assert edge.tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("build", BUILDS)
def test_all_bones_lie_under_the_skin(build: Build) -> None:
    p = small_points()
    values, _ = fields(p, build)
    skin = skin_mm(warped(p, build), build)
    assert (values > 250).sum() > 300
    assert skin[values > 250].max() < 0


@pytest.mark.parametrize("build", BUILDS)
def test_fat_separates_the_lungs_from_the_heart(build: Build) -> None:
    p = small_points()
    q = warped(p, build)
    _, lung = fields(p, build)
    assert not ((heart(q) < 0) & (lung < 0)).any()
    assert not ((mediastinum(q) < -2) & (lung < 0)).any()


@pytest.mark.parametrize("build", BUILDS)
def test_both_lungs_hold_air(build: Build) -> None:
    p = small_points()
    values, lung = fields(p, build)
    for side in (-1, 1):
        inside = (lung < -12) & (p.x * side > 0)
        assert inside.sum() * 7.7 * 7.7 * 9.8 > 0.6e6  # more than 0.6 litres
        assert -950 < np.median(values[inside]) < -750
