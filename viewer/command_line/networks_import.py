"""``negatoscope networks import``: a network that others made becomes one of the user's own."""

import argparse
import sys
from pathlib import Path
from typing import Any

from viewer.command_line.verb import OK, Verb, emit_or_print

_SEPARATORS = {"spacing", "tile"}


def _add(parser: argparse.ArgumentParser) -> None:
    from viewer.inference.foreign import QUESTIONS, TEXTS

    parser.add_argument("path", type=Path, metavar="PATH", help="its file or folder")
    parser.add_argument("--card", type=Path, metavar="FILE", help='answers as TOML (key = "text")')
    parser.add_argument("--fold", default="", help="which fold of an nnU-Net result folder")
    parser.add_argument(
        "--trust", action="store_true", help="import TorchScript, a program, from this source"
    )
    parser.add_argument("--dry", action="store_true", help="read and say what is missing, no more")
    for question in QUESTIONS.values():
        more = f" ({', '.join(question.choices)})" if question.choices else ""
        text = f"{question.text}{more}; as: {question.example}".replace("%", "%%")
        parser.add_argument(question.option, dest=f"say_{question.key}", help=text, metavar="TEXT")
    for key in TEXTS:
        option = "--" + key.replace("_", "-")
        parser.add_argument(option, dest=f"say_{key}", metavar="TEXT", help="for its card")


def _run(chosen: argparse.Namespace) -> int:
    emit_or_print(chosen, import_network(chosen))
    return OK


def import_network(chosen: argparse.Namespace) -> dict[str, Any]:
    """Read what is there, take the answers, check the network, and keep it.

    Raises
    ------
    InputRefused
        It cannot be used, or something is missing: the sentence names the options.
    """
    from viewer.inference.foreign_readers import read_foreign
    from viewer.inference.importing import bring_in
    from viewer.inference.supervisor import Supervisor
    from viewer.jobs.job import Progress, Ticket

    foreign = read_foreign(chosen.path, chosen.fold)
    foreign = foreign.answered({**_file_answers(chosen.card), **_said(chosen)})
    if chosen.dry:
        return {
            "kind": foreign.kind,
            "known": dict(foreign.known),
            "missing": [{"option": q.option, "text": q.text} for q in foreign.missing],
            "notes": list(foreign.notes),
        }

    def tell(progress: Progress) -> None:
        if sys.stderr.isatty():
            print(f"\r{progress.text:<60}", end="", file=sys.stderr, flush=True)

    supervisor = Supervisor()
    try:
        made = bring_in(
            supervisor, foreign, Ticket(tell), is_trusted=chosen.trust, force=chosen.force
        )
    finally:
        supervisor.close()
    return {
        "network": made.card.key,
        "title": made.card.title,
        "kind": foreign.kind,
        "folder": str(made.folder),
        "weights_sha256": made.card.weights_sha256,
        "onnx_sha256": made.card.onnx_sha256,
        "notes": list(made.notes),
    }


def _said(chosen: argparse.Namespace) -> dict[str, str]:
    given = {name.removeprefix("say_"): v for name, v in vars(chosen).items() if "say_" in name}
    return {key: str(text) for key, text in given.items() if text is not None}


def _file_answers(path: Path | None) -> dict[str, str]:
    """Return the answers in a TOML file; lists of numbers or names become text.

    Raises
    ------
    InputRefused
        It cannot be read.
    """
    if path is None:
        return {}
    import tomllib

    from viewer.errors import InputRefused

    try:
        if path.stat().st_size > 1 << 20:
            raise InputRefused("The file of answers is far too large.", where=str(path))
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputRefused("The file of answers cannot be read.", where=str(path)) from error
    joints = dict.fromkeys(_SEPARATORS, " ")
    return {
        key: joints.get(key, ", ").join(str(one) for one in value)
        if isinstance(value, list)
        else str(value)
        for key, value in table.items()
    }


VERB = Verb("import", "bring in a network that others made", _add, _run)
