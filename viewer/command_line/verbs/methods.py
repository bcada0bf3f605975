"""``negatoscope methods``: what segmentation methods there are."""

import argparse

from viewer.command_line.verb import OK, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    del parser


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.segment_method import methods_document

    document = methods_document()
    if chosen.json:
        emit(document)
        return OK
    for one in document["methods"]:
        settings = ", ".join([*one["needs"], *(p["key"] for p in one["parameters"])])
        print(plain(f"{one['key']:24} {one['title']}: {one['purpose']} [{settings}]"))
    for text in document["left_out"]:
        print(plain(text))
    return OK


VERB = Verb("methods", "list the segmentation methods with their parameters", _add, _run)
