"""``negatoscope phantom``: a generated study with its truth."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", type=int, nargs=3, metavar=("K", "J", "I"))
    parser.add_argument("--oblique", type=float, default=0.0, metavar="DEG")


def _run(chosen: argparse.Namespace) -> int:
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


VERB = Verb("phantom", "write a generated study as DICOM files, with its truth", _add, _run)
