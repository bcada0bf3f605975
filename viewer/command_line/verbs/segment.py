"""``negatoscope segment``: a mask from a network or a method, as files."""

import argparse
from pathlib import Path

from viewer.command_line.backend_options import add_backend
from viewer.command_line.verb import OK, Verb, emit_or_print


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--network", metavar="KEY", default="")
    how.add_argument(
        "--method",
        metavar='"KEY:SETTING=VALUE;..."',
        default="",
        help="a method of the list that the verb methods prints; seeds=x y z,x y z in mm (LPS)",
    )
    parser.add_argument("--series", metavar="UID|N", default="")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--box", metavar='"X0 Y0 Z0 X1 Y1 Z1"', help="where to look, in mm (LPS), if it can be told"
    )
    parser.add_argument(
        "--point",
        action="append",
        default=[],
        metavar='"X Y Z"',
        help="a place inside what is meant, in mm (LPS); may be given again",
    )
    parser.add_argument(
        "--doubt",
        action="store_true",
        help="also write doubt.nii.gz: where the network's mask hangs on the view (0..1 bit)",
    )
    add_backend(parser)


def _run(chosen: argparse.Namespace) -> int:
    if chosen.method:
        from viewer.command_line.segment_method import segment_by_method

        emit_or_print(chosen, segment_by_method(chosen))
        return OK
    from viewer.command_line.segment import segment

    emit_or_print(chosen, segment(chosen))
    return OK


VERB = Verb("segment", "run a network, or a method, on a study and write the results", _add, _run)
