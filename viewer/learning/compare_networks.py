"""Networks side by side on the same generated studies, none of which any of them was trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.imaging.agreement import bootstrap_interval
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.evaluate import StudyResult, segment_study, segmenter_figures
from viewer.learning.studies import CHEST_MM
from viewer.phantom.chest import make_chest

# The U-Net first: differences are to it.
FAMILIES = ("lesions", "lesions_fcn", "lesions_instance")
UNSEEN = (30000, 30012)
SHAPE_KJI = (96, 208, 208)


def compare_networks(
    supervisor: Supervisor,
    cards: Sequence[NetworkCard],
    ticket: Ticket,
    *,
    seeds: tuple[int, int] = UNSEEN,
    shape_kji: tuple[int, int, int] = SHAPE_KJI,
) -> list[dict[str, Any]]:
    """Return for each card its figures, and its Dice less the first card's, pair by pair.

    ``seeds`` is a half-open range of whole chests; recipes keep 30000 and above for tests. Intervals
    are as in ``evaluate``; that of the difference is a bootstrap over studies.

    Raises
    ------
    InputRefused
        No card, no study, or a card that does not segment CT.
    """
    if not cards or seeds[1] <= seeds[0]:
        raise InputRefused("There is nothing to compare.", remedy="Name networks and studies.")
    if len({card.key for card in cards}) != len(cards):
        raise InputRefused("A network is named twice.")
    for card in cards:
        if card.task != "segment" or card.reads != "volume" or card.modality != "CT":
            raise InputRefused(f"{card.title} does not find lesions in a chest CT.")
    results: dict[str, list[StudyResult]] = {card.key: [] for card in cards}
    i, j, k = (mm / n for mm, n in zip(CHEST_MM, shape_kji[::-1], strict=True))
    for n, seed in enumerate(range(*seeds)):
        ticket.check()
        ticket.report(n / (seeds[1] - seeds[0]), f"study {n + 1} of {seeds[1] - seeds[0]}")
        study = make_chest(seed, shape_kji=shape_kji, spacing_ijk_mm=(i, j, k))
        for card in cards:
            quiet = Ticket()
            ticket.when_cancelled(quiet.cancel)
            results[card.key].append(segment_study(supervisor, card, study, quiet)[1])
    first = np.array([one.dice for one in results[cards[0].key]])
    return [_row(card, results[card.key], first) for card in cards]


def _row(card: NetworkCard, results: list[StudyResult], first: Any) -> dict[str, Any]:
    difference = np.array([one.dice for one in results]) - first
    low, high = bootstrap_interval(difference)
    return {
        "network": card.key,
        "title": card.title,
        "architecture": card.architecture,
        "figures": [
            {"name": f.name, "value": f.value, "interval_95": [f.low, f.high], "n": f.n_cases}
            for f in segmenter_figures(results)
        ],
        "dice_less_the_first": {
            "value": float(np.nanmean(difference)),
            "interval_95": [low, high],
        },
        "seconds_per_study": float(np.mean([one.seconds for one in results])),
    }
