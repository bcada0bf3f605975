"""Measurements as they are painted."""

from dataclasses import replace

import numpy as np
import pytest

from viewer.domain.geometry import Grid, Plane, fitted_plane
from viewer.domain.measurement import Measurement, Receipt, Review
from viewer.domain.quantity import (
    AREA,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MAXIMUM,
    MEAN,
    MINIMUM,
    SHORT_AXIS,
    STANDARD_DEVIATION,
    VOLUME,
    Quantity,
    Spacing,
    SpacingSource,
)
from viewer.rendering.layout import Layout
from viewer.rendering.palettes import ACCENT, AI
from viewer.rendering.primitives import Handle, Line, Text
from viewer.rendering.shapes import (
    ellipse_points,
    half_slice_mm,
    label_lines,
    measurement_primitives,
    measurement_shape,
    placed_label,
)
from viewer.rendering.text_size import overlap, text_box
from viewer.testing.builders import rotation

SIZE = (400, 300)
GRID = Grid.from_axes((21, 100, 120), spacing_ijk_mm=(1, 1, 3), origin_lps_mm=(-60, -50, -30))
PLANE = fitted_plane(GRID, "axial", SIZE, through_lps_mm=(0, 0, 0))
HU = "[hnsf'U]"


def _measurement(
    kind: str,
    points: tuple[tuple[float, float, float], ...],
    quantities: tuple[Quantity, ...] = (),
    *,
    source: SpacingSource = SpacingSource.PATIENT,
    network: str = "",
) -> Measurement:
    receipt = Receipt("1.2", (), None, "", Spacing(1, 1, source), "rule", network=network)
    return Measurement("1", kind, "Lesion 1", points, "", "k", quantities, receipt)


DISTANCE = _measurement(
    "distance", ((-10.0, 5.0, 0.0), (20.0, 5.0, 0.0)), (Quantity(LENGTH, 30.04, "mm"),)
)


def test_a_distance_ends_where_its_points_are() -> None:
    shape = measurement_shape(DISTANCE, PLANE, 1.5)
    assert shape is not None
    ends = np.array(shape.lines[0].points)
    np.testing.assert_allclose(PLANE.world(ends), DISTANCE.points_lps_mm, atol=1e-9)
    for tick in shape.lines[1:]:
        assert abs(np.diff(tick.points, axis=0)[0] @ (ends[1] - ends[0])) < 1e-6


def test_a_shape_is_shown_on_its_own_slice_only() -> None:
    half = half_slice_mm(GRID, PLANE)
    assert half == pytest.approx(1.5)
    assert measurement_shape(DISTANCE, PLANE.moved(1.4), half) is not None
    assert measurement_shape(DISTANCE, PLANE.moved(1.6), half) is None
    sagittal = fitted_plane(GRID, "sagittal", SIZE)
    assert half_slice_mm(GRID, sagittal) == pytest.approx(0.5)
    assert measurement_shape(DISTANCE, sagittal, 0.5) is None


def test_a_rejected_measurement_is_not_drawn() -> None:
    assert measurement_shape(replace(DISTANCE, review=Review.REJECTED), PLANE, 1.5) is None


def test_the_diameter_of_a_segment_shows_each_end_on_its_slice() -> None:
    both = _measurement("segment", ((0.0, 0.0, 0.0), (10.0, 4.0, 9.0)))
    shape = measurement_shape(both, PLANE, 1.5)
    assert shape is not None
    ring = np.array(shape.lines[0].points)
    np.testing.assert_allclose(ring.mean(axis=0), PLANE.pixel((0, 0, 0))[:2], atol=1e-6)
    assert measurement_shape(both, PLANE.moved(4.5), 1.4) is None


def test_an_ellipse_meets_its_axes_and_keeps_their_proportion() -> None:
    points = ellipse_points(np.array([[10.0, 20.0], [14.0, 20.0], [10.0, 18.0]]))
    assert len(points) >= 64
    ratio = ((points - (10, 20)) / (4, 2)) ** 2
    np.testing.assert_allclose(ratio.sum(axis=1), 1.0)


def test_a_selected_shape_has_grips_at_its_points() -> None:
    found = measurement_primitives(DISTANCE, PLANE, GRID, selected=True)
    grips = [part for part in found if isinstance(part, Handle)]
    np.testing.assert_allclose(PLANE.world([g.xy for g in grips]), DISTANCE.points_lps_mm)
    assert all(part.colour == ACCENT for part in grips)
    assert not any(isinstance(p, Handle) for p in measurement_primitives(DISTANCE, PLANE, GRID))


def test_the_axes_of_a_lesion_are_told_apart() -> None:
    shape = measurement_shape(
        _measurement("bidirectional", ((0, 0, 0), (20, 0, 0), (10, -6, 0), (10, 6, 0))), PLANE, 1
    )
    assert shape is not None
    assert [line.width_px for line in shape.lines] == [1.5, 1.0]


def test_what_a_network_measured_is_violet_dashed_and_named_until_accepted() -> None:
    ellipse = _measurement("ellipse", ((0, 0, 0), (20, 0, 0), (0, 9, 0)), network="lesions 1.0")
    proposal = measurement_shape(ellipse, PLANE, 1)
    accepted = measurement_shape(replace(ellipse, review=Review.ACCEPTED), PLANE, 1)
    assert proposal is not None
    assert accepted is not None
    assert proposal.lines[0].dashed
    assert proposal.colour == AI
    assert proposal.label[0] == "Lesion 1 · AI"
    assert not accepted.lines[0].dashed
    assert accepted.label[0] == "Lesion 1"


@pytest.mark.parametrize(
    ("kind", "quantities", "source", "expected"),
    [
        ("distance", ((LENGTH, 18.449, "mm"),), SpacingSource.PATIENT, ("18.4 mm",)),
        ("distance", ((LENGTH, 18.45, "mm"),), SpacingSource.DETECTOR, ("18.5 mm det",)),
        ("distance", ((LENGTH, 18.4, "{pixels}"),), SpacingSource.NONE, ("18.4 px",)),
        (
            "bidirectional",
            ((LONG_AXIS, 18.4, "mm"), (SHORT_AXIS, 12.7, "mm")),
            SpacingSource.CALIBRATED,
            ("18.4 × 12.7 mm cal",),
        ),
        (
            "ellipse",
            (
                (AREA, 615.75, "mm2"),
                (MEAN, -350.32, HU),
                (STANDARD_DEVIATION, 24.1, HU),
                (MINIMUM, -412.0, HU),
                (MAXIMUM, 20.0, HU),
            ),
            SpacingSource.PATIENT,
            ("6.16 cm²", "−350.3 ± 24.1 HU", "−412.0 – 20.0 HU"),
        ),
        (
            "segment",
            ((VOLUME, 2.308, "ml"), (LONGEST_DIAMETER_3D, 18.4, "mm")),
            SpacingSource.PATIENT,
            ("2.31 mL", "longest 18.4 mm"),
        ),
        ("bidirectional", (), SpacingSource.PATIENT, ()),
    ],
)
def test_labels_give_number_unit_and_source_once(
    kind: str,
    quantities: tuple[tuple[object, float, str], ...],
    source: SpacingSource,
    expected: tuple[str, ...],
) -> None:
    made = tuple(Quantity(*q) for q in quantities)  # type: ignore[arg-type]
    points = ((0.0, 0.0, 0.0),) * 4
    assert label_lines(_measurement(kind, points, made, source=source)) == ("Lesion 1", *expected)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
@pytest.mark.parametrize("centre", [(0.0, 0.0), (-58.0, -40.0), (58.0, 44.0), (55.0, -45.0)])
def test_labels_stay_inside_and_off_their_shape(degrees: int, centre: tuple[float, float]) -> None:
    turn = rotation((0, 0, 1), degrees)
    ends = [np.array((*centre, 0.0)) + turn @ np.array([s * 6.0, 0, 0]) for s in (-1, 1)]
    points = tuple((float(p[0]), float(p[1]), 0.0) for p in ends)
    shape = measurement_shape(replace(DISTANCE, points_lps_mm=points), PLANE, 1.5)
    assert shape is not None
    label = placed_label(shape, Layout(SIZE))
    texts = [part for part in label if isinstance(part, Text)]
    assert [t.text for t in texts] == ["Lesion 1", "30.0 mm"]
    for text in texts:
        box = text_box(text)
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= SIZE[0]
        assert box[3] <= SIZE[1]
        assert not overlap(box, shape.box)
    leader = next(part for part in label if isinstance(part, Line))
    assert leader.points[1] in shape.outline


def test_a_label_without_room_is_left_out_rather_than_laid_over_another() -> None:
    layout = Layout(SIZE)
    layout.taken.append((0.0, 0.0, 400.0, 300.0))
    shape = measurement_shape(DISTANCE, PLANE, 1.5)
    assert shape is not None
    assert placed_label(shape, layout) == ()


def test_a_shape_outside_the_pane_has_no_label_in_it() -> None:
    shape = measurement_shape(DISTANCE, PLANE.panned(1000, 0), 1.5)
    assert shape is not None
    assert placed_label(shape, Layout(SIZE)) == ()


def test_the_leader_ends_at_what_can_be_seen() -> None:
    shape = measurement_shape(DISTANCE, PLANE.panned(-190, 0), 1.5)
    assert shape is not None
    assert shape.box[0] < 0 < shape.box[2]
    leader = next(p for p in placed_label(shape, Layout(SIZE)) if isinstance(p, Line))
    assert min(min(point) for point in leader.points) >= 0


def test_points_that_coincide_draw_without_a_fault() -> None:
    point = (1.0, 2.0, 0.0)
    shape = measurement_shape(replace(DISTANCE, points_lps_mm=(point, point)), PLANE, 1.5)
    assert shape is not None
    assert shape.box[0] == shape.box[2]


def test_a_plane_of_other_direction_counts_its_own_thickness() -> None:
    turn = rotation((1, 0, 0), 45)
    oblique = Plane(np.zeros(3), turn @ (1, 0, 0), turn @ (0, 1, 0), 1.0, SIZE)
    assert 0.5 <= half_slice_mm(GRID, oblique) <= 1.5
