"""``negatoscope open``: the window."""

import argparse

from viewer.command_line.verb import Verb


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--demo", action="store_true", help="open the built-in study")


VERB = Verb("open", "open the window on files or folders", _add, None)
