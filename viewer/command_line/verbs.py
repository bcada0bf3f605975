"""The verbs without a window."""

import argparse
from collections.abc import Callable, Iterator

from viewer.command_line.parser import OK, PARTLY, emit, plain


def run_verb(chosen: argparse.Namespace) -> int:
    """Run one verb; return its exit code."""
    table: dict[str, Callable[[argparse.Namespace], int]] = {
        "scan": _scan,
        "render": _render,
        "convert": _convert,
        "library": _library,
        "report": _report,
        "segment": _segment,
        "phantom": _phantom,
        "train": _train,
        "self-test": _self_test,
        "bench": _bench,
    }
    return table[chosen.verb](chosen)


def _scan(chosen: argparse.Namespace) -> int:
    from viewer.command_line.studies import scan_document, scanned

    found = scanned(chosen.paths)
    document = scan_document(found)
    if chosen.json:
        emit(document)
    else:
        _print_scan(document, found.ledger.line())
    return PARTLY if found.ledger.refused else OK


def _print_scan(document: dict[str, object], line: str) -> None:
    for text in _scan_lines(document, line):
        print(plain(text))


def _scan_lines(document: dict[str, object], line: str) -> Iterator[str]:
    yield line
    for study in document["studies"]:  # type: ignore[attr-defined]
        yield f"study {study['date']} {study['description']}"
        for series in study["series"]:
            yield f"  {series['number']} {series['modality']} {series['description']}"
            for picture in (*series["volumes"], *series["images"]):
                shape = " x ".join(str(n) for n in picture["shape_kji"])
                yield f"    {shape}"
                for finding in picture["findings"]:
                    yield f"      {finding['severity']}: {finding['text']}"
    for fate in document["refused"]:  # type: ignore[attr-defined]
        yield f"refused {fate['file']}: {fate['reason']} {fate['hint']}"


def _render(chosen: argparse.Namespace) -> int:
    from viewer.command_line.render import render

    document = render(chosen)
    if chosen.json:
        emit(document)
    return OK


def _convert(chosen: argparse.Namespace) -> int:
    from viewer.command_line.convert import convert

    emit_or_print(chosen, convert(chosen))
    return OK


def _library(chosen: argparse.Namespace) -> int:
    from viewer.command_line.library import library_document, library_lines

    document = library_document(chosen.words, chosen.rebuild)
    if chosen.json:
        emit(document)
    else:
        for line in library_lines(document):
            print(plain(line))
    return OK


def _report(chosen: argparse.Namespace) -> int:
    from viewer.command_line.report import report_document, report_text

    if chosen.json:
        emit(report_document(chosen.file))
    else:
        print(report_text(chosen.file), end="")
    return OK


def _segment(chosen: argparse.Namespace) -> int:
    from viewer.command_line.segment import segment

    emit_or_print(chosen, segment(chosen))
    return OK


def emit_or_print(chosen: argparse.Namespace, document: dict[str, object]) -> None:
    """Print a result as JSON, or as "name: value" lines."""
    if chosen.json:
        emit(document)
        return
    for name, value in document.items():
        print(plain(f"{name}: {value}"))


def _phantom(chosen: argparse.Namespace) -> int:
    from viewer.phantom.demo import make_phantom_folder

    shape = tuple(chosen.shape) if chosen.shape else None
    folder = make_phantom_folder(
        chosen.out,
        seed=chosen.seed,
        shape_kji=shape,
        oblique_deg=chosen.oblique,
        force=chosen.force,
    )
    emit_or_print(chosen, {"folder": str(folder), "seed": chosen.seed})
    return OK


def _train(chosen: argparse.Namespace) -> int:
    from viewer.command_line.networks import train

    emit_or_print(chosen, train(chosen))
    return OK


def _self_test(chosen: argparse.Namespace) -> int:
    from viewer.command_line.networks import self_test

    emit_or_print(chosen, self_test())
    return OK


def _bench(chosen: argparse.Namespace) -> int:
    from viewer.command_line.bench import bench

    emit_or_print(chosen, bench(chosen))
    return OK
