"""The shipped networks on the built-in study, beside its known truth."""

from typing import Any

from viewer.domain.card import NetworkCard
from viewer.domain.segmentation import Segmentation
from viewer.errors import InputRefused
from viewer.inference.cards import load_cards
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.evaluate import segment_study, true_number
from viewer.learning.parts import part
from viewer.learning.studies import picture_of
from viewer.phantom.chest import PhantomStudy, make_chest
from viewer.phantom.demo import DEMO_SEED

SEGMENTER, CLASSIFIER = "lesions", "lesion_shape"
_GOOD_DICE = 0.8


def self_test(
    ticket: Ticket,
    *,
    supervisor: Supervisor | None = None,
    study: PhantomStudy | None = None,
) -> dict[str, Any]:
    """Run the networks on the built-in study; return device, seconds, Dice and each lesion's score.

    ``passed`` is true if Dice is at least 0.8, every lesion was found and none invented.

    Raises
    ------
    InputRefused
        The shipped networks are missing.
    Unsupported
        torch is not installed.
    """
    own = supervisor or Supervisor()
    cards = {key: card for key, (card, _) in load_cards().items()}
    if SEGMENTER not in cards:
        raise InputRefused("The shipped network is missing.", remedy="Install Negatoscope again.")
    try:
        ticket.report(None, "generating the study")
        chest = study or make_chest(DEMO_SEED)
        found, result = segment_study(own, cards[SEGMENTER], chest, part(ticket, 0.3, 0.9))
        lesions = _lesions(own, cards.get(CLASSIFIER), chest, found, part(ticket, 0.9, 1.0))
        status = own.status()
    finally:
        if supervisor is None:
            own.close()
    passed = result.dice >= _GOOD_DICE and result.n_hit == result.n_true and not result.n_false
    return {
        "passed": bool(passed),
        "device": status["device"],
        "torch": status["torch"],
        "seconds": round(result.seconds, 2),
        "dice": round(result.dice, 4),
        "lesions_true": result.n_true,
        "lesions_found": result.n_hit,
        "false_positives": result.n_false,
        "lesions": lesions,
    }


def _lesions(
    supervisor: Supervisor,
    card: NetworkCard | None,
    study: PhantomStudy,
    found: Segmentation,
    ticket: Ticket,
) -> list[dict[str, Any]]:
    """Return for each found lesion which true one it is, and its score."""
    if card is None or not found.segments:
        return []
    kinds = {lesion.number: lesion.kind for lesion in study.lesions}
    scores = supervisor.classify(picture_of(study), found, card, ticket)
    rows = []
    for number, score in scores.items():
        true = true_number(found.labels == number, study.labels)
        rows.append(
            {
                "found": number,
                "truth": true,
                "kind": kinds.get(true, "none"),
                "spiculated": round(score.value, 3),
                "interval_95": [round(score.low, 3), round(score.high, 3)],
            }
        )
    return rows
