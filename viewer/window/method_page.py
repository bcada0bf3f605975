"""The page of help on segmentation methods: what they are for, how they fail, what was measured."""

import json
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.segmenters import Segmenter
from viewer.resources import resource_root
from viewer.window.controls import label

_TABLE = ("help", "segmentation.json")
_NOTE = (
    "A method is tried from the panel (Segment by a method): it is shown while its settings move, and "
    "becomes one edit by Apply (Alt+Return); Esc drops it without a trace. Only values, Only in and "
    "Segments limit where it may find something. Click for places inside, Shift+click for places "
    "outside, drag to scribble. Memberships are kept beside the mask, and Segments as another SEG writes "
    "them; the panel names the steps that made a segment. Settings of the table below were tuned on other pictures than those "
    "that were measured; 95 % intervals by the bootstrap over cases. They say nothing of patients. "
    "negatoscope evaluate segmentation --json prints all of it."
)
_HANDS = (
    "By hand, in any plane: Polygon (C) and Edit contour (Shift+C) let corners be dragged; Alt and a "
    "click takes one away, a press on an edge sets one (Shift in an open polygon). Smooth curves "
    "(Alt+Shift+C) draws splines through them. Live wire (Alt+W) follows edges between clicks. Free-hand "
    "(U) joins, with Alt cuts off. Redraw the edge (Alt+C) replaces the shorter way between both ends of a "
    "stroke, with Alt the longer one. Nudge (Shift+U) pushes the edge. Preview the fill between slices "
    "(Alt+Shift+F) goes on while one draws; Shift+PgDown copies to the next slice, oblique ones too."
)
_PICTURES = ("help", "segmentation")
_LEGEND = (
    "Pictures: the worst and the best case of each row, on the slice where most is wrong and on the "
    "one with the most lesion. Thick yellow: the truth; thin blue: what was found. Methods are given "
    "a box of 8 mm about the lesion and a seed; networks see the whole piece of a chest and are told "
    "of no place. The shipped networks were trained on generated chests of the same kind (other seeds), "
    "which favours them here."
)
_COLUMNS = ("dice", "sensitivity", "precision", "hd95")
_HEADS = ("method", "Dice", "sensitivity", "precision", "HD95 mm")


def method_page(context: Context) -> QWidget:
    """Return the page."""
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.addWidget(_wrapped(_NOTE, "dim"))
    column.addWidget(_wrapped(_HANDS, "dim"))
    for task in tasks():
        title = f"{task['task']}: tuned on {task['tuned_on']}, measured on {task['measured_on']}"
        column.addWidget(label(title, "heading"))
        column.addWidget(_wrapped(_LEGEND, "dim"))
        column.addWidget(_grid(task["methods"], task["measured_on"]))
    groups: dict[str, list[Segmenter]] = {}
    for method in context.extensions.segmenters.values():
        groups.setdefault(method.group, []).append(method)
    for name, members in groups.items():
        column.addWidget(label(name, "heading"))
        for method in members:
            column.addWidget(label(method.title, "strong"))
            column.addWidget(_wrapped(f"{method.purpose} {method.caution}"))
            for preset in method.presets:
                column.addWidget(_wrapped(f"{preset.title} ({preset.source})", "caption"))
            column.addWidget(_wrapped(method.source, "caption"))
    column.addStretch(1)
    return inside


def tasks() -> list[dict[str, Any]]:
    """Return what ``negatoscope evaluate segmentation --json`` measured; [] without the file."""
    path = resource_root().joinpath(*_TABLE)
    if not path.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["tasks"]
    return found


def figure_text(figure: dict[str, Any], n_cases: int = 0) -> str:
    """Return a figure with its interval, "0.64 (0.55-0.72)", and on how many of ``n_cases`` it stands.

    A distance is not defined where nothing was found: the number of cases says that it flatters.
    """
    if figure["value"] is None:
        return "none"
    low, high = figure["interval_95"]
    digits = 1 if figure.get("unit") == "mm" else 2
    text = f"{figure['value']:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"
    n = figure.get("n", n_cases)
    return f"{text}, {n} of {n_cases}" if n < n_cases else text


def _grid(methods: list[dict[str, Any]], n_cases: int) -> QWidget:
    table = QWidget()
    grid = QGridLayout(table)
    grid.setHorizontalSpacing(14)
    for n, head in enumerate(_HEADS):
        grid.addWidget(label(head, "caption"), 0, n)
    for n, method in enumerate(methods):
        row = 3 * n + 1
        title = f"{method['title']} (network)" if method.get("is_network") else method["title"]
        grid.addWidget(label(title, "strong"), row, 0)
        for column, name in enumerate(_COLUMNS, start=1):
            grid.addWidget(label(figure_text(method[name], n_cases)), row, column)
        rest = (
            f"IoU {figure_text(method['iou'])}, specificity {figure_text(method['specificity'])}; "
            f"worst: {method.get('worst', '')}; best: {method.get('best', '')}"
        )
        grid.addWidget(label(rest, "caption"), row + 1, 0, 1, len(_HEADS))
        grid.addWidget(_ends(method), row + 2, 0, 1, len(_HEADS))
    return table


def _ends(method: dict[str, Any]) -> QWidget:
    """Return the worst and the best case as pictures, each beside its Dice; empty without them."""
    inside = QWidget()
    row = QHBoxLayout(inside)
    row.setContentsMargins(0, 0, 0, 12)
    for end, found in method.get("pictures", {}).items():
        shown = QLabel()
        shown.setPixmap(QPixmap(str(resource_root().joinpath(*_PICTURES, found["file"]))))
        words = f"{method['title']}: {end}, {method[end]}, Dice {method[end + '_dice']:.2f}"
        shown.setAccessibleName(words)
        row.addWidget(shown)
        text = (
            f"{end}\n{method[end]}\nDice {method[end + '_dice']:.2f}\n"
            f"slice {found['slice']} of {found['n_slices']}"
        )
        row.addWidget(label(text, "caption"))
    row.addStretch(1)
    return inside


def _wrapped(text: str, kind: str = "") -> QLabel:
    found = label(text, kind) if kind else label(text)
    found.setWordWrap(True)
    found.setAlignment(Qt.AlignmentFlag.AlignTop)
    return found
