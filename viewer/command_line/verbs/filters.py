"""``negatoscope filters``: what filters there are."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit, emit_or_print, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="DIR",
        help="write the reference page with its pictures below DIR (a checkout)",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="real pictures for its table")
    parser.add_argument("--n", type=int, default=6, help="pictures of each kind for its table")


def _run(chosen: argparse.Namespace) -> int:
    if chosen.reference is not None:
        from viewer.command_line.reference import write_reference

        emit_or_print(chosen, write_reference(chosen.reference, data=chosen.data, n=chosen.n))
        return OK
    from viewer.command_line.enhance import filters_document

    document = filters_document()
    if chosen.json:
        emit(document)
        return OK
    for one in document["filters"]:
        settings = ", ".join(parameter["key"] for parameter in one["parameters"])
        print(plain(f"{one['key']:24} {one['title']}: {one['purpose']} [{settings}]"))
    for one in document["presets"]:
        print(plain(f"preset {one['key']:32} {one['title']}: {one['chain']}"))
    for text in document["left_out"]:
        print(plain(text))
    return OK


VERB = Verb("filters", "list the enhancement filters with their parameters", _add, _run)
