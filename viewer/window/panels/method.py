"""A segmentation method in the hand: its settings, its seeds, what it says, apply or drop."""

from collections.abc import Iterator
from functools import partial

from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.actions.method_settings import presets_of
from viewer.domain.chain import Setting
from viewer.domain.methods import Parameter
from viewer.domain.segmenters import Segmenter
from viewer.domain.volume import Picture
from viewer.imaging.value_chain import full_window
from viewer.session.drafting import Draft
from viewer.window.controls import Card, ValueSlider, clear_layout, heading, label, row_of
from viewer.window.method_menu import MenuRow, grouped_menu
from viewer.window.panels.method_limits import MethodLimits, choices_button
from viewer.window.panels.parameters import add_parameter
from viewer.window.panels.range_histogram import RangeHistogram
from viewer.window.performing import Performing


class MethodPanel(QWidget):
    """Methods in a menu by group; the chosen one with its sliders, and the preview's fate."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._drawn: object = None
        self._sliders: dict[str, ValueSlider] = {}
        self._said = label("", "dim")
        self._seeds = label("", "caption")
        self._apply = QPushButton("Apply")
        self._stop = QPushButton("Stop here")
        self._limits: MethodLimits | None = None
        self._range: RangeHistogram | None = None
        self.refresh()

    def labels_changed(self) -> None:
        """What was found from the segment is found again when the segment changes."""
        if self._context.viewing.draft is not None:
            self._perform("method.again")

    def refresh(self) -> None:
        """Follow the draft; sliders that are being dragged are kept."""
        draft = self._context.viewing.draft
        key = draft.call.key if draft is not None else ""
        drawn = (key, self._context.viewing.look.picture_key, draft is not None and draft.flat)
        if drawn != self._drawn:
            self._drawn = drawn
            self._build(draft)
        if draft is not None:
            self._follow(draft)

    def _build(self, draft: Draft | None) -> None:
        clear_layout(self._column)
        self._sliders = {}
        button = QPushButton("Segment by a method")
        button.setMenu(self._menu(button))
        picture = self._context.picture
        button.setEnabled(picture is not None and not picture.is_colour)
        self._column.addLayout(heading("Methods"))
        self._column.addLayout(row_of(button, None))
        method = self._context.extensions.segmenters.get(draft.call.key) if draft else None
        if draft is not None and method is not None and picture is not None:
            self._column.addWidget(self._card(draft, method, picture))

    def _menu(self, parent: QWidget) -> QMenu:
        def rows() -> Iterator[MenuRow]:
            for method in self._context.extensions.segmenters.values():
                call = partial(self._perform, "method.choose", method=method.key)
                yield MenuRow(method.group, method.title, method.purpose, method.caution, call)

        return grouped_menu(parent, rows)

    def _card(self, draft: Draft, method: Segmenter, picture: Picture) -> Card:
        card = Card()
        title = label(method.title, "strong", tip=f"{method.purpose}\n{method.caution}")
        scope = QPushButton("this slice" if draft.flat else "whole volume")
        scope.setToolTip("Work on the shown slice alone, or on the whole volume")
        scope.setEnabled(set(method.dimensions) == {2, 3} and picture.grid.shape_kji[0] > 1)
        scope.clicked.connect(partial(self._perform, "method.flat"))
        card.column.addLayout(row_of(title, None, scope))
        caution = label(method.caution, "caption")
        caution.setWordWrap(True)
        card.column.addWidget(caution)
        self._add_settings(card, draft, method, picture)
        self._seeds = label("", "caption")
        if method.needs & {"seeds", "outside"}:
            clear = QPushButton("Clear")
            clear.setToolTip("Take all seeds away")
            clear.clicked.connect(partial(self._perform, "method.clear_seeds"))
            card.column.addLayout(row_of(self._seeds, None, clear))
        self._limits = MethodLimits(self._context, self._performing)
        card.column.addWidget(self._limits)
        self._said = label("", "dim")
        self._said.setWordWrap(True)
        card.column.addWidget(self._said)
        self._add_fate(card)
        return card

    def _add_settings(self, card: Card, draft: Draft, method: Segmenter, picture: Picture) -> None:
        values = dict(draft.call.parameters)
        self._range = None
        if {"low", "weak"} & set(values) and method.group == "Threshold":
            self._range = RangeHistogram(self._change)
            card.column.addWidget(self._range)
        if presets_of(self._context):
            card.column.addLayout(row_of(self._choices("Preset", "method.preset"), None))
        for parameter in method.parameters:
            shown = _of_picture(parameter, picture)
            value = values.get(parameter.key, parameter.default)
            change = partial(self._change, parameter.key)
            slider = add_parameter(card, shown, _held(value, shown), change)
            if slider is not None:
                self._sliders[parameter.key] = slider

    def _add_fate(self, card: Card) -> None:
        self._apply = QPushButton("Apply")
        self._apply.setObjectName("primary")
        self._apply.setMenu(self._modes())
        drop = QPushButton("Drop")
        drop.setToolTip("Drop what was tried (Esc)")
        drop.clicked.connect(partial(self._perform, "method.cancel"))
        self._stop = QPushButton("Stop here")
        self._stop.setToolTip("Take what it has come to by now (Alt+Shift+Return)")
        self._stop.clicked.connect(partial(self._perform, "method.stop"))
        self._stop.setVisible(False)
        card.column.addLayout(row_of(self._apply, drop, self._stop, None))

    def _choices(self, title: str, verb: str) -> QPushButton:
        return choices_button(title, verb, self._context, self._performing)

    def _modes(self) -> QMenu:
        menu = QMenu(self._apply)
        for mode, title in (
            ("add", "Add to the segment   Alt+Return"),
            ("subtract", "Take from the segment"),
            ("replace", "In place of the segment"),
            ("new", "As a new segmentation"),
        ):
            menu.addAction(title).triggered.connect(
                partial(self._perform, "method.apply", mode=mode)
            )
        return menu

    def _follow(self, draft: Draft) -> None:
        values = dict(draft.call.parameters)
        for key, slider in self._sliders.items():
            if not slider.slider.isSliderDown() and key in values:
                slider.set_value(float(values[key]))
        n_in, n_out = len(draft.call.seeds_lps_mm), len(draft.call.outside_lps_mm)
        self._seeds.setText(
            f"{n_in} inside · {n_out} outside"
            if n_in or n_out
            else "click inside, Shift+click outside"
        )
        text = draft.fault
        if draft.found is not None:
            n = int(draft.found.mask.sum())
            text = "  ".join([f"{n:,} voxels.".replace(",", " "), *draft.found.notes])
        self._said.setText(text)
        self._said.setVisible(bool(text))
        self._apply.setEnabled(draft.found is not None)
        method = self._context.extensions.segmenters.get(draft.call.key)
        moving = draft.found is None and not draft.fault and draft.layer is not None
        self._stop.setVisible(method is not None and method.is_slow and moving)
        if self._limits is not None:
            self._limits.follow(draft)
        if self._range is not None:
            self._range.follow(self._context.need_picture(), values)

    def _change(self, name: str, value: Setting) -> None:
        self._performing.perform("method.set", parameter=name, value=value)

    def _perform(self, verb: str, _checked: bool = False, **parameters: object) -> None:
        self._performing.perform(verb, **parameters)


def _of_picture(parameter: Parameter, picture: Picture) -> Parameter:
    """Return a parameter that is a value of the picture with the picture's range and unit."""
    if parameter.unit != "value":
        return parameter
    from dataclasses import replace

    window = full_window(picture)
    low, high = window.center - window.width / 2, window.center + window.width / 2
    if parameter.low >= 0:  # a difference of values
        low, high = 0.0, window.width
    unit = picture.quantity.name or ""
    return replace(parameter, low=low, high=high, unit=unit)


def _held(value: Setting, parameter: Parameter) -> Setting:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return min(max(value, parameter.low), parameter.high)
    return value
