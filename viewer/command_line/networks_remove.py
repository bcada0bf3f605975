"""``negatoscope networks remove`` and, with ``--undo``, back again."""

import argparse
from typing import Any

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="which network of your own")
    parser.add_argument("--undo", action="store_true", help="put it back")


def _run(chosen: argparse.Namespace) -> int:
    emit_or_print(chosen, remove(chosen.key, undo=chosen.undo))
    return OK


def remove(key: str, *, undo: bool) -> dict[str, Any]:
    """Take a network of the user's own away, or put it back.

    Raises
    ------
    InputRefused
        There is none of that name, or it came with the program.
    """
    from viewer.inference.managing import put_back
    from viewer.inference.managing import remove as take_away

    if undo:
        _, folder = put_back(key)
        return {"network": key, "folder": str(folder), "removed": False}
    take_away(key)
    return {"network": key, "removed": True, "undo": f"negatoscope networks remove {key} --undo"}


VERB = Verb("remove", "take a network of your own away", _add, _run)
