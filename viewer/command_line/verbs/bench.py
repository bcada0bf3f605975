"""``negatoscope bench``: the program beside the limits of this machine."""

import argparse

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.bench import bench

    emit_or_print(chosen, bench(chosen))
    return OK


VERB = Verb("bench", "time the program beside the limits of this machine", _add, _run)
