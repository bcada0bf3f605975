"""A liver and a spiculated tumour of a real CT, by hand and by method, in the window: kept, undone, saved.

The CT is the radiomics phantom of IBSI 1; its expert contour is the oracle. Places are voxels
(column, row) of the slice that was drawn on, as a reader placed them by eye.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import NO_DATA
from tests.session.scribble import fingerprint
from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.exchange.rtstruct_read import read_rtstruct
from viewer.exchange.seg import read_seg
from viewer.imaging.agreement import dice
from viewer.session.recovery import open_workspace
from viewer.window.driving import wait_for_jobs
from viewer.window.start import Program

CASE = "ibsi/ibsi_1_ct_radiomics_phantom/dicom"
_LONG_S = 120.0
Outline = Sequence[tuple[float, float]]
# fmt: off
LIVER: dict[int, Outline] = {
    0: [(60, 0), (52, 11), (45, 33), (40, 72), (39, 99), (45, 124), (58, 143), (74, 157), (83, 153),
        (96, 135), (113, 118), (132, 107), (144, 91), (160, 72), (176, 58), (190, 47), (201, 33), (203, 0)],
    4: [(72, 0), (60, 22), (47, 50), (40, 77), (39, 99), (45, 124), (58, 143), (74, 157), (85, 150),
        (105, 127), (127, 110), (146, 88), (160, 74), (182, 52), (202, 33), (203, 0)],
    8: [(88, 7), (72, 14), (58, 33), (50, 61), (47, 88), (47, 113), (54, 138), (69, 154), (83, 159),
        (107, 144), (132, 130), (149, 107), (155, 88), (168, 50), (176, 33), (165, 25), (143, 19), (116, 8)],
    12: [(105, 17), (83, 25), (61, 47), (52, 75), (50, 103), (52, 130), (63, 149), (83, 155), (102, 148),
         (124, 125), (143, 108), (152, 86), (149, 72), (165, 64), (168, 53), (152, 45), (135, 25), (119, 17)],
}
_LOWER: Outline = [(52, 84), (53, 133), (75, 136), (110, 131), (141, 114), (136, 106), (142, 84),
                   (121, 64), (98, 55), (72, 65)]
_UPPER: Outline = [(66, 81), (67, 114), (83, 135), (105, 136), (137, 125), (144, 101), (143, 84),
                   (130, 51), (105, 59), (80, 73)]
TUMOUR: dict[int, Outline] = {
    18: _LOWER,
    20: _LOWER,
    26: [(58, 84), (60, 120), (77, 142), (99, 145), (135, 142), (145, 128), (141, 100), (144, 89),
         (142, 67), (127, 57), (102, 55), (72, 67)],
    32: _UPPER,
    37: _UPPER,
}
# fmt: on


def opened(program: Program, shared_data: Path) -> Context:
    """Return the context with the CT open; skip where it is not beside the checkout."""
    folder = shared_data / CASE / "image"
    if not folder.is_dir():
        pytest.skip(NO_DATA)
    perform(program.context, "file.open_paths", paths=(folder,))
    wait_for_jobs(program, _LONG_S, "opening")
    return program.context


def outlined(program: Program, outlines: dict[int, Outline]) -> None:
    """Draw the active segment on some slices, and fill between them."""
    context = program.context
    grid = context.need_picture().grid
    for k, outline in outlines.items():
        points = grid.world(np.array([(i, j, k) for i, j in outline], dtype=float))
        perform(context, "view.go_to", point_lps_mm=tuple(points.mean(axis=0)))
        perform(context, "paint.polygon", points_lps_mm=points.tolist(), pane="axial")
    perform(context, "segment.fill_between")
    wait_for_jobs(program, _LONG_S, "filling")


def trimmed(program: Program, low: float, high: float) -> None:
    """Keep of the active segment what has values in a range: a threshold, only inside, in its place."""
    context = program.context
    layer, segment = context.need_segment()
    perform(context, "method.choose", method="threshold")
    perform(context, "method.set", parameter="low", value=low)
    perform(context, "method.set", parameter="high", value=high)
    perform(context, "method.segments", uid=layer.uid, number=segment.number, only_inside=True)
    wait_for_jobs(program, _LONG_S, "the threshold")
    perform(context, "method.apply", mode="replace")


def operated(program: Program, verb: str, **parameters: object) -> None:
    """Run an operation on the active segment and wait for it."""
    perform(program.context, verb, **parameters)
    wait_for_jobs(program, _LONG_S, verb)


def liver(program: Program) -> None:
    """Outline the liver on four slices, fill between, take fat and air out, close and smooth it."""
    perform(program.context, "segment.new")
    outlined(program, LIVER)
    trimmed(program, 0.0, 250.0)
    operated(program, "segment.fill_holes", kind="slices")
    operated(program, "segment.smooth", sigma_mm=1.5)
    operated(program, "segment.keep_largest")


def tumour(program: Program) -> None:
    """Outline the tumour's hull on five slices; the threshold finds its spicules; a brush mends it."""
    context = program.context
    perform(context, "segment.new")
    outlined(program, TUMOUR)
    trimmed(program, -300.0, 140.0)
    operated(program, "segment.keep_largest")
    operated(program, "segment.fill_holes", kind="slices")
    grid = context.need_picture().grid
    # A bronchus at the hilum and lung that came along; then a lobe that the outline missed.
    rim, lobe = (grid.world(np.array(p, dtype=float)) for p in ([(140, 92, 26)], [(128, 50, 32)]))
    perform(context, "paint.stroke", points_lps_mm=rim.tolist(), radius_mm=6.0, erase=True)
    perform(context, "paint.stroke", points_lps_mm=lobe.tolist(), radius_mm=4.0, pane="sagittal")


def masks(context: Context) -> NDArray[np.uint8]:
    return context.need_segment()[0].labels.copy()


def test_two_structures_of_a_real_ct_are_segmented_undone_saved_and_read_back(
    program: Program, shared_data: Path, tmp_path: Path
) -> None:
    context = opened(program, shared_data)
    perform(context, "view.enlarge", pane="axial")  # nobody looks at the 3-D view here
    picture = context.need_picture()
    untouched = fingerprint(context.session.state)
    liver(program)
    after_liver = masks(context)
    tumour(program)
    made = masks(context)
    history = list(context.session.history)
    # every gesture, method and operation is one edit
    assert len(history) == (1 + len(LIVER) + 1 + 1 + 3) + (1 + len(TUMOUR) + 1 + 1 + 2 + 2)
    assert not ((made == 1) & (after_liver != 1)).any()  # the tumour took from the liver, at most

    ml = picture.grid.voxel_volume_mm3 / 1000
    liver_ml = float((made == 1).sum()) * ml
    expert = read_rtstruct(next((shared_data / CASE / "mask").iterdir()), picture)
    truth = expert.segmentations[0].labels > 0
    assert 450 < liver_ml < 750, liver_ml
    assert dice(made == 2, truth) > 0.85
    values = picture.quantity.slice_values(picture.stored[8], 8)[made[8] == 1]
    assert 60 < np.median(values) < 100  # liver shortly after contrast

    finished = fingerprint(context.session.state)
    for _ in history:
        perform(context, "edit.undo")
    assert fingerprint(context.session.state) == untouched
    for _ in history:
        perform(context, "edit.redo")
    assert fingerprint(context.session.state) == finished

    saved = perform(context, "export.seg", path=tmp_path / "two.dcm")
    assert any("equal voxel for voxel" in said for said in saved.checks)
    again = read_seg(tmp_path / "two.dcm", picture)
    assert np.array_equal(again.labels, made)
    assert again == context.need_segment()[0]

    place = tmp_path / "two.negatoscope"
    perform(context, "file.save_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "saving")
    (kept,) = tmp_path.glob("two.negatoscope*")
    again_opened = open_workspace(kept, tmp_path)
    assert fingerprint(again_opened.state) == finished
    assert list(again_opened.history) == history
    again_opened.close()
