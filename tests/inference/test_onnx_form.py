"""ONNX files: what refers to other files is refused, whatever engine would have read it."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import Damaged, InputRefused
from viewer.inference.cards import ONNX
from viewer.inference.onnx_form import refuse_unsafe_onnx
from viewer.resources import resource_root

_SHIPPED = sorted((resource_root() / "networks").glob(f"*/{ONNX}"))


def _varint(value: int) -> bytes:
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


def _field(number: int, value: int | bytes) -> bytes:
    """Return one field of a protobuf message (protobuf.dev, "Encoding")."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


_INSIDE = _field(8, b"w") + _field(1, 2) + _field(2, 1) + _field(9, b"\0" * 8)
_LOCATION = _field(1, b"location") + _field(2, b"/etc/passwd")
_OUTSIDE = _field(8, b"w") + _field(13, _LOCATION) + _field(14, 1)


def _model(tensor: bytes, place: str) -> bytes:
    """Return a model with ``tensor`` at one of the places where tensors can lie."""
    attribute = _field(1, b"value") + _field(5, tensor)
    node = _field(4, b"Constant") + _field(5, attribute)
    sparse = _field(1, tensor)
    inner_graph = _field(5, _field(6, _field(5, tensor)))
    graphs = {
        "initializer": _field(5, tensor),
        "sparse initializer": _field(15, sparse),
        "constant": _field(1, node),
        "list of tensors": _field(1, _field(5, _field(10, tensor))),
        "sparse constant": _field(1, _field(5, _field(22, sparse))),
        "inner graph": _field(1, inner_graph),
        "list of graphs": _field(1, _field(5, _field(11, _field(5, tensor)))),
    }
    head = _field(1, 8) + _field(2, b"test")
    if place == "function":
        return head + _field(7, b"") + _field(25, _field(7, node))
    if place == "training":
        return head + _field(7, b"") + _field(20, _field(1, _field(5, tensor)))
    if place == "second graph":
        return head + _field(7, b"") + _field(7, graphs["initializer"])
    return head + _field(7, graphs[place])


_PLACES = [
    "initializer", "sparse initializer", "constant", "list of tensors", "sparse constant",
    "inner graph", "list of graphs", "function", "training", "second graph",
]  # fmt: skip


@pytest.mark.parametrize("place", _PLACES)
def test_weights_in_other_files_are_refused_wherever_they_are_named(place: str) -> None:
    refuse_unsafe_onnx(_model(_INSIDE, place))
    with pytest.raises(InputRefused, match="in other files"):
        refuse_unsafe_onnx(_model(_OUTSIDE, place))


@pytest.mark.parametrize(
    "tensor",
    [
        _field(14, 1),
        _field(14, 1 << 32 | 1),
        _field(13, b""),
        _field(14, 0) + _field(14, 1),
    ],
)
def test_each_way_to_say_it_counts(tensor: bytes) -> None:
    with pytest.raises(InputRefused, match="in other files"):
        refuse_unsafe_onnx(_model(_INSIDE + tensor, "initializer"))


def test_a_field_number_that_others_would_cut_short_is_refused() -> None:
    key = _varint((1 << 32) | (13 << 3) | 2) + _varint(len(_LOCATION)) + _LOCATION
    with pytest.raises(InputRefused):
        refuse_unsafe_onnx(_model(_INSIDE + key, "initializer"))


@pytest.mark.parametrize("path", _SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_files_hold_all_they_need(path: Path) -> None:
    refuse_unsafe_onnx(path.read_bytes())


def test_there_are_shipped_files() -> None:
    assert _SHIPPED


@given(st.binary(max_size=200))
def test_bytes_at_random_raise_nothing_but_a_refusal(data: bytes) -> None:
    with suppress(InputRefused):
        refuse_unsafe_onnx(data)


@given(st.sampled_from(_PLACES), st.data())
def test_a_changed_byte_raises_nothing_but_a_refusal(place: str, data: st.DataObject) -> None:
    whole = bytearray(_model(_OUTSIDE, place))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputRefused):
        refuse_unsafe_onnx(bytes(whole))


def test_endless_nesting_is_refused() -> None:
    graph = b""
    for _ in range(60):
        graph = _field(1, _field(5, _field(6, graph)))
    with pytest.raises(Damaged):
        refuse_unsafe_onnx(_field(1, 8) + _field(7, graph))


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x80\x02K\x01.", b"PK\x03\x04"])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        refuse_unsafe_onnx(data)
