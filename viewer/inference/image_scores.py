"""From what an image classifier answers to probabilities that can be read, with their doubts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged

Floats = NDArray[np.float64]

_Z = 1.959963985
STATISTICS = ("mean", "deviation", "roughness", "rim", "symmetry")


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: its calibrated probability, and the 95 % interval of that."""

    name: str
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ImageScores:
    """What is said of one picture. ``distance`` is that of its features to the training set."""

    classes: tuple[ClassScore, ...]
    distance: float
    warnings: tuple[str, ...]

    @property
    def best(self) -> ClassScore:
        """The most probable class."""
        return max(self.classes, key=lambda one: one.probability)


def member_logits(answers: NDArray[np.float32], n_classes: int) -> Floats:
    """Return the logits (n, members, classes) in the answers (n, members * classes + 1).

    Raises
    ------
    Damaged
        The answers do not have that shape, or are not finite.
    """
    width = answers.shape[1] - 1 if answers.ndim == 2 else 0
    if width < n_classes or width % n_classes or not np.isfinite(answers).all():
        raise Damaged("The network answered something that does not fit its card.")
    return answers[:, :-1].astype(np.float64).reshape(len(answers), -1, n_classes)


def calibrated_logits(logits: Floats, card: NetworkCard) -> Floats:
    """Return logits (..., classes) after the card's temperature and its shift for each class."""
    shifts = [card.option(f"shift_{n}", 0.0) for n in range(logits.shape[-1])]
    return np.asarray(logits / card.option("temperature", 1.0) + np.array(shifts))


def softmax(logits: Floats) -> Floats:
    """Return probabilities along the last axis, without overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def mean_logits(logits: Floats) -> Floats:
    """Return the ensemble's logits (n, classes): the mean over its members' log-probabilities."""
    normal = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return np.asarray(normal.mean(axis=1))


def odds_against_rest(logits: Floats) -> Floats:
    """Return the log-odds of each class against all others, along the last axis."""
    found = np.empty_like(logits)
    for n in range(logits.shape[-1]):
        others = np.delete(logits, n, axis=-1)
        found[..., n] = logits[..., n] - np.logaddexp.reduce(others, axis=-1)
    return found


def probabilities(answers: NDArray[np.float32], card: NetworkCard) -> tuple[Floats, Floats, Floats]:
    """Return the probability of each class (n, classes), and the ends of its 95 % interval.

    The interval adds two doubts on the scale of log-odds: how far the members of the ensemble
    disagree, and how well the calibration itself is known (``calibration_deviation``, by bootstrap
    over the validation pictures). It is about pictures like those; it cannot know of others.
    """
    logits = member_logits(answers, len(card.classes))
    whole = calibrated_logits(mean_logits(logits), card)
    odds = odds_against_rest(whole)
    members = odds_against_rest(calibrated_logits(logits, card))
    spread = members.std(axis=1, ddof=1) if logits.shape[1] > 1 else np.zeros_like(odds)
    deviation = np.hypot(spread, card.option("calibration_deviation", 0.0))
    ends = [1 / (1 + np.exp(-np.clip(odds + s * _Z * deviation, -500, 500))) for s in (-1, 1)]
    return softmax(whole), ends[0], ends[1]


def statistics_of(grey: NDArray[np.float32]) -> Floats:
    """Return what a picture (rows, columns; 0..1, at the network's size) is like, by ``STATISTICS``.

    Mean; standard deviation; mean step between neighbours, in standard deviations; mean of the rim
    less that of the whole, likewise; correlation with its mirror image.
    """
    whole = grey.astype(np.float64)
    mean, deviation = float(whole.mean()), max(float(whole.std()), 1e-6)
    steps = np.abs(np.diff(whole, axis=0)).mean() + np.abs(np.diff(whole, axis=1)).mean()
    rim = np.concatenate((whole[0], whole[-1], whole[:, 0], whole[:, -1])).mean()
    centred = (whole - mean) / deviation
    mirror = float((centred * centred[:, ::-1]).mean())
    return np.array([mean, deviation, steps / deviation, (rim - mean) / deviation, mirror])


def warnings_of(grey: NDArray[np.float32], distance: float, card: NetworkCard) -> tuple[str, ...]:
    """Return what makes a picture unlike those that the network was trained on."""
    found = []
    limit = card.option("distance_limit", 0.0)
    if limit and distance > limit:
        found.append(
            f"This picture looks unlike those that {card.title} was trained on: its features lie"
            f" {distance:.1f} away, and 99 % of unseen pictures of that set within {limit:.1f}."
            " The probability may mean nothing."
        )
    words = {
        "mean": "brightness",
        "deviation": "contrast",
        "roughness": "roughness",
        "rim": "rim",
        "symmetry": "symmetry",
    }
    odd = []
    for name, value in zip(STATISTICS, statistics_of(grey), strict=True):
        low = card.option(f"{name}_low", -np.inf)
        high = card.option(f"{name}_high", np.inf)
        if not low <= value <= high:
            odd.append(words[name])
    if odd:
        found.append(
            f"Outside the range of the training pictures: {', '.join(odd)}."
            " The probability may mean nothing."
        )
    return tuple(found)


def scores_of(
    greys: Sequence[NDArray[np.float32]], answers: NDArray[np.float32], card: NetworkCard
) -> tuple[ImageScores, ...]:
    """Return the scores of pictures (at the network's size) from the network's answers."""
    values, lows, highs = probabilities(answers, card)
    found = []
    for n, grey in enumerate(greys):
        classes = tuple(
            ClassScore(name, float(values[n, c]), float(lows[n, c]), float(highs[n, c]))
            for c, name in enumerate(card.classes)
        )
        distance = float(answers[n, -1])
        found.append(ImageScores(classes, distance, warnings_of(grey, distance, card)))
    return tuple(found)
