"""Cards are data; what is broken is refused in one sentence."""

import hashlib
from pathlib import Path

import pytest

from tests.inference.cards_for_tests import A_CARD, a_card
from viewer.errors import Damaged
from viewer.inference.cards import (
    CARD,
    WEIGHTS,
    card_from_table,
    card_to_table,
    load_card,
    load_cards,
    verify_weights,
    write_card,
)


def test_a_written_card_reads_back_equal(tmp_path: Path) -> None:
    write_card(A_CARD, tmp_path)
    assert load_card(tmp_path) == A_CARD


def test_a_card_survives_the_way_to_the_worker() -> None:
    assert card_from_table(card_to_table(A_CARD), "x") == A_CARD


@pytest.mark.parametrize("length", range(0, 1200, 97))
def test_a_card_cut_short_is_refused_or_gone(tmp_path: Path, length: int) -> None:
    path = write_card(A_CARD, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    if length >= len(whole):
        assert load_card(tmp_path) == A_CARD
        return
    with pytest.raises(Damaged) as refused:
        load_card(tmp_path)
    assert "\n" not in refused.value.sentence()
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('task = "segment"', 'task = "dream"'),
        ("threshold = 0.5", "threshold = 1.5"),
        ("spacing_ijk_mm = [2.0, 2.0, 2.0]", "spacing_ijk_mm = [2.0, 0.0, 2.0]"),
        ("spacing_ijk_mm = [2.0, 2.0, 2.0]", "spacing_ijk_mm = [2.0]"),
        ("tile_kji = [16, 16, 16]", 'tile_kji = ["16", "16", "16"]'),
        ('key = "toy"', "key = 3"),
        ('licence = "Apache-2.0"', 'licence = "Apache-2.0"\nsurprise = 1'),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = write_card(A_CARD, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Damaged):
        load_card(tmp_path)


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        load_card(tmp_path)


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    data = b"weights"
    (tmp_path / WEIGHTS).write_bytes(data)
    card = a_card(weights_sha256=hashlib.sha256(data).hexdigest())
    assert verify_weights(tmp_path, card) == data
    (tmp_path / WEIGHTS).write_bytes(data + b".")
    with pytest.raises(Damaged, match="not those its card names"):
        verify_weights(tmp_path, card)


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        verify_weights(tmp_path, A_CARD)


def test_a_broken_network_does_not_hide_the_others(tmp_path: Path) -> None:
    for name in ("broken", "sound"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / CARD).write_text("key = ", encoding="utf-8")
    write_card(A_CARD, tmp_path / "sound")
    assert list(load_cards(tmp_path)) == ["toy"]


def test_the_shipped_networks_are_what_their_cards_say() -> None:
    cards = load_cards()
    assert {"lesions", "lesion_shape"} <= set(cards)
    for card, folder in cards.values():
        assert verify_weights(folder, card)
        is_generated = "synthetic" in card.trained_on
        if is_generated:
            assert "Not for patients" in card.intended_use
        else:
            assert card.data_licence, card.key
            assert card.unintended_use, card.key
            assert card.failure_cases, card.key
        for figure in card.figures:
            assert figure.low <= figure.value <= figure.high
            # Of patients there are few: the interval says how few.
            assert figure.n_cases >= (12 if is_generated else 4)
