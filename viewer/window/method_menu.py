"""Menus of what plug-ins bring: made when they open, since no start waits for plug-ins."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True)
class MenuRow:
    """A method to choose from a menu: its group, its name, what it is for, and how it fails."""

    group: str
    title: str
    purpose: str
    caution: str
    call: Callable[..., object]


def grouped_menu(parent: QWidget, rows: Callable[[], Iterable[MenuRow]]) -> QMenu:
    """Return a menu of methods under the names of their groups; filled when it opens."""
    menu = QMenu(parent)

    def fill() -> None:
        menu.clear()
        groups: dict[str, QMenu] = {}
        for row in rows():
            if row.group not in groups:
                groups[row.group] = menu.addMenu(row.group)
                groups[row.group].setToolTipsVisible(True)
            entry = groups[row.group].addAction(row.title)
            entry.setToolTip(f"{row.purpose}\n{row.caution}")
            entry.triggered.connect(row.call)

    menu.aboutToShow.connect(fill)
    return menu
