"""``negatoscope evaluate segmentation``: classical methods beside the networks."""

import argparse
import sys
from pathlib import Path
from typing import Any

from viewer.jobs.job import Progress, Ticket


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that the others lack."""
    known = {text for action in parser._actions for text in action.option_strings}  # noqa: SLF001
    if "--data" not in known:
        parser.add_argument("--data", type=Path, metavar="DIR", help="the labelled cases")
    if "--pictures" not in known:
        parser.add_argument(
            "--pictures", type=Path, metavar="DIR", help="for a PNG of each worst and best case"
        )


def evaluate(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return Dice, IoU, sensitivity, specificity, precision and HD95 of each method, per task."""
    from viewer.extensions.discover import load_extensions
    from viewer.learning.segmentation_compare import check_folder, compared

    check_folder(chosen.data)
    methods = load_extensions().segmenters
    return compared(chosen.data, methods, Ticket(_tell), chosen.pictures)


def _tell(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress.text:<70}", end="", file=sys.stderr, flush=True)
