"""Beside a score: what it rests on, as colours on the picture, with their own opacity."""

from functools import partial

from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from viewer.domain.card import NetworkCard
from viewer.inference.explanation_methods import METHODS, NOT_A_SEGMENTATION
from viewer.session.image_results import ImageResultRow
from viewer.session.value_overlay import ValueOverlay
from viewer.window.controls import Card, ElidedLabel, ValueSlider, label, row_of
from viewer.window.performing import Performing


def explain_button(row: ImageResultRow, card: NetworkCard, performing: Performing) -> QPushButton:
    """Return the button whose menu explains one of the score's classes in one of the ways."""
    button = QPushButton("Explain")
    button.setToolTip(f"Show what the score rests on: an {NOT_A_SEGMENTATION}")
    menu = QMenu(button)
    menu.setToolTipsVisible(True)
    for method in METHODS.values():
        part = menu.addMenu(method.title)
        part.setToolTipsVisible(True)
        for name in card.classes:
            entry = part.addAction(name)
            entry.setToolTip(f"{method.shows} {method.can_fake}\n{method.source}")
            entry.triggered.connect(partial(_explain, performing, row.network, method.key, name))
    button.setMenu(menu)
    return button


def _explain(
    performing: Performing, network: str, method: str, name: str, _checked: bool = False
) -> None:
    performing.perform("ai.explain", network=network, method=method, class_name=name)


def overlay_card(overlay: ValueOverlay, performing: Performing) -> QWidget:
    """Return what lies over the picture: what it is, what its colours mean, and its opacity."""
    made = Card()
    head, _, name = overlay.mark.partition(" · ")
    made.column.addWidget(ElidedLabel(name or head, "strong"))
    made.column.addWidget(label(head.capitalize(), "warning"))
    legend = label(overlay.legend, "caption")
    legend.setWordWrap(True)
    made.column.addWidget(legend)
    slider = ValueSlider("Opacity", overlay.opacity, 0.0, 1.0, lambda value: f"{value:.0%}")
    slider.moved = partial(_opacity, performing, overlay.kind)
    made.column.addWidget(slider)
    away = QPushButton("Take away")
    away.clicked.connect(partial(_clear, performing))
    made.column.addLayout(row_of(None, away))
    return made


def _opacity(performing: Performing, kind: str, opacity: float) -> None:
    performing.perform("ai.over_opacity", kind=kind, opacity=opacity)


def _clear(performing: Performing, _checked: bool = False) -> None:
    performing.perform("ai.over_clear")
