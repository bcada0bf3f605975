"""What a pane showed last: kept as long as it would be made of the same things again.

While a hand moves, most frames differ from the last in a circle and a number alone; cutting three
planes out of a volume of 512³ anew would take longer than all the rest.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class _Entry:
    things: tuple[object, ...]
    values: tuple[Hashable, ...]
    made: object


class Kept:
    """One thing for each name. Not for several threads: painting happens on one."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}
        self._used: set[Hashable] = set()

    def get(
        self,
        name: Hashable,
        things: tuple[object, ...],
        values: tuple[Hashable, ...],
        make: Callable[[], Made],
    ) -> Made:
        """Return what ``make`` returned for the same ``things`` and ``values``, or make it.

        Things are the same if they are one object (arrays, pictures, planes: what is shown of them
        never changes without a new object, or a count among the values); values, if they are equal.
        """
        self._used.add(name)
        entry = self._entries.get(name)
        if (
            entry is None
            or entry.values != values
            or len(entry.things) != len(things)
            or any(a is not b for a, b in zip(entry.things, things, strict=True))
        ):
            entry = self._entries[name] = _Entry(things, values, make())
        found: Made = entry.made  # type: ignore[assignment]  # made under this name, by ``make``
        return found

    def sweep(self) -> None:
        """Drop what nobody asked for since the last time: views hold whole volumes in memory."""
        for name in set(self._entries) - self._used:
            del self._entries[name]
        self._used.clear()
