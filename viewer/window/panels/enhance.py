"""The enhancement chain: presets, steps with sliders made from the filters' own descriptions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.context import Context
from viewer.actions.enhance import chain_of
from viewer.actions.enhance_presets import offered, presets_of
from viewer.domain.chain import Chain, Step
from viewer.domain.chain_text import group_of
from viewer.domain.methods import Filter, Parameter
from viewer.domain.quantity import readable_unit
from viewer.session.presentation import Presenter
from viewer.window.controls import (
    Card,
    Switch,
    ValueSlider,
    clear_layout,
    heading,
    label,
    row_of,
)
from viewer.window.live import LiveEnhancement
from viewer.window.method_menu import MenuRow, grouped_menu
from viewer.window.panels.histogram import HistogramView
from viewer.window.panels.parameters import add_parameter
from viewer.window.performing import Performing

_COMPARISONS = (
    ("Split", "enhance.split", "Original left, enhanced right of a line (S)"),
    ("Side", "enhance.side", "Original beside enhanced, linked (Alt+S)"),
    ("Flicker", "enhance.flicker", "Original and enhanced in turn (Alt+F)"),
    ("Changed", "enhance.difference", "What changed: enhanced less original (Alt+D)"),
)


class EnhancePanel(QWidget):
    """Presets and steps of the shown picture's chain, how to compare, and what it did."""

    def __init__(
        self,
        context: Context,
        performing: Performing,
        presenter: Presenter,
        live: LiveEnhancement,
    ) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._presenter, self._live = presenter, live
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._drawn: object = None
        self._sliders: list[dict[str, ValueSlider]] = []
        self._time = label("", "faint")
        self.histogram = HistogramView()
        self.refresh()

    def refresh(self) -> None:
        """Follow the chain; sliders that are being dragged are kept."""
        look = self._context.viewing.look
        chain = chain_of(self._context) if self._context.picture is not None else Chain()
        reasons = tuple(self._live.reason(look.picture_key, step) for step in chain.steps)
        steps = tuple((step.key, step.on) for step in chain.steps)
        drawn = (look.picture_key, steps, reasons, look.compare, look.split is not None)
        if drawn != self._drawn:
            self._drawn = drawn
            self._build(chain, reasons)
        else:
            for step, sliders in zip(chain.steps, self._sliders, strict=True):
                for name, slider in sliders.items():
                    if not slider.slider.isSliderDown():
                        slider.set_value(float(step.values()[name]))
        self.show_result()

    def show_result(self) -> None:
        """Show how long the chain took on the last plane, and what it did to the histogram."""
        picture = self._context.picture
        last = self._presenter.last
        is_active = picture is not None and chain_of(self._context).is_active
        if picture is None or last is None or not is_active:
            self._time.setText("")
            self.histogram.show_histogram(None, "")
            return
        busy = "…  " if self._live.enhancer.is_busy else ""
        self._time.setText(f"{busy}{last.elapsed_ms:.0f} ms")
        unit = picture.quantity.name or readable_unit(picture.quantity.unit)
        self.histogram.show_histogram(last.histogram, "" if picture.is_colour else unit)

    def _build(self, chain: Chain, reasons: tuple[str, ...]) -> None:
        self._column.removeWidget(self.histogram)
        clear_layout(self._column)
        self._sliders = []
        hint = label("hold O for the original", "caption") if chain.steps else None
        self._column.addLayout(heading("Enhance · this series", hint))
        for index, step in enumerate(chain.steps):
            self._column.addWidget(self._card(index, step, reasons[index]))
        self._time = label("", "faint", tip="How long the chain took on the shown plane")
        add, presets = QPushButton("Add a step"), QPushButton("Presets")
        add.setMenu(self._filter_menu(add))
        presets.setMenu(self._preset_menu(presets))
        self._column.addLayout(row_of(add, presets, None, self._time))
        if chain.steps:
            self._column.addLayout(self._comparisons())
            self._column.addWidget(self.histogram)
            series = self._button("Make a series", "enhance.series", "Apply to all images (Alt+E)")
            figures = self._button(
                "Figures of merit",
                "enhance.figures",
                "Noise, contrast, edges in an ellipse (Alt+M)",
            )
            self._column.addLayout(row_of(series, figures, None))

    def _comparisons(self) -> QHBoxLayout:
        look = self._context.viewing.look
        buttons = []
        for title, verb, tip in _COMPARISONS:
            button = QToolButton()
            button.setText(title)
            button.setToolTip(tip)
            button.setObjectName("tool")
            button.setCheckable(True)
            button.clicked.connect(partial(self._perform, verb, {}))
            kind = verb.rpartition(".")[2]
            button.setChecked(look.split is not None if kind == "split" else look.compare == kind)
            buttons.append(button)
        return row_of(*buttons, None, spacing=4)

    def _button(self, title: str, verb: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self._performing.perform(verb))
        return button

    def _filter_menu(self, parent: QWidget) -> QMenu:
        """Return the filters under the names of their groups; filled when it opens."""

        def rows() -> Iterator[MenuRow]:
            for one in self._context.extensions.filters.values():
                call = partial(self._perform, "enhance.add", {"filter": one.key})
                yield MenuRow(group_of(one), one.title, one.purpose, one.caution, call)

        return grouped_menu(parent, rows)

    def _preset_menu(self, parent: QWidget) -> QMenu:
        """Return the presets, those for this kind of image first; filled when it opens."""
        menu = QMenu(parent)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: self._fill_presets(menu))
        return menu

    def _fill_presets(self, menu: QMenu) -> None:
        menu.clear()
        for finding in presets_of(self._context).findings:
            menu.addAction(finding.text).setEnabled(False)
        others = QMenu("For other images", menu)
        own = QMenu("Delete", menu)
        for preset, fits in offered(self._context):
            entry = (menu if fits else others).addAction(preset.title)
            entry.setToolTip(f"{preset.purpose}\n{preset.caution}")
            entry.triggered.connect(
                partial(self._perform, "enhance.preset", {"preset": preset.key})
            )
            if preset.is_own:
                own.addAction(preset.title).triggered.connect(
                    partial(self._perform, "enhance.delete_preset", {"preset": preset.key})
                )
        others.setToolTipsVisible(True)
        if not others.isEmpty():
            menu.addMenu(others)
        menu.addSeparator()
        menu.addAction("Save the chain …").triggered.connect(self._save)
        if not own.isEmpty():
            menu.addMenu(own)

    def _save(self) -> None:
        name, chosen = QInputDialog.getText(self, "Save the chain", "Name of the preset")
        if chosen and name.strip():
            self._performing.perform("enhance.save_preset", name=name)

    def _perform(self, verb: str, parameters: dict[str, str], _checked: bool = False) -> None:
        self._performing.perform(verb, **parameters)

    def _card(self, index: int, step: Step, reason: str) -> Card:
        found = self._context.extensions.filters.get(step.key)
        card = Card()
        title = step.key if found is None else found.title
        tip = "This filter is not installed." if found is None else _told(found)
        switch = Switch(on=step.on, tip=f"{title} on or off")
        switch.clicked.connect(lambda: self._performing.perform("enhance.toggle", index=index))
        switch.setEnabled(found is not None)
        name = label(title, "" if step.on else "dim", tip=tip)
        away = _quiet("×", f"Remove {title}")
        away.clicked.connect(lambda: self._performing.perform("enhance.remove", index=index))
        earlier = _quiet("↑", f"Apply {title} earlier")
        earlier.setVisible(index > 0)
        earlier.clicked.connect(
            lambda: self._performing.perform("enhance.move", index=index, to=index - 1)
        )
        card.column.addLayout(row_of(name, None, earlier, away, switch))
        if reason:
            told = label(f"{'Left out' if step.on else 'Switched off'}: {reason}", "warning")
            told.setWordWrap(True)
            card.column.addWidget(told)
        sliders: dict[str, ValueSlider] = {}
        if step.on and found is not None:
            for parameter in found.parameters:
                value = step.values().get(parameter.key, parameter.default)
                shown = self._in_known_unit(parameter)
                slider = add_parameter(card, shown, value, partial(self._set, index, parameter.key))
                if slider is not None:
                    sliders[parameter.key] = slider
                    # One drag is one step to undo; the next drag is another.
                    slider.slider.sliderReleased.connect(self._context.session.seal)
        self._sliders.append(sliders)
        return card

    def _in_known_unit(self, parameter: Parameter) -> Parameter:
        """Return the parameter as it counts here: without a known pixel size, in pixels."""
        picture = self._context.picture
        if parameter.unit == "mm" and picture is not None and not picture.spacing.is_known:
            return replace(parameter, unit="px")
        return parameter

    def _set(self, index: int, parameter: str, value: float | bool | str) -> None:
        self._performing.perform("enhance.set", index=index, parameter=parameter, value=value)


def _quiet(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName("quiet")
    button.setFixedSize(20, 18)
    button.setToolTip(tip)
    return button


def _told(found: Filter) -> str:
    return f"{found.purpose}\n{found.caution}\n{found.source}"
