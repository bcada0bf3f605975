"""``negatoscope train``: a network from its recipe."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the data set, where the recipe needs one"
    )
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument(
        "--live", action="store_true", help="tell each step as a line of JSON on stderr"
    )


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.networks import train

    emit_or_print(chosen, train(chosen))
    return OK


VERB = Verb("train", "train a network from a recipe", _add, _run)
