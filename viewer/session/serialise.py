"""Values to bytes and back, without executing anything: JSON, and blobs behind it.

``NGT1``, the length of the JSON (uint32, little endian), the JSON, the blobs. A value in the JSON
is a scalar, or an object with one key: ``t`` tuple, ``d`` dictionary, ``f`` frozenset, ``b`` blob,
``a`` array, ``e`` enumeration, ``o`` one of the dataclasses of the list below. Only those are ever
made. A field that is missing takes its default, so that old files stay readable.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np

from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain, Step
from viewer.domain.fractions import Fractions
from viewer.domain.geometry import Grid, Plane
from viewer.domain.measurement import Measurement, Receipt, Review
from viewer.domain.quantity import Code, Quantity, Spacing, SpacingSource
from viewer.domain.segmentation import Origin, OriginKind, Score, Segment
from viewer.domain.volume import VoiTable, Window, WindowFunction
from viewer.errors import Damaged, ViewerError
from viewer.session import edits
from viewer.session.edit import OpenStudy
from viewer.session.snapshot import Snapshot
from viewer.session.state import StudyReference

_MAGIC = b"NGT1"
_HEAD = struct.Struct("<4sI")
_DTYPES = frozenset({"uint8", "bool", "int64", "float32", "float64"})
_DOMAIN = (Calibration, Chain, Step, Grid, Plane, Measurement, Receipt, Code, Quantity, Spacing)
_SEGMENTS = (
    Fractions,
    Origin,
    Score,
    Segment,
    VoiTable,
    Window,
    StudyReference,
    Snapshot,
    edits.Head,
)
_EDITS = (
    edits.AddMeasurement,
    edits.AddSegment,
    edits.AddSegmentation,
    edits.CopySegmentation,
    edits.Difference,
    edits.Group,
    edits.MoveSegment,
    edits.Packed,
    edits.PaintLabels,
    edits.RemoveMeasurement,
    edits.RemoveSegment,
    edits.RemoveSegmentation,
    edits.ReplaceMeasurement,
    edits.ReplaceSegment,
    edits.ReplaceSegmentation,
    edits.SetCalibration,
    edits.SetChain,
    edits.SetFractions,
    OpenStudy,
)


@cache
def _enums() -> dict[str, type[StrEnum]]:
    from viewer.rendering.corners import CornerMode

    kinds: tuple[type[StrEnum], ...] = (
        Review,
        SpacingSource,
        OriginKind,
        WindowFunction,
        CornerMode,
    )
    return {kind.__name__: kind for kind in kinds}


@cache
def _classes() -> dict[str, type[Any]]:
    """Return the dataclasses that may be written and made; names are for ever."""
    # Late: the look of a session needs the imaging room, the document does not.
    from viewer.session.viewing import Look, ToolSettings

    return {kind.__name__: kind for kind in (*_DOMAIN, *_SEGMENTS, *_EDITS, Look, ToolSettings)}


def encode(value: object) -> bytes:
    """Return the bytes of a value.

    Raises
    ------
    ViewerError
        A part of it is not on the list; this is a fault of ours.
    """
    blobs: list[bytes] = []
    tree = _to_json(value, blobs)
    header = {"value": tree, "blobs": [len(blob) for blob in blobs]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return b"".join((_HEAD.pack(_MAGIC, len(text)), text, *blobs))


def decode(data: bytes) -> Any:
    """Return the value of ``data``.

    Raises
    ------
    Damaged
        It is broken, or holds something that is not on the list.
    """
    try:
        magic, n_text = _HEAD.unpack_from(data)
        if magic != _MAGIC or _HEAD.size + n_text > len(data):
            raise Damaged("A record of the session does not begin as it must.")
        header = json.loads(data[_HEAD.size : _HEAD.size + n_text])
        return _from_json(header["value"], _blobs(data, _HEAD.size + n_text, header["blobs"]))
    except ViewerError as error:
        raise error if isinstance(error, Damaged) else Damaged(error.what) from error
    except (ValueError, TypeError, KeyError, IndexError, struct.error, RecursionError) as error:
        raise Damaged("A record of the session cannot be read.") from error


def _blobs(data: bytes, start: int, sizes: list[int]) -> list[bytes]:
    if min(sizes, default=0) < 0 or start + sum(sizes) != len(data):
        raise Damaged("A record of the session is shorter or longer than it says.")
    found = []
    for size in sizes:
        found.append(data[start : start + size])
        start += size
    return found


def _to_json(value: object, blobs: list[bytes]) -> Any:  # noqa: PLR0911 - one line a kind
    match value:
        case StrEnum():
            return {"e": [_enum_name(value), value.value]}
        case None | bool() | int() | str():
            return value
        case float():
            return float(value)
        case np.generic():
            return _to_json(value.item(), blobs)
        case bytes():
            blobs.append(value)
            return {"b": len(blobs) - 1}
        case tuple() | frozenset():
            items = value if isinstance(value, tuple) else sorted(value)
            return {"t" if isinstance(value, tuple) else "f": [_to_json(v, blobs) for v in items]}
        case Mapping():
            return {"d": {str(key): _to_json(item, blobs) for key, item in value.items()}}
        case np.ndarray() if str(value.dtype) in _DTYPES:
            blobs.append(value.tobytes())
            return {"a": [str(value.dtype), list(value.shape), len(blobs) - 1]}
    return _object_to_json(value, blobs)


def _enum_name(value: StrEnum) -> str:
    name = type(value).__name__
    if _enums().get(name) is not type(value):
        raise ViewerError(f"A {name} cannot be kept in a session.")
    return name


def _object_to_json(value: object, blobs: list[bytes]) -> Any:
    name = type(value).__name__
    if not is_dataclass(value) or _classes().get(name) is not type(value):
        raise ViewerError(f"A {name} cannot be kept in a session.")
    parts = {f.name: _to_json(getattr(value, f.name), blobs) for f in fields(value)}
    return {"o": [name, parts]}


def _from_json(tree: Any, blobs: list[bytes]) -> Any:  # noqa: PLR0911 - one line a kind
    match tree:
        case None | bool() | int() | float() | str():
            return tree
        case {"t": [*items]}:
            return tuple(_from_json(item, blobs) for item in items)
        case {"f": [*items]}:
            return frozenset(_from_json(item, blobs) for item in items)
        case {"d": dict(items)}:
            return {key: _from_json(item, blobs) for key, item in items.items()}
        case {"b": int(number)} if number >= 0:
            return blobs[number]
        case {"e": [str(name), value]} if name in _enums():
            return _enums()[name](value)
        case {"a": [str(dtype), [*shape], int(number)]} if dtype in _DTYPES and number >= 0:
            return np.frombuffer(blobs[number], dtype=dtype).reshape(shape)
        case {"o": [str(name), dict(parts)]} if name in _classes():
            return _classes()[name](**{k: _from_json(v, blobs) for k, v in parts.items()})
    raise Damaged("A record of the session holds something unknown.")
