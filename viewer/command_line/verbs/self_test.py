"""``negatoscope self-test``: the network on the built-in study."""

import argparse

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    del parser  # it takes nothing


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.networks import self_test

    emit_or_print(chosen, self_test())
    return OK


VERB = Verb(
    "self-test", "run the network on the built-in study and compare with its truth", _add, _run
)
