"""``negatoscope networks export``: networks in the form that a server wants."""

import argparse
from pathlib import Path
from typing import Any

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("keys", nargs="*", metavar="KEY", help="which networks; all, if none")
    parser.add_argument("--for", dest="target", choices=("triton",), required=True)
    parser.add_argument("--out", required=True, type=Path, metavar="REPOSITORY")
    parser.add_argument(
        "--triton-backend",
        choices=("onnxruntime", "python"),
        default="onnxruntime",
        help="python: a script that stops inside a tile when a request is cancelled",
    )
    parser.add_argument("--gpus", type=int, nargs="*", default=[], metavar="N")
    parser.add_argument("--count", type=int, default=1, help="copies on each device")


def _run(chosen: argparse.Namespace) -> int:
    emit_or_print(chosen, export(chosen))
    return OK


def export(chosen: argparse.Namespace) -> dict[str, Any]:
    """Write a model repository; say what is in it, and what was left out because it has no ONNX form.

    Raises
    ------
    InputRefused
        A network that was named is not installed or has no ONNX form.
    """
    from viewer.errors import InputRefused
    from viewer.inference.cards import load_cards
    from viewer.inference.serving import Serving, write_repository

    cards = load_cards()
    for key in chosen.keys:
        if key not in cards:
            raise InputRefused(
                f"There is no network called {key}.",
                remedy=f"Choose one of: {', '.join(cards) or 'none is installed'}.",
            )
    wanted = chosen.keys or [key for key, (card, _) in cards.items() if card.onnx_sha256]
    serving = Serving(chosen.triton_backend, tuple(chosen.gpus), chosen.count)
    made = write_repository([cards[key] for key in wanted], chosen.out, serving, force=chosen.force)
    return {
        "repository": str(chosen.out),
        "networks": [folder.name for folder in made],
        "left_out": sorted(set(cards) - set(wanted)) if not chosen.keys else [],
        "backend": serving.backend,
    }


VERB = Verb("export", "write networks as a server's model repository", _add, _run)
