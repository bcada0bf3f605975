"""``negatoscope evaluate classification``: image classifiers beside the classical ones."""

import argparse
from pathlib import Path
from typing import Any

from viewer.errors import InputRefused
from viewer.jobs.job import Ticket


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that the others lack."""
    known = {text for action in parser._actions for text in action.option_strings}  # noqa: SLF001
    if "--data" not in known:
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="the labelled pictures (classification)"
        )


def evaluate(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return accuracy and AUC with 95 % intervals of each classifier on the validation parts."""
    from viewer.learning.image_compare import comparison

    if chosen.data is None:
        raise InputRefused(
            "Classifiers are compared on labelled pictures of your own.",
            remedy="Say where they are: --data DIR.",
        )
    if not chosen.data.is_dir():
        raise InputRefused("There is no such folder.", where=str(chosen.data))
    return comparison(chosen.data, Ticket())
