"""How good a network on flat pictures is, with 95 % intervals, and its calibration."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import Figure, NetworkCard
from viewer.imaging.agreement import bootstrap_interval, dice, wilson_interval
from viewer.inference.image_scores import (
    STATISTICS,
    calibrated_logits,
    mean_logits,
    member_logits,
    odds_against_rest,
    probabilities,
    softmax,
    statistics_of,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_DRAWS = 1000
_PRIOR = 0.5  # standard deviation of a shift, in a fit on few pictures: 1 / (2 * 0.5 ** 2) each


def auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: the share of pairs in the right order, ties a half.

    NaN without both kinds (Mann and Whitney 1947).
    """
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def auc_interval(
    scores: Floats, positive: NDArray[np.bool_], groups: Labels, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the AUC, drawing groups of pictures with repetition.

    Near-duplicates are drawn together: they are not independent cases.
    """
    random = np.random.default_rng(seed)
    numbers = np.unique(groups)
    members = [np.flatnonzero(groups == number) for number in numbers]
    found = []
    for _ in range(_DRAWS):
        drawn = np.concatenate(
            [members[n] for n in random.integers(len(numbers), size=len(numbers))]
        )
        value = auc(scores[drawn], positive[drawn])
        if np.isfinite(value):
            found.append(value)
    low, high = np.percentile(found, (2.5, 97.5)) if found else (np.nan, np.nan)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into probabilities, and how uncertain that is (on log-odds)."""

    temperature: float
    shifts: tuple[float, ...]
    deviation: float


def fitted_calibration(logits: Floats, labels: Labels, *, equal_odds: bool) -> Calibration:
    """Return temperature and shifts that make ``labels`` most likely (Guo et al. 2017, Platt 1999).

    ``equal_odds`` weights every class alike, as if all were equally frequent; otherwise they are as
    frequent as in these pictures. The temperature never sharpens. Shifts are held near 0 by a weak prior, the first is 0. The
    deviation is that of the log-odds over refits on pictures drawn with repetition (bootstrap).
    """
    whole = _fit(logits, labels, equal_odds=equal_odds)
    random = np.random.default_rng(0)
    odds = []
    for _ in range(40):
        drawn = random.integers(len(labels), size=len(labels))
        if len(set(labels[drawn].tolist())) == logits.shape[1]:
            found = _fit(logits[drawn], labels[drawn], equal_odds=equal_odds, least=-2.0)
            odds.append(odds_against_rest(logits / found[0] + found[1]))
    deviation = float(np.median(np.std(odds, axis=0))) if len(odds) > 1 else 1.0
    shifts = tuple(round(float(s), 3) for s in whole[1])
    return Calibration(round(float(whole[0]), 3), shifts, round(deviation, 3))


def _fit(
    logits: Floats, labels: Labels, *, equal_odds: bool, least: float = 0.0
) -> tuple[float, Floats]:
    """Return temperature and shifts; ``least`` is the smallest logarithm of the temperature.

    It is 0: elsewhere the network knows less than on these pictures, not more. Only to see how
    uncertain the fit is may it be lower, since a bound would hide that.
    """
    from scipy.optimize import minimize

    n_classes = logits.shape[1]
    counts = np.bincount(labels, minlength=n_classes)
    weights = 1.0 / np.maximum(counts, 1)[labels] if equal_odds else np.ones(len(labels))
    weights = weights / weights.sum() * len(labels)

    def loss(parameters: Floats) -> float:
        moved = logits / np.exp(parameters[0]) + np.concatenate(([0.0], parameters[1:]))
        normal = moved - np.logaddexp.reduce(moved, axis=1, keepdims=True)
        prior = float((parameters**2).sum()) / (2 * _PRIOR**2)
        return float(-(weights * normal[np.arange(len(labels)), labels]).sum()) + prior

    bounds: list[tuple[float | None, float | None]] = [(least, None)] + [(None, None)] * (
        n_classes - 1
    )
    best = minimize(loss, np.zeros(n_classes), method="L-BFGS-B", bounds=bounds).x
    return float(np.exp(best[0])), np.concatenate(([0.0], best[1:]))


def calibrated(
    card: NetworkCard, answers: NDArray[np.float32], labels: Labels, *, equal_odds: bool
) -> NetworkCard:
    """Return the card with calibration and the limit of the distance, from unseen pictures."""
    logits = mean_logits(member_logits(answers, len(card.classes)))
    found = fitted_calibration(logits, labels, equal_odds=equal_odds)
    more = {f"shift_{n}": shift for n, shift in enumerate(found.shifts)}
    limit = round(float(np.percentile(answers[:, -1], 99)), 2)
    return with_options(
        card,
        {
            **more,
            "temperature": found.temperature,
            "calibration_deviation": found.deviation,
            "distance_limit": limit,
        },
    )


def with_ranges(card: NetworkCard, greys: NDArray[np.float32]) -> NetworkCard:
    """Return the card with the range of each statistic: what 99.8 % of training pictures span.

    A tenth of the range is added on each side.
    """
    found = np.stack([statistics_of(one) for one in greys])
    low, high = np.percentile(found, (0.1, 99.9), axis=0)
    margin = 0.1 * (high - low)
    ends = {f"{name}_low": low[n] - margin[n] for n, name in enumerate(STATISTICS)}
    ends |= {f"{name}_high": high[n] + margin[n] for n, name in enumerate(STATISTICS)}
    return with_options(card, {name: round(float(value), 4) for name, value in ends.items()})


def with_options(card: NetworkCard, more: dict[str, float]) -> NetworkCard:
    """Return the card with other options beside those that it has."""
    return replace(card, options=tuple(sorted({**dict(card.options), **more}.items())))


def class_figures(
    card: NetworkCard, answers: NDArray[np.float32], labels: Labels, groups: Labels
) -> tuple[Figure, ...]:
    """Return accuracy, and for the second class against the first AUC, sensitivity, specificity.

    Wilson's intervals for shares; bootstrap over groups for the AUC.
    """
    values, _, _ = probabilities(answers, card)
    right = values.argmax(axis=1) == labels
    found = [_share("Accuracy", right)]
    if len(card.classes) > 2:
        found[0] = replace(found[0], name=f"Accuracy, {len(card.classes)} classes")
    first, second = card.classes[:2]
    pair = labels < 2
    score, positive = pair_score(answers, card)[pair], labels[pair] == 1
    name = f"{second} against {first}"
    area = auc(score, positive)
    found.append(
        Figure(f"AUC, {name}", area, *auc_interval(score, positive, groups[pair]), int(pair.sum()))
    )
    said = score > 0
    if len(card.classes) > 2:
        found.append(_share(f"Accuracy, {name}", said == positive))
    found.append(_share(f"Sensitivity, {name}", said[positive]))
    found.append(_share(f"Specificity, {name}", ~said[~positive]))
    return tuple(found)


def pair_score(answers: NDArray[np.float32], card: NetworkCard) -> Floats:
    """Return the calibrated log-odds (n,) of the second class against the first alone."""
    logits = calibrated_logits(mean_logits(member_logits(answers, len(card.classes))), card)
    return np.asarray(logits[:, 1] - logits[:, 0])


def _share(name: str, right: NDArray[np.bool_]) -> Figure:
    n, k = len(right), int(np.count_nonzero(right))
    return Figure(name, k / max(n, 1), *wilson_interval(k, n), n)


def expected_error(
    card: NetworkCard, answers: NDArray[np.float32], labels: Labels, n_bins: int = 10
) -> float:
    """Return how far the probability of the best class lies from how often it is right.

    The mean over ten bins of equal width, weighted by their counts (Naeini et al. 2015).
    """
    logits = calibrated_logits(mean_logits(member_logits(answers, len(card.classes))), card)
    values = softmax(logits)
    best, right = values.max(axis=1), values.argmax(axis=1) == labels
    bins = np.minimum((best * n_bins).astype(int), n_bins - 1)
    error = 0.0
    for n in range(n_bins):
        inside = bins == n
        if inside.any():
            error += float(inside.mean()) * abs(float(best[inside].mean() - right[inside].mean()))
    return error


def mask_figures(
    found: NDArray[np.bool_], truth: NDArray[np.bool_], fields: NDArray[np.bool_]
) -> tuple[Figure, ...]:
    """Return mean Dice, sensitivity and specificity per picture, inside the fields.

    All are (n, rows, columns). Intervals: percentile bootstrap over pictures.
    """
    n = len(found)
    values = [dice(a & f, b & f) for a, b, f in zip(found, truth, fields, strict=True)]
    hit = [float(a[b & f].mean()) for a, b, f in zip(found, truth, fields, strict=True)]
    spared = [float((~a)[~b & f].mean()) for a, b, f in zip(found, truth, fields, strict=True)]
    return tuple(
        Figure(name, float(np.mean(each)), *bootstrap_interval(each), n)
        for name, each in (
            ("Dice", values),
            ("Sensitivity by pixel", hit),
            ("Specificity by pixel", spared),
        )
    )
