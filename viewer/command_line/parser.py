"""Words to verbs, and faults to exit codes."""

import argparse
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from viewer import __version__
from viewer.errors import DISCLAIMER, InputRefused, ViewerError
from viewer.jobs.job import Cancelled
from viewer.places import state_folder

OK, FAULT, USAGE, REFUSED, PARTLY, INTERRUPTED = 0, 1, 2, 3, 4, 130
_VERBS: dict[str, str] = {
    "open": "open the window on files or folders",
    "demo": "run the whole path on the built-in study and write what it gave",
    "scan": "say what files hold, and what became of each",
    "render": "write one plane of a study as PNG",
    "convert": "write a volume with its geometry as NIfTI or NRRD",
    "library": "list the studies that were opened, or make the list anew",
    "report": "print a structured report as text",
    "segment": "run a network on a study and write the results",
    "phantom": "write a generated study as DICOM files, with its truth",
    "train": "train a network from a recipe",
    "self-test": "run the network on the built-in study and compare with its truth",
    "bench": "time the program beside the limits of this machine",
}
_STEERING = re.compile("[\x7f-\x9f\ud800-\udfff]")


def is_verb(word: str) -> bool:
    """Return whether ``word`` is a verb of the command line."""
    return word in _VERBS


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"negatoscope: {message}", file=sys.stderr)
        raise SystemExit(USAGE)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def build() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = _Parser(
        prog="negatoscope",
        description=f"A reading station for medical images. {DISCLAIMER}",
    )
    parser.add_argument("--version", action="version", version=f"negatoscope {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    made = {
        name: verbs.add_parser(name, help=text, description=text) for name, text in _VERBS.items()
    }
    for verb in made.values():
        _add_shared(verb)
    made["open"].add_argument("paths", nargs="*", metavar="PATH")
    made["open"].add_argument("--demo", action="store_true", help="open the built-in study")
    made["demo"].add_argument("--headless", action="store_true", help="draw off-screen")
    made["demo"].add_argument("--out", type=Path, help="folder for the results")
    made["scan"].add_argument("paths", nargs="+", metavar="PATH", type=Path)
    _add_render(made["render"])
    _add_convert(made["convert"])
    made["library"].add_argument("words", nargs="*", metavar="WORD", help="words to look for")
    made["library"].add_argument(
        "--rebuild", nargs="+", type=Path, metavar="PATH", help="forget all, and look through these"
    )
    made["report"].add_argument("file", metavar="FILE", type=Path)
    made["segment"].add_argument("paths", nargs="+", metavar="PATH", type=Path)
    made["segment"].add_argument("--network", required=True, metavar="KEY")
    made["segment"].add_argument("--series", metavar="UID|N", default="")
    made["segment"].add_argument("--out", required=True, type=Path, metavar="DIR")
    made["phantom"].add_argument("--out", required=True, type=Path, metavar="DIR")
    made["phantom"].add_argument("--seed", type=int, default=1)
    made["phantom"].add_argument("--shape", type=int, nargs=3, metavar=("K", "J", "I"))
    made["phantom"].add_argument("--oblique", type=float, default=0.0, metavar="DEG")
    made["train"].add_argument("--recipe", required=True, type=Path, metavar="FILE")
    made["train"].add_argument("--out", type=Path, metavar="DIR")
    made["bench"].add_argument("--slices", type=int, default=500)
    made["bench"].add_argument("--repeats", type=int, default=3)
    return parser


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument(
        "--plane", choices=("axial", "coronal", "sagittal", "acquired"), default="axial"
    )
    parser.add_argument("--index", type=int, metavar="K", help="image, counted from 0")
    parser.add_argument("--window", type=float, nargs=2, metavar=("CENTER", "WIDTH"))
    parser.add_argument("--size", type=int, default=512, metavar="PX")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read each N-th slice")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument(
        "--volume", type=int, metavar="M", help="which volume of the series, counted from 1"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read each N-th slice")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the verb and its arguments; usage errors end with exit code 2."""
    return build().parse_args(list(words))


def run_guarded(chosen: argparse.Namespace, verb: Callable[[argparse.Namespace], int]) -> int:
    """Run a verb; turn a fault into one sentence on stderr and its exit code."""
    _start_log()
    try:
        return verb(chosen)
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


def emit(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout, in UTF-8; bytes that are no text stay escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # DEL and what follows steer some terminals; a JSON reader takes the escape for the same.
    text = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(text)


def plain(text: str) -> str:
    """Return text that neither steers a terminal nor stops a stream: names of files may do both."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


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
