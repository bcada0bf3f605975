"""Calibration by hand: an edit like any other, and marked on every number that uses it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.command_line.host import command_context
from viewer.domain.geometry import Grid
from viewer.domain.quantity import ANGLE, AREA, LENGTH, PERIMETER, PIXELS_ONLY, Code, SpacingSource
from viewer.domain.volume import ImageStack
from viewer.errors import InputRefused, ViewerError
from viewer.rendering.primitives import Text
from viewer.session.presentation import Presenter
from viewer.testing.builders import a_volume

SHAPE = (2, 60, 80)


def a_film() -> ImageStack:
    """Return two photographed films without any spacing."""
    whole = a_volume(SHAPE).build()
    grid = Grid.from_axes(SHAPE, spacing_ijk_mm=(1.0, 1.0, 1.0))
    return ImageStack(
        whole.key, whole.stored, grid, whole.quantity, whole.display, whole.identity,
        pixel_spacing=PIXELS_ONLY,
    )  # fmt: skip


@pytest.fixture
def context() -> Iterator[Context]:
    with command_context() as found:
        film = a_film()
        found.pictures.loaded[film.key] = film
        found.viewing.resize_pane("acquired", (400, 300))
        found.viewing.show(film)
        yield found


def number(context: Context, uid: str, concept: Code) -> tuple[float, str]:
    quantity = context.session.state.measurement(uid).quantity(concept)
    assert quantity is not None
    return quantity.value, quantity.unit


def test_every_number_of_the_image_follows_and_is_marked(context: Context) -> None:
    scale = perform(
        context, "measure.add", kind="distance", points_lps_mm=[(10, 10, 0), (30, 10, 0)]
    )
    box = perform(
        context,
        "measure.add",
        kind="rectangle",
        points_lps_mm=[(40, 30, 0), (50, 30, 0), (40, 35, 0)],
    )
    corner = perform(
        context, "measure.add", kind="angle", points_lps_mm=[(5, 5, 0), (20, 5, 0), (20, 30, 0)]
    )
    other = perform(context, "measure.add", kind="distance", points_lps_mm=[(9, 9, 1), (29, 9, 1)])
    assert number(context, scale, LENGTH) == (20.0, "{pixels}")
    perform(context, "edit.select", uid=scale)
    perform(context, "measure.calibrate", known_mm=50.0)
    assert number(context, scale, LENGTH) == (50.0, "mm")
    assert number(context, box, AREA) == pytest.approx((200 * 2.5**2, "mm2"))
    assert number(context, box, PERIMETER) == pytest.approx((60 * 2.5, "mm"))
    assert number(context, corner, ANGLE)[0] == pytest.approx(90)
    assert number(context, other, LENGTH) == (20.0, "{pixels}"), "another image"
    receipt = context.session.state.measurement(box).receipt
    assert receipt.spacing.source is SpacingSource.CALIBRATED
    assert "50 mm" in receipt.rule
    later = perform(context, "measure.add", kind="distance", points_lps_mm=[(0, 0, 0), (0, 8, 0)])
    assert number(context, later, LENGTH) == (20.0, "mm")
    perform(context, "edit.undo")
    perform(context, "edit.undo")
    assert number(context, scale, LENGTH) == (20.0, "{pixels}")
    assert not context.session.state.calibrations
    perform(context, "edit.redo")
    assert number(context, box, AREA)[1] == "mm2"
    perform(context, "measure.uncalibrate")
    assert number(context, scale, LENGTH) == (20.0, "{pixels}")


def test_the_picture_says_that_a_hand_calibrated_it(context: Context) -> None:
    presenter = Presenter(context.session, context.viewing, {})
    film = context.need_picture()

    def texts() -> str:
        shown = presenter.present(film, "acquired").primitives
        return " | ".join(p.text for p in shown if isinstance(p, Text))

    context.viewing.go_to(film, np.array([10.0, 10.0, 0.0]))
    assert "UNCALIBRATED" in texts()
    perform(context, "measure.add", kind="distance", points_lps_mm=[(10, 10, 0), (30, 10, 0)])
    perform(context, "measure.calibrate", known_mm=50.0)
    assert "CALIBRATED BY HAND  50 mm" in texts()
    assert "UNCALIBRATED" not in texts()
    assert "50.0 mm cal" in texts()
    assert " cm cal" in texts(), "the ruler"
    context.viewing.go_to(film, np.array([10.0, 10.0, 1.0]))
    assert "UNCALIBRATED" in texts(), "the other image was not"


@pytest.mark.parametrize("known", [0.0, -3.0, float("nan"), 1e9])
def test_a_length_that_is_none_is_refused(context: Context, known: float) -> None:
    perform(context, "measure.add", kind="distance", points_lps_mm=[(10, 10, 0), (30, 10, 0)])
    with pytest.raises(InputRefused, match="known distance"):
        perform(context, "measure.calibrate", known_mm=known)
    assert not context.session.state.calibrations


def test_without_a_line_or_in_the_patient_it_is_refused(context: Context) -> None:
    with pytest.raises(InputRefused, match="no distance"):
        perform(context, "measure.calibrate", known_mm=5.0)
    volume = replace(a_volume((4, 8, 8)).build(), key="9")
    context.pictures.loaded[volume.key] = volume
    context.viewing.show(volume)
    with pytest.raises(ViewerError, match="in the patient"):
        perform(context, "measure.calibrate", known_mm=5.0)


def test_a_measurement_and_a_note_are_named_and_that_is_undone(context: Context) -> None:
    uid = perform(context, "measure.add", kind="note", points_lps_mm=[(10, 10, 0)])
    perform(context, "measure.rename", label="  old   fracture ")
    assert context.session.state.measurement(uid).label == "old fracture"
    perform(context, "edit.undo")
    assert context.session.state.measurement(uid).label == "Note 1"
    for label in ("", "x" * 65, "a\x07b"):
        with pytest.raises(InputRefused, match="readable"):
            perform(context, "measure.rename", label=label)
