"""``negatoscope evaluate enhancement``: what each preset does for degraded pictures."""

import argparse
import sys
from pathlib import Path
from typing import Any

from viewer import __version__
from viewer.errors import InputRefused

_MOST = 200
_NOTES = (
    "psnr_db and ssim: likeness to the undegraded picture after the best window (a straight line).",
    "cnr: |target - beside| over both noises; snr: |target - beside| over the noise beside.",
    "improved_share: pictures whose figure is higher afterwards.",
    "Real pictures are taken as they are for the truth, and degraded: their own flaws count as it.",
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the words of this evaluation."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of real pictures")
    parser.add_argument("--n", type=int, default=6, help="pictures of each kind")
    parser.add_argument("--preset", metavar="KEY", help="one preset alone")


def evaluate(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the table of all presets.

    Raises
    ------
    InputRefused
        The number is out of range, the preset unknown, or the folder holds no pictures.
    """
    from viewer.extensions.discover import load_extensions
    from viewer.extensions.presets import load_presets
    from viewer.learning.enhancement import evaluate as evaluated
    from viewer.learning.enhancement import generated_cases, summary
    from viewer.learning.real_planes import real_cases

    if not 1 <= chosen.n <= _MOST:
        raise InputRefused(f"The number of pictures must lie between 1 and {_MOST}.")
    filters = load_extensions().filters
    found = load_presets(filters)
    presets = [p for p in found.known.values() if chosen.preset in (None, p.key)]
    if not presets:
        raise InputRefused(
            f"There is no preset called {chosen.preset}.",
            remedy=f"Choose one of: {', '.join(found.known)}.",
        )
    cases = list(generated_cases(chosen.n))
    if chosen.data is not None:
        cases += real_cases(chosen.data, chosen.n)
    rows = evaluated(cases, presets, filters, check=_told)
    return {
        "program": __version__,
        "pictures": len(cases),
        "notes": list(_NOTES),
        "summary": summary(rows),
        "rows": [row.document() for row in rows],
    }


def _told(done: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:4.0%}", end="", file=sys.stderr, flush=True)
