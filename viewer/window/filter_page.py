"""The page of help on filters and presets: descriptions, pictures, and what was measured."""

import json
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.actions.enhance_presets import presets_of
from viewer.domain.chain_text import chain_text, group_of
from viewer.domain.methods import Filter, Parameter
from viewer.extensions.presets import Preset
from viewer.resources import resource_root
from viewer.window.controls import label

_HELP = ("help", "filters")
_TABLE = ("help", "enhancement.json")
_NOTE = (
    "Filters change what is shown; measurements, statistics and networks go on reading stored "
    "voxels. Pictures: before and after, with usual settings, drawn by the program. Measured on "
    "generated pictures of known truth: negatoscope evaluate enhancement prints all of it."
)
_FLAWS = {
    "gaussian": "Gaussian noise",
    "rician": "Rician noise",
    "speckle": "speckle",
    "low_contrast": "low contrast",
    "uneven_light": "uneven light",
    "blur": "blur",
}


def filter_page(context: Context) -> QWidget:
    """Return the page."""
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.addWidget(_wrapped(_NOTE, "dim"))
    column.addWidget(label("Presets", "heading"))
    table = _table()
    for preset in presets_of(context).known.values():
        column.addWidget(label(preset.title, "strong"))
        column.addWidget(_wrapped(f"{preset.purpose} {preset.caution}"))
        column.addWidget(_wrapped(chain_text(preset.chain), "dim"))
        column.addWidget(_wrapped(_measured(preset, table), "dim"))
    groups: dict[str, list[Filter]] = {}
    for found in context.extensions.filters.values():
        groups.setdefault(group_of(found), []).append(found)
    for name, members in groups.items():
        column.addWidget(label(name, "heading"))
        column.addWidget(_group(members))
    column.addStretch(1)
    return inside


def _group(members: list[Filter]) -> QWidget:
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setContentsMargins(0, 0, 8, 8)
    grid.setHorizontalSpacing(14)
    grid.setColumnStretch(1, 1)
    for row, found in enumerate(members):
        grid.addWidget(_picture(found.key), row, 0, Qt.AlignmentFlag.AlignTop)
        settings = "; ".join(_setting(parameter) for parameter in found.parameters)
        text = f"{found.title}\n{found.purpose} {found.caution}"
        for part in (settings and f"Settings: {settings}.", _facts(found)):
            text += f"\n{part}" if part else ""
        grid.addWidget(_wrapped(text), row, 1, Qt.AlignmentFlag.AlignTop)
    return inside


def _picture(key: str) -> QLabel:
    path = resource_root().joinpath(*_HELP, f"{key}.png")
    shown = QLabel()
    if path.is_file():
        shown.setPixmap(QPixmap(str(path)))
    shown.setFixedWidth(176)
    return shown


def _facts(found: Filter) -> str:
    facts = [f"Source: {found.source}."]
    if found.unit_after:
        facts.insert(
            0, f"Values in {found.unit_after.replace('{unit}', 'the unit of the picture')}."
        )
    if found.volume_function is not None:
        facts.insert(0, "Also in three dimensions, as a series.")
    return " ".join(facts)


def _setting(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return f"{parameter.title} ({', '.join(parameter.choices)})"
    if parameter.kind == "bool":
        return f"{parameter.title} (on, off)"
    span = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}".strip()
    return f"{parameter.title} ({span})"


def _wrapped(text: str, name: str = "") -> QLabel:
    found = label(text, name)
    found.setWordWrap(True)
    found.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return found


def _table() -> list[dict[str, Any]]:
    path = resource_root().joinpath(*_TABLE)
    if not path.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return found


def _measured(preset: Preset, table: list[dict[str, Any]]) -> str:
    """Return what the preset gained against each flaw, where it was measured."""
    parts = []
    for row in table:
        if row["preset"] != preset.key or row["source"] != "generated":
            continue
        before, after = row["before"], row["after"]
        figures = [
            f"{title} {before[name]:.3g} → {after[name]:.3g}"
            for name, title in (("cnr", "CNR"), ("psnr_db", "PSNR"))
            if before[name] is not None and after[name] is not None
        ]
        parts.append(f"{_FLAWS.get(row['degradation'], row['degradation'])}: {', '.join(figures)}")
    return "; ".join(parts) + "." if parts else "Not measured."
