"""``negatoscope networks verify``: the files are the card's, and all engines say the same."""

import argparse
from typing import Any

from viewer.command_line.verb import OK, REFUSED, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("keys", nargs="*", metavar="KEY", help="which networks; all, if none")


def _run(chosen: argparse.Namespace) -> int:
    found = verify(chosen.keys)
    emit_or_print(chosen, found)
    return OK if all(one["agrees"] for one in found["networks"]) else REFUSED


def verify(keys: list[str]) -> dict[str, Any]:
    """Return for each network what was found.

    Raises
    ------
    InputRefused
        There is no such network, or its files are not those of its card.
    """
    from viewer.errors import InputRefused
    from viewer.inference.cards import load_cards
    from viewer.inference.managing import verify as check
    from viewer.inference.supervisor import Supervisor
    from viewer.jobs.job import Ticket

    cards = load_cards()
    for key in keys:
        if key not in cards:
            raise InputRefused(f"There is no network called {key}.")
    supervisor = Supervisor(cards=cards)
    try:
        found = [check(supervisor, *cards[key], Ticket()) for key in keys or list(cards)]
    finally:
        supervisor.close()
    return {
        "networks": [
            {
                "key": one.card.key,
                "agrees": one.agrees,
                "forms": list(one.forms),
                "compared": {name: dict(values) for name, values in one.compared.items()},
                "text": one.sentence,
            }
            for one in found
        ]
    }


VERB = Verb("verify", "check a network's files and that all engines agree", _add, _run)
