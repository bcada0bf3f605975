"""``negatoscope classify``: what an image classifier says of pictures."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from viewer.command_line.backend_options import use_backend
from viewer.command_line.host import command_context
from viewer.command_line.studies import read_picture, scanned
from viewer.domain.card import NetworkCard
from viewer.domain.volume import Picture
from viewer.errors import DISCLAIMER, InputRefused
from viewer.inference.image_input import grey_from
from viewer.inference.image_jobs import GreyImage, ImageResult, classify_images, grey_of
from viewer.intake.image_arrays import read_images_npz, signal_of_npz
from viewer.jobs.job import Progress, Ticket

_MOST_IMAGES = 20_000


def classify(chosen: argparse.Namespace) -> dict[str, Any]:
    """Classify every picture below the paths, in their order."""
    with command_context() as context:
        use_backend(context, chosen)
        card = _card(chosen.network, {key: card for key, (card, _) in context.cards.items()})
        images = [image for path in chosen.paths for image in images_of(path)]
        if len(images) > _MOST_IMAGES:
            raise InputRefused(
                f"These are {len(images)} pictures; {_MOST_IMAGES} are classified at a time.",
                remedy="Give fewer.",
            )
        method = str(getattr(chosen, "explain", "") or "")
        asked = (method, chosen.of_class, _folder(chosen)) if method else None
        results = classify_images(context.supervisor, images, card, Ticket(_progress))
        records = [_record(result) for result in results]
        if asked is not None:
            from viewer.command_line.explain import explained

            ticket = Ticket(_progress)
            found = explained(context.supervisor, images, results, card, asked, ticket)
            for record, explanation in zip(records, found, strict=True):
                record["explanation"] = explanation
    return {
        "network": card.key,
        "version": card.version,
        "sha256": card.weights_sha256,
        "device": results[0].device if results else "",
        "results": records,
        "threshold": card.threshold,
        "trained_on": card.trained_on,
        "disclaimer": DISCLAIMER,
    }


def _folder(chosen: argparse.Namespace) -> Path:
    from viewer.command_line.explain import folder_for
    from viewer.inference.explanation_methods import method_called

    method_called(chosen.explain)
    return folder_for(chosen.out, force=bool(chosen.force))


def _card(key: str, cards: dict[str, NetworkCard]) -> NetworkCard:
    fitting = [k for k, card in cards.items() if card.task == "classify" and card.reads == "image"]
    if key in fitting:
        return cards[key]
    choose = f"Choose one of: {', '.join(fitting) or 'none is installed'}."
    if key in cards:
        raise InputRefused(f"{cards[key].title} does not classify images.", remedy=choose)
    raise InputRefused(f"There is no network called {key}.", remedy=choose)


def _record(result: ImageResult) -> dict[str, Any]:
    return {
        "input": result.name,
        "classes": [
            {
                "name": one.name,
                "probability": round(one.probability, 6),
                "interval": [round(one.low, 6), round(one.high, 6)],
            }
            for one in result.scores.classes
        ],
        "distance": round(result.scores.distance, 3),
        "warnings": list(result.scores.warnings),
    }


def images_of(path: Path) -> Iterator[GreyImage]:
    """Yield the pictures of an .npz (``images``), or of whatever the program opens.

    Raises
    ------
    InputRefused
        There is no such path, nothing in it can be shown, or a picture cannot be used.
    """
    if not path.exists():
        raise InputRefused(
            "There is no such file or folder.", where=str(path), remedy="Check the path."
        )
    if path.is_file() and signal_of_npz(path):
        greys = grey_from(read_images_npz(path), str(path))
        for n, grey in enumerate(greys):
            yield GreyImage(f"{path.name}[{n}]", grey)
        return
    found = scanned([path])
    for source in found.pictures:
        picture = read_picture(source)
        n_images = picture.stored.shape[0]
        for k in range(n_images):
            name = path.name if n_images == 1 and len(found.pictures) == 1 else ""
            yield _image(picture, k, name or f"{path.name}: {source.title}[{k}]")


def _image(picture: Picture, k: int, name: str) -> GreyImage:
    modality = picture.identity.series.modality
    try:
        grey, notes = grey_of(picture, k)
    except InputRefused as error:
        raise InputRefused(error.what, where=name, remedy=error.remedy) from error
    return GreyImage(name, grey, modality, notes)


def _progress(progress: Progress) -> None:
    if sys.stderr.isatty() and progress.fraction is not None:
        print(f"\r{progress.fraction:4.0%} {progress.text}   ", end="", file=sys.stderr, flush=True)
