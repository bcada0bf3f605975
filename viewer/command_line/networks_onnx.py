"""``negatoscope networks onnx``: the second form of a network, compared with the first."""

import argparse
from typing import Any

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="which network")


def _run(chosen: argparse.Namespace) -> int:
    emit_or_print(chosen, onnx(chosen))
    return OK


def onnx(chosen: argparse.Namespace) -> dict[str, Any]:
    """Write ``model.onnx`` beside the weights, or compare the one that is there.

    Raises
    ------
    InputRefused
        There is no such network, or the two forms do not agree.
    """
    from viewer.errors import InputRefused
    from viewer.inference.cards import load_cards, write_card
    from viewer.inference.supervisor import Supervisor
    from viewer.inference.two_forms import add_onnx_form, refuse_disagreement
    from viewer.jobs.job import Ticket

    cards = load_cards()
    if chosen.key not in cards:
        raise InputRefused(
            f"There is no network called {chosen.key}.",
            remedy=f"Choose one of: {', '.join(cards) or 'none is installed'}.",
        )
    card, folder = cards[chosen.key]
    supervisor = Supervisor(cards=cards)
    try:
        is_new = not card.onnx_sha256 or chosen.force
        if is_new:
            card = add_onnx_form(supervisor, card, folder, Ticket())
            write_card(card, folder)
        made = supervisor.onnx_form(card, Ticket())
        refuse_disagreement(card, made)
    finally:
        supervisor.close()
    return {
        "network": card.key,
        "written": is_new,
        "onnx_sha256": card.onnx_sha256,
        "compared": {name: dict(one) for name, one in made.compared.items()},
    }


VERB = Verb("onnx", "give a network its ONNX form, compared with its weights", _add, _run)
