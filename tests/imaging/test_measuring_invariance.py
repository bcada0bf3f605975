"""The same shape in the same patient has the same numbers, however the voxels are stored.

Every kind, on each of three planes, in six patient positions, with the array stored along any of
the 48 permutations and flips of its axes.
"""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.domain.measurement import KINDS
from viewer.domain.volume import ValueMap, Volume
from viewer.imaging.measuring import measured
from viewer.testing.builders import a_volume

SHAPE_KJI = (22, 24, 26)
SPACING = (1.0, 1.3, 1.7)
# Head first or feet first; supine, prone, and lying on a side (PS3.3 C.7.3.1.1.2).
POSITIONS = {
    "HFS": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "HFP": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "HFDL": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    "HFDR": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "FFS": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "FFP": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
}
ORDERS = list(product(permutations(range(3)), product((1, -1), repeat=3)))
# A shape on a plane, in millimetres from the middle: places that no voxel centre ties with.
SHAPES: dict[str, list[tuple[float, float]]] = {
    "distance": [(-5.1, -4.2), (6.3, 3.7)],
    "bidirectional": [(-5.1, -4.2), (6.3, 3.7), (1.5875, -1.675), (-0.3875, 1.175)],
    "polyline": [(-5.1, -4.2), (1.3, 5.7), (6.3, -2.2)],
    "angle": [(-5.1, -4.2), (1.3, 5.7), (6.3, -2.2)],
    "cobb": [(-5.1, -4.2), (5.3, -2.7), (-4.4, 4.3), (6.3, 1.2)],
    "cardiothoracic_ratio": [(-3.1, -2.2), (3.3, -2.2), (-6.4, 4.3), (6.3, 4.2)],
    "ellipse": [(0.23, -0.41), (6.14, -0.41), (0.23, 3.87)],
    "rectangle": [(0.23, -0.41), (6.14, -0.41), (0.23, 3.87)],
    "polygon": [(-5.13, -4.27), (5.31, -5.72), (6.37, 4.12), (-2.29, 5.83)],
    "freehand": [(-5.13, -4.27), (5.31, -5.72), (6.37, 4.12), (-2.29, 5.83)],
    "livewire": [(-5.13, -4.27), (5.31, -5.72), (6.37, 4.12), (-2.29, 5.83)],
    "wall_to_wall": [(-6.1, 0.33), (6.2, 0.33)],
    "probe": [(1.31, -2.23)],
    "suv_peak": [(0.31, 0.23)],
}


def a_patient(position: str) -> Volume:
    """Return noise on a bright ball, stored in the usual order, the patient in ``position``."""
    turn = np.array(POSITIONS[position], dtype=np.float64)
    rng = np.random.default_rng(11)
    k, j, i = np.indices(SHAPE_KJI)
    place = np.stack((i, j, k), axis=-1) - (np.array(SHAPE_KJI[::-1]) - 1) / 2
    away = np.linalg.norm(place * SPACING, axis=-1)
    values = np.where(away < 7.3, 900, 100) + rng.integers(-40, 40, SHAPE_KJI)
    volume = (
        a_volume(SHAPE_KJI, spacing_ijk_mm=SPACING, directions=turn.T).with_values(values).build()
    )
    return _with(volume, volume.stored, volume.grid)


def _with(volume: Volume, stored: NDArray[np.generic], grid: Grid) -> Volume:
    """Return a PET-like volume of other voxels."""
    n_k = grid.shape_kji[0]
    instances = a_volume(grid.shape_kji).build().identity
    quantity = ValueMap.identity(n_k, "{SUVbw}g/ml", "SUVbw")
    return Volume(volume.key, stored, grid, quantity, volume.display, instances)


def stored_otherwise(volume: Volume, order: tuple[int, ...], signs: tuple[int, ...]) -> Volume:
    """Return the same voxels in the same places, along other axes of the array (k, j, i)."""
    flips = tuple(slice(None, None, sign) for sign in signs)
    stored = np.ascontiguousarray(volume.stored.transpose(order)[flips])
    affine = np.array(volume.grid.ijk_to_lps)
    columns = affine[:3, :3][:, ::-1]  # of k, j, i
    sizes = np.array(volume.stored.shape)
    new, origin = [], affine[:3, 3].copy()
    for axis, sign in zip(order, signs, strict=True):
        if sign < 0:
            origin = origin + columns[:, axis] * (sizes[axis] - 1)
        new.append(columns[:, axis] * sign)
    affine[:3, :3] = np.stack(new[::-1], axis=1)
    affine[:3, 3] = origin
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    return _with(volume, stored, Grid(shape, affine))


def points_of(kind: str, plane: int, volume: Volume) -> NDArray[np.float64]:
    """Return the shape on a plane through the middle of the patient, LPS mm."""
    axes = [axis for axis in range(3) if axis != plane]
    offsets = np.zeros((len(SHAPES[kind]), 3))
    offsets[:, axes] = SHAPES[kind]
    offsets[:, plane] = 0.21
    return np.asarray(volume.grid.centre_lps_mm + offsets @ volume.grid.directions.T)


def test_every_kind_that_has_points_is_here() -> None:
    drawn = {k for k, v in KINDS.items() if v.drawn != "through" and not v.is_annotation}
    assert set(SHAPES) == drawn - {"calcium_score"}, "that one is of acquired slices alone"


@pytest.mark.parametrize("kind", SHAPES)
@given(
    position=st.sampled_from(sorted(POSITIONS)),
    plane=st.integers(0, 2),
    order=st.sampled_from(ORDERS),
)
def test_numbers_do_not_depend_on_how_voxels_are_stored(
    kind: str, position: str, plane: int, order: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    usual = a_patient("HFS")
    reference, _ = measured(kind, points_of(kind, plane, usual), usual)
    turned = a_patient(position)
    points = points_of(kind, plane, turned)
    found, _ = measured(kind, points, stored_otherwise(turned, *order))
    assert [(q.concept, q.unit) for q in found] == [(q.concept, q.unit) for q in reference]
    assert [q.value for q in found] == pytest.approx([q.value for q in reference], rel=1e-6)
