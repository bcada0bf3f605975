"""Names and codes of segments, chosen from a table (resources/terminology/segments.toml)."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from viewer.actions.context import Context, has_segment
from viewer.actions.registry import Choice, action
from viewer.domain.quantity import Code
from viewer.domain.segmentation import Rgb
from viewer.errors import InputRefused
from viewer.resources import resource
from viewer.session.edits import ReplaceSegment


@dataclass(frozen=True, slots=True)
class Term:
    """What a segment can be: its name, category and type as SEG needs them, and a usual colour."""

    name: str
    code: Code
    category: Code
    colour: Rgb


@cache
def terms() -> tuple[Term, ...]:
    """Return the table, in its own order."""
    with resource("terminology", "segments.toml").open("rb") as file:
        table = tomllib.load(file)
    categories = {key: Code(*parts) for key, parts in table["categories"].items()}
    return tuple(
        Term(row["name"], Code(*row["code"]), categories[row["category"]], tuple(row["colour"]))
        for row in table["segment"]
    )


def _choices(_context: Context) -> Sequence[Choice]:
    return [Choice(t.name, {"code": t.code.value}, group=t.category.meaning) for t in terms()]


@action(
    "segment.term", "What the segment is", group="Segments", choices=_choices, enabled=has_segment
)
def term(context: Context, *, code: str) -> None:
    """Give the segment name, SNOMED CT codes and colour from the table; SEG files carry them."""
    found = next((t for t in terms() if t.code.value == code), None)
    if found is None:
        raise InputRefused(
            f"The table of segments has no code {code}.", remedy="Choose one from the menu."
        )
    segmentation, segment = context.need_segment()
    taken = {s.name for s in segmentation.segments if s.number != segment.number}
    name = next(
        n for n in (found.name, *(f"{found.name} {m}" for m in range(2, 300))) if n not in taken
    )
    changed = replace(
        segment, name=name, code=found.code, category=found.category, colour=found.colour
    )
    edit = ReplaceSegment(segmentation.uid, changed, f"name {segment.name} {name}")
    context.session.apply(edit)
