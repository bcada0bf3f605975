"""``negatoscope enhance``: a chain of filters on a study."""

import argparse
from pathlib import Path

from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument(
        "--chain", default="", metavar="CHAIN", help="filter:setting=value,...;filter"
    )
    parser.add_argument("--preset", default="", metavar="KEY", help="a preset instead of a chain")
    parser.add_argument(
        "--whole", action="store_true", help="in three dimensions, where the filters can"
    )
    parser.add_argument("--plane", choices=("axial", "coronal", "sagittal", "acquired"))
    parser.add_argument("--index", type=int, metavar="K", help="image, counted from 0")
    parser.add_argument("--window", type=float, nargs=2, metavar=("CENTER", "WIDTH"))
    parser.add_argument("--size", type=int, default=512, metavar="PX")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR|FILE",
        help="a folder (DICOM), or a file .nii, .nii.gz or .png",
    )


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.enhance import enhance

    emit_or_print(chosen, enhance(chosen))
    return OK


VERB = Verb("enhance", "apply a chain of filters and write a picture or a series", _add, _run)
