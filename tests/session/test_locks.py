"""What a locked segment owns stays, whoever asks."""

from dataclasses import replace

import numpy as np
import pytest

from tests.session.scribble import GRID, a_layer
from viewer.domain.segmentation import Segmentation
from viewer.errors import Conflict
from viewer.imaging.rasterise import Block
from viewer.session.edits import (
    AddSegmentation,
    PaintLabels,
    RemoveSegment,
    paint,
    replace_labels,
    replace_segment_mask,
)
from viewer.session.serialise import decode, encode
from viewer.session.session import Session

EVERYWHERE = Block((0, 0, 0), np.ones(GRID.shape_kji, dtype=bool))


def a_locked() -> Segmentation:
    layer = a_layer()
    return replace(layer, segments=(layer.segments[0], replace(layer.segments[1], locked=True)))


def after(layer: Segmentation, edit: PaintLabels | None) -> np.ndarray:
    session = Session()
    session.apply(AddSegmentation.of(layer))
    assert edit is not None
    session.apply(edit)
    found = session.state.segmentations[0].labels.copy()
    session.undo()
    assert np.array_equal(session.state.segmentations[0].labels, layer.labels)
    return found


def test_painting_goes_around_a_locked_segment() -> None:
    layer = a_locked()
    for make in (paint, replace_segment_mask):
        found = after(layer, make(layer, EVERYWHERE, 1, name="all"))
        assert np.array_equal(found == 2, layer.labels == 2)
        assert (found[layer.labels != 2] == 1).all()


def test_replaced_labels_leave_a_locked_segment_alone() -> None:
    layer = a_locked()
    found = after(layer, replace_labels(layer, np.flip(layer.labels, 2).copy(), name="flip"))
    assert np.array_equal(found == 2, layer.labels == 2)


def test_the_locked_segment_itself_is_refused() -> None:
    layer = a_locked()
    for make in (paint, replace_segment_mask):
        with pytest.raises(Conflict, match="locked"):
            make(layer, EVERYWHERE, 2, name="all")
    session = Session()
    session.apply(AddSegmentation.of(layer))
    with pytest.raises(Conflict, match="locked"):
        session.apply(RemoveSegment(layer.uid, 2))


def test_only_the_named_labels_are_painted_over() -> None:
    layer = a_layer()
    edit = replace_segment_mask(layer, EVERYWHERE, 1, name="all", only_over=(0,))
    found = after(layer, edit)
    assert np.array_equal(found == 2, layer.labels == 2)


def test_a_lock_is_kept_in_the_session() -> None:
    segment = a_locked().segments[1]
    assert decode(encode(segment)) == segment
