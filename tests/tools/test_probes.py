"""What is drawn on one plane lies where it must on the other two: probes at patient points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.hands import OBLIQUE, STRAIGHT, a_scene, at, drag, empty, labels_after
from viewer.domain.geometry import Plane
from viewer.domain.volume import Volume
from viewer.imaging.section import label_section, section
from viewer.testing.builders import a_segmentation
from viewer.tools.loop import Freehand

VOLUMES = {"straight": STRAIGHT, "oblique": OBLIQUE}


def three_planes(volume: Volume, point: np.ndarray) -> list[Plane]:
    """Return the planes along the voxels' axes through a point."""
    i, j, k = volume.grid.directions.T
    return [
        Plane.centred(point, right, down, 0.25, (200, 160))
        for right, down in ((i, j), (i, -k), (j, -k))
    ]


@pytest.mark.parametrize("name", VOLUMES)
@settings(max_examples=8, deadline=None)
@given(drawn_on=st.integers(0, 2), column=st.integers(10, 36), row=st.integers(10, 28))
def test_a_loop_on_one_plane_is_seen_on_the_others_at_the_same_points(
    name: str, drawn_on: int, column: int, row: int
) -> None:
    volume = VOLUMES[name]
    grid = volume.grid
    centre = grid.world((float(column), float(row), 8.0))
    planes = three_planes(volume, centre)
    plane = planes[drawn_on]
    x, y, _ = plane.pixel(centre)
    # Half sides of 3.3 mm: no voxel's centre lies on the rim.
    side = 3.3 / plane.pixel_mm
    corners = [
        (x - side, y - side),
        (x + side, y - side),
        (x + side, y + side),
        (x - side, y + side),
    ]
    path = [
        (float(a[0] + (b[0] - a[0]) * t), float(a[1] + (b[1] - a[1]) * t))
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
        for t in np.linspace(0, 1, 20, endpoint=False)
    ]
    scene = empty(a_scene(volume))
    labels = labels_after(scene, drag(Freehand(), scene, plane, path).edit)
    layer = a_segmentation(volume, labels == 1)
    for seen in planes:
        cut = section(volume, seen)
        shown = label_section(layer, seen, cut) == 1
        linear, offset = cut.to_plane[:, :2], cut.to_plane[:, 2]
        for offset_mm in (0.0, 2.0, 5.5):
            for direction in (seen.right, seen.down):
                probe = centre + offset_mm * direction
                own = np.linalg.solve(linear, np.asarray(seen.pixel(probe))[:2] - offset)
                to_i, to_j, to_k = np.rint(grid.index(probe)).astype(int)
                expected = bool(labels[to_k, to_j, to_i] == 1)
                c, r = np.rint(own).astype(int)
                assert bool(shown[r, c]) == expected
        # The middle is drawn, and 5.5 mm along a drawn plane's own axes nothing is.
        assert labels[8, row, column] == 1
    outside = grid.index(centre + 5.5 * plane.right)
    oi, oj, ok = np.rint(outside).astype(int)
    assert labels[ok, oj, oi] == 0


def test_an_event_is_the_same_patient_point_in_every_plane() -> None:
    point = OBLIQUE.grid.world((20.0, 18.0, 7.0))
    for plane in three_planes(OBLIQUE, point):
        x, y, _ = plane.pixel(point)
        assert np.allclose(at("press", (float(x), float(y)), plane).lps_mm, point)
