from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.session.scribble import GRID, Scribbler, a_layer, a_measurement
from tests.session.test_edits import EDITS, a_state
from viewer.domain.fractions import Fractions
from viewer.domain.geometry import Plane
from viewer.domain.measurement import Review
from viewer.domain.quantity import LENGTH
from viewer.domain.segmentation import LESION, Score, Segment
from viewer.domain.volume import VoiTable, Window
from viewer.errors import Damaged, ViewerError
from viewer.session.document import Document
from viewer.session.edit import OpenStudy
from viewer.session.edits import AddMeasurement, AddSegment, AddSegmentation
from viewer.session.packed import Difference, Packed
from viewer.session.serialise import _classes, decode, encode
from viewer.session.session import Session
from viewer.session.snapshot import Snapshot
from viewer.session.viewing import Look, ToolSettings

Scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
Values = st.recursive(
    Scalars | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(Values)
def test_any_value_comes_back_as_it_was(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_and_its_inverse_come_back_as_they_were(name: str) -> None:
    state = a_state()
    edit = EDITS[name](state)
    assert decode(encode(edit)) == edit
    _, inverse = edit.apply(state)
    assert decode(encode(inverse)) == inverse


def a_plane() -> Plane:
    return Plane.centred((1.0, 2.0, 3.0), (1, 0, 0), (0, 1, 0), 0.5, (64, 32))


def a_look() -> Look:
    return Look(
        picture_key="1.2",
        planes={"axial": a_plane()},
        windows={
            "1.2": Window(40.0, 400.0, "soft tissue"),
            "1.3": Window.of_table(VoiTable(-5.0, 0.5, bytes(range(8))), "bones"),
        },
        inverted=frozenset({"1.2"}),
        settings=ToolSettings(7.5, sphere=True),
        split=0.25,
    )


def a_document() -> Document:
    session = Session()
    hand = Scribbler(session, 3)
    for _ in range(30):
        hand.step()
    return session._document


def test_every_class_of_the_list_is_written_somewhere_in_these_tests() -> None:
    score = Score(LESION, 0.5, 0.25, 0.75, "shape 1")
    fractions = Fractions.of(np.ones((1, 1, 1), dtype=np.uint8), 1)
    segment = Segment(
        3, "Lesion", (1, 2, 3), scores=(score,), review=Review.EDITED, fractions=fractions
    )
    difference = Difference((0, 0, 0), Packed.of(np.ones((1, 1, 1), dtype=np.uint8)))
    values: list[object] = [
        a_look(),
        Snapshot.of(a_document()),
        OpenStudy(("/a",)),
        AddSegment("2.25.1", segment, voxels=difference),
        GRID,
        *(make(a_state()) for make in EDITS.values()),
        *(make(a_state()).apply(a_state())[1] for make in EDITS.values()),
    ]
    written = b"".join(encode(value) for value in values)
    for value in values:
        assert decode(encode(value)) == value
    assert [name for name in _classes() if f'"o":["{name}"'.encode() not in written] == []


def test_floats_come_back_to_the_last_bit() -> None:
    value = (0.1 + 0.2, 1e-320, float("inf"), -0.0)
    back = decode(encode(value))
    assert [v.hex() for v in back] == [v.hex() for v in value]
    assert np.isnan(decode(encode(float("nan"))))


def test_numpy_numbers_become_plain_ones() -> None:
    back = decode(encode((np.float64(1.5), np.int64(3), np.uint8(7), np.bool_(True))))
    assert back == (1.5, 3, 7, True)
    assert [type(v) for v in back] == [float, int, int, bool]


@dataclass(frozen=True)
class Stranger:
    x: int = 1


@pytest.mark.parametrize("value", [Stranger(), object(), {1, 2}, np.array(["a"]), lambda: 0])
def test_what_is_not_on_the_list_is_not_written(value: object) -> None:
    with pytest.raises(ViewerError):
        encode((value,))


def test_a_name_from_outside_makes_nothing() -> None:
    data = encode(AddMeasurement(a_measurement())).replace(b"AddMeasurement", b"Damaged_______")
    with pytest.raises(Damaged):
        decode(data)


def test_values_that_a_class_refuses_are_damage() -> None:
    data = encode(Segment(3, "x", (1, 2, 3))).replace(b'"number":3', b'"number":0')
    with pytest.raises(Damaged):
        decode(data)


def test_a_field_that_an_older_program_did_not_know_takes_its_default() -> None:
    data = encode(Segment(3, "x", (1, 2, 3)))
    old = data.replace(b',"steps":{"t":[]}', b"")
    assert old != data
    shorter = len(data) - len(old)
    n_text = int.from_bytes(old[4:8], "little") - shorter
    assert decode(old[:4] + n_text.to_bytes(4, "little") + old[8:]) == Segment(3, "x", (1, 2, 3))


@given(st.data())
def test_a_record_that_was_cut_or_changed_is_damaged_and_nothing_else(data: st.DataObject) -> None:
    whole = encode(AddSegmentation.of(a_layer()))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Damaged):
        decode(whole[:cut])
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        edit = decode(bytes(changed))
        if isinstance(edit, AddSegmentation):
            edit.labels.unpack()
    except Damaged:
        pass


def test_a_deeply_nested_record_is_damaged() -> None:
    text = b'{"value":' + b'{"t":[' * 50_000 + b"]}" * 50_000 + b',"blobs":[]}'
    with pytest.raises(Damaged):
        decode(b"NGT1" + len(text).to_bytes(4, "little") + text)


def test_labels_that_claim_another_size_are_damaged_before_they_are_unpacked() -> None:
    packed = Packed.of(np.ones((2, 3, 4), dtype=np.uint8))
    for wrong in (
        replace(packed, shape_kji=(2, 3, 5)),
        replace(packed, shape_kji=(10**6, 10**6, 10**6)),
        replace(packed, shape_kji=(-2, -3, 4)),
        replace(packed, data=packed.data[:-3]),
        replace(packed, data=b""),
        replace(packed, data=b"nonsense"),
    ):
        with pytest.raises(Damaged):
            wrong.unpack()


def test_a_look_comes_back() -> None:
    look = a_look()
    back = decode(encode(look))
    assert back == look
    assert back.planes["axial"].pixel_mm == 0.5


def test_a_code_comes_back_equal() -> None:
    assert decode(encode(LENGTH)) == LENGTH
