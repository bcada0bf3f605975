"""``negatoscope render``: one plane as a picture."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument(
        "--plane", choices=("axial", "coronal", "sagittal", "acquired"), default="axial"
    )
    parser.add_argument("--index", type=int, metavar="K", help="image, counted from 0")
    parser.add_argument("--window", type=float, nargs=2, metavar=("CENTER", "WIDTH"))
    parser.add_argument("--size", type=int, default=512, metavar="PX")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read each N-th slice")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.render import render

    document = render(chosen)
    if chosen.json:
        emit(document)
    return OK


VERB = Verb("render", "write one plane of a study as PNG", _add, _run)
