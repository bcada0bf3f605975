"""Saved presentation states, turns and mirrors, in the real window."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.exchange.test_gsps_read import a_state
from tests.intake.writing import a_slice, an_item, saved
from viewer.actions.registry import actions, perform
from viewer.imaging.section import section
from viewer.imaging.value_chain import shown_inverted
from viewer.rendering.primitives import Line, Text
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program


def _open(program: Program, folder: Path) -> Any:
    perform(program.context, "file.open_paths", paths=(folder,))
    wait_for_jobs(program, 60, "opening")
    return program.context


def _painted(program: Program) -> Any:
    pane = program.window.grid.slices["acquired"]
    pane.repaint()
    settle()
    return pane.presented


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    """A radiograph and a state that turns, mirrors, inverts, cuts and draws on it."""
    folder = tmp_path / "study"
    folder.mkdir()
    values = np.arange(60 * 80, dtype=np.int16).reshape(60, 80)
    image = a_slice(0, values, modality="DX")
    image.PatientOrientation = ["L", "F"]
    saved(image, folder / "image")
    circle = an_item(
        GraphicAnnotationUnits="PIXEL",
        GraphicData=[40.5, 30.5, 50.5, 30.5],
        GraphicType="CIRCLE",
        GraphicFilled="N",
    )
    text = an_item(
        UnformattedTextValue="fracture",
        AnchorPoint=[40.5, 30.5],
        AnchorPointAnnotationUnits="PIXEL",
    )
    drawn = an_item(GraphicObjectSequence=[circle], TextObjectSequence=[text])
    area = an_item(
        DisplayedAreaTopLeftHandCorner=[21, 11], DisplayedAreaBottomRightHandCorner=[60, 50]
    )
    state = a_state(
        image,
        PresentationLUTShape="INVERSE",
        ImageRotation=90,
        ImageHorizontalFlip="Y",
        DisplayedAreaSelectionSequence=[area],
        SoftcopyVOILUTSequence=[an_item(WindowCenter=1000, WindowWidth=3000)],
        GraphicAnnotationSequence=[drawn],
    )
    saved(state, folder / "state")
    return folder


def test_a_saved_state_is_offered_applied_and_taken_away(
    program: Program, radiograph: Path
) -> None:
    context = _open(program, radiograph)
    picture = context.need_picture()
    assert context.viewing.look.presentation_uid == ""
    before = context.viewing.look.planes["acquired"]
    perform(context, "view.next_presentation")
    look = context.viewing.look
    assert (context.viewing.window(picture).center, context.viewing.window(picture).width) == (
        1000,
        3000,
    )
    assert shown_inverted(picture) != (picture.key in look.inverted)
    presented = _painted(program)
    plane = look.planes["acquired"]
    # Mirrored, then turned clockwise: what was at the top lies at the right, the old left on top.
    np.testing.assert_allclose(plane.right, -before.down, atol=1e-9)
    np.testing.assert_allclose(plane.down, -before.right, atol=1e-9)
    assert plane.letters() == plane.letters()
    corners = plane.pixel(picture.grid.world([(20, 10, 0), (59, 49, 0)]))[:, :2]
    assert corners.min() >= -1
    assert (corners.max(axis=0) <= np.array(plane.size_px)).all()
    lines = [p for p in presented.primitives if isinstance(p, Line) and len(p.points) > 20]
    centre = plane.pixel(picture.grid.world((40, 30, 0)))[:2]
    np.testing.assert_allclose(np.mean(lines[0].points, axis=0), centre, atol=0.01)
    texts = {p.text for p in presented.primitives if isinstance(p, Text)}
    assert {"fracture", "STATE MINE"} <= texts
    perform(context, "view.next_presentation")
    assert context.viewing.look.presentation_uid == ""
    np.testing.assert_allclose(context.viewing.look.planes["acquired"].right, before.right)
    assert picture.key not in context.viewing.look.inverted


def test_turning_four_times_and_mirroring_twice_changes_nothing(
    program: Program, study: Path
) -> None:
    context = _open(program, study)
    before = context.viewing.look.planes["axial"]
    for verb in ("view.turn_right",) * 4 + ("view.flip",) * 2 + ("view.turn_left",) * 4:
        perform(context, verb)
        cut = section(context.need_picture(), context.viewing.look.planes["axial"])
        assert cut.coverage is None or (cut.coverage == 1).any()
    after = context.viewing.look.planes["axial"]
    np.testing.assert_allclose(after.right, before.right, atol=1e-12)
    np.testing.assert_allclose(after.origin_lps_mm, before.origin_lps_mm, atol=1e-9)


@pytest.mark.parametrize("verb", ["view.turn_right", "view.flip"])
def test_letters_follow_and_the_next_image_stays_the_next(
    program: Program, study: Path, verb: str
) -> None:
    context = _open(program, study)
    viewing, picture = context.viewing, context.need_picture()
    plane = viewing.look.planes["axial"]
    viewing.scroll(picture, "axial", 1)
    depth = float((viewing.look.planes["axial"].origin_lps_mm - plane.origin_lps_mm)[2])
    viewing.scroll(picture, "axial", -1)
    letters = plane.letters()
    perform(context, verb)
    turned = viewing.look.planes["axial"]
    if verb == "view.flip":
        assert turned.letters()["left"] == letters["right"]
    else:
        assert turned.letters()["right"] == letters["top"]
    viewing.scroll(picture, "axial", 1)
    moved = viewing.look.planes["axial"].centre_lps_mm - turned.centre_lps_mm
    assert moved[2] == pytest.approx(depth, abs=1e-6)


def test_series_without_states_say_so(program: Program, study: Path) -> None:
    context = _open(program, study)
    assert "No presentation state" in actions()["view.next_presentation"].enabled(context)
