"""Words to verbs, and faults to exit codes."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from viewer import __version__
from viewer.command_line.verb import FAULT, INTERRUPTED, REFUSED, USAGE, emit, plain
from viewer.command_line.verbs import verb, verb_names
from viewer.errors import DISCLAIMER, InputRefused, ViewerError
from viewer.jobs.job import Cancelled
from viewer.places import state_folder


def is_verb(word: str) -> bool:
    """Return whether ``word`` is a verb of the command line."""
    return word in verb_names()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"negatoscope: {message}", file=sys.stderr)
        raise SystemExit(USAGE)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def build(names: Iterable[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser of all verbs, or of ``names`` alone: only these are imported."""
    parser = _Parser(
        prog="negatoscope",
        description=f"A reading station for medical images. {DISCLAIMER}",
    )
    parser.add_argument("--version", action="version", version=f"negatoscope {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name in verb_names() if names is None else names:
        found = verb(name)
        made = verbs.add_parser(found.name, help=found.help, description=found.help)
        _add_shared(made)
        found.add(made)
    return parser


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the verb and its arguments; usage errors end with exit code 2."""
    alone = [words[0]] if words and is_verb(words[0]) else None
    return build(alone).parse_args(list(words))


def run_verb(chosen: argparse.Namespace) -> int:
    """Run a verb without a window; return its exit code."""
    run = verb(chosen.verb).run
    if run is None:
        raise InputRefused(f"{chosen.verb} needs the window.")
    return run(chosen)


def run_guarded(
    chosen: argparse.Namespace, run: Callable[[argparse.Namespace], int] = run_verb
) -> int:
    """Run a verb; turn a fault into one sentence on stderr and its exit code."""
    _start_log()
    try:
        return run(chosen)
    except (KeyboardInterrupt, Cancelled):
        return _tell(chosen, "Interrupted.", INTERRUPTED)
    except InputRefused as error:
        return _tell(chosen, error.sentence(), REFUSED)
    except ViewerError as error:
        # What cannot be done with this input or on this machine; nothing was written.
        return _tell(chosen, error.sentence(), REFUSED)
    except Exception:
        logging.getLogger("negatoscope").exception("fault")
        text = f"A fault of the program; its log has the details: {log_file()}"
        return _tell(chosen, text, FAULT)


def _tell(chosen: argparse.Namespace, text: str, code: int) -> int:
    print(f"negatoscope: {plain(text)}", file=sys.stderr)
    if getattr(chosen, "json", False):
        emit({"error": text, "exit_code": code})
    return code


def log_file() -> Path:
    """Return where faults are written."""
    return state_folder() / "negatoscope.log"


def _start_log() -> None:
    log = logging.getLogger("negatoscope")
    if not log.handlers:
        handler = logging.FileHandler(log_file(), encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.propagate = False
