"""Boxes and points as a person types them."""

import argparse

from viewer.domain.prompt import Prompt
from viewer.errors import InputRefused


def prompt_of(chosen: argparse.Namespace) -> Prompt | None:
    """Return what ``--box`` and ``--point`` say, None where neither was given.

    Raises
    ------
    InputRefused
        They are not six and three numbers, or the box has no extent.
    """
    if chosen.box is None and not chosen.point:
        return None
    box = None
    if chosen.box is not None:
        a, b, c, d, e, f = _numbers(chosen.box, 6, "A box", '--box "x0 y0 z0 x1 y1 z1"')
        box = (a, b, c, d, e, f)
    points = []
    for text in chosen.point:
        x, y, z = _numbers(text, 3, "A point", '--point "x y z"')
        points.append((x, y, z))
    return Prompt(box, tuple(points))


def _numbers(text: str, n: int, what: str, example: str) -> list[float]:
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != n:
        raise InputRefused(f"{what} is {n} numbers in mm (LPS).", remedy=f"Write {example}.")
    return values
