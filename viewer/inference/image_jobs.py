"""Networks on flat pictures, asked of the worker; these calls block, so make them in a job."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.volume import Picture
from viewer.errors import BackendLost, InputRefused
from viewer.imaging.value_chain import default_window, shown_inverted, windowed
from viewer.inference.image_input import reduced
from viewer.inference.image_scores import ImageScores, scores_of
from viewer.inference.results import SegmentResult, segment_result
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket

_MOST_PIXELS = 100_000_000


@dataclass(frozen=True, eq=False)
class GreyImage:
    """A picture to classify: ``grey`` (rows, columns; 0..1), and what is known of it.

    ``name`` is what the caller calls it, ``modality`` DICOM's or "", ``notes`` what to say of it
    before any result.
    """

    name: str
    grey: NDArray[np.float32]
    modality: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageResult:
    """The scores of one picture, with every warning, the grave ones first."""

    name: str
    scores: ImageScores
    device: str


def grey_of(picture: Picture, k: int) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return image ``k`` of a picture as grey (rows, columns; 0..1), as the file asks to show it.

    Raises
    ------
    InputRefused
        It is in colour (and not grey all the same), not read yet, or holds no finite value.
    """
    if not 0 <= k < picture.stored.shape[0] or not picture.loaded_k[k]:
        raise InputRefused("This image has not been read yet.", remedy="Wait until it has been.")
    stored = np.asarray(picture.stored[k])
    notes: tuple[str, ...] = ()
    if picture.is_colour:
        if int(np.ptp(stored.astype(np.int16), axis=2).max()) > 2:
            raise InputRefused(
                "The network reads grey pictures, and this one is in colour.",
                remedy="Choose a grey picture.",
            )
        return stored[..., 0].astype(np.float32) / np.float32(255), notes
    values = picture.quantity.slice_values(stored, k)
    if not np.isfinite(values).all():
        raise InputRefused("The picture holds values that are not finite.")
    windows = picture.display.windows_k or picture.display.windows
    window = default_window(picture) if not windows else windows[min(k, len(windows) - 1)]
    grey = windowed(values, window)
    if shown_inverted(picture):
        grey = 1.0 - grey
    return grey.astype(np.float32), notes


def classify_images(
    supervisor: Supervisor, images: Sequence[GreyImage], card: NetworkCard, ticket: Ticket
) -> tuple[ImageResult, ...]:
    """Return the scores of each picture, in their order.

    Raises
    ------
    InputRefused
        The card is not that of an image classifier, or a picture cannot be used.
    Unsupported, OutOfResources, BackendLost, Cancelled
        As for ``Supervisor.segment``.
    """
    if card.task != "classify" or card.reads != "image":
        raise InputRefused(
            f"{card.title} does not classify images.", remedy="Choose another network."
        )
    for image in images:
        check_image(image, card)
    greys = np.stack([reduced(image.grey[None], card)[0] for image in images])
    answer = supervisor.ask("classify_images", {"pictures": greys}, card, ticket)
    shape = tuple(int(n) for n in answer.header["shape"])
    n_bytes = len(answer.blobs[0]) if answer.blobs else -1
    if len(shape) != 2 or shape[0] != len(images) or n_bytes != 4 * shape[0] * shape[1]:
        raise BackendLost("The inference process answered something that does not fit.")
    answers = np.frombuffer(answer.blobs[0], dtype=np.float32).reshape(shape)
    device = str(answer.header["device"])
    return tuple(
        ImageResult(image.name, _with_notes(image, scores, card), device)
        for image, scores in zip(images, scores_of(list(greys), answers, card), strict=True)
    )


def check_image(image: GreyImage, card: NetworkCard) -> None:
    """Refuse a picture that the network cannot be shown.

    Raises
    ------
    InputRefused
        It is far too small or large, or of another modality than the card's.
    """
    if image.grey.ndim != 2 or min(image.grey.shape) < 8:
        raise InputRefused(
            f"A picture of {' x '.join(str(n) for n in image.grey.shape)} pixels is too small.",
            where=image.name,
        )
    if image.grey.size > _MOST_PIXELS:
        raise InputRefused("The picture is far too large.", where=image.name)
    known = card.modality.split()
    if image.modality and known and image.modality not in known:
        raise InputRefused(
            f"{card.title} reads {' or '.join(known)}; this picture is {image.modality}.",
            where=image.name,
            remedy="Choose another network or another picture.",
        )


def _with_notes(image: GreyImage, scores: ImageScores, card: NetworkCard) -> ImageScores:
    _, rows, columns = card.tile_kji
    said = list(scores.warnings)
    usual = int(card.option("usual_side", 0))
    if image.grey.shape not in ((rows, columns), (usual, usual)):
        have = f"{image.grey.shape[1]} x {image.grey.shape[0]}"
        way = "reduced" if min(image.grey.shape) >= rows else "brought"
        said.append(
            f"The picture of {have} pixels was {way} to {columns} x {rows} for the network,"
            " as its training pictures were; what is lost in that, it does not see."
        )
    if card.option("uncalibrated", 0):
        said.insert(
            0,
            f"Nobody calibrated {card.title} here: the number is its own, how sure it is is not"
            " known, and pictures unlike its training pictures are not noticed.",
        )
    if np.ptp(image.grey) == 0:
        said.insert(0, "The picture shows nothing: all of it has one grey.")
    return replace(scores, warnings=(*said, *image.notes))


def segment_image(
    supervisor: Supervisor, picture: Picture, card: NetworkCard, ticket: Ticket, k: int = 0
) -> SegmentResult:
    """Return the mask that ``card`` draws in image ``k`` of a colour picture, on its own grid.

    Raises
    ------
    InputRefused
        The card does not segment images, or the picture is grey or not read yet.
    Unsupported, OutOfResources, BackendLost, Cancelled
        As for ``Supervisor.segment``.
    """
    if card.task != "segment" or card.reads != "image":
        raise InputRefused(f"{card.title} does not read images.", remedy="Choose another network.")
    if not picture.is_colour:
        raise InputRefused(
            f"{card.title} reads colour pictures, not grey.", remedy="Choose another picture."
        )
    if picture.stored.shape[0] != 1:
        raise InputRefused(f"{card.title} reads one picture, not a stack of them.")
    if not picture.loaded_k[k]:
        raise InputRefused("This image has not been read yet.", remedy="Wait until it has been.")
    started_s = time.monotonic()
    colour = np.ascontiguousarray(picture.stored[k], dtype=np.uint8)
    answer = supervisor.ask("segment_image", {"picture": colour}, card, ticket)
    result = segment_result(answer, picture, card, time.monotonic() - started_s)
    name = card.classes[-1] if card.classes else card.title
    found = result.segmentation
    segments = tuple(replace(segment, name=name) for segment in found.segments)
    return replace(result, segmentation=replace(found, segments=segments))
