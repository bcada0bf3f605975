"""``negatoscope convert``: a volume with its geometry."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument(
        "--volume", type=int, metavar="M", help="which volume of the series, counted from 1"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read each N-th slice")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.convert import convert

    emit_or_print(chosen, convert(chosen))
    return OK


VERB = Verb("convert", "write a volume with its geometry as NIfTI or NRRD", _add, _run)
