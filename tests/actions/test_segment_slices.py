"""From slice to slice, versions beside each other, and names from the terminology."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.actions.segment_context import SHAPE, a_context, layer_of, run, told
from viewer.actions.context import Context
from viewer.actions.registry import actions, perform
from viewer.actions.terminology import terms
from viewer.domain.geometry import Plane
from viewer.domain.segmentation import Origin, OriginKind
from viewer.errors import ViewerError
from viewer.session.edits import AddSegmentation
from viewer.testing.builders import rotation


def two_slices() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2, 6:14, 4:12] = True
    mask[6, 8:12, 6:10] = True
    return mask


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context(two_slices()) as found:
        yield found


def test_slices_between_are_filled_in_one_step(context: Context) -> None:
    before = layer_of(context).labels.copy()
    assert " mL" in run(context, "segment.fill_between")
    mask = layer_of(context).labels == 1
    assert all(mask[k].any() for k in range(2, 7))
    assert np.array_equal(mask[2], before[2] == 1)
    context.session.undo()
    assert np.array_equal(layer_of(context).labels, before)


def test_the_preview_changes_nothing_until_it_is_kept(context: Context) -> None:
    before = layer_of(context).labels.copy()
    history = context.session.revision
    run(context, "segment.preview_between")
    draft = context.viewing.draft
    assert draft is not None
    assert draft.found is not None, draft.fault
    shown = draft.found.whole(before.shape)
    assert np.array_equal(layer_of(context).labels, before)
    assert context.session.revision == history
    perform(context, "method.cancel")
    assert context.viewing.draft is None
    assert context.session.revision == history
    run(context, "segment.preview_between")
    perform(context, "method.apply", mode="add")
    assert np.array_equal(layer_of(context).labels == 1, shown)
    assert len(context.session.state.segmentations) == 1
    context.session.undo()
    assert np.array_equal(layer_of(context).labels, before)


def test_a_contour_is_copied_in_an_oblique_view(context: Context) -> None:
    grid = layer_of(context).grid
    turn = rotation((1.0, 0.0, 0.0), 30.0)
    plane, at = context.viewing.look.planes["axial"], grid.world((8.0, 10.0, 6.0))
    axes = turn @ plane.right, turn @ plane.down
    tilted = Plane.centred(at, *axes, plane.pixel_mm, plane.size_px)
    context.viewing.set(active_pane="axial", planes={"axial": tilted})
    before = layer_of(context).labels == 1
    perform(context, "segment.copy_slice", by=1)
    after = layer_of(context).labels == 1
    assert (before <= after).all()
    added = np.argwhere(after & ~before)[:, ::-1]
    assert len(added)
    shown = context.viewing.look.planes["axial"]
    # All that was added lies on the plane that is shown now: within the reach of one layer.
    assert np.abs(shown.pixel(grid.world(added))[:, 2]).max() <= 2.5 / 2 + 1e-6


def test_nothing_between_is_said() -> None:
    with a_context() as context:
        assert "no empty slices" in run(context, "segment.fill_between")


@pytest.mark.parametrize("by", [1, -1])
def test_a_contour_is_copied_to_the_slice_that_is_then_shown(context: Context, by: int) -> None:
    grid = layer_of(context).grid
    context.viewing.set(active_pane="axial")
    context.viewing.go_to(context.need_picture(), grid.world((14.0, 12.0, 6.0)))
    perform(context, "segment.copy_slice", by=by)
    centre = context.viewing.look.planes["axial"].centre_lps_mm
    k = round(float(grid.index(centre)[2]))
    assert abs(k - 6) == 1
    mask = layer_of(context).labels == 1
    assert np.array_equal(mask[k], mask[6])
    assert "mL" in told(context)


def test_a_slice_without_the_segment_has_nothing_to_copy(context: Context) -> None:
    grid = layer_of(context).grid
    context.viewing.go_to(context.need_picture(), grid.world((14.0, 12.0, 8.0)))
    with pytest.raises(ViewerError, match="does not reach"):
        perform(context, "segment.copy_slice", by=1)


def test_a_network_s_version_stays_and_the_difference_is_shown(context: Context) -> None:
    parent = replace(
        layer_of(context),
        uid="1.2.3.77",
        labels=layer_of(context).labels.copy(),
        origin=Origin(OriginKind.NETWORK, "net", "1"),
    )
    context.session.apply(AddSegmentation.of(parent))
    context.viewing.set(segmentation_uid=parent.uid, segment_number=1)
    perform(context, "ai.edit_copy")
    perform(context, "segment.choose", uid=layer_of(context).uid, number=1)
    run(context, "segment.grow", distance_mm=1.0)
    text = run(context, "segment.show_changes")
    edited = layer_of(context).labels == 1
    network = context.session.state.segmentation(parent.uid).labels == 1
    assert np.array_equal(network, two_slices())
    expected = 2 * (edited & network).sum() / (edited.sum() + network.sum())
    assert f"Dice {expected:.3f}" in text
    shown = context.session.state.segmentations[-1].labels
    assert np.array_equal(shown == 1, edited & ~network)
    assert not (shown == 2).any()
    run(context, "segment.show_changes")
    assert all("Changes" not in s.name for s in context.session.state.segmentations)


def test_every_term_can_be_chosen_and_its_code_is_the_libraries(context: Context) -> None:
    from pydicom.sr._concepts_dict import concepts

    table: dict[str, dict[str, object]] = concepts["SCT"]  # type: ignore[assignment]
    known = {value for found in table.values() for value in found}
    choices = actions()["segment.term"].choices
    assert choices is not None
    assert len(choices(context)) == len(terms()) > 25
    for term in terms():
        perform(context, "segment.term", code=term.code.value)
        segment = layer_of(context).segment(1)
        assert (segment.code, segment.category) == (term.code, term.category)
        assert term.code.value.isdigit()
        assert verhoeff(term.code.value), term
        assert {term.code.value, term.category.value} <= known


_D = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6], [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]  # fmt: skip
_P = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(number: str) -> bool:
    """Return whether a SNOMED CT identifier's check digit is right (Verhoeff 1969)."""
    rows = list(_P)
    while len(rows) < 8:
        rows.append([rows[-1][_P[1][n]] for n in range(10)])
    check = 0
    for at, digit in enumerate(reversed(number)):
        check = _D[check][rows[at % 8][int(digit)]]
    return check == 0
