"""How good a network is on generated studies that it never saw, with 95 % intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import Figure, NetworkCard
from viewer.domain.segmentation import Segmentation
from viewer.imaging.agreement import bootstrap_interval, dice, lesion_matches, wilson_interval
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.studies import picture_of, truth_of
from viewer.phantom.chest import PhantomStudy


@dataclass(frozen=True, slots=True)
class StudyResult:
    """How one study went; ``dice`` is over the union of all lesions, NaN without any."""

    seed: int
    dice: float
    n_true: int
    n_hit: int
    n_false: int
    seconds: float


def segment_study(
    supervisor: Supervisor, card: NetworkCard, study: PhantomStudy, ticket: Ticket
) -> tuple[Segmentation, StudyResult]:
    """Run a segmenter on a study, and compare with its truth."""
    result = supervisor.segment(picture_of(study), card, ticket)
    found = result.segmentation.labels
    matches = lesion_matches(found, study.labels)
    return result.segmentation, StudyResult(
        study.seed,
        dice(found > 0, study.labels > 0),
        len(matches.hit) + len(matches.missed),
        len(matches.hit),
        len(matches.false),
        result.seconds,
    )


def segmenter_figures(results: Sequence[StudyResult]) -> tuple[Figure, ...]:
    """Return Dice, sensitivity and false positives per scan.

    Intervals: percentile bootstrap over studies for Dice, Wilson for the sensitivity, Garwood's
    exact Poisson limits (1936) for the false positives.
    """
    n = len(results)
    values = [one.dice for one in results]
    hit, true = sum(one.n_hit for one in results), sum(one.n_true for one in results)
    false = sum(one.n_false for one in results)
    low, high = poisson_interval(false)
    return (
        Figure("Dice", float(np.nanmean(values)), *bootstrap_interval(values), n),
        Figure("Sensitivity by lesion", hit / max(true, 1), *wilson_interval(hit, true), n),
        Figure("False positives per scan", false / n, low / n, high / n, n),
    )


def poisson_interval(count: int) -> tuple[float, float]:
    """Return the exact 95 % limits of a Poisson mean of which ``count`` were seen."""
    from scipy.stats import chi2

    low = 0.0 if count == 0 else float(chi2.ppf(0.025, 2 * count)) / 2
    return low, float(chi2.ppf(0.975, 2 * count + 2)) / 2


@dataclass(frozen=True, slots=True)
class Answer:
    """A score for a lesion whose kind is known."""

    score: float
    is_spiculated: bool


def classify_study(
    supervisor: Supervisor,
    card: NetworkCard,
    study: PhantomStudy,
    drawn: Segmentation | None,
    ticket: Ticket,
) -> list[Answer]:
    """Return the scores of a study's lesions, as ``drawn`` by a network, or as they truly are."""
    picture = picture_of(study)
    lesions = drawn or truth_of(study, picture)
    found = supervisor.classify(picture, lesions, card, ticket)
    kinds = {lesion.number: lesion.kind for lesion in study.lesions}
    answers = []
    for number, score in found.items():
        true = true_number(lesions.labels == number, study.labels)
        if true:
            answers.append(Answer(score.value, kinds[true] == "spiculated"))
    return answers


def true_number(mask: NDArray[np.bool_], labels: NDArray[np.uint8]) -> int:
    """Return the true lesion that ``mask`` covers most of, 0 if it covers none."""
    counts = np.bincount(labels[mask], minlength=1)
    counts[0] = 0
    return int(counts.argmax()) if counts.any() else 0


def classifier_figures(answers: Sequence[Answer], n_studies: int) -> tuple[Figure, ...]:
    """Return accuracy, sensitivity and specificity at 0.5, with Wilson's intervals."""
    right = [one for one in answers if (one.score >= 0.5) == one.is_spiculated]
    return (
        _share("Accuracy", right, answers, n_studies),
        _share(
            "Sensitivity for spiculated",
            [one for one in right if one.is_spiculated],
            [one for one in answers if one.is_spiculated],
            n_studies,
        ),
        _share(
            "Specificity for spiculated",
            [one for one in right if not one.is_spiculated],
            [one for one in answers if not one.is_spiculated],
            n_studies,
        ),
    )


def _share(name: str, right: Sequence[Answer], whole: Sequence[Answer], n: int) -> Figure:
    share = len(right) / max(len(whole), 1)
    return Figure(name, share, *wilson_interval(len(right), len(whole)), n)


def fitted_temperature(answers: Iterable[Answer]) -> float:
    """Return the temperature that makes scores most likely (Guo et al. 2017); never below 1.

    Below 1 it would sharpen: a validation set without a mistake would make every score certain.
    """
    pairs = [(one.score, float(one.is_spiculated)) for one in answers]
    if not pairs:
        return 1.0
    scores, truth = np.array(pairs).T
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    candidates = np.geomspace(1.0, 8.0, 60)
    losses = [float(np.mean(np.logaddexp(0, logits / t) - truth * logits / t)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def calibration_half_width(answers: Sequence[Answer], n_bins: int = 4) -> float:
    """Return the half-width of a score's 95 % interval, from how reliable scores were.

    Answers are sorted into bins of equal count; the half-width is the largest distance between a
    bin's mean score and an end of the Wilson interval of its observed share. So it says how far the
    truth may lie from a score on studies like these, no more. Without answers nothing is known: 1.
    """
    if not answers:
        return 1.0
    ordered = sorted(answers, key=lambda one: one.score)
    widest = 0.0
    for part in np.array_split(np.arange(len(ordered)), n_bins):
        if not len(part):
            continue
        chosen = [ordered[int(n)] for n in part]
        mean = float(np.mean([one.score for one in chosen]))
        low, high = wilson_interval(sum(one.is_spiculated for one in chosen), len(chosen))
        widest = max(widest, abs(mean - low), abs(mean - high))
    return min(1.0, widest)
