"""The score of the shown image, beside it: class, calibrated probability, interval, warnings."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QWidget

from viewer.domain.card import NetworkCard
from viewer.session.image_results import ImageResultRow
from viewer.window.controls import Card, ElidedLabel, label, row_of
from viewer.window.panels.explanation import explain_button
from viewer.window.performing import Performing


def score_card(
    row: ImageResultRow,
    cards: Mapping[str, tuple[NetworkCard, Path]],
    performing: Performing,
    *,
    of_many: bool,
) -> QWidget:
    """Return one answer as a card; its tool tips say what the network's own card says."""
    made = Card()
    found = cards.get(row.network)
    tip = "" if found is None else card_lines(found[0])
    where = f"{row.title}, image {row.k + 1}" if of_many else row.title
    made.column.addWidget(ElidedLabel(where, "strong"))
    made.column.addWidget(ElidedLabel(f"{row.network} · {row.device}", "caption"))
    for text in row.scores.warnings:
        warning = label(text, "warning")
        warning.setWordWrap(True)
        made.column.addWidget(warning)
    for one in row.scores.classes:
        interval = label(f"{one.low:.2f} – {one.high:.2f}", "dim", tip="95 % interval")
        value = label(f"{one.probability:.2f}", "strong", tip=tip)
        made.column.addLayout(row_of(label(one.name, tip=tip), None, value, interval))
    if found is not None:
        point = label(operating_point(found[0]), "caption")
        point.setWordWrap(True)
        made.column.addWidget(point)
        made.column.addLayout(row_of(explain_button(row, found[0], performing), None))
    return made


def operating_point(card: NetworkCard) -> str:
    """Return what the card says of sensitivity and specificity at its threshold, or that it does not."""
    said = [
        f"{f.name.partition(',')[0].lower()} {f.value:.2f} ({f.low:.2f}–{f.high:.2f}, n = {f.n_cases})"
        for f in card.figures
        if f.name.startswith(("Sensitivity", "Specificity"))
    ]
    known = ", ".join(said) or "the card states neither sensitivity nor specificity"
    return f"At probability {card.threshold:g}: {known}."


def card_lines(card: NetworkCard) -> str:
    """Return what a reader of a score must know of its network."""
    figures = "\n".join(
        f"{f.name} {f.value:.2f} ({f.low:.2f}–{f.high:.2f}, n = {f.n_cases})" for f in card.figures
    )
    return f"{card.limits}\nNot for: {card.unintended_use}\nAt probability {card.threshold:g}:\n{figures}"
