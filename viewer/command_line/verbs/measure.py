"""``negatoscope measure``: numbers of shapes, with receipts."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, PARTLY, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--spec", required=True, type=Path, metavar="FILE", help="shapes, as JSON")
    parser.add_argument("--series", metavar="UID|N", default="")


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.measure import measure_document

    document = measure_document(chosen.paths, chosen.series, chosen.spec)
    if chosen.json:
        emit(document)
    else:
        for found in document["measurements"]:
            name = found.get("label") or found["kind"]
            print(plain(f"{name}: {found.get('refused') or ', '.join(found['texts'])}"))
    refused = any("refused" in found for found in document["measurements"])
    return PARTLY if refused else OK


VERB = Verb("measure", "measure shapes given in patient millimetres", _add, _run)
