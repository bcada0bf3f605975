"""``negatoscope demo``: the whole path on the built-in study."""

import argparse
from pathlib import Path

from viewer.command_line.verb import Verb


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="draw off-screen")
    parser.add_argument("--out", type=Path, help="folder for the results")


VERB = Verb("demo", "run the whole path on the built-in study and write what it gave", _add, None)
