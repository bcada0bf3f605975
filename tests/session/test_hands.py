"""What edits of labels promise: on all planes, to the same hash, in little memory."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.hands import OBLIQUE, PLANES, a_scene, at, drag, empty
from viewer.domain.geometry import Plane
from viewer.domain.segmentation import Segmentation
from viewer.imaging.contour import contours
from viewer.imaging.keyhole import polygons
from viewer.imaging.rasterise import ball_stroke, polygon_block
from viewer.imaging.reslice import reslice_labels
from viewer.imaging.scanline import polygon_mask
from viewer.session.edits import AddSegmentation, PaintLabels, paint
from viewer.session.session import Session
from viewer.testing.builders import a_segmentation, a_volume
from viewer.tools.base import ToolSettings
from viewer.tools.brush import Brush
from viewer.tools.loop import Freehand, Scissors
from viewer.tools.nudge import Nudge


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.95))
def test_mask_to_contour_to_mask_is_exact_on_a_plane_of_the_grid(seed: int, share: float) -> None:
    """A voxel belongs to a contour if its centre lies inside; lines run half way between centres."""
    mask = np.random.default_rng(seed).random((7, 8)) < share
    flat = [polygon_mask(p, mask.shape) for p in polygons(mask)]
    assert np.array_equal(np.logical_or.reduce([np.zeros_like(mask), *flat]), mask)
    odd = np.logical_xor.reduce(
        [np.zeros_like(mask), *(polygon_mask(c, mask.shape) for c in contours(mask))]
    )
    assert np.array_equal(odd, mask)
    volume = a_volume((3, 7, 8), spacing_ijk_mm=(0.8, 1.3, 2.5)).build()
    grid = volume.grid
    plane = Plane.centred(grid.world((3.5, 3, 1)), (1, 0, 0), (0, 1, 0), 0.31, (40, 40))
    found = np.zeros(grid.shape_kji, dtype=bool)
    for polygon in polygons(mask):
        points = grid.world(np.column_stack((polygon, np.ones(len(polygon)))))
        block = polygon_block(grid, points, plane)
        assert block is not None
        at_ = tuple(slice(a, a + n) for a, n in zip(block.start_kji, block.mask.shape, strict=True))
        found[at_] |= block.mask
    assert np.array_equal(found[1], mask)


@pytest.mark.parametrize("name", PLANES)
def test_a_stroke_shows_where_it_must_in_planes_that_cross_it(name: str) -> None:
    volume, plane = PLANES[name]
    scene = replace(empty(a_scene(volume)), settings=ToolSettings(4.0, sphere=True))
    edit = drag(Brush(), scene, plane, [(100.0, 80.0), (110.0, 80.0)]).edit
    assert scene.segmentation is not None
    assert isinstance(edit, PaintLabels)
    labels = scene.segmentation.labels.copy()
    edit.difference.change(labels)
    grid = volume.grid
    for axis in range(3):  # the three planes of the grid through the middle of the stroke
        start, right, down = _probe(scene.segmentation, plane.world((105.0, 80.0)), axis)
        shown = reslice_labels(labels, start, right, down, (40, 40))
        y, x = np.meshgrid(*(np.arange(n) for n in shown.shape), indexing="ij")
        index = start + x[..., None] * right + y[..., None] * down
        places = grid.world(np.floor(index + 0.5))
        ends = plane.world(np.array([(100.0, 80.0), (110.0, 80.0)]))
        edge = ends[1] - ends[0]
        share = np.asarray(np.clip((places - ends[0]) @ edge / float(edge @ edge), 0, 1))
        apart = np.linalg.norm(places - (ends[0] + share[..., None] * edge), axis=-1)
        inside_grid = grid.contains(places)
        clear = np.abs(apart - 4.0) > 1e-6
        assert np.array_equal((shown == 1)[clear], ((apart <= 4.0) & inside_grid)[clear])
        assert (shown == 1).any()


def _probe(
    segmentation: Segmentation, point: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    middle = np.floor(segmentation.grid.index(point) + 0.5)
    others = [n for n in range(3) if n != axis]
    right, down = np.eye(3)[others[0]], np.eye(3)[others[1]]
    return middle - 20 * right - 20 * down, right, down


def test_gestures_of_all_tools_undo_to_the_same_hash() -> None:
    scene = replace(a_scene(OBLIQUE), settings=ToolSettings(3.0))
    assert scene.segmentation is not None
    session = Session()
    session.apply(AddSegmentation.of(scene.segmentation))
    plane = PLANES["across slices"][1]
    hashes = [_hash(session)]
    for number in range(12):
        tool = (Brush(), Freehand(), Nudge(), Scissors(), Brush(erases=True))[number % 5]
        x = 80.0 + 3 * number
        now = replace(scene, segmentation=session.state.segmentations[0])
        edit = drag(tool, now, plane, [(x, 60.0), (x + 20, 75.0), (x, 95.0)]).edit
        if edit is not None:
            session.apply(edit)
            hashes.append(_hash(session))
    assert len(hashes) > 8
    for expected in reversed(hashes[:-1]):
        session.undo()
        assert _hash(session) == expected
    for expected in hashes[1:]:
        session.redo()
        assert _hash(session) == expected


def _hash(session: Session) -> str:
    return hashlib.sha256(session.state.segmentations[0].labels.tobytes()).hexdigest()


def test_a_hundred_strokes_cost_less_than_twenty_megabytes() -> None:
    volume = a_volume((128, 256, 256)).build()
    layer = a_segmentation(volume, np.zeros(volume.grid.shape_kji, dtype=bool))
    rng = np.random.default_rng(0)
    n_bytes = 0
    for _ in range(100):
        ends = volume.grid.world(rng.uniform((30, 30, 20), (220, 220, 100), (2, 3)))
        ends[1] = ends[0] + (ends[1] - ends[0]) * 0.3
        block = ball_stroke(layer.grid, ends, 8.0)
        assert block is not None
        edit = paint(layer, block, 1, name="paint")
        if edit is not None:
            n_bytes += len(edit.difference.bits.data)
            edit.difference.change(layer.labels)
    assert n_bytes < 20e6


def test_a_gesture_that_was_dropped_leaves_the_labels_alone() -> None:
    scene = a_scene(OBLIQUE)
    assert scene.segmentation is not None
    before = scene.segmentation.labels.copy()
    plane = PLANES["oblique acquired"][1]
    for tool in (Freehand(), Nudge(), Scissors()):
        tool.handle(at("press", (100, 80), plane), scene)
        tool.handle(at("move", (120, 90), plane), scene)
        tool.cancel()
        assert tool.handle(at("release", (120, 90), plane), scene).edit is None
    assert np.array_equal(scene.segmentation.labels, before)
