"""``negatoscope report``: a structured report as text."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.report import report_document, report_text

    if chosen.json:
        emit(report_document(chosen.file))
    else:
        print(report_text(chosen.file), end="")
    return OK


VERB = Verb("report", "print a structured report as text", _add, _run)
