"""Walls whose place is known: tubes and plates, blurred, in any orientation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.domain.geometry import Grid
from viewer.domain.quantity import LENGTH
from viewer.domain.volume import Volume
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured
from viewer.imaging.walls import walls
from viewer.testing.builders import a_volume, rotation

SHAPE = (24, 60, 60)
_FINE = 16


def a_tube(radius_mm: float, blur_vox: float, spacing: tuple[float, float, float]) -> Volume:
    """Return a bright tube along k: partial volumes by 16 x 16 finer samples, then blurred."""
    from scipy.ndimage import gaussian_filter

    grid = Grid.from_axes(SHAPE, spacing_ijk_mm=spacing)
    middle = grid.centre_lps_mm
    offsets = (np.arange(_FINE) - (_FINE - 1) / 2) / _FINE
    j, i = np.indices(SHAPE[1:])
    share = np.zeros(SHAPE[1:])
    for dj in offsets:
        for di in offsets:
            x, y = (i + di) * spacing[0] - middle[0], (j + dj) * spacing[1] - middle[1]
            share += np.hypot(x, y) <= radius_mm
    plane = gaussian_filter(share / _FINE**2, blur_vox) * 1000 - 500
    values = np.broadcast_to(np.rint(plane), SHAPE)
    return a_volume(SHAPE, spacing_ijk_mm=spacing).with_values(values).build()


@settings(max_examples=25)
@given(
    radius=st.floats(8, 14),
    blur=st.floats(0.4, 1.2),
    angle=st.floats(0, 360),
    miss=st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
)
def test_the_width_of_a_tube_is_found_though_the_hand_misses_its_walls(
    radius: float, blur: float, angle: float, miss: tuple[float, float]
) -> None:
    volume = a_tube(radius, blur, (0.8, 0.8, 2.0))
    middle = volume.grid.centre_lps_mm
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.0])
    start, end = middle - (radius + miss[0]) * along, middle + (radius + miss[1]) * along
    first, second = walls(start, end, volume)
    assert np.linalg.norm(second - first) == pytest.approx(2 * radius, abs=0.15)
    quantities, receipt = measured("wall_to_wall", np.stack((start, end)), volume)
    assert quantities[0].concept == LENGTH
    assert quantities[0].value == pytest.approx(float(np.linalg.norm(second - first)))
    assert "steepest slopes" in receipt.rule
    # from the walls themselves the same walls are found
    again = walls(first, second, volume)
    assert np.allclose(again, (first, second), atol=0.05)


@pytest.mark.parametrize("degrees", [0, 30, 115])
def test_plates_across_an_oblique_grid(degrees: float) -> None:
    turn = rotation((1, 2, 3), degrees)
    grid = Grid.from_axes((40, 30, 30), spacing_ijk_mm=(1.0, 1.0, 1.5), directions=turn)
    k = np.arange(40)[:, None, None] * 1.5
    profile = 200 / (1 + np.exp(-(k - 14.3) / 0.8)) - 200 / (1 + np.exp(-(k - 41.9) / 0.8))
    values = np.broadcast_to(np.rint(profile * 10), (40, 30, 30))
    volume = (
        a_volume((40, 30, 30), spacing_ijk_mm=(1.0, 1.0, 1.5), directions=turn)
        .with_values(values)
        .build()
    )
    ends = volume.grid.world([(15, 15, 8.0), (15, 15, 30.0)])
    first, second = walls(ends[0], ends[1], volume)
    assert grid.spacing_ijk_mm == volume.grid.spacing_ijk_mm
    assert np.linalg.norm(second - first) == pytest.approx(41.9 - 14.3, abs=0.1)


def test_where_nothing_changes_there_is_no_wall() -> None:
    volume = a_volume(SHAPE).build()
    ends = volume.grid.world([(10, 10, 5), (40, 10, 5)])
    with pytest.raises(InputRefused, match="no wall"):
        walls(ends[0], ends[1], volume)
    with pytest.raises(InputRefused, match="without length"):
        walls(ends[0], ends[0], volume)
