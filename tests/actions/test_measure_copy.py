"""A copied shape lies on the shown slice, and has that slice's numbers."""

from collections.abc import Iterator

import numpy as np
import pytest

from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.command_line.host import command_context
from viewer.domain.measurement import Measurement
from viewer.domain.quantity import MEAN
from viewer.errors import InputRefused
from viewer.testing.builders import a_volume


@pytest.fixture
def context() -> Iterator[Context]:
    with command_context() as found:
        volume = a_volume((6, 40, 50)).with_ramp((0, 0, 10)).build()  # slice k: 10 k HU
        found.pictures.loaded[volume.key] = volume
        found.viewing.resize_pane("axial", (400, 300))
        found.viewing.show(volume)
        found.viewing.set(active_pane="axial")
        yield found


def show_slice(context: Context, k: int) -> None:
    """Let the axial pane show slice ``k``."""
    look = context.viewing.look
    place = context.need_picture().grid.world((20.0, 20.0, float(k)))
    moved = look.planes["axial"].through(place)
    context.viewing.set(planes={**look.planes, "axial": moved})


def mean(measurement: Measurement) -> float:
    """Return the mean in HU."""
    found = measurement.quantity(MEAN)
    assert found is not None
    return found.value


def test_a_copy_is_measured_on_the_slice_that_is_shown(context: Context) -> None:
    grid = context.need_picture().grid
    box = np.array([(20.0, 20, 1), (28, 20, 1), (20, 26, 1)])
    first = perform(
        context, "measure.add", kind="rectangle", points_lps_mm=grid.world(box).tolist()
    )
    show_slice(context, 4)
    uid = perform(context, "measure.copy")
    copied = context.session.state.measurement(uid)
    there = grid.world(box + np.array([0, 0, 3]))
    np.testing.assert_allclose(copied.points_lps_mm, there, atol=1e-6)
    alone = perform(context, "measure.add", kind="rectangle", points_lps_mm=there.tolist())
    drawn = context.session.state.measurement(alone)
    assert [mean(one) for one in (copied, drawn)] == pytest.approx([40.0, 40.0])
    before = context.session.state.measurement(first)
    assert mean(before) == pytest.approx(10.0)
    assert copied.label != before.label
    assert context.viewing.look.selected_uid == alone
    perform(context, "edit.undo")
    perform(context, "edit.undo")
    assert [m.uid for m in context.session.state.measurements] == [first]


def test_what_cannot_be_copied_says_why(context: Context) -> None:
    grid = context.need_picture().grid
    slanted = grid.world(np.array([(10.0, 10, 1), (20, 10, 3)]))
    perform(context, "measure.add", kind="distance", points_lps_mm=slanted.tolist())
    with pytest.raises(InputRefused, match="not parallel"):
        perform(context, "measure.copy")
    flat = grid.world(np.array([(10.0, 10, 2), (20, 10, 2)]))
    perform(context, "measure.add", kind="distance", points_lps_mm=flat.tolist())
    show_slice(context, 2)
    with pytest.raises(InputRefused, match="already"):
        perform(context, "measure.copy")
