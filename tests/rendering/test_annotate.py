"""Letters, scale, cross-hair and marks are read off the painted plane."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.geometry import Grid, Plane, PlaneName, fitted_plane
from viewer.domain.quantity import PIXELS_ONLY, Spacing, SpacingSource
from viewer.domain.volume import Display, ImageStack, ValueMap
from viewer.rendering import palettes
from viewer.rendering.annotate import (
    Mark,
    crosshair,
    marks,
    orientation_letters,
    ruler,
    ruler_length,
)
from viewer.rendering.layout import Layout
from viewer.rendering.palettes import ACCENT, AI, DANGER, PLANE_COLOURS
from viewer.rendering.primitives import Line, Text
from viewer.rendering.text_size import overlap, text_box
from viewer.testing.builders import a_volume, an_identity, rotation

SIZE = (400, 300)
RIGHT, DOWN = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
KNOWN = Spacing(1.0, 1.0, SpacingSource.PATIENT)


def _edges(texts: tuple[Text, ...]) -> dict[str, str]:
    names = {"ml": "left", "mr": "right", "tc": "top", "bc": "bottom"}
    return {names[text.anchor]: text.text for text in texts}


def _stack(orientation: tuple[str, str] | None) -> ImageStack:
    return ImageStack(
        "k",
        np.zeros((1, 8, 10), np.uint8),
        Grid.from_axes((1, 8, 10)),
        ValueMap.identity(1),
        Display(),
        an_identity(1),
        pixel_spacing=PIXELS_ONLY,
        orientation=orientation,
    )


def test_letters_stand_at_all_four_edges_and_turn_with_the_plane() -> None:
    volume = a_volume().build()
    axial = fitted_plane(volume.grid, "axial", SIZE)
    assert _edges(orientation_letters(axial, volume)) == {
        "left": "R", "right": "L", "top": "A", "bottom": "P",
    }  # fmt: skip
    flipped = replace(axial, right=-axial.right)
    assert _edges(orientation_letters(flipped, volume))["left"] == "L"
    oblique = replace(axial, right=rotation((0, 0, 1), 20) @ axial.right,
                      down=rotation((0, 0, 1), 20) @ axial.down)  # fmt: skip
    assert _edges(orientation_letters(oblique, volume))["right"] == "LP"


def test_a_stack_shows_the_files_orientation_or_no_letters() -> None:
    plane = Plane(np.zeros(3), RIGHT, DOWN, 0.1, SIZE)
    assert orientation_letters(plane, _stack(None)) == ()
    stack = _stack(("P", "F"))
    assert _edges(orientation_letters(plane, stack)) == {
        "left": "A", "right": "P", "top": "H", "bottom": "F",
    }  # fmt: skip
    turned = replace(plane, right=np.array([0, 1.0, 0]), down=np.array([-1.0, 0, 0]))
    assert _edges(orientation_letters(turned, stack)) == {
        "left": "H", "right": "F", "top": "P", "bottom": "A",
    }  # fmt: skip
    askew = rotation((0, 0, 1), 30)
    between = replace(plane, right=askew @ plane.right, down=askew @ plane.down)
    assert orientation_letters(between, stack) == ()


@given(
    pixel_mm=st.floats(1e-3, 5.0),
    height=st.integers(200, 1200),
)
def test_the_scale_bar_is_as_long_as_it_says(pixel_mm: float, height: int) -> None:
    plane = Plane(np.zeros(3), RIGHT, DOWN, pixel_mm, (400, height))
    bar, label = ruler(plane, KNOWN)
    assert isinstance(bar, Line)
    assert isinstance(label, Text)
    number, unit = label.text.split(" ")
    length_mm = float(number) * {"cm": 10.0, "mm": 1.0, "µm": 1e-3}[unit]
    ys = [y for _, y in bar.points]
    assert abs((max(ys) - min(ys)) * pixel_mm - length_mm) <= 0.5001 * pixel_mm  # whole pixels
    assert max(ys) - min(ys) <= 0.42 * height + 1
    assert all(0 <= x < 400 and 0 <= y < height for x, y in bar.points)


def test_the_scale_bar_is_10_cm_where_that_fits() -> None:
    assert ruler_length(0.5, 210.0) == 100.0
    assert ruler_length(0.7, 230.0) == 100.0
    assert ruler_length(0.1, 210.0) == 20.0
    assert ruler_length(3.0, 210.0) == 500.0


def test_there_is_no_scale_where_millimetres_are_not_known() -> None:
    plane = Plane(np.zeros(3), RIGHT, DOWN, 0.5, SIZE)
    assert ruler(plane, PIXELS_ONLY) == ()
    detector = Spacing(1.0, 1.0, SpacingSource.DETECTOR)
    assert isinstance(ruler(plane, detector)[1], Text)
    assert "det" in ruler(plane, detector)[1].text  # type: ignore[union-attr]


@given(
    x=st.floats(-30, 30),
    y=st.floats(-30, 30),
    degrees=st.floats(-40, 40),
    axis=st.sampled_from([(0, 0, 1), (1, 1, 0), (0, 1, 1)]),
)
def test_cross_hair_lines_lie_in_both_planes(
    x: float, y: float, degrees: float, axis: tuple[int, int, int]
) -> None:
    grid = Grid.from_axes((40, 80, 80), origin_lps_mm=(-40, -40, -20))
    point = np.array([x, y, 3.0])
    axial = fitted_plane(grid, "axial", SIZE, through_lps_mm=point)
    turn = rotation(axis, degrees)
    others: dict[str, Plane] = {}
    names: tuple[PlaneName, ...] = ("sagittal", "coronal")
    for name in names:
        plane = fitted_plane(grid, name, SIZE, through_lps_mm=point)
        moved = Plane(
            point + turn @ (plane.origin_lps_mm - point),
            turn @ plane.right,
            turn @ plane.down,
            plane.pixel_mm,
            plane.size_px,
        )
        others[name] = moved
    lines = crosshair(axial, point, others)
    assert lines
    for line in lines:
        cut = next(n for n in others if PLANE_COLOURS[n] == line.colour)
        for xy in line.points:
            assert abs(others[cut].pixel(axial.world(xy))[2]) < 1e-6
            assert -0.5 - 1e-6 <= xy[0] <= SIZE[0] - 0.5 + 1e-6
            assert -0.5 - 1e-6 <= xy[1] <= SIZE[1] - 0.5 + 1e-6


def test_the_cross_hair_leaves_its_centre_free() -> None:
    grid = Grid.from_axes((20, 20, 20))
    axial = fitted_plane(grid, "axial", SIZE)
    other = fitted_plane(grid, "sagittal", SIZE)
    centre = axial.pixel(grid.centre_lps_mm)[:2]
    lines = crosshair(axial, grid.centre_lps_mm, {"sagittal": other, "again": axial})
    assert len(lines) == 2  # two arms of one line; a parallel plane has none
    for line in lines:
        nearest = min(float(np.linalg.norm(np.array(p) - centre)) for p in line.points)
        assert nearest >= 10


def test_a_cross_hair_outside_the_pane_draws_nothing_inside_that_is_wrong() -> None:
    grid = Grid.from_axes((20, 20, 20))
    axial = fitted_plane(grid, "axial", SIZE)
    far = axial.world((-500.0, 100.0))
    sagittal = fitted_plane(grid, "sagittal", SIZE, through_lps_mm=far)
    coronal = fitted_plane(grid, "coronal", SIZE, through_lps_mm=far)
    lines = crosshair(axial, far, {"sagittal": sagittal, "coronal": coronal})
    assert {line.colour for line in lines} == {PLANE_COLOURS["coronal"]}
    ends = sorted(lines[0].points)
    assert ends[0][0] == pytest.approx(-0.5)
    assert ends[1][0] == pytest.approx(SIZE[0] - 0.5)


def test_marks_are_all_there_inside_and_apart() -> None:
    layout = Layout(SIZE)
    layout.add(Text((9, 150), "R", ACCENT, 13, "ml"))
    found = [
        Mark("ENHANCED  denoise, CLAHE, unsharp mask", "enhanced"),
        Mark("AI lesions 1.0 · unreviewed", "ai"),
        Mark("LOSSY 12:1", "danger"),
        Mark("INCOMPLETE 28/84", "warning"),
        Mark("DERIVED"),
        Mark("REGRIDDED"),
    ]
    texts = marks(found, layout, 240.0)
    assert [text.text for text in texts] == [mark.text for mark in found]
    boxes = [text_box(text) for text in texts] + [layout.taken[0]]
    for n, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[2] <= SIZE[0]
        assert box[1] >= 0
        assert not any(overlap(box, other) for other in boxes[n + 1 :])
    assert texts[0].box == ACCENT
    assert (texts[1].box_outline, texts[2].box_outline) == (AI, DANGER)


def test_a_very_long_mark_is_cut_to_the_pane() -> None:
    (text,) = marks([Mark("ENHANCED " + "x" * 200, "enhanced")], Layout((300, 200)), 150.0)
    assert text_box(text)[2] <= 300
    assert text.text.endswith("…")


def _luminance(rgb: tuple[int, int, int]) -> float:
    """Relative luminance (WCAG 2.2)."""
    share = np.array(rgb) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        (palettes.INK, (0, 0, 0)),
        (palettes.LETTERS, (0, 0, 0)),
        (palettes.AI_TEXT, (0, 0, 0)),
        (palettes.ACCENT, (0, 0, 0)),
        (palettes.GROUND, palettes.ACCENT),
        (palettes.AI, palettes.GROUND),
        (palettes.DANGER, palettes.GROUND),
        (palettes.WARNING, palettes.GROUND),
        (palettes.DIM, palettes.GROUND),
    ],
)
def test_texts_stand_out_from_their_ground(
    ink: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    light, dark = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
