"""Where a method may find something, in the panel: values, region, other segments, memberships."""

from functools import partial

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.actions.registry import actions
from viewer.session.drafting import Draft, band_colour
from viewer.window.controls import label, row_of
from viewer.window.performing import Performing

_BANDS = 10
_SCALE_PX = 12


class MethodLimits(QWidget):
    """Three menus and what they are set to; below, the scale of memberships where there are any."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._told = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, (key, title) in enumerate(
            (("within", "Only values"), ("box", "Only in"), ("segments", "Segments"))
        ):
            text = label("", "caption")
            text.setWordWrap(True)
            self._told[key] = text
            grid.addWidget(choices_button(title, f"method.{key}", context, performing), row, 0)
            grid.addWidget(text, row, 1)
        column.addLayout(grid)
        self._scale = MembershipScale()
        self._switch = QPushButton("Memberships")
        self._switch.setToolTip("Show how much each voxel belongs, or only what will be taken")
        self._switch.clicked.connect(lambda: performing.perform("method.membership"))
        column.addWidget(self._scale)
        column.addLayout(row_of(self._switch, None))

    def follow(self, draft: Draft) -> None:
        """Say what is set."""
        pair, box = draft.call.within, draft.call.box_lps_mm
        self._told["within"].setText("any" if pair is None else f"{pair[0]:.4g} to {pair[1]:.4g}")
        if box is None:
            text = "whole image"
        else:
            sizes = (abs(b - a) for a, b in zip(*box, strict=True))
            text = " x ".join(f"{size:.0f}" for size in sizes) + " mm"
        self._told["box"].setText(text)
        self._told["segments"].setText("; ".join(b.words for b in draft.barriers) or "anywhere")
        has = draft.found is not None and draft.found.membership is not None
        self._switch.setVisible(has)
        self._scale.setVisible(has and draft.membership_shown)
        self._scale.take(float(dict(draft.call.parameters).get("at_least", 0.5)))


class MembershipScale(QWidget):
    """The ten colours of memberships from 0 to 1; warm is what will be taken."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_SCALE_PX + 14)
        self.setAccessibleName("Scale of memberships from 0 to 1")
        self._at_least = 0.5

    def take(self, at_least: float) -> None:
        """Draw the scale for another bound."""
        self._at_least = at_least
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bands, the bound and the ends."""
        painter = QPainter(self)
        width = self.width() / _BANDS
        for n in range(_BANDS):
            colour = QColor(*band_colour(n, self._at_least))
            painter.fillRect(round(n * width), 0, round(width) + 1, _SCALE_PX, colour)
        painter.setPen(self.palette().windowText().color())
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        at = round(self._at_least * self.width())
        painter.drawLine(at, 0, at, _SCALE_PX)
        painter.drawText(0, _SCALE_PX + 11, "0")
        painter.drawText(self.width() - 8, _SCALE_PX + 11, "1")
        text = f"taken from {self._at_least:g}"
        room = painter.fontMetrics().horizontalAdvance(text)
        left = min(max(at - room // 2, 14), self.width() - room - 14)
        painter.drawText(left, _SCALE_PX + 11, text)
        painter.end()


def choices_button(title: str, verb: str, context: Context, performing: Performing) -> QPushButton:
    """Return a button whose menu lists an action's choices as they are when it opens."""
    button = QPushButton(title)
    menu = QMenu(button)

    def fill() -> None:
        menu.clear()
        groups: dict[str, QMenu] = {}
        choices = actions()[verb].choices
        for choice in choices(context) if choices is not None else ():
            into = menu
            if choice.group:
                if choice.group not in groups:
                    groups[choice.group] = menu.addMenu(choice.group)
                into = groups[choice.group]
            entry = into.addAction(choice.title)
            if choice.ticked:
                entry.setCheckable(True)
                entry.setChecked(True)
            entry.triggered.connect(partial(_perform, performing, verb, dict(choice.parameters)))

    menu.aboutToShow.connect(fill)
    button.setMenu(menu)
    button.setToolTip(actions()[verb].help)
    return button


def _perform(
    performing: Performing, verb: str, parameters: dict[str, object], _checked: bool = False
) -> None:
    performing.perform(verb, **parameters)
