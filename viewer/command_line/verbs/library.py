"""``negatoscope library``: the studies that were opened."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="WORD", help="words to look for")
    parser.add_argument(
        "--rebuild", nargs="+", type=Path, metavar="PATH", help="forget all, and look through these"
    )


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.library import library_document, library_lines

    document = library_document(chosen.words, chosen.rebuild)
    if chosen.json:
        emit(document)
    else:
        for line in library_lines(document):
            print(plain(line))
    return OK


VERB = Verb("library", "list the studies that were opened, or make the list anew", _add, _run)
