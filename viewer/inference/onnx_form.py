"""An ONNX file looked through before an engine sees it; NumPy not even needed.

ONNX is protobuf (github.com/onnx/onnx, onnx.proto; protobuf's encoding, protobuf.dev). A tensor may
say that its values lie in another file. Engines follow such paths, OpenVINO even absolute ones when
the model came as bytes: so a file that names any is refused here, whatever engine would read it.
"""

from collections.abc import Iterator

from viewer.errors import Damaged, InputRefused

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 24
_MOST_FIELDS = 2_000_000
_LARGEST = 1 << 31
_HIGHEST_KEY = 0xFFFFFFFF
# Which fields of which message hold messages in which a tensor can lie: field number -> its kind.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}  # fmt: skip
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_INPUT, _OUTPUT = 11, 12
_AGAIN = "Export the network again, with its weights inside the file."


class _Counter:
    """Counts fields, so that a file cannot keep us busy for ever."""

    def __init__(self) -> None:
        self.left = _MOST_FIELDS


def refuse_unsafe_onnx(data: bytes, where: str = "") -> None:
    """Return if ``data`` is an ONNX model that holds all it needs.

    Raises
    ------
    InputRefused
        It names files outside itself.
    Damaged
        It is no ONNX model, is cut short, or nests deeper than networks do.
    """
    if not data or len(data) > _LARGEST:
        raise Damaged("The ONNX file is empty or far too large.", where=where, remedy=_AGAIN)
    try:
        numbers = {number for number, _, _ in _fields(memoryview(data), _Counter())}
        if 7 not in numbers:
            raise Damaged("The file is no ONNX model.", where=where, remedy=_AGAIN)
        is_external = _names_files(memoryview(data), "model", 0, _Counter())
    except ValueError as error:
        raise Damaged("The ONNX file is damaged.", where=where, remedy=_AGAIN) from error
    if is_external:
        raise InputRefused(
            "The ONNX file keeps its weights in other files, which is refused.",
            where=where,
            remedy=_AGAIN,
        )


def _names_files(data: memoryview, kind: str, depth: int, counter: _Counter) -> bool:
    """Return whether any tensor inside refers to another file."""
    if depth > _DEEPEST:
        raise ValueError
    for number, wire, value in _fields(data, counter):
        if kind == "tensor" and _is_external(number, value):
            return True
        inner = _INSIDE[kind].get(number)
        if inner is None:
            continue
        if wire != _BYTES or not isinstance(value, memoryview):
            raise ValueError
        if _names_files(value, inner, depth + 1, counter):
            return True
    return False


def _is_external(number: int, value: "int | memoryview") -> bool:
    return number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)


def _fields(data: memoryview, counter: _Counter) -> Iterator[tuple[int, int, "int | memoryview"]]:
    """Yield (field number, wire type, value) of one message.

    Raises
    ------
    ValueError
        It is no message: cut short, or of a wire type that ONNX does not use.
    """
    at, end = 0, len(data)
    while at < end:
        counter.left -= 1
        if counter.left < 0:
            raise ValueError
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0 or key > _HIGHEST_KEY:  # others would read its lower half
            raise ValueError
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _BYTES:
            length, at = _varint(data, at)
        if length is None or at + length > end:
            raise ValueError
        yield number, wire, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError


def ends_of_onnx(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sides of the first input and of the first output, -1 for those left open.

    Raises
    ------
    Damaged
        The file declares none.
    """
    sides: dict[int, tuple[int, ...]] = {}
    try:
        for number, _, graph in _fields(memoryview(data), _Counter()):
            if number != 7 or not isinstance(graph, memoryview):
                continue
            for place, _, value in _fields(graph, _Counter()):
                if place in (_INPUT, _OUTPUT) and place not in sides:
                    sides[place] = _sides(value)
        return sides[_INPUT], sides[_OUTPUT]
    except (KeyError, ValueError) as error:
        raise Damaged("The ONNX file declares no input or no output.", remedy=_AGAIN) from error


def _sides(value: "int | memoryview") -> tuple[int, ...]:
    """Return the sides in a ValueInfoProto: type (2), tensor_type (1), shape (2), dim (1)."""
    shape = _inside(_inside(_inside(value, 2), 1), 2)
    found = []
    for number, _, dim in _fields(shape, _Counter()):
        if number != 1 or not isinstance(dim, memoryview):
            raise ValueError
        stated = [n for at, _, n in _fields(dim, _Counter()) if at == 1 and isinstance(n, int)]
        found.append(stated[0] if stated and stated[0] < _LARGEST else -1)
    return tuple(found)


def _inside(value: "int | memoryview", wanted: int) -> memoryview:
    for number, _, inner in _fields(value, _Counter()) if isinstance(value, memoryview) else ():
        if number == wanted and isinstance(inner, memoryview):
            return inner
    raise ValueError
