"""``negatoscope live``: a network on pictures as they arrive in a folder."""

import argparse
from pathlib import Path

from viewer.command_line.backend_options import add_backend
from viewer.command_line.verb import OK, Verb


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where pictures arrive")
    parser.add_argument("--network", required=True, metavar="KEY", help="an image classifier")
    parser.add_argument("--frames", type=int, default=0, metavar="N", help="end after N answers")
    parser.add_argument(
        "--seconds", type=float, default=0.0, metavar="S", help="end after S seconds"
    )
    add_backend(parser)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.live import live

    live(chosen)
    return OK


VERB = Verb("live", "run an image classifier on pictures as they arrive in a folder", _add, _run)
