"""What a verb of the command line is, and how verbs print what they found."""

import argparse
import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OK, FAULT, USAGE, REFUSED, PARTLY, INTERRUPTED = 0, 1, 2, 3, 4, 130
_STEERING = re.compile("[\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its name, a line of help, its arguments, and what it does (the exit code).

    ``run`` None: the verb drives the real window, and the window's door runs it.
    """

    name: str
    help: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int] | None


def emit(document: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout, in UTF-8; bytes that are no text stay escaped."""
    _emit(document)


def emit_list(records: Sequence[Mapping[str, Any]]) -> None:
    """Print records as one JSON list, as ``emit`` does."""
    _emit(records)


def _emit(document: Any) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # DEL and what follows steer some terminals; a JSON reader takes the escape for the same.
    text = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(text)


def plain(text: str) -> str:
    """Return text that neither steers a terminal nor stops a stream: names of files may do both."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def emit_or_print(chosen: argparse.Namespace, document: Mapping[str, Any]) -> None:
    """Print a result as JSON, or as "name: value" lines."""
    if chosen.json:
        emit(document)
        return
    for name, value in document.items():
        print(plain(f"{name}: {value}"))
