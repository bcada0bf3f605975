"""``negatoscope filters``: what filters there are."""

import argparse

from viewer.command_line.verb import OK, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    del parser


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.enhance import filters_document

    document = filters_document()
    if chosen.json:
        emit(document)
        return OK
    for one in document["filters"]:
        settings = ", ".join(parameter["key"] for parameter in one["parameters"])
        print(plain(f"{one['key']:24} {one['title']}: {one['purpose']} [{settings}]"))
    for text in document["left_out"]:
        print(plain(text))
    return OK


VERB = Verb("filters", "list the enhancement filters with their parameters", _add, _run)
