"""The volume for ray casting is small, in its quantity, and every voxel keeps its place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.volume import ImageStack, ValueMap, Volume
from viewer.errors import Unsupported
from viewer.jobs.job import Cancelled, Ticket
from viewer.rendering.prepared import PreparedVolume, prepare_volume, reduced_shape
from viewer.testing.builders import a_volume, rotation

TILTED = np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 1]]) / np.array([1, 1, np.sqrt(1.09)])
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "permuted": np.eye(3)[:, [1, 2, 0]],
    "oblique": rotation((1, 2, 3), 35),
    "sheared": TILTED,
}
RAMP_HU_PER_MM = np.array([3.0, -5.0, 4.0])


def a_ramp(directions: NDArray[np.float64]) -> Volume:
    """Return a volume whose values are linear in the patient's space."""
    builder = a_volume((24, 26, 30), spacing_ijk_mm=(1, 1.2, 1.5), directions=directions)
    return builder.with_ramp(RAMP_HU_PER_MM).build()


def inner_points(prepared: PreparedVolume) -> NDArray[np.float64]:
    """Return points (n, 3) well inside the grid."""
    index = np.random.default_rng(1).uniform(2, np.array(prepared.values.shape[::-1]) - 3, (50, 3))
    return prepared.grid.world(index)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_ramp_in_the_patient_stays_that_ramp(name: str) -> None:
    prepared = prepare_volume(a_ramp(DIRECTIONS[name]), max_voxels=4000)
    assert prepared.values.size <= 4000
    points = inner_points(prepared)
    expected = points @ RAMP_HU_PER_MM
    np.testing.assert_allclose(prepared.quantities_at(points), expected, atol=1.5)
    size_mm = float(np.mean(prepared.grid.spacing_ijk_mm))
    if prepared.grid.is_orthogonal:
        slope = np.linalg.norm(RAMP_HU_PER_MM) * size_mm
        np.testing.assert_allclose(prepared.differences_at(points), slope, rtol=0.1)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_its_axes_run_along_the_patients(name: str) -> None:
    grid = prepare_volume(a_ramp(DIRECTIONS[name])).grid
    assert np.argmax(np.abs(grid.directions), axis=0).tolist() == [0, 1, 2]
    assert (np.diag(grid.directions) > 0).all()
    assert grid.is_right_handed


def test_the_outer_edges_stay_when_voxels_are_merged() -> None:
    volume = a_ramp(np.eye(3))
    coarse = prepare_volume(volume, max_voxels=500).grid
    low, high = volume.grid.corners_lps_mm.min(axis=0), volume.grid.corners_lps_mm.max(axis=0)
    np.testing.assert_allclose(coarse.corners_lps_mm.min(axis=0), low, atol=1e-9)
    np.testing.assert_allclose(coarse.corners_lps_mm.max(axis=0), high, atol=1e-9)


def test_air_around_the_body_is_left_out() -> None:
    builder = a_volume((40, 40, 40), value_hu=-1000)
    volume = builder.with_sphere(radius_mm=5, centre_lps_mm=(10, 20, 25)).build()
    prepared = prepare_volume(volume)
    assert prepared.values.size < volume.stored.size / 10
    corners = prepared.grid.corners_lps_mm
    assert (corners.min(axis=0) < (5, 15, 20)).all()
    assert (corners.max(axis=0) > (15, 25, 30)).all()


def test_slices_not_read_yet_look_like_air() -> None:
    loaded = np.ones(20, dtype=bool)
    loaded[:10] = False
    prepared = prepare_volume(a_volume((20, 16, 16), value_hu=50).build(loaded_k=loaded))
    middle = prepared.grid.world((8, 8, 0))
    assert prepared.grid.corners_lps_mm[:, 2].min() > 7
    assert prepared.quantities_at(middle[None])[0] < -900
    assert prepared.values.max() == 50


def test_slopes_by_slice_are_respected() -> None:
    slopes = np.linspace(0.5, 2.0, 12)
    volume = a_volume((12, 8, 8), value_hu=100).build(
        quantity=ValueMap(slopes, np.zeros(12), "{SUVbw}g/ml", "SUVbw")
    )
    prepared = prepare_volume(volume)
    for k in (2, 6, 9):
        point = volume.grid.world((4, 4, k))[None]
        assert prepared.quantities_at(point)[0] == pytest.approx(100 * slopes[k], rel=0.01)


def test_outside_the_voxels_there_is_no_value() -> None:
    prepared = prepare_volume(a_ramp(np.eye(3)))
    assert np.isnan(prepared.quantities_at(np.array([[-5.0, 3.0, 3.0]]))).all()


@given(
    st.tuples(*[st.integers(2, 700)] * 3),
    st.tuples(*[st.floats(0.2, 8)] * 3),
    st.integers(64, 10_000_000),
)
def test_the_reduced_shape_keeps_to_its_budget(
    shape_kji: tuple[int, int, int], spacing_ijk_mm: tuple[float, float, float], budget: int
) -> None:
    reduced = reduced_shape(shape_kji, spacing_ijk_mm, budget)
    assert all(2 <= after <= before for after, before in zip(reduced, shape_kji, strict=True))
    # Two voxels must stay on every axis, which very flat grids feel.
    assert np.prod(reduced) <= budget or 2 in reduced
    if np.prod(shape_kji) <= budget:
        assert reduced == shape_kji


def test_what_is_no_volume_is_refused() -> None:
    volume = a_volume((4, 6, 6)).build()
    fields = {name: getattr(volume, name) for name in volume.__dataclass_fields__}
    stack = ImageStack(**fields, pixel_spacing=Spacing(1.0, 1.0, SpacingSource.NONE))
    colour = replace(volume, stored=np.zeros((4, 6, 6, 3), dtype=np.uint8))
    for picture in (stack, colour, a_volume((1, 6, 6)).build()):
        with pytest.raises(Unsupported, match="no 3-D view"):
            prepare_volume(picture)


def test_preparing_stops_when_it_is_cancelled() -> None:
    ticket = Ticket()
    ticket.cancel()
    with pytest.raises(Cancelled):
        prepare_volume(a_ramp(np.eye(3)), ticket=ticket)
