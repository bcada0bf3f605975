"""What the worker answered, in the words of the domain."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer import errors
from viewer.domain.card import NetworkCard
from viewer.domain.quantity import Code
from viewer.domain.segmentation import Origin, OriginKind, Rgb, Score, Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.errors import BackendLost, ViewerError
from viewer.inference.doubt import Doubt
from viewer.inference.messages import Message

# The violets that mark what a network drew (look.md), told apart by lightness and hue.
_COLOURS: tuple[Rgb, ...] = (
    (180, 142, 240),
    (226, 140, 222),
    (138, 158, 250),
    (206, 106, 200),
    (150, 116, 214),
    (240, 176, 240),
    (120, 130, 220),
)

_ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")

# Between two engines on the same tile: of the logits, and the share of answers (inference.md).
MOST_APART, MOST_CHANGED = 1e-3, 1e-4


@dataclass(frozen=True, eq=False)
class SegmentResult:
    """A segmentation and how it came about.

    ``seconds`` is the whole time on the wall; ``notes`` are sentences for the reader.
    """

    segmentation: Segmentation
    seconds: float
    device: str
    notes: tuple[str, ...] = ()
    doubt: Doubt | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """What the worker is to train on: plain ``settings``, and arrays by name for each sample."""

    settings: Mapping[str, Any]
    samples: tuple[Mapping[str, NDArray[Any]], ...]


@dataclass(frozen=True)
class Trained:
    """Weights as the bytes of a safetensors file, and the loss along the way."""

    weights: bytes
    history: tuple[float, ...]


@dataclass(frozen=True)
class OnnxForm:
    """A network as ONNX; ``compared``: engine -> "max_abs" of logits, share of answers "changed"."""

    data: bytes
    compared: Mapping[str, Mapping[str, float]]

    @property
    def agrees(self) -> bool:
        """Whether every engine that is here says the same as torch does."""
        return bool(self.compared) and all(
            one["max_abs"] < MOST_APART and one["changed"] < MOST_CHANGED
            for one in self.compared.values()
        )


def segment_result(
    answer: Message, picture: Picture, card: NetworkCard, seconds: float
) -> SegmentResult:
    """Return the labels in ``answer`` as a segmentation of ``picture``.

    Raises
    ------
    BackendLost
        The answer does not fit the picture: nothing of it is used.
    """
    labels = _labels(answer, picture)
    volumes = answer.header["volumes_mm3"]
    names = [str(name) for name in answer.header.get("names", ())]
    highest = int(labels.max(initial=0))
    if highest > len(volumes) or (names and len(names) != len(volumes)):
        raise _nonsense()
    if not names and highest != len(volumes):
        raise _nonsense()
    device = str(answer.header["device"])
    segmentation = Segmentation(
        uid=_new_uid(),
        name=card.title,
        volume_key=picture.key,
        grid=picture.grid,
        labels=labels,
        segments=tuple(
            _segment(number, names[number - 1] if names else f"Lesion {number}", card)
            for number, volume in enumerate(volumes, start=1)
            if volume > 0
        ),
        origin=_origin(card, answer),
    )
    notes = tuple(str(note) for note in answer.header["notes"])
    return SegmentResult(
        segmentation, seconds, device, notes, _doubt(answer, labels.shape, highest)
    )


def _doubt(answer: Message, shape: tuple[int, ...], n_lesions: int) -> Doubt | None:
    """Return the doubt that came with the labels, where it was asked for."""
    by_view = answer.header.get("doubt_mm3")
    if by_view is None:
        return None
    volumes = np.asarray(by_view, dtype=np.float64).reshape(n_lesions, -1 if n_lesions else 1)
    if len(answer.blobs) < 2 or len(answer.blobs[1]) != int(np.prod(shape)):
        raise _nonsense()
    if not np.isfinite(volumes).all() or (volumes < 0).any():
        raise _nonsense()
    levels = np.frombuffer(answer.blobs[1], dtype=np.uint8).reshape(shape).copy()
    return Doubt(levels, volumes)


def _labels(answer: Message, picture: Picture) -> NDArray[np.uint8]:
    shape = tuple(answer.header["shape"])
    n_bytes = len(answer.blobs[0]) if answer.blobs else -1
    if shape != picture.grid.shape_kji or n_bytes != int(np.prod(shape)):
        raise _nonsense()
    return np.frombuffer(answer.blobs[0], dtype=np.uint8).reshape(shape).copy()


def _segment(number: int, name: str, card: NetworkCard) -> Segment:
    colour = _COLOURS[(number - 1) % len(_COLOURS)]
    if card.answers == "classes":
        return Segment(
            number, name, colour, _ANATOMICAL_STRUCTURE, card.concept, tracking_uid=_new_uid()
        )
    return Segment(number, name, colour, tracking_uid=_new_uid())


def _origin(card: NetworkCard, answer: Message) -> Origin:
    parameters = (
        ("architecture", card.architecture),
        ("spacing_mm", " x ".join(f"{mm:g}" for mm in card.spacing_ijk_mm)),
        ("tile", " x ".join(str(n) for n in card.tile_kji)),
        ("threshold", f"{card.threshold:g}"),
        ("smallest_mm3", f"{card.min_volume_mm3:g}"),
        ("engine", str(answer.header.get("engine", "unknown"))),
        ("precision", str(answer.header.get("precision", "unknown"))),
        *_pointed_at(answer.header.get("prompt")),
    )
    return Origin(
        OriginKind.NETWORK,
        card.key,
        card.version,
        card.weights_sha256,
        str(answer.header["device"]),
        float(answer.header["seconds"]),
        parameters,
    )


def _pointed_at(prompt: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Return where the reader said to look, as parameters of the result."""
    if not prompt:
        return ()
    said = []
    if prompt["box"] is not None:
        said.append(("box_lps_mm", " ".join(f"{mm:.1f}" for mm in prompt["box"])))
    for n, point in enumerate(prompt["points"], start=1):
        said.append((f"point_{n}_lps_mm", " ".join(f"{mm:.1f}" for mm in point)))
    return tuple(said)


def scores_of(answer: Message, card: NetworkCard) -> dict[int, Score]:
    """Return segment number -> score; the interval is what the card's calibration states.

    Raises
    ------
    BackendLost
        The answer holds what is no probability.
    """
    half = card.calibration_half_width
    found = {}
    for number, value in zip(answer.header["numbers"], answer.header["values"], strict=True):
        if not 0.0 <= float(value) <= 1.0:
            raise _nonsense()
        found[int(number)] = Score(
            card.concept,
            float(value),
            max(0.0, float(value) - half),
            min(1.0, float(value) + half),
            f"{card.key} {card.version}",
        )
    return found


def raise_refusal(header: Mapping[str, Any]) -> None:
    """Raise the worker's refusal here, as the same kind of error."""
    kind = getattr(errors, str(header.get("error")), ViewerError)
    if not (isinstance(kind, type) and issubclass(kind, ViewerError)):
        kind = ViewerError
    raise kind(
        str(header.get("what", "")),
        where=str(header.get("where", "")),
        remedy=str(header.get("remedy", "")),
    )


def _nonsense() -> BackendLost:
    return BackendLost(
        "The inference process answered something that does not fit the picture.",
        remedy="Run the network again.",
    )


def _new_uid() -> str:
    return f"2.25.{uuid.uuid4().int}"
