"""The 3-D view shows things where they are in the patient."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.geometry import Grid, fitted_plane
from viewer.domain.volume import ValueMap, Volume
from viewer.errors import InputRefused, Unsupported
from viewer.jobs.job import Cancelled, Ticket
from viewer.rendering import meshes, offscreen
from viewer.rendering.prepared import prepare_volume
from viewer.rendering.scene import Scene
from viewer.rendering.surfaces import SegmentSurface
from viewer.rendering.volume_mapper import is_software
from viewer.testing.builders import a_volume, rotation

SIZE_PX = (160, 120)
VIOLET = (180, 142, 240)
TILTED = np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 1]]) / np.array([1, 1, np.sqrt(1.09)])
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "permuted": np.eye(3)[:, [1, 2, 0]],
    "oblique": rotation((1, 2, 3), 35),
    "sheared": TILTED,
}
RADIUS_MM = 5.0


@pytest.fixture(autouse=True)
def _quiet(vtk_is_quiet: None) -> None:
    """VTK raises nothing: its messages fail the test."""


@pytest.fixture
def scene() -> Iterator[Scene]:
    with closing(Scene(SIZE_PX)) as opened:
        yield opened


def two_balls(
    directions: NDArray[np.float64] = DIRECTIONS["straight"],
) -> tuple[Volume, NDArray[np.float64]]:
    """Return a volume of air with a ball of bone in two places, and the balls' centres (2, 3).

    Seen from the patient: the first lies to the left, in front and towards the head.
    """
    builder = a_volume(
        (36, 40, 44), spacing_ijk_mm=(1, 1.2, 1.1), directions=directions, value_hu=-1000
    )
    centres = builder.grid.centre_lps_mm + np.array([[8.0, -6.0, 7.0], [-8.0, 5.0, -2.0]])
    for centre in centres:
        builder = builder.with_sphere(radius_mm=RADIUS_MM, value_hu=1000, centre_lps_mm=centre)
    return builder.build(), centres


def brightness(frame: NDArray[np.uint8], xy_px: tuple[float, float]) -> float:
    """Return the mean of the colours at the pixel nearest to ``xy_px``."""
    x, y = (round(v) for v in xy_px)
    return float(frame[y, x, :3].mean())


def lit(frame: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where there is more than ground, the orientation cube left out."""
    found: NDArray[np.bool_] = frame[..., :3].max(axis=2) > 40
    found[-30:, :30] = False
    return found


def a_ball(
    centre_lps_mm: NDArray[np.float64], grid: Grid, radius_mm: float = 6.0
) -> SegmentSurface:
    """Return a violet segment surface about ``centre_lps_mm``."""
    k, j, i = np.indices(grid.shape_kji)
    away = grid.world(np.stack((i, j, k), axis=-1)) - centre_lps_mm
    labels = (np.linalg.norm(away, axis=-1) <= radius_mm).astype(np.uint8)
    return SegmentSurface("1.2", 1, meshes.surface(labels, 1, grid), VIOLET)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_bright_ball_is_seen_where_it_is(name: str, scene: Scene) -> None:
    volume, centres = two_balls(DIRECTIONS[name])
    scene.set_volume(volume)
    scene.rotate(13, -7)
    for quality in ("coarse", "full"):
        frame = scene.render(quality)
        for centre in centres:
            assert brightness(frame, scene.project(centre)) > 120
        assert brightness(frame, scene.project(volume.grid.centre_lps_mm)) < 40


@pytest.mark.parametrize("name", DIRECTIONS)
def test_seen_from_the_front_left_is_on_the_right_and_the_head_is_up(
    name: str, scene: Scene
) -> None:
    volume, centres = two_balls(DIRECTIONS[name])
    scene.set_volume(volume)
    ys, xs = np.nonzero(lit(scene.render()))
    right, left = xs > xs.mean(), xs <= xs.mean()
    assert ys[right].mean() < ys[left].mean() - 10
    # The middle of each blot is the ball's middle, within a voxel.
    voxel_px = 1.2 / scene.plane.pixel_mm
    for side, centre in ((right, centres[0]), (left, centres[1])):
        assert (xs[side].mean(), ys[side].mean()) == pytest.approx(
            scene.project(centre), abs=voxel_px
        )
        assert np.ptp(xs[side]) == pytest.approx(2 * RADIUS_MM / scene.plane.pixel_mm, rel=0.2)


def test_the_nearer_thing_hides_the_farther(scene: Scene) -> None:
    volume, centres = two_balls()
    scene.set_volume(volume)
    behind = a_ball(centres[0] + [0, 9, 0], volume.grid, 3.0)
    scene.set_segments([behind])
    spot = scene.project(centres[0])
    assert np.ptp(colour_at(scene.render(), spot)) < 70  # ivory, not violet
    scene.view("posterior")
    assert_violet(scene.render(), scene.project(centres[0]))


def colour_at(frame: NDArray[np.uint8], xy_px: tuple[float, float]) -> NDArray[np.int64]:
    x, y = (round(v) for v in xy_px)
    return frame[y, x, :3].astype(np.int64)


def assert_violet(frame: NDArray[np.uint8], xy_px: tuple[float, float]) -> None:
    red, green, blue = colour_at(frame, xy_px)
    assert blue > red > green, (red, green, blue)
    assert blue > 150


def test_a_segment_is_seen_in_its_colour_until_it_is_hidden(scene: Scene) -> None:
    volume, _ = two_balls()
    middle = volume.grid.centre_lps_mm
    scene.set_volume(volume)
    shown = a_ball(middle, volume.grid)
    scene.set_segments([shown])
    assert_violet(scene.render(), scene.project(middle))
    green = SegmentSurface("1.2", 1, shown.polydata, (60, 200, 80))
    scene.set_segments([green])
    assert colour_at(scene.render(), scene.project(middle)).argmax() == 1
    for nothing in ([SegmentSurface("1.2", 1, shown.polydata, VIOLET, visible=False)], []):
        scene.set_segments(nothing)
        assert brightness(scene.render(), scene.project(middle)) < 40


def test_segments_are_shown_without_a_volume(scene: Scene) -> None:
    grid = Grid.from_axes((20, 20, 20), origin_lps_mm=(300, 0, -500))
    scene.set_segments([a_ball(grid.centre_lps_mm, grid)])
    assert_violet(scene.render(), scene.project(grid.centre_lps_mm))


@pytest.mark.parametrize("name", ["straight", "oblique"])
def test_planes_are_outlined_in_their_colours(name: str, scene: Scene) -> None:
    volume, _ = two_balls(DIRECTIONS[name])
    scene.set_volume(volume)
    before = scene.render()
    plane = fitted_plane(volume.grid, "coronal", (64, 64))
    scene.set_planes({"coronal": plane}, {"coronal": (0, 255, 0)})
    frame = scene.render().astype(int)
    changed = np.abs(frame - before.astype(int))[..., :3].max(axis=2) > 30
    ys, xs = np.nonzero(changed)
    assert len(xs) > 100
    colours = frame[ys, xs, :3]
    assert (colours[:, 1] > colours[:, 0] + 30).all()
    # All four sides: the outline goes round the projected box.
    corners = np.array([scene.project(corner) for corner in volume.grid.corners_lps_mm])
    if name == "straight":
        for axis, found in ((0, xs), (1, ys)):
            assert found.max() - found.min() > 0.3 * np.ptp(corners[:, axis])
    scene.set_planes({})
    np.testing.assert_array_equal(scene.render(), before)


def test_a_panes_picture_lies_in_the_patient_the_right_way_round(scene: Scene) -> None:
    volume = a_volume((30, 30, 30), value_hu=-1000).with_sphere(radius_mm=13, value_hu=-900).build()
    scene.set_volume(volume)
    plane = fitted_plane(volume.grid, "coronal", (40, 30))
    picture = np.full((30, 40), 0xFF404040, dtype=np.uint32)
    picture[:15, :20] = 0xFFFF0000  # top left: head, patient's right
    picture[:15, 20:] = 0xFF00FF00
    picture[15:, :20] = 0xFF0000FF
    scene.set_plane_texture("coronal", picture, plane)
    frame = scene.render()
    for xy, colour in (((14, 8), 0), ((26, 8), 1), ((14, 22), 2)):
        seen = colour_at(frame, scene.project(plane.world(xy)))
        assert seen.argmax() == colour
        assert seen.max() > 180
    scene.set_plane_texture("coronal", None, plane)
    assert not lit(scene.render()).any()


def test_cropping_and_cutting_take_away_one_ball(scene: Scene) -> None:
    volume, (first, second) = two_balls()
    scene.set_volume(volume)
    corners = volume.grid.corners_lps_mm
    middle = volume.grid.centre_lps_mm
    scene.set_crop(((middle[0], *corners.min(axis=0)[1:]), corners.max(axis=0)))
    frame = scene.render()
    assert brightness(frame, scene.project(first)) > 120
    assert brightness(frame, scene.project(second)) < 40
    assert scene.pick(scene.project(second)) is None
    scene.set_cut(fitted_plane(volume.grid, "coronal", (32, 32)))  # all before the middle
    frame = scene.render()
    assert brightness(frame, scene.project(first)) < 40
    assert brightness(frame, scene.project(second)) > 120
    scene.set_crop(None)
    assert brightness(scene.render(), scene.project(first)) > 120
    with pytest.raises(InputRefused, match="without an inside"):
        scene.set_crop(((0, 0, 0), (1, 0, 1)))


@pytest.mark.parametrize("name", DIRECTIONS)
def test_picking_hits_the_near_side_of_the_ball(name: str, scene: Scene) -> None:
    volume, centres = two_balls(DIRECTIONS[name])
    scene.set_volume(volume)
    scene.rotate(20, 10)
    voxel_mm = max(volume.grid.spacing_ijk_mm)
    for centre in centres:
        picked = scene.pick(scene.project(centre))
        assert picked is not None
        near = centre - RADIUS_MM * scene.plane.normal
        assert np.linalg.norm(picked - near) < voxel_mm
    assert scene.pick((2.0, 2.0)) is None


def test_picking_hits_a_segment_but_not_through_bone(scene: Scene) -> None:
    volume, centres = two_balls()
    middle = volume.grid.centre_lps_mm
    scene.set_volume(volume)
    scene.set_segments(
        [
            a_ball(middle, volume.grid),
        ]
    )
    picked = scene.pick(scene.project(middle))
    assert picked is not None
    np.testing.assert_allclose(picked, middle - [0, 6, 0], atol=0.7)
    scene.set_segments([a_ball(centres[0] + [0, 9, 0], volume.grid, 3.0)])
    picked = scene.pick(scene.project(centres[0]))
    assert picked is not None
    np.testing.assert_allclose(picked, centres[0] - [0, RADIUS_MM, 0], atol=1.2)


def test_drawing_twice_gives_the_same_picture(scene: Scene) -> None:
    volume, _ = two_balls()
    scene.set_volume(volume)
    first = scene.render("full")
    scene.render("coarse")
    scene.rotate(30, 0)
    scene.render("coarse")
    scene.reset()
    np.testing.assert_array_equal(scene.render("full"), first)
    assert first.shape == (SIZE_PX[1], SIZE_PX[0], 4)
    assert (first[..., 3] == 255).all()


def test_presets_change_the_picture_in_any_order(scene: Scene) -> None:
    volume = a_volume((24, 24, 24), value_hu=-1000).with_sphere(radius_mm=10, value_hu=-80).build()
    scene.set_volume(volume)
    keys = [preset.key for preset in scene.transfers]
    frames = {}
    for key in keys:
        scene.set_transfer(key)
        frames[key] = scene.render()
    assert lit(frames["skin-and-bone"]).any()
    assert not lit(frames["bone"]).any()
    for key in reversed(keys):
        scene.set_transfer(key)
        np.testing.assert_array_equal(scene.render(), frames[key])
    with pytest.raises(InputRefused, match="no 3-D preset"):
        scene.set_transfer("nonsense")


@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_values_without_a_scale_are_seen_whatever_their_range(modality: str, scene: Scene) -> None:
    volume, centres = two_balls()
    plain = (volume.stored.astype(np.float32) + 1000) * 1e-4
    identity = volume.identity
    series = type(identity.series)("1", 1, modality)
    changed = Volume(
        "m",
        plain,
        volume.grid,
        ValueMap.identity(36),
        volume.display,
        type(identity)(identity.patient, identity.study, series, identity.instances),
    )
    scene.set_volume(changed)
    assert brightness(scene.render(), scene.project(centres[0])) > 60


def test_a_moved_camera_stays_while_the_same_volume_is_read_on(scene: Scene) -> None:
    volume, _ = two_balls()
    prepared = prepare_volume(volume)
    scene.set_prepared(prepared)
    scene.rotate(40, 0)
    moved = scene.plane
    scene.set_prepared(prepared)
    assert scene.plane == moved
    scene.set_prepared(prepare_volume(a_volume(value_hu=100).build(key="9.9")))
    assert scene.plane != moved
    scene.set_prepared(None)
    assert not lit(scene.render()).any()


def test_another_size_draws_a_picture_of_that_size(scene: Scene) -> None:
    volume, centres = two_balls()
    scene.set_volume(volume)
    scene.render()
    scene.resize((200, 240))
    frame = scene.render()
    assert frame.shape == (240, 200, 4)
    assert brightness(frame, scene.project(centres[0])) > 120


def test_scenes_can_be_closed_and_opened_again() -> None:
    volume, _ = two_balls()
    prepared = prepare_volume(volume)
    frames = []
    for _ in range(5):
        with closing(Scene((64, 48))) as scene:
            scene.set_prepared(prepared)
            frames.append(scene.render("coarse"))
        scene.close()
        with pytest.raises(InputRefused, match="closed"):
            scene.render()
    assert all((frame == frames[0]).all() for frame in frames)


def test_another_thread_may_draw(scene: Scene) -> None:
    volume, _ = two_balls()
    scene.set_volume(volume)
    here = scene.render()
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(scene.render).result()
    np.testing.assert_array_equal(here, there)
    np.testing.assert_array_equal(scene.render(), here)


def test_a_cancelled_picture_is_not_handed_out(scene: Scene) -> None:
    volume, _ = two_balls()
    scene.set_volume(volume)
    whole = scene.render()

    from vtkmodules.vtkCommonCore import vtkCommand

    ticket = Ticket()
    tag = scene._renderer.AddObserver(vtkCommand.StartEvent, lambda *_: ticket.cancel())
    with pytest.raises(Cancelled):
        scene.render("full", ticket)
    scene._renderer.RemoveObserver(tag)
    np.testing.assert_array_equal(scene.render(), whole)
    gone = Ticket()
    gone.cancel()
    with pytest.raises(Cancelled):
        scene.render("coarse", gone)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", True),
        ("SwiftShader Device (Subzero)", True),
        ("softpipe", True),
        ("NVIDIA GeForce RTX 4090/PCIe/SSE2", False),
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", False),
    ],
)
def test_the_mapper_follows_the_renderers_name(name: str, expected: bool) -> None:
    assert is_software(name) is expected


def test_the_graphics_cards_mapper_sees_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viewer.rendering.scene.is_software", lambda name: False)
    volume, centres = two_balls(DIRECTIONS["oblique"])
    with closing(Scene((80, 60))) as scene:
        scene.set_volume(volume)
        frame = scene.render()
        for centre in centres:
            assert brightness(frame, scene.project(centre)) > 100
        assert brightness(frame, scene.project(volume.grid.centre_lps_mm)) < 40


def test_without_the_library_the_view_is_refused_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(offscreen._LIBRARIES, "EGL", "libnothing-of-that-name.so.1")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(Unsupported, match="Install the package libegl1"):
        Scene(SIZE_PX)


def test_without_a_driver_the_view_is_refused_and_the_program_lives() -> None:
    program = (
        "from viewer.errors import Unsupported\n"
        "from viewer.rendering.scene import Scene\n"
        "try:\n    Scene((32, 32))\n"
        "except Unsupported as refusal:\n    print(refusal.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"__EGL_VENDOR_LIBRARY_DIRS": os.devnull},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "libgl1-mesa-dri" in done.stdout
