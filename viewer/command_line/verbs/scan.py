"""``negatoscope scan``: the ledger and what was found."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viewer.command_line.verb import OK, PARTLY, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.studies import scan_document, scanned

    found = scanned(chosen.paths)
    document = scan_document(found)
    if chosen.json:
        emit(document)
    else:
        for text in _lines(document, found.ledger.line()):
            print(plain(text))
    return PARTLY if found.ledger.refused else OK


def _lines(document: dict[str, Any], line: str) -> Iterator[str]:
    yield line
    for study in document["studies"]:
        yield f"study {study['date']} {study['description']}"
        for series in study["series"]:
            yield f"  {series['number']} {series['modality']} {series['description']}"
            for picture in (*series["volumes"], *series["images"]):
                shape = " x ".join(str(n) for n in picture["shape_kji"])
                yield f"    {shape}"
                for finding in picture["findings"]:
                    yield f"      {finding['severity']}: {finding['text']}"
    for fate in document["refused"]:
        yield f"refused {fate['file']}: {fate['reason']} {fate['hint']}"


VERB = Verb("scan", "say what files hold, and what became of each", _add, _run)
