"""``negatoscope segment``: a mask from a network, as files."""

import argparse
from pathlib import Path

from viewer.command_line.backend_options import add_backend
from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--network", required=True, metavar="KEY")
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    add_backend(parser)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.segment import segment

    emit_or_print(chosen, segment(chosen))
    return OK


VERB = Verb("segment", "run a network on a study and write the results", _add, _run)
