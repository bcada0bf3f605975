"""The enhancement chain: steps with sliders made from the filters' own descriptions."""

from functools import partial

from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.actions.enhance import chain_of
from viewer.domain.chain import Chain, Step
from viewer.domain.methods import Filter, Parameter
from viewer.window.controls import (
    Card,
    Switch,
    ValueSlider,
    clear_layout,
    heading,
    label,
    row_of,
)
from viewer.window.performing import Performing


class EnhancePanel(QWidget):
    """Steps of the shown picture's chain."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._drawn: tuple[tuple[str, bool], ...] | None = None
        self._sliders: list[dict[str, ValueSlider]] = []
        self._time = label("", "faint")
        self.refresh()

    def refresh(self) -> None:
        """Follow the chain; sliders that are being dragged are kept."""
        chain = chain_of(self._context) if self._context.picture is not None else Chain()
        drawn = tuple((step.key, step.on) for step in chain.steps)
        if drawn != self._drawn:
            self._drawn = drawn
            self._build(chain)
            return
        for step, sliders in zip(chain.steps, self._sliders, strict=True):
            for name, slider in sliders.items():
                if not slider.slider.isSliderDown():
                    slider.set_value(float(step.values()[name]))

    def show_time(self, milliseconds: float) -> None:
        """Show how long the chain took on the last plane."""
        self._time.setText(f"{milliseconds:.0f} ms" if milliseconds > 0 else "")

    def _build(self, chain: Chain) -> None:
        clear_layout(self._column)
        self._sliders = []
        hint = label("hold O for the original", "caption") if chain.steps else None
        self._column.addLayout(heading("Enhance · this series", hint))
        for index, step in enumerate(chain.steps):
            found = self._context.extensions.filters.get(step.key)
            if found is not None:
                self._column.addWidget(self._card(index, step, found))
        add = QPushButton("Add a step")
        menu = QMenu(add)
        for filter_ in self._context.extensions.filters.values():
            entry = menu.addAction(filter_.title)
            entry.setToolTip(f"{filter_.purpose} {filter_.caution}")
            entry.triggered.connect(partial(self._add, filter_.key))
        menu.setToolTipsVisible(True)
        add.setMenu(menu)
        self._time = label("", "faint")
        split = QPushButton("Split line")
        split.setToolTip("Original left, enhanced right (S)")
        split.setEnabled(bool(chain.steps))
        split.clicked.connect(lambda: self._performing.perform("enhance.split"))
        self._column.addLayout(row_of(add, split, self._time, None))

    def _add(self, key: str, _checked: bool = False) -> None:
        self._performing.perform("enhance.add", filter=key)

    def _card(self, index: int, step: Step, found: Filter) -> Card:
        card = Card()
        switch = Switch(on=step.on, tip=f"{found.title} on or off")
        switch.clicked.connect(lambda: self._performing.perform("enhance.toggle", index=index))
        title = label(
            found.title, "" if step.on else "dim", tip=f"{found.purpose}\n{found.caution}"
        )
        away = QPushButton("×")
        away.setObjectName("quiet")
        away.setFixedSize(20, 18)
        away.setToolTip(f"Remove {found.title}")
        away.clicked.connect(lambda: self._performing.perform("enhance.remove", index=index))
        earlier = QPushButton("↑")
        earlier.setObjectName("quiet")
        earlier.setFixedSize(20, 18)
        earlier.setToolTip(f"Apply {found.title} earlier")
        earlier.setVisible(index > 0)
        earlier.clicked.connect(
            lambda: self._performing.perform("enhance.move", index=index, to=index - 1)
        )
        card.column.addLayout(row_of(title, None, earlier, away, switch))
        sliders: dict[str, ValueSlider] = {}
        if step.on:
            for parameter in found.parameters:
                self._add_parameter(card, sliders, index, step, parameter)
        self._sliders.append(sliders)
        return card

    def _add_parameter(
        self,
        card: Card,
        sliders: dict[str, ValueSlider],
        index: int,
        step: Step,
        parameter: Parameter,
    ) -> None:
        value = step.values().get(parameter.key, parameter.default)

        def change(new: float | bool | str) -> None:
            self._performing.perform("enhance.set", index=index, parameter=parameter.key, value=new)

        if parameter.kind in ("float", "int"):
            slider = ValueSlider(
                parameter.title,
                float(value),
                parameter.low,
                parameter.high,
                lambda number: _number(number, parameter),
            )
            slider.moved = change
            # One drag is one step to undo; the next drag is another.
            slider.slider.sliderReleased.connect(self._context.session.seal)
            sliders[parameter.key] = slider
            card.column.addWidget(slider)
        elif parameter.kind == "choice":
            box = QComboBox()
            box.addItems(list(parameter.choices))
            box.setCurrentText(str(value))
            box.textActivated.connect(change)
            card.column.addLayout(row_of(label(parameter.title, "dim"), None, box))
        else:
            switch = Switch(on=bool(value), tip=parameter.title)
            switch.toggled.connect(change)
            card.column.addLayout(row_of(label(parameter.title, "dim"), None, switch))


def _number(value: float, parameter: Parameter) -> str:
    if parameter.kind == "int":
        return f"{round(value)} {parameter.unit}".strip()
    return f"{value:.2f} {parameter.unit}".strip()
