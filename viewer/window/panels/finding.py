"""Networks: choose, run, and the finding that asks for a decision."""

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.card import NetworkCard
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.supervision import from_network
from viewer.window.controls import Card, ElidedLabel, clear_layout, heading, label, row_of
from viewer.window.panels.explanation import overlay_card
from viewer.window.panels.image_scores import score_card
from viewer.window.performing import Performing


class FindingPanel(QWidget):
    """Scores of the active segment with their doubt, and accept / edit a copy / reject."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        context.image_results.changed.connect(self._scores_changed)
        self.refresh()

    def _scores_changed(self, _picture_key: str) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Follow the active segment."""
        clear_layout(self._column)
        self._column.addLayout(heading("Networks"))
        self._column.addLayout(row_of(self._run_button(), None))
        self._add_image_scores()
        layer = self._context.segmentation
        if layer is None or not (layer.is_immutable or layer.parent_uid):
            return
        number = self._context.viewing.look.segment_number
        segment = next((s for s in layer.segments if s.number == number), None)
        if segment is not None:
            self._add_finding(layer, segment)

    def _add_image_scores(self) -> None:
        picture = self._context.picture
        if picture is None:
            return
        of_many = picture.stored.shape[0] > 1
        for row in self._context.image_results.of(picture.key):
            made = score_card(row, self._context.cards, self._performing, of_many=of_many)
            self._column.addWidget(made)
        for overlay in self._context.viewing.over.values():
            if overlay.volume_key == picture.key:
                self._column.addWidget(overlay_card(overlay, self._performing))

    def _run_button(self) -> QPushButton:
        button = QPushButton("Run a network")
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for key, (card, _folder) in self._context.cards.items():
            if card.task == "segment" or card.reads == "image":
                verb = "ai.run" if card.task == "segment" else "ai.classify_image"
                entry = menu.addAction(f"{card.title}  {card.version}")
                entry.setToolTip(card_text(card))
                entry.triggered.connect(partial(self._run, verb, key))
        if menu.isEmpty():
            menu.addAction("No network is installed").setEnabled(False)
        button.setMenu(menu)
        button.setEnabled(self._context.picture is not None)
        return button

    def _run(self, verb: str, key: str, _checked: bool = False) -> None:
        self._performing.perform(verb, network=key)

    def _add_finding(self, layer: Segmentation, segment: Segment) -> None:
        card = Card()
        review = segment.review.value
        maker = f"{layer.origin.short} · {layer.origin.device} · {layer.origin.elapsed_s:.1f} s"
        drawn = f"{layer.origin.key} {layer.origin.version}".strip()
        origin = maker if layer.is_immutable else f"copy of {drawn or 'another layer'}, by hand"
        name = {"unreviewed": "ai", "accepted": "good", "rejected": "warning"}.get(
            review, "caption"
        )
        card.column.addLayout(row_of(label(segment.name, "strong"), None, label(review, name)))
        card.column.addWidget(ElidedLabel(origin, "caption"))
        for score in segment.scores:
            tip = f"{score.model}\n{self._limits(score.model)}"
            interval = label(f"{score.low:.2f} – {score.high:.2f}", "dim", tip="95 % interval")
            value = label(f"{score.value:.2f}", "strong", tip=tip)
            card.column.addLayout(
                row_of(label(score.concept.meaning, tip=tip), None, value, interval)
            )
        if not segment.scores:
            card.column.addWidget(label("No score: no classifier is installed.", "dim"))
        self._column.addWidget(card)
        if from_network(layer):
            self._column.addLayout(self._verbs(copy=not layer.is_immutable))
            self._column.addLayout(self._left())

    def _left(self) -> QHBoxLayout:
        button = QPushButton("Next to review")
        button.setToolTip("Next to review (Shift+J)")
        button.clicked.connect(partial(self._decide, "ai.next_unreviewed"))
        return row_of(button, None)

    def _limits(self, model: str) -> str:
        for card, _ in self._context.cards.values():
            if model.startswith(card.key):
                return card.limits
        return ""

    def _verbs(self, *, copy: bool) -> QHBoxLayout:
        buttons: list[QWidget] = []
        changes = ("Changes", "segment.show_changes", "Shift+D")
        for text, verb, keys in (
            ("Accept", "ai.accept", "Ctrl+Return"),
            changes if copy else ("Edit a copy", "ai.edit_copy", "Ctrl+E"),
            ("Reject", "ai.reject", "Ctrl+Backspace"),
        ):
            button = QPushButton(text)
            button.setToolTip(f"{text} ({keys})")
            if verb == "ai.accept":
                button.setObjectName("primary")
            button.clicked.connect(partial(self._decide, verb))
            buttons.append(button)
        return row_of(*buttons, None, spacing=6)

    def _decide(self, verb: str, _checked: bool = False) -> None:
        self._performing.perform(verb)


def card_text(card: NetworkCard) -> str:
    """Return a network's card in a few lines: use, figures, limits."""
    figures = "\n".join(
        f"{f.name} {f.value:.2f} ({f.low:.2f}–{f.high:.2f}, n = {f.n_cases})" for f in card.figures
    )
    return f"{card.title} {card.version}\n{card.intended_use}\n{figures}\n{card.limits}"
