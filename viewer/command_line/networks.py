"""``negatoscope train`` and ``self-test``."""

import argparse
import json
import sys
from typing import Any

from viewer.jobs.job import Progress, Ticket


def _ticket(*, live: bool = False) -> Ticket:
    def tell_lines(progress: Progress) -> None:
        line = json.dumps({"fraction": progress.fraction, "text": progress.text})
        print(line, file=sys.stderr, flush=True)

    def tell(progress: Progress) -> None:
        print(f"\r{progress.text:<70}", end="", file=sys.stderr, flush=True)

    if live:
        return Ticket(tell_lines)
    return Ticket(tell if sys.stderr.isatty() else None)


def train(chosen: argparse.Namespace) -> dict[str, Any]:
    """Train from a recipe; the weights and the card lie beside it, or in ``--out``."""
    from viewer.learning.trainers import train_recipe

    folder = chosen.out or chosen.recipe.parent
    return dict(train_recipe(chosen.recipe, chosen.data, folder, _ticket(live=chosen.live)))


def self_test() -> dict[str, Any]:
    """Run the shipped network on the built-in study, and compare with its truth."""
    from viewer.learning.self_test import self_test as run

    return dict(run(_ticket()))
