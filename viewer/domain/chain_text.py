"""Chains as text: ``median:radius_mm=1;clahe:clip=2,tile_mm=40;!unsharp``.

Steps are parted by semicolons, a step's settings by commas; ``!`` before a step switches it off.
"""

import re
from collections.abc import Mapping
from typing import Any

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.methods import Filter, Parameter
from viewer.errors import InputRefused

_MOST_STEPS = 32
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_YES = {"1": True, "true": True, "yes": True, "on": True}
_NO = {"0": False, "false": False, "no": False, "off": False}
_BOOLEANS = {**_YES, **_NO}
GRAMMAR = "filter:setting=value,setting=value;filter"


def parse_chain(text: str, filters: Mapping[str, Filter]) -> Chain:
    """Return the chain that ``text`` describes; all settings checked, defaults filled in.

    Raises
    ------
    InputRefused
        The text is no chain, a filter or setting is unknown, or a value is out of its range (the
        sentence names the range).
    """
    pieces = [piece.strip() for piece in text.split(";") if piece.strip()]
    if not pieces:
        raise InputRefused("The chain holds no filter.", remedy=f"Write {GRAMMAR}.")
    if len(pieces) > _MOST_STEPS:
        raise InputRefused(f"A chain has at most {_MOST_STEPS} steps; this one has {len(pieces)}.")
    return Chain(tuple(_step(piece, filters) for piece in pieces))


def chain_text(chain: Chain) -> str:
    """Return the text of a chain; ``parse_chain`` reads it back."""
    return ";".join(_step_text(step) for step in chain.steps)


def chain_title(chain: Chain, filters: Mapping[str, Filter]) -> str:
    """Return the titles of the active steps, as marks and names of series carry them."""
    return ", ".join(
        filters[s.key].title if s.key in filters else s.key for s in chain.active.steps
    )


def checked_chain(chain: Chain, filters: Mapping[str, Filter]) -> Chain:
    """Return the chain with all settings checked and defaults filled in.

    Raises
    ------
    InputRefused
        A filter or setting is unknown, or a value is out of its range.
    """
    return Chain(tuple(_checked(step.key, step.values(), step.on, filters) for step in chain.steps))


def filter_document(filter_: Filter) -> dict[str, Any]:
    """Return the description of a filter in the public form of ``negatoscope filters --json``."""
    return {
        "key": filter_.key,
        "title": filter_.title,
        "group": group_of(filter_),
        "purpose": filter_.purpose,
        "caution": filter_.caution,
        "source": filter_.source,
        "parameters": [_parameter(parameter) for parameter in filter_.parameters],
        "modalities": list(filter_.modalities),
        "unit_after": filter_.unit_after or "{unit}",
        "is_slow": filter_.is_slow,
        "three_dimensional": filter_.volume_function is not None,
    }


def group_of(filter_: Filter) -> str:
    """Return the group under which menus list a filter."""
    return filter_.group or "Filters"


def result_unit(chain: Chain, filters: Mapping[str, Filter], unit: str) -> str:
    """Return the unit (UCUM) of what a chain makes of values in ``unit``.

    Filters that are not installed have no say.
    """
    for step in chain.active.steps:
        if step.key in filters:
            unit = filters[step.key].result_unit(unit)
    return unit


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": parameter.key,
        "title": parameter.title,
        "kind": parameter.kind,
        "default": parameter.default,
        "unit": parameter.unit,
    }
    if parameter.kind in ("float", "int"):
        found |= {"low": parameter.low, "high": parameter.high, "step": parameter.step}
    if parameter.kind == "choice":
        found["choices"] = list(parameter.choices)
    return found


def _step(piece: str, filters: Mapping[str, Filter]) -> Step:
    on = not piece.startswith("!")
    key, colon, rest = piece.removeprefix("!").partition(":")
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise InputRefused("A step begins with the key of a filter.", remedy=f"Write {GRAMMAR}.")
    settings: dict[str, Setting] = {}
    for pair in rest.split(",") if colon else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not name and not equals:
            continue
        if not equals or not name or not value:
            raise InputRefused(
                "A setting is written name=value.", where=key, remedy=f"Write {GRAMMAR}."
            )
        if name in settings:
            raise InputRefused(f"The setting {name} stands there twice.", where=key)
        settings[name] = value
    return _checked(key, settings, on, filters)


def _checked(
    key: str, settings: Mapping[str, Setting], on: bool, filters: Mapping[str, Filter]
) -> Step:
    if key not in filters:
        raise InputRefused(
            f"There is no filter called {key}.",
            remedy=f"Choose one of: {', '.join(sorted(filters)) or 'none is installed'}.",
        )
    found = filters[key]
    kinds = {parameter.key: parameter for parameter in found.parameters}
    unknown = [name for name in settings if name not in kinds]
    if unknown:
        raise InputRefused(
            f"{found.title} has no parameter called {unknown[0]}.",
            where=key,
            remedy=f"Choose one of: {', '.join(kinds) or 'it has none'}.",
        )
    values = {name: _read(kinds[name], value) for name, value in settings.items()}
    try:
        return Step(key, Step.of(key, found.checked(values)).parameters, on)
    except InputRefused as error:
        raise InputRefused(error.what, where=found.title, remedy=error.remedy) from error


def _read(parameter: Parameter, value: Setting) -> Setting:
    """Return yes and no as what they mean; every other text is left to the parameter's own check."""
    if parameter.kind != "bool" or not isinstance(value, str):
        return value
    try:
        return _BOOLEANS[value.lower()]
    except KeyError:
        raise InputRefused(f"{parameter.title} must be yes or no.") from None


def _step_text(step: Step) -> str:
    settings = ",".join(f"{name}={_written(value)}" for name, value in step.parameters)
    return f"{'' if step.on else '!'}{step.key}{':' if settings else ''}{settings}"


def _written(value: Setting) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) and value != int(value) else _whole(value)


def _whole(value: Setting) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)
