"""What is kept of a method's result: its memberships, and a record of every step of a segment."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.actions.segment_context import a_context, layer_of, run, told
from tests.session.scribble import fingerprint
from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.domain.segmentation import OriginKind, steps_text
from viewer.exchange.seg import read_seg


@pytest.fixture
def context() -> Iterator[Context]:
    with a_context() as found:
        yield found


def fuzzy(context: Context) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Try fuzzy c-means; return its memberships on the whole grid."""
    run(context, "method.choose", method="fuzzy_cmeans")
    run(context, "method.set", parameter="at_least", value=0.3)
    draft = context.viewing.draft
    assert draft is not None
    assert draft.found is not None, draft.fault
    assert draft.found.membership is not None
    whole = np.zeros(context.need_picture().grid.shape_kji, dtype=np.float32)
    start, shape = draft.found.start_kji, draft.found.mask.shape
    whole[tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))] = (
        draft.found.membership
    )
    return whole


def levels(context: Context, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    layer = layer_of(context)
    kept = layer.segment(number).fractions
    assert kept is not None
    return kept.on(layer.labels == number)


def test_memberships_are_kept_said_undone_and_exported(context: Context, tmp_path: Path) -> None:
    before = fingerprint(context.session.state)
    membership = fuzzy(context)
    perform(context, "method.apply", mode="new")
    assert "How much each voxel belongs is kept" in told(context)
    made = levels(context, 1)
    assert np.abs(made / 255 - membership).max() <= 1 / 255
    assert len(np.unique(made)) > 10
    perform(context, "export.seg_as", kind="PROBABILITY", path=tmp_path / "f.dcm")
    again = read_seg(tmp_path / "f.dcm", context.need_picture())
    assert again == layer_of(context)
    perform(context, "edit.undo")
    assert fingerprint(context.session.state) == before
    perform(context, "edit.redo")
    perform(context, "segment.choose", uid=again.uid, number=1)
    assert np.array_equal(levels(context, 1), made)


def test_memberships_join_a_segment_and_go_with_one_undo(context: Context) -> None:
    mask = layer_of(context).labels == 1
    before = fingerprint(context.session.state)
    n = len(context.session.history)
    membership = fuzzy(context)
    perform(context, "method.apply", mode="add")
    joined = levels(context, 1)
    assert (joined[mask] == 255).all()  # what was drawn stays whole
    free = layer_of(context).labels == 0
    assert np.abs(joined[free] / 255 - membership[free]).max() <= 1 / 255
    assert len(context.session.history) == n + 1
    perform(context, "edit.undo")
    assert fingerprint(context.session.state) == before
    fuzzy(context)
    perform(context, "method.apply", mode="replace")
    assert np.abs(levels(context, 1) / 255 - membership)[free].max() <= 1 / 255
    # a method without memberships leaves none behind
    run(context, "method.choose", method="threshold")
    run(context, "method.set", parameter="low", value=100.0)
    perform(context, "method.apply", mode="replace")
    assert layer_of(context).segment(1).fractions is None


def test_a_segment_remembers_each_step_with_settings_and_limits(
    context: Context, tmp_path: Path
) -> None:
    middle = context.need_picture().grid.world((8.0, 13.0, 5.0))
    layer = layer_of(context)
    for at in (0.0, 1.0):  # two strokes are one step
        points = [(middle[0] + at, middle[1], middle[2])]
        perform(context, "paint.stroke", points_lps_mm=points, radius_mm=2.0 + at)
    run(context, "method.choose", method="threshold")
    run(context, "method.set", parameter="low", value=20.0)
    run(context, "method.set", parameter="high", value=120.0)
    run(context, "method.within", kind="range", low=30.0, high=110.0)
    run(context, "method.segments", uid=layer.uid, number=2)
    perform(context, "method.apply", mode="add")
    run(context, "segment.grow", distance_mm=1.0)
    segment = layer_of(context).segment(1)
    kinds = [(step.kind, step.key) for step in segment.steps]
    assert kinds == [
        (OriginKind.HAND, ""),
        (OriginKind.METHOD, "threshold"),
        (OriginKind.METHOD, "operation"),
    ]
    told_of = dict(segment.steps[1].parameters)
    assert (told_of["low"], told_of["high"], told_of["mode"]) == ("20.0", "120.0", "add")
    assert told_of["within"] == "(30.0, 110.0)"
    assert told_of["segments"] == "never inside Neighbour"
    assert layer_of(context).segment(2).steps == ()

    perform(context, "export.seg", path=tmp_path / "s.dcm")
    again = read_seg(tmp_path / "s.dcm", context.need_picture())
    assert again.segments == layer_of(context).segments
    assert again.origin == layer_of(context).origin
    import pydicom

    first, second = pydicom.dcmread(tmp_path / "s.dcm").SegmentSequence
    assert first.SegmentAlgorithmType == "SEMIAUTOMATIC"
    (algorithm,) = first.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmName == "threshold"
    assert first.SegmentDescription == steps_text(segment)
    assert first.SegmentDescription.startswith("1 by hand; 2 threshold (")
    assert second.SegmentAlgorithmType == "MANUAL"

    for steps in ((*segment.steps[:2],), segment.steps[:1]):
        perform(context, "edit.undo")
        assert layer_of(context).segment(1).steps == steps
    perform(context, "edit.undo")
    perform(context, "edit.undo")
    assert layer_of(context).segment(1).steps == ()
    perform(context, "edit.redo")
    assert [step.kind for step in layer_of(context).segment(1).steps] == [OriginKind.HAND]


def test_a_locked_segment_is_exported_and_read_back_locked(
    context: Context, tmp_path: Path
) -> None:
    perform(context, "segment.lock")
    perform(context, "export.seg", path=tmp_path / "l.dcm")
    again = read_seg(tmp_path / "l.dcm", context.need_picture())
    assert [s.locked for s in again.segments] == [True, False]
