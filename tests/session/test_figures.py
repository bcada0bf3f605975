"""Which numbers still belong to their segment."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.actions.measure import of_segment
from viewer.domain.segmentation import Labels, Segmentation
from viewer.session.edits import AddMeasurement, AddSegmentation, replace_labels
from viewer.session.figures import SegmentFigures, outdated
from viewer.session.journal import Journal
from viewer.session.recovery import recover
from viewer.session.session import Session
from viewer.session.state import State
from viewer.testing.builders import a_segmentation, a_volume


def measured_state(*, with_fingerprint: bool = True) -> State:
    """Return a state with one cube, its volume and its two diameters."""
    volume = a_volume((8, 16, 16)).build()
    mask = np.zeros((8, 16, 16), dtype=bool)
    mask[3:6, 4:9, 4:9] = True
    layer = a_segmentation(volume, mask)
    state, _ = AddSegmentation.of(layer).apply(State())
    for measurement in of_segment(volume, layer, layer.segments[0]):
        receipt = measurement.receipt
        if not with_fingerprint:
            receipt = replace(receipt, mask_sha256="")
        state, _ = AddMeasurement(replace(measurement, receipt=receipt)).apply(state)
    return state


def with_labels(state: State, labels: Labels) -> State:
    layer = state.segmentations[0]
    edit = replace_labels(layer, labels, name="move")
    assert edit is not None
    return edit.apply(state)[0]


def n_outdated(state: State) -> int:
    return len(outdated(state.measurements, state.segmentations, SegmentFigures()))


def moved(layer: Segmentation) -> Labels:
    return np.roll(layer.labels, 1, axis=2)


def test_a_move_by_one_voxel_makes_all_numbers_of_a_segment_old() -> None:
    state = measured_state()
    assert n_outdated(state) == 0
    state = with_labels(state, moved(state.segmentations[0]))
    assert n_outdated(state) == 2
    state = with_labels(state, np.roll(state.segmentations[0].labels, -1, axis=2))
    assert n_outdated(state) == 0


def test_numbers_without_a_fingerprint_are_judged_by_their_count() -> None:
    state = measured_state(with_fingerprint=False)
    layer = state.segmentations[0]
    assert n_outdated(with_labels(state, moved(layer))) == 0
    labels = layer.labels.copy()
    labels[0, 0, 0] = 1
    assert n_outdated(with_labels(state, labels)) == 2


def test_what_is_old_is_still_known_after_a_crash(tmp_path: Path) -> None:
    state = measured_state()
    layer = state.segmentations[0]
    journal = Journal.create(tmp_path)
    session = Session(journal)
    session.apply(AddSegmentation.of(layer))
    for measurement in state.measurements:
        session.apply(AddMeasurement(measurement))
    move = replace_labels(session.state.segmentations[0], moved(layer), name="move")
    assert move is not None
    session.apply(move)
    session.close(clean=False)
    again = recover(journal.path)
    assert n_outdated(again.state) == 2
    again.undo()
    assert n_outdated(again.state) == 0
    again.close()


def test_figures_are_kept_until_they_are_forgotten() -> None:
    layer = measured_state().segmentations[0]
    figures = SegmentFigures()
    assert (figures.n_voxels(layer, 1), figures.n_voxels(layer, 2)) == (75, 0)
    before = figures.fingerprint(layer, 1)
    layer.labels[0, 0, 0] = 1
    assert (figures.n_voxels(layer, 1), figures.fingerprint(layer, 1)) == (75, before)
    figures.forget("another")
    assert figures.n_voxels(layer, 1) == 75
    figures.forget(layer.uid)
    assert figures.n_voxels(layer, 1) == 76
    assert figures.fingerprint(layer, 1) != before


def test_numbers_of_a_segmentation_that_is_gone_say_what_was_measured_then() -> None:
    state = measured_state()
    gone = replace(state, segmentations=())
    assert n_outdated(gone) == 0
