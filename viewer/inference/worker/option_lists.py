"""Lists of numbers among a card's options, which are plain text ("2 2 1x2x2")."""

from collections.abc import Mapping
from typing import Any

from viewer.errors import Damaged

_MOST_STAGES, _LARGEST = 12, 4096


def numbers(options: Mapping[str, Any], name: str, default: str) -> tuple[int, ...]:
    """Return the whole numbers above 0 in the option ``name`` ("32 64 128").

    Raises
    ------
    Damaged
        It is no such list, or far too long.
    """
    return tuple(one[0] for one in tuples(options, name, default, 1))


def tuples(
    options: Mapping[str, Any], name: str, default: str, n_axes: int
) -> tuple[tuple[int, ...], ...]:
    """Return tuples of ``n_axes`` numbers from the option ``name`` ("3x3x3 1x3x3", or "3 3").

    Raises
    ------
    Damaged
        It is no such list, or far too long.
    """
    words = str(options.get(name, default)).split()
    try:
        found = [tuple(int(n) for n in word.split("x")) for word in words]
    except ValueError as error:
        raise _senseless(name) from error
    whole = [one * n_axes if len(one) == 1 else one for one in found]
    sensible = all(len(one) == n_axes and all(1 <= n <= _LARGEST for n in one) for one in whole)
    if not 1 <= len(whole) <= _MOST_STAGES or not sensible:
        raise _senseless(name)
    return tuple(whole)


def choice(options: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    """Return the option ``name``, the first of ``known`` where it is not there.

    Raises
    ------
    Damaged
        It is none of them.
    """
    value = str(options.get(name, known[0]))
    if value not in known:
        raise _senseless(name)
    return value


def _senseless(name: str) -> Damaged:
    return Damaged(f"The network's card names {name.replace('_', ' ')} that make no sense.")
