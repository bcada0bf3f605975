"""Segmentation methods as text: ``region_growing:seeds=10 -20 35,12 -20 35;tolerance=60``.

After the method's key and a colon, settings are parted by semicolons. Beside the method's own
parameters there are ``seeds`` and ``outside`` (points x y z in LPS millimetres, parted by commas),
``within`` (two values: only voxels between them), ``box`` (x0 y0 z0 x1 y1 z1 in LPS millimetres: only
voxels whose centre lies in it) and ``slice`` (work on slice k alone, counted from 0).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from viewer.domain.chain import Setting
from viewer.domain.segmenters import Segmenter
from viewer.errors import InputRefused

GRAMMAR = "method:seeds=x y z,x y z;setting=value"
_MOST_SEEDS = 10_000
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}
PointLps = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A method with everything that it is to be run with; points in LPS millimetres."""

    key: str
    parameters: tuple[tuple[str, Setting], ...] = ()
    seeds_lps_mm: tuple[PointLps, ...] = ()
    outside_lps_mm: tuple[PointLps, ...] = ()
    within: tuple[float, float] | None = None
    box_lps_mm: tuple[PointLps, PointLps] | None = None
    slice_k: int | None = None


def parse_method(text: str, methods: Mapping[str, Segmenter]) -> MethodCall:
    """Return what ``text`` describes; parameters are checked when the method is run.

    Raises
    ------
    InputRefused
        It is no such text, the method or a setting is unknown, or a value is none.
    """
    key, _, rest = text.strip().partition(":")
    if key not in methods:
        raise InputRefused(
            f"There is no method called {key or 'nothing'}.",
            remedy=f"Choose one of: {', '.join(methods)}.",
        )
    own = {parameter.key: parameter.kind for parameter in methods[key].parameters}
    parameters: dict[str, Setting] = {}
    special: dict[str, str] = {}
    for piece in (part.strip() for part in rest.split(";")):
        if not piece:
            continue
        name, equals, value = (word.strip() for word in piece.partition("="))
        if not equals:
            raise InputRefused(f"{piece} sets nothing.", remedy=f"Write {GRAMMAR}.")
        if name in own:
            parameters[name] = _setting(name, value, own[name])
        elif name in ("seeds", "outside", "within", "box", "slice"):
            special[name] = value
        else:
            raise InputRefused(f"{methods[key].title} has no parameter called {name}.")
    return _call(key, parameters, special)


def _call(key: str, parameters: Mapping[str, Setting], special: Mapping[str, str]) -> MethodCall:
    box = special.get("box")
    corners = None
    if box is not None:
        x0, y0, z0, x1, y1, z1 = _numbers("box", box, 6)
        corners = ((min(x0, x1), min(y0, y1), min(z0, z1)), (max(x0, x1), max(y0, y1), max(z0, z1)))
    within = special.get("within")
    pair = None
    if within is not None:
        low, high = _numbers("within", within, 2)
        pair = (min(low, high), max(low, high))
    number = special.get("slice")
    if number is not None and not number.isdigit():
        raise InputRefused("slice must be a whole number, counted from 0.")
    return MethodCall(
        key,
        tuple(sorted(parameters.items())),
        _points("seeds", special.get("seeds", "")),
        _points("outside", special.get("outside", "")),
        pair,
        corners,
        None if number is None else int(number),
    )


def _setting(name: str, text: str, kind: str) -> Setting:
    if kind == "choice":
        return text
    if kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise InputRefused(f"{name} must be yes or no.")
        return _BOOLEANS[text.lower()]
    (number,) = _numbers(name, text, 1)
    return number


def _numbers(name: str, text: str, n: int) -> tuple[float, ...]:
    words = text.replace(",", " ").split() if n > 1 else text.split()
    try:
        values = tuple(float(word) for word in words)
    except ValueError:
        values = ()
    if len(values) != n or not all(math.isfinite(value) for value in values):
        what = "a number" if n == 1 else f"{n} numbers"
        raise InputRefused(f"{name} must be {what}.")
    return values


def _points(name: str, text: str) -> tuple[PointLps, ...]:
    pieces = [piece for piece in text.split(",") if piece.strip()]
    if len(pieces) > _MOST_SEEDS:
        raise InputRefused(f"There are at most {_MOST_SEEDS} {name}.")
    found = []
    for piece in pieces:
        try:
            x, y, z = (float(word) for word in piece.split())
        except ValueError:
            raise InputRefused(
                f"{name} must be points of three numbers, parted by commas."
            ) from None
        if not all(math.isfinite(value) for value in (x, y, z)):
            raise InputRefused(f"{name} must be finite.")
        found.append((x, y, z))
    return tuple(found)
