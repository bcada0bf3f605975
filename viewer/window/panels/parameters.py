"""One control for one parameter of a method, made from its description."""

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox

from viewer.domain.chain import Setting
from viewer.domain.methods import Parameter
from viewer.window.controls import Card, Switch, ValueSlider, label, row_of


def add_parameter(
    card: Card,
    parameter: Parameter,
    value: Setting,
    change: Callable[[float | bool | str], None],
) -> ValueSlider | None:
    """Put a parameter's control into ``card``; return its slider if it is a number."""
    if parameter.kind in ("float", "int"):
        slider = ValueSlider(
            parameter.title,
            float(value),
            parameter.low,
            parameter.high,
            lambda number: _number(number, parameter),
        )
        # A whole number of a slider with many places: told once for each whole number.
        slider.moved = lambda number: change(_rounded(number, parameter))
        card.column.addWidget(slider)
        return slider
    if parameter.kind == "choice":
        box = QComboBox()
        box.addItems(list(parameter.choices))
        box.setCurrentText(str(value))
        box.textActivated.connect(change)
        card.column.addLayout(row_of(label(parameter.title, "dim"), None, box))
    else:
        switch = Switch(on=bool(value), tip=parameter.title)
        switch.toggled.connect(change)
        card.column.addLayout(row_of(label(parameter.title, "dim"), None, switch))
    return None


def _rounded(value: float, parameter: Parameter) -> float:
    return round(value) if parameter.kind == "int" else value


def _number(value: float, parameter: Parameter) -> str:
    if parameter.kind == "int":
        return f"{round(value)} {parameter.unit}".strip()
    digits = 2 if parameter.high < 100 else 0
    return f"{value:.{digits}f} {parameter.unit}".strip()
