"""Recipes are TOML files: one way to read them, and one to say what is wrong with them."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused, ViewerError
from viewer.inference.cards import card_from_table

Made = TypeVar("Made")


class Loop(Protocol):
    """The numbers that every training loop has."""

    @property
    def batch(self) -> int:
        """Samples a step."""

    @property
    def steps(self) -> int:
        """How often the weights move."""

    @property
    def learning_rate(self) -> float:
        """How far they move."""

    @property
    def time_limit_s(self) -> float:
        """When training ends, whatever it has reached."""


def read_recipe(path: Path, build: Callable[[Mapping[str, Any]], Made]) -> Made:
    """Return what ``build`` makes of the tables in the TOML file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, lacks an entry, or has one that makes no sense.
    """
    try:
        return build(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputRefused("The recipe cannot be read.", where=str(path)) from error
    except (KeyError, TypeError, ValueError, ViewerError) as error:
        raise InputRefused(
            "The recipe lacks an entry, or has one that makes no sense.",
            where=str(path),
            remedy="Compare it with a shipped recipe.",
        ) from error


def untrained_card(table: Mapping[str, Any], options: Mapping[str, Any], path: Path) -> NetworkCard:
    """Return the card of a network that has neither weights nor figures yet."""
    network = {**table, "weights_sha256": "", "figures": [], "options": options}
    return card_from_table(network, str(path))


def check_loop(loop: Loop, path: Path, *, averaging: float = 0.0) -> None:
    """Refuse a loop that would not move, not end, or average weights away.

    Raises
    ------
    InputRefused
        A number is not above 0, or ``averaging`` not below 1.
    """
    if min(loop.batch, loop.steps, loop.time_limit_s, loop.learning_rate) <= 0:
        raise InputRefused("Batch, steps, rate and time limit must be above 0.", where=str(path))
    if not 0.0 <= averaging < 1.0:
        raise InputRefused("The weights' averaging must lie from 0 to below 1.", where=str(path))
