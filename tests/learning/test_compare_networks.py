"""Networks side by side: the same studies for all, and differences pair by pair."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.inference.cards_for_tests import a_card
from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning import compare_networks as module
from viewer.learning.compare_networks import compare_networks
from viewer.learning.evaluate import StudyResult

_DICE = {"good": (0.9, 0.8, 0.7), "poor": (0.6, 0.6, 0.4)}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let studies be their seeds and networks as good as ``_DICE`` says; return who saw what."""
    seen: list[tuple[str, int]] = []

    def segment_study(_supervisor: Any, card: NetworkCard, study: Any, _ticket: Ticket) -> Any:
        seen.append((card.key, study.seed))
        return None, StudyResult(study.seed, _DICE[card.key][study.seed - 30000], 2, 1, 0, 0.5)

    monkeypatch.setattr(module, "segment_study", segment_study)
    monkeypatch.setattr(module, "make_chest", lambda seed, **_: SimpleNamespace(seed=seed))
    return seen


def test_all_see_the_same_studies_and_differ_pair_by_pair(asked: list[tuple[str, int]]) -> None:
    cards = [a_card(key="good"), a_card(key="poor")]
    rows = compare_networks(Supervisor(), cards, Ticket(), seeds=(30000, 30003))
    assert [seed for key, seed in asked if key == "good"] == [30000, 30001, 30002]
    assert [seed for key, seed in asked if key == "poor"] == [30000, 30001, 30002]
    assert [row["network"] for row in rows] == ["good", "poor"]
    assert rows[0]["dice_less_the_first"]["value"] == 0.0
    difference = rows[1]["dice_less_the_first"]
    assert difference["value"] == pytest.approx((-0.3 - 0.2 - 0.3) / 3)
    assert difference["interval_95"][0] >= -0.3 - 1e-9
    assert difference["interval_95"][1] <= -0.2 + 1e-9
    assert rows[0]["figures"][0]["value"] == pytest.approx(0.8)
    assert rows[1]["seconds_per_study"] == 0.5


def test_what_cannot_be_compared_is_refused(asked: list[tuple[str, int]]) -> None:
    card = a_card(key="good")
    for cards, seeds in (([], (30000, 30001)), ([card], (5, 5)), ([card, card], (30000, 30001))):
        with pytest.raises(InputRefused):
            compare_networks(Supervisor(), cards, Ticket(), seeds=seeds)
    with pytest.raises(InputRefused, match="chest CT"):
        compare_networks(Supervisor(), [a_card(modality="PT")], Ticket())
    assert asked == []
