import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.session.scribble import (
    GRID,
    Scribbler,
    a_layer,
    a_measurement,
    fingerprint,
)
from viewer.domain.chain import Chain, Step
from viewer.domain.segmentation import Segment
from viewer.errors import Conflict
from viewer.imaging.rasterise import Block
from viewer.session.edits import (
    AddMeasurement,
    AddSegmentation,
    RemoveMeasurement,
    ReplaceSegment,
    SetChain,
    paint,
)
from viewer.session.session import Change, Session


class AnyMixOfSteps(RuleBasedStateMachine):
    """The session against a list of recorded states and a place in it."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.states = [fingerprint(self.session.state)]
        self.place = self.n_made = 0
        self.names: list[str] = []

    @rule(seed=st.integers(0, 2**32))
    def edit(self, seed: int) -> None:
        self.n_made += 1  # so that two edits never invent the same uid
        edit = Scribbler(self.session, seed * 1000 + self.n_made)._edit()
        self.session.apply(edit)
        self.place += 1
        self.states[self.place :] = [fingerprint(self.session.state)]
        self.names[self.place - 1 :] = [edit.name]

    @rule()
    def undo(self) -> None:
        name = self.session.undo()
        assert name == (self.names[self.place - 1] if self.place else "")
        self.place = max(0, self.place - 1)

    @rule()
    def redo(self) -> None:
        name = self.session.redo()
        assert name == (self.names[self.place] if self.place < len(self.names) else "")
        self.place = min(len(self.names), self.place + 1)

    @rule(paths=st.tuples(st.text(max_size=3)))
    def open(self, paths: tuple[str, ...]) -> None:
        self.session.open_paths(paths)

    @invariant()
    def equals_the_recorded_state(self) -> None:
        assert fingerprint(self.session.state) == self.states[self.place]
        assert self.session.history == tuple(self.names[: self.place])
        assert self.session.can_redo == (self.place < len(self.names))


TestAnyMixOfSteps = AnyMixOfSteps.TestCase
TestAnyMixOfSteps.settings = settings(stateful_step_count=20, deadline=None)


def sigma(value: float) -> SetChain:
    return SetChain("1.2.3.4", Chain((Step.of("gaussian", {"sigma_mm": value}),)), "Gaussian")


def test_a_drag_of_a_slider_is_one_step() -> None:
    session = Session()
    session.apply(sigma(1.0))
    for n in range(50):
        session.apply(sigma(1 + n / 10), merge_key="sigma")
    assert session.history == ("Gaussian", "Gaussian")
    assert session.undo_name == "Gaussian"
    session.undo()
    assert session.state.chain("1.2.3.4") == sigma(1.0).chain
    session.redo()
    assert session.state.chain("1.2.3.4") == sigma(5.9).chain


def test_a_drag_ends_at_a_seal_another_key_an_undo_or_another_edit() -> None:
    session = Session()
    session.apply(sigma(1.0), merge_key="a")
    session.apply(sigma(2.0), merge_key="b")
    session.seal()
    session.apply(sigma(3.0), merge_key="b")
    session.apply(AddMeasurement(a_measurement()))
    session.apply(sigma(4.0), merge_key="b")
    assert len(session.history) == 5
    session.undo()
    session.redo()
    session.apply(sigma(5.0), merge_key="b")
    assert len(session.history) == 6


def test_a_drag_over_two_things_is_undone_as_one() -> None:
    session = Session()
    session.apply(AddSegmentation.of(a_layer()))
    before = fingerprint(session.state)
    for opacity in (0.1, 0.2, 0.3):
        for number in (1, 2):
            segment = Segment(number, "x", (1, 1, 1), opacity=opacity)
            session.apply(ReplaceSegment("2.25.7", segment), merge_key="opacity")
    after = fingerprint(session.state)
    assert len(session.history) == 2
    session.undo()
    assert fingerprint(session.state) == before
    session.redo()
    assert fingerprint(session.state) == after


def test_strokes_that_join_are_undone_as_one() -> None:
    session = Session()
    session.apply(AddSegmentation.of(a_layer()))
    before = fingerprint(session.state)
    for k in range(3):
        block = Block((k, 0, 0), np.ones((2, 8, 10), dtype=bool))
        edit = paint(session.state.segmentations[0], block, 2, name="paint")
        assert edit is not None
        session.apply(edit, merge_key="stroke")
    assert session.history == ("add Layer 5.7", "paint")
    session.undo()
    assert fingerprint(session.state) == before


def test_a_failed_edit_leaves_state_history_and_redo_as_they_were() -> None:
    session = Session()
    session.apply(AddMeasurement(a_measurement("2.25.1")))
    session.apply(AddMeasurement(a_measurement("2.25.2")))
    session.undo()
    heard: list[Change] = []
    session.changed.connect(heard.append)
    before = fingerprint(session.state)
    with pytest.raises(Conflict):
        session.apply(RemoveMeasurement("nobody"))
    assert fingerprint(session.state) == before
    assert session.can_redo
    assert heard == []


def test_a_listener_that_raises_does_not_look_like_a_failed_edit() -> None:
    faults: list[Exception] = []
    heard: list[Change] = []
    session = Session(on_fault=faults.append)

    def broken(_change: Change) -> None:
        raise ValueError("no")

    session.changed.connect(broken)
    session.changed.connect(heard.append)
    session.apply(AddMeasurement(a_measurement()))
    assert len(session.state.measurements) == 1
    assert len(heard) == 1
    assert isinstance(faults[0], ValueError)


def test_a_listener_sees_the_new_state() -> None:
    session = Session()
    seen: list[int] = []
    session.changed.connect(lambda _: seen.append(len(session.state.measurements)))
    session.apply(AddMeasurement(a_measurement()))
    session.undo()
    session.redo()
    assert seen == [1, 0, 1]


def test_a_change_names_picture_segmentation_and_block() -> None:
    session = Session()
    session.apply(AddSegmentation.of(a_layer()))
    heard: list[Change] = []
    session.changed.connect(heard.append)
    layer = session.state.segmentations[0]
    layer.labels[:] = 0
    edit = paint(layer, Block((1, 2, 3), np.ones((1, 2, 3), dtype=bool)), 1, name="paint")
    assert edit is not None
    revision = session.label_revision(layer.uid)
    session.apply(edit)
    assert session.label_revision(layer.uid) > revision
    session.undo()
    session.apply(ReplaceSegment(layer.uid, Segment(1, "x", (1, 1, 1))))
    block = ((1, 2, 3), (2, 4, 6))
    keys = frozenset({"1.2.3.4"})
    uids = frozenset({layer.uid})
    assert heard == [
        Change("paint", "apply", keys, layer.uid, uids, True, block),
        Change("paint", "undo", keys, layer.uid, uids, True, block),
        Change("change x", "apply", keys, layer.uid, uids, False, None),
    ]


def test_old_steps_are_forgotten_when_the_history_outgrows_its_bytes() -> None:
    session = Session(limit_bytes=20_000)
    for n in range(100):
        session.apply(AddMeasurement(a_measurement(f"2.25.{n + 1}")))
    assert 1 < len(session.history) < 100
    while session.can_undo:
        session.undo()
    assert 0 < len(session.state.measurements) < 100


def test_one_step_larger_than_the_limit_can_still_be_undone() -> None:
    session = Session(limit_bytes=10)
    session.apply(AddSegmentation.of(a_layer()))
    session.undo()
    assert session.state.segmentations == ()


def test_opening_the_same_paths_twice_keeps_one_reference() -> None:
    session = Session()
    session.open_paths(("/a", "/b"))
    session.open_paths(("/a", "/b"))
    session.open_paths(("/c",))
    assert [study.paths for study in session.state.studies] == [("/a", "/b"), ("/c",)]
    assert not session.can_undo


def test_nothing_to_undo_or_redo_says_so() -> None:
    session = Session()
    assert (session.undo(), session.redo(), session.undo_name, session.redo_name) == ("",) * 4


def test_a_stroke_of_a_large_volume_takes_little_memory() -> None:
    session = Session()
    session.apply(AddSegmentation.of(a_layer()))
    before = session._document.history.n_bytes
    block = Block((0, 0, 0), np.ones(GRID.shape_kji, dtype=bool))
    edit = paint(session.state.segmentations[0], block, 1, name="paint")
    assert edit is not None
    session.apply(edit)
    first = session._document.history.n_bytes
    assert first - before < 3072  # with the record that hands began here
    edit = paint(session.state.segmentations[0], block, 1, erase=True, name="erase")
    assert edit is not None
    session.apply(edit)
    assert session._document.history.n_bytes - first < 1024
