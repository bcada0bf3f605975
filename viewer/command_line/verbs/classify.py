"""``negatoscope classify``: probabilities of pictures."""

import argparse
from pathlib import Path

from viewer.command_line.backend_options import add_backend
from viewer.command_line.verb import OK, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", type=Path, help="DICOM, NIfTI, PNG, JPEG or .npz"
    )
    parser.add_argument("--network", required=True, metavar="KEY")
    parser.add_argument(
        "--explain",
        default="",
        metavar="METHOD",
        help="also write what each answer rests on: grad_cam, integrated_gradients or occlusion"
        " (an explanation, not a segmentation)",
    )
    parser.add_argument(
        "--class", dest="of_class", default="", metavar="NAME", help="explain this class"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where explanations go")
    add_backend(parser)


def _run(chosen: argparse.Namespace) -> int:
    from viewer.command_line.classify import classify

    document = classify(chosen)
    if chosen.json:
        emit(document)
        return OK
    for result in document["results"]:
        classes = ", ".join(
            f"{one['name']} {one['probability']:.3f}"
            f" ({one['interval'][0]:.3f}-{one['interval'][1]:.3f})"
            for one in result["classes"]
        )
        print(plain(f"{result['input']}: {classes}"))
        for text in result["warnings"]:
            print(plain(f"    {text}"))
    print(plain(document["disclaimer"]))
    return OK


VERB = Verb("classify", "run an image classifier on pictures", _add, _run)
