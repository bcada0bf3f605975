"""``negatoscope replay``: a journal's numbers."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, PARTLY, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("journal", metavar="JOURNAL", type=Path, help="a session or a workspace")


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.replay import replay_document, replay_lines

    document = replay_document(chosen.journal)
    if chosen.json:
        emit(document)
    else:
        for line in replay_lines(document):
            print(plain(line))
    return OK if document["sound"] and document["replayed"] == document["rows"] else PARTLY


VERB = Verb("replay", "run a journal through again and print every number it leads to", _add, _run)
