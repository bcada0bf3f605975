"""Why a classifier of pictures says what it says: maps, asked of the worker.

A map shows what the answer rests on, not where a disease is: a network may be right for a wrong
reason, and a map that looks sensible proves nothing (Adebayo et al. 2018, arXiv 1810.03292).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import BackendLost, InputRefused
from viewer.inference.explanation_methods import ExplanationMethod, class_number
from viewer.inference.image_input import reduced
from viewer.inference.image_jobs import GreyImage, check_image
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket

Floats = NDArray[np.float32]

_LARGEST_GAP = 0.05  # of what integrated gradients must add up to


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map (rows, columns) on the picture's own pixels.

    ``values`` are relative: positive speaks for the class, negative against it, 1 is the strongest
    place of this picture, NaN what the network does not see (what the square cut off).
    ``strongest`` is that place's share of log-odds (nothing to compare Grad-CAM with).
    """

    method: ExplanationMethod
    class_name: str
    values: Floats
    strongest: float
    device: str
    notes: tuple[str, ...] = ()


def explain_image(
    supervisor: Supervisor,
    image: GreyImage,
    card: NetworkCard,
    method: ExplanationMethod,
    class_name: str,
    ticket: Ticket,
) -> Explanation:
    """Return what the answer for ``class_name`` rests on; blocks, so call it in a job.

    Raises
    ------
    InputRefused
        The card is not that of an image classifier, or the picture cannot be used.
    Unsupported
        The method needs gradients, and no engine is there that gives them for this network.
    OutOfResources, BackendLost, Cancelled
        As for ``Supervisor.segment``.
    """
    if card.task != "classify" or card.reads != "image":
        raise InputRefused(f"{card.title} does not classify images.", remedy="Choose another one.")
    number = class_number(card, class_name)
    if len(card.classes) < 2:
        raise InputRefused(f"{card.title} tells no classes apart: there is nothing to explain.")
    check_image(image, card)
    picture = reduced(image.grey[None], card)
    settings = {"method": method.key, "class": number}
    answer = supervisor.ask("explain_image", {"pictures": picture}, card, ticket, settings)
    shape = tuple(int(n) for n in answer.header["shape"])
    n_bytes = len(answer.blobs[0]) if answer.blobs else -1
    if shape != picture.shape[1:] or n_bytes != 4 * shape[0] * shape[1]:
        raise BackendLost("The inference process answered something that does not fit.")
    seen = np.frombuffer(answer.blobs[0], dtype=np.float32).reshape(shape)
    if not np.isfinite(seen).all():
        raise BackendLost("The inference process answered something that does not fit.")
    strongest = float(np.abs(seen).max())
    relative = seen / strongest if strongest > 0 else seen
    how = str(dict(card.options).get("square", "crop"))
    return Explanation(
        method,
        class_name,
        onto_picture(np.asarray(relative, dtype=np.float32), image.grey.shape, how),
        strongest,
        str(answer.header["device"]),
        (*_gap_notes(answer.header.get("sum_gap")), *(str(n) for n in answer.header["notes"])),
    )


def _gap_notes(gap: float | None) -> tuple[str, ...]:
    """Return what to say where integrated gradients do not add up to the answer's change."""
    if gap is None or abs(gap) <= _LARGEST_GAP:
        return ()
    return (
        f"The gradients add up to {1 - gap:.0%} of the change that they explain; this map is rough.",
    )


def onto_picture(seen: Floats, shape: tuple[int, ...], how: str) -> Floats:
    """Return a map that lies on the network's square on the picture (rows, columns), linearly.

    ``how`` is the square's way ("crop" from the middle, "pad" with black); NaN where it was cut off.
    """
    rows, columns = shape
    side = max(rows, columns) if how == "pad" else min(rows, columns)
    whole = np.asarray(cv2.resize(seen, (side, side), interpolation=cv2.INTER_LINEAR))
    down, right = abs(side - rows) // 2, abs(side - columns) // 2
    if how == "pad":
        return np.ascontiguousarray(whole[down : down + rows, right : right + columns])
    found = np.full((rows, columns), np.nan, dtype=np.float32)
    found[down : down + side, right : right + side] = whole
    return found
