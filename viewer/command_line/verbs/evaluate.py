"""``negatoscope evaluate``: how good the program's methods are, measured anew."""

import argparse

from viewer.command_line.evaluations import classification, enhancement, segmentation
from viewer.command_line.verb import OK, Verb, emit_or_print

_WHAT = {
    "enhancement": enhancement,
    "classification": classification,
    "segmentation": segmentation,
}


def _add(parser: argparse.ArgumentParser) -> None:
    # Sub-parsers take --json of the verb itself too: each adds its own words only.
    parser.add_argument("what", choices=tuple(_WHAT), help="what to evaluate")
    for module in _WHAT.values():
        module.add(parser)


def _run(chosen: argparse.Namespace) -> int:
    emit_or_print(chosen, _WHAT[chosen.what].evaluate(chosen))
    return OK


VERB = Verb("evaluate", "measure what the program's methods give, before and after", _add, _run)
