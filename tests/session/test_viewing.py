"""Where one looks: nothing of a volume is out of reach, and layout leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.chain import Chain, Step
from viewer.domain.geometry import Grid, Plane, fitted_plane
from viewer.domain.volume import Display, ValueMap, Volume, Window
from viewer.imaging.value_chain import PRESETS, default_window, shown_inverted
from viewer.session.layers import clamped_to, layer_axis, slice_step_mm, snapped
from viewer.session.presentation import Presenter
from viewer.session.session import Session
from viewer.session.viewing import Viewing
from viewer.testing.builders import a_volume

SIZES = st.tuples(st.integers(2, 900), st.integers(2, 900))


def _tilted() -> Grid:
    """Return slices tilted by a gantry: the rows lean, the slices step along the patient."""
    tilt = np.deg2rad(14.0)
    affine = np.eye(4)
    affine[:3, 1] = (0.0, np.cos(tilt), -np.sin(tilt))
    affine[:3, 2] = (0.0, 0.0, 5.0)
    return Grid((4, 200, 100), affine)


def _reached_mm(grid: Grid) -> tuple[float, float]:
    """Return the lowest and highest place that an axial plane comes to by single steps."""
    plane = fitted_plane(grid, "axial", (100, 100))
    reached = []
    for direction in (1, -1):
        at = snapped(grid, plane)
        for _ in range(200):
            target = at.moved(direction * slice_step_mm(grid, at))
            at = snapped(grid, at.through(clamped_to(grid, target.centre_lps_mm, target)))
        reached.append(float(at.centre_lps_mm[2]))
    return min(reached), max(reached)


def test_every_part_of_a_tilted_acquisition_is_reached_by_scrolling() -> None:
    grid = _tilted()
    low, high = _reached_mm(grid)
    corners = grid.corners_lps_mm[:, 2]
    assert low == pytest.approx(corners.min(), abs=1.0)
    assert high == pytest.approx(corners.max(), abs=1.0)


def test_the_planes_of_a_tilted_acquisition_begin_in_its_middle() -> None:
    grid = _tilted()
    plane = fitted_plane(grid, "axial", (100, 100))
    assert layer_axis(grid, plane) is None
    assert np.allclose(snapped(grid, plane).centre_lps_mm, grid.centre_lps_mm)


def test_layers_that_are_shifted_against_each_other_are_stepped_by_one_by_one() -> None:
    affine = np.eye(4)
    affine[:3, 2] = (0.0, 1.2, 5.0)  # the table was shifted: axial slices, an oblique step
    grid = Grid((7, 40, 40), affine)
    plane = fitted_plane(grid, "axial", (80, 80))
    found = layer_axis(grid, plane)
    assert found is not None
    assert found[0] == 2
    assert slice_step_mm(grid, plane) == pytest.approx(5.0)
    assert grid.index(snapped(grid, plane).centre_lps_mm)[2] == pytest.approx(3.0)


def _shown(shape_kji: tuple[int, int, int] = (4, 40, 60)) -> tuple[Viewing, Volume]:
    viewing, picture = Viewing(), a_volume(shape_kji).build()
    for pane in ("axial", "coronal", "sagittal"):
        viewing.resize_pane(pane, (300, 200))
    viewing.show(picture)
    return viewing, picture


@given(st.lists(SIZES, min_size=1, max_size=5), st.floats(0.3, 4))
def test_a_layout_that_comes_back_shows_the_same_again(
    sizes: list[tuple[int, int]], zoom: float
) -> None:
    viewing, _ = _shown()
    viewing.zoom("axial", zoom)
    viewing.pan("axial", 11.0, -7.0)
    before = viewing.look.planes["axial"]
    for size in (*sizes, before.size_px):
        viewing.resize_pane("axial", size)
    after = viewing.look.planes["axial"]
    assert after.pixel_mm == pytest.approx(before.pixel_mm, rel=1e-9)
    assert np.allclose(after.centre_lps_mm, before.centre_lps_mm)


@given(st.lists(SIZES, min_size=1, max_size=4))
def test_a_fitted_picture_stays_fitted_at_every_size(sizes: list[tuple[int, int]]) -> None:
    viewing, picture = _shown()
    for size in sizes:
        viewing.resize_pane("coronal", size)
    fitted: Plane = fitted_plane(picture.grid, "coronal", sizes[-1], margin=1.06)
    assert viewing.look.planes["coronal"].pixel_mm == pytest.approx(fitted.pixel_mm)


def test_a_window_chosen_while_images_are_read_is_kept() -> None:
    viewing, picture = _shown()
    picture = replace(picture, display=Display(), quantity=ValueMap.identity(4, "1"))
    guessed, mine = Window(1, 2), Window(7, 9)
    viewing.set_window(picture, guessed)
    viewing.take_window(picture, guessed)
    assert viewing.window(picture) == default_window(picture)
    viewing.set_window(picture, mine)
    viewing.take_window(picture, guessed)
    assert viewing.window(picture) == mine


def test_ct_that_soft_tissue_shows_as_black_alone_gets_a_window_of_its_own() -> None:
    lung = a_volume((4, 8, 8)).build()
    values = np.linspace(-950, -700, lung.stored.size).reshape(lung.stored.shape)
    hidden = replace(lung, stored=values.astype(np.int16), display=Display())
    window = default_window(hidden)
    assert window != PRESETS[1]
    assert -950 < window.center < -700


def test_suv_is_shown_dark_on_white_and_can_be_turned() -> None:
    picture = a_volume((3, 8, 8)).build()
    suv = replace(picture, quantity=ValueMap.identity(3, "{SUVbw}g/ml", "SUVbw"))
    assert shown_inverted(suv)
    assert not shown_inverted(picture)


def test_colour_is_enhanced_in_luminance_and_says_so() -> None:
    from viewer.extensions.discover import load_extensions
    from viewer.rendering.primitives import Text
    from viewer.session.edits_chain import SetChain

    rgb = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    colour = replace(a_volume((3, 8, 8)).build(), stored=rgb)
    session, viewing = Session(), Viewing()
    viewing.show(colour)
    presenter = Presenter(session, viewing, load_extensions().filters)
    before = presenter.present(colour, "axial").raster.rgb32
    session.apply(SetChain(colour.key, Chain((Step.of("gaussian", {"sigma_mm": 2.0}),)), "add"))
    shown = presenter.present(colour, "axial")
    assert not np.array_equal(shown.raster.rgb32, before)
    texts = [p.text for p in shown.primitives if isinstance(p, Text)]
    assert any("ENHANCED" in text and "(luminance)" in text for text in texts)


def test_a_filter_that_is_gone_leaves_the_picture_and_is_said() -> None:
    from viewer.rendering.primitives import Text
    from viewer.session.edits_chain import SetChain

    picture = a_volume((3, 8, 8)).with_sphere(radius_mm=3).build()
    session, viewing = Session(), Viewing()
    viewing.show(picture)
    presenter = Presenter(session, viewing, {})
    before = presenter.present(picture, "axial").raster.rgb32
    session.apply(SetChain(picture.key, Chain((Step("gone"),)), "add"))
    shown = presenter.present(picture, "axial")
    assert np.array_equal(shown.raster.rgb32, before)
    texts = [p.text for p in shown.primitives if isinstance(p, Text)]
    assert any("LEFT OUT  gone" in text for text in texts)
    assert not any("ENHANCED" in text for text in texts)
